"""One run from its claim to its end: the lease, the heartbeat, the loop, and the transaction that ends it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence

from hermes.agent.active_run import ActiveRun
from hermes.agent.ending import Ending
from hermes.agent.left_over import settle_left_over_calls
from hermes.agent.loop import run_loop
from hermes.store.database import LeaseLost
from hermes.store.events import RunFinished, RunStarted
from hermes.store.records import Lease, Message, Run
from hermes.store.runs import Runs

LEASE_SECONDS = 30.0
RENEW_SECONDS = 10.0

log = logging.getLogger("hermes.runs")


async def execute(active: ActiveRun, runs: Runs) -> Run:
    """Work on a claimed run until it ends, and return it as stored. Raises LeaseLost when another process
    has taken it over meanwhile."""
    async with _kept_alive(runs, active.journal.lease):
        await _begin(active, runs)
        ending = await _loop_or_internal_error(active)
        await _finish(active, ending)
    run = await runs.get(active.scope, active.run.id)
    assert run is not None
    return run


async def _begin(active: ActiveRun, runs: Runs) -> None:
    """Put the input into the transcript, or, after a crash, settle what the dead process left behind."""
    run = active.run
    rows: Sequence[Message] = [message for message in active.transcript if message.run_id == run.id]
    started = RunStarted(
        session_id=active.session.id,
        model=active.model.endpoint.model,
        provider=active.model.endpoint.provider,
        resumed=bool(rows),
    )
    if not rows:
        await active.append(run.input, events=[started])
        return
    active.model_calls = sum(message.role == "assistant" for message in rows)
    await active.journal.record(events=[started])
    await settle_left_over_calls(active, await runs.tool_calls(active.scope, run.id))


async def _loop_or_internal_error(active: ActiveRun) -> Ending:
    try:
        return await run_loop(active)
    except LeaseLost:
        raise
    except Exception as error:  # the border of a run: our bug becomes its reason, with the details logged
        log.exception("run %s failed inside", active.run.id)
        return Ending(
            status="failed",
            reason="internal_error",
            error=f"The run failed inside ({type(error).__name__}); the log has the details.",
        )


async def _finish(active: ActiveRun, ending: Ending) -> None:
    answer = ending.answer
    text = active.masked(answer.content) if answer is not None else None
    error = active.masked(ending.error) if ending.error else None
    await active.journal.finish(
        status=ending.status,
        reason=ending.reason,
        usage=active.usage,
        messages=[answer] if answer is not None else [],
        events=[
            RunFinished(
                status=ending.status, reason=ending.reason, usage=active.usage, answer=text, error=error
            )
        ],
        answer=text,
        error=error,
    )


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

    heartbeat = asyncio.create_task(renew())
    try:
        yield
    except asyncio.CancelledError:
        if lost:
            body.uncancel()
            raise lost[0] from None
        raise
    finally:
        heartbeat.cancel()
        await asyncio.gather(heartbeat, return_exceptions=True)
