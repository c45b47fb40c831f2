"""One run from its claim to its end: the lease, the heartbeat, the loop, and the transaction that ends it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from hermes.agent.active_run import ActiveRun
from hermes.agent.compaction import compact
from hermes.agent.ending import Ending, Interrupted
from hermes.agent.left_over import (
    calls_without_result,
    count_earlier_calls,
    results_for,
    settle_left_over_calls,
)
from hermes.agent.loop import run_loop, steer_message
from hermes.store.database import LeaseLost, StoreError
from hermes.store.events import ContextCompacted, RunFinished, RunStarted
from hermes.store.records import Lease, Message, Run
from hermes.store.runs import Runs

LEASE_SECONDS = 30.0
RENEW_SECONDS = 10.0

log = logging.getLogger("hermes.runs")


async def execute(active: ActiveRun, runs: Runs) -> Run:
    """Work on a claimed run until it ends, and return it as stored. Raises LeaseLost when another process
    has taken it over meanwhile."""
    async with _kept_alive(runs, active.journal.lease):
        ending = await _ended(active, runs)
    # The heartbeat has stopped: it would take the end of the run for a lost lease.
    await _finish(active, ending)
    run = await runs.get(active.scope, active.run.id)
    assert run is not None
    return run


async def _ended(active: ActiveRun, runs: Runs) -> Ending:
    """Do what the run is for, and say how that ended. Our own bugs are an ending, too."""
    try:
        if is_compaction(active.run.input):
            return await _compact(active)
        await _begin(active, runs)
        return await run_loop(active)
    except LeaseLost:
        raise
    except Exception as error:  # the border of a run: our bug becomes its reason, with the details logged
        log.exception("run %s failed inside", active.run.id)
        detail = f"The run failed inside ({type(error).__name__}); the log has the details."
        return Ending(
            status="failed",
            reason="internal_error",
            error=str(error) if isinstance(error, StoreError) else detail,
        )


async def _begin(active: ActiveRun, runs: Runs) -> None:
    """Put the input into the transcript, or, after a crash, settle what the dead process left behind."""
    run = active.run
    resumed = any(message.run_id == run.id for message in active.transcript)
    if not resumed:
        await active.append(run.input, events=[_started(active)])
        return
    await active.journal.record(events=[_started(active, resumed=True)])
    # Rows that were compacted since count as well.
    rows = await active.store.messages.all(active.scope, active.session.id)
    active.model_calls = sum(row.role == "assistant" and row.run_id == run.id for row in rows)
    count_earlier_calls(active)
    await settle_left_over_calls(active, await runs.tool_calls(active.scope, run.id))


def _started(active: ActiveRun, *, resumed: bool = False) -> RunStarted:
    endpoint = active.model.endpoint
    return RunStarted(
        session_id=active.session.id,
        model=endpoint.model,
        provider=endpoint.provider,
        resumed=resumed,
        notes=active.notes,
    )


COMPACTION = "/compress"


def compaction_input(focus: str) -> Message:
    """The input of a run that asks for a compaction. It is never a row of the transcript."""
    return Message(role="user", kind="notice", content=f"{COMPACTION} {focus}".strip())


def is_compaction(input: Message) -> bool:
    """Whether a run's input asks for a compaction, and not for an answer."""
    return input.kind == "notice"


async def _compact(active: ActiveRun) -> Ending:
    focus = active.run.input.content.removeprefix(COMPACTION).strip()
    await active.journal.record(events=[_started(active)])
    try:
        outcome = await active.steering.unless_stopped(compact(active, focus=focus, forced=True))
    except Interrupted:
        return Ending(status="cancelled", reason="interrupted", error=active.steering.reason or None)
    return Ending(status="completed", reason="compacted" if isinstance(outcome, ContextCompacted) else "kept")


async def _finish(active: ActiveRun, ending: Ending) -> None:
    answer = ending.answer
    text = active.masked(answer.content) if answer is not None else None
    error = active.masked(ending.error) if ending.error else None
    rows = [*await _without_result(active, ending), *_unread_steers(active)]
    await active.journal.finish(
        status=ending.status,
        reason=ending.reason,
        usage=active.usage,
        messages=[*rows, answer] if answer is not None else rows,
        events=[
            RunFinished(
                status=ending.status, reason=ending.reason, usage=active.usage, answer=text, error=error
            )
        ],
        answer=text,
        error=error,
    )


async def _without_result(active: ActiveRun, ending: Ending) -> list[Message]:
    """Results for calls that were left without one when the run failed inside."""
    if ending.reason != "internal_error":
        return []
    # The store knows what was written last; a task that was cancelled in the failure may not.
    rows = await active.store.messages.active(active.scope, active.session.id)
    records = await active.store.runs.tool_calls(active.scope, active.run.id)
    return results_for(calls_without_result(rows), records, active.clock())


def _unread_steers(active: ActiveRun) -> list[Message]:
    """What people said too late for this run: the next one reads it."""
    text = active.steering.close()
    return [steer_message(text, active.clock())] if text else []


@contextlib.asynccontextmanager
async def _kept_alive(runs: Runs, lease: Lease) -> AsyncIterator[None]:
    """Renew the lease while the body runs; when it is lost, the body is cancelled and LeaseLost raised."""
    body = asyncio.current_task()
    assert body is not None
    lost: list[LeaseLost] = []

    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await runs.renew(lease, LEASE_SECONDS)
            except LeaseLost as error:
                lost.append(error)
                body.cancel()
                return
            except StoreError:  # such as a store that is locked: there is time for another try
                log.warning("the lease of run %s could not be renewed", lease.run_id, exc_info=True)

    heartbeat = asyncio.create_task(renew())
    try:
        try:
            yield
        finally:
            heartbeat.cancel()
            await asyncio.gather(heartbeat, return_exceptions=True)
    except asyncio.CancelledError:
        if lost and body.uncancel() == 0:  # else somebody else has cancelled it, too
            raise lost[0] from None
        raise
