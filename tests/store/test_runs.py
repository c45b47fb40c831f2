"""Runs: accepted once, one at a time in a session, fenced, taken over when their process dies."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from hermes.store.database import LeaseLost, Store, StoreError
from hermes.store.disk import Space
from hermes.store.events import EventRecord, MessageDelta, MessageStored, RunFinished, RunQueued
from hermes.store.owners import this_process
from hermes.store.records import Lease, Message, Run, Scope, Session, ToolCall, ToolCallRecord, Usage
from hermes.store.runs import Compaction
from tests.store.conftest import Clock

pytestmark = pytest.mark.anyio

HELLO = Message(role="user", content="hello")
ELSEWHERE = "another-host:1:1"


async def accepted(store: Store, scope: Scope, session: Session, external_id: str | None = None) -> Run:
    run, _ = await store.runs.accept(scope, session.id, HELLO, source="api", external_id=external_id)
    return run


async def claimed(store: Store, scope: Scope, run: Run, owner: str = ELSEWHERE) -> Lease:
    lease = await store.runs.claim(scope, run.id, owner, lease_seconds=30)
    assert lease is not None
    return lease


def started(run: Run, call_id: str) -> ToolCallRecord:
    return ToolCallRecord(
        run_id=run.id, call_id=call_id, name="terminal", arguments="{}", state="started", started_at=1.0
    )


def at(run: Run, seq: int, event: object) -> EventRecord:
    return EventRecord(run.id, seq, 5.0, event)  # type: ignore[arg-type]


async def test_a_redelivery_is_the_first_run(store: Store, scope: Scope, session: Session) -> None:
    first, is_new = await store.runs.accept(scope, session.id, HELLO, source="telegram", external_id="42")
    again, is_new_again = await store.runs.accept(
        scope, session.id, Message(role="user", content="other"), source="telegram", external_id="42"
    )
    elsewhere, is_new_elsewhere = await store.runs.accept(
        scope, session.id, HELLO, source="slack", external_id="42"
    )
    assert (is_new, is_new_again, is_new_elsewhere) == (True, False, True)
    assert again == first
    assert first.input == HELLO
    assert elsewhere.id != first.id
    events = await store.events.since(scope, first.id)
    assert [record.event for record in events] == [RunQueued(session_id=session.id, source="telegram")]
    assert await store.messages.all(scope, session.id) == []


async def test_someone_elses_external_id_gives_nothing_away(store: Store) -> None:
    ann, ben = Scope(person="ann"), Scope(person="ben")
    for scope, name in ((ann, "a"), (ben, "b")):
        await store.sessions.create(scope, Session(id=name))
    await store.runs.accept(ann, "a", HELLO, source="api", external_id="7")
    with pytest.raises(StoreError, match="already used on api by someone else"):
        await store.runs.accept(ben, "b", HELLO, source="api", external_id="7")


async def test_accept_wants_a_session_and_reopens_an_ended_one(
    store: Store, scope: Scope, session: Session
) -> None:
    with pytest.raises(StoreError, match="There is no session nobody"):
        await store.runs.accept(scope, "nobody", HELLO, source="cli")
    await store.sessions.update(scope, session.id, ended_at=3.0, end_reason="exit")
    await accepted(store, scope, session)
    reopened = await store.sessions.get(scope, session.id)
    assert reopened is not None
    assert (reopened.ended_at, reopened.end_reason) == (None, None)


async def test_accept_refuses_on_a_nearly_full_disk(tmp_path: Path, scope: Scope) -> None:
    space = Space(total=10**12, free=10**9)
    store = Store(tmp_path / "hermes.db", tmp_path / "search.db", measure=lambda path: space)
    await store.sessions.create(scope, Session(id="s"))
    await store.runs.accept(scope, "s", HELLO, source="cli")
    space = Space(total=10**12, free=10**7)
    with pytest.raises(StoreError, match=r"nearly full \(9.5 MiB free, 64.0 MiB are kept in reserve\)"):
        await store.runs.accept(scope, "s", HELLO, source="cli")
    assert len(await store.runs.unfinished(scope)) == 1
    await store.close()


async def test_one_run_a_session_in_the_order_they_came(store: Store, scope: Scope, session: Session) -> None:
    runs = [await accepted(store, scope, session) for _ in range(3)]
    other = await store.sessions.create(scope, Session(id="other"))
    parallel = await accepted(store, scope, other)
    assert await store.runs.claim(scope, runs[1].id, ELSEWHERE, lease_seconds=30) is None
    lease = await claimed(store, scope, runs[0])
    assert lease.last_event_seq == 1
    assert await store.runs.claim(scope, runs[0].id, ELSEWHERE, lease_seconds=30) is None
    assert await store.runs.claim(scope, runs[1].id, ELSEWHERE, lease_seconds=30) is None
    await claimed(store, scope, parallel)
    assert [run.id for run in await store.runs.unfinished(scope)] == [runs[1].id, runs[2].id]
    await store.runs.finish(lease, status="completed", reason="answered", usage=Usage())
    assert await store.runs.claim(scope, runs[0].id, ELSEWHERE, lease_seconds=30) is None
    await claimed(store, scope, runs[1])
    assert await store.runs.claim(scope, "nobody", ELSEWHERE, lease_seconds=30) is None
    assert await store.runs.claim(Scope(profile="x"), runs[2].id, ELSEWHERE, lease_seconds=30) is None


async def test_a_step_is_stored_whole(store: Store, scope: Scope, session: Session) -> None:
    run = await accepted(store, scope, session)
    lease = await claimed(store, scope, run)
    answer = Message(role="assistant", model="m9", tool_calls=(ToolCall("c", "terminal", "{}"),))
    stored = await store.runs.record(
        lease,
        messages=[HELLO, answer],
        tools_started=[started(run, "c")],
        events=[
            at(run, 2, MessageStored(message=answer)),
            at(run, 3, MessageDelta(text="é\udc00", offset=0)),
        ],
        usage=Usage(model_calls=1, input_tokens=7),
        status="waiting_for_approval",
    )
    assert await store.messages.active(scope, session.id) == stored
    assert {row.run_id for row in stored} == {run.id}
    assert await store.runs.tool_calls(scope, run.id) == [started(run, "c")]
    events = await store.events.since(scope, run.id, 1)
    assert events[0].event == MessageStored(message=stored[1])
    assert events[1].event == MessageDelta(text="é?", offset=0)
    assert await store.events.since(scope, run.id, 1, limit=1) == events[:1]
    assert await store.events.since(Scope(profile="x"), run.id) == []
    now = await store.runs.get(scope, run.id)
    assert now is not None
    assert (now.status, now.usage.input_tokens) == ("waiting_for_approval", 7)
    assert [row.model for row in await store.spend.by_day(scope, 1_800_000_000.0)] == ["m9"]


async def test_a_step_that_fails_leaves_nothing(store: Store, scope: Scope, session: Session) -> None:
    run = await accepted(store, scope, session)
    lease = await claimed(store, scope, run)
    with pytest.raises(StoreError):
        await store.runs.record(
            lease, messages=[HELLO], events=[at(run, 1, MessageDelta(text="x", offset=0))]
        )
    with pytest.raises(StoreError):
        await store.runs.record(lease, messages=[HELLO], compact=Compaction((99,)))
    assert await store.messages.all(scope, session.id) == []
    assert len(await store.events.since(scope, run.id)) == 1


async def test_finish_counts_what_was_not_counted(store: Store, scope: Scope, session: Session) -> None:
    run = await accepted(store, scope, session)
    lease = await claimed(store, scope, run)
    first = Usage(model_calls=1, input_tokens=10, cost_usd=0.25, cost_status="estimated")
    await store.runs.record(lease, usage=first)
    await store.sessions.add_usage(scope, session.id, first, model="m", provider="p", run_id=run.id)
    total = first.plus(first).plus(first)
    answer = Message(role="assistant", content="done")
    end = RunFinished(status="completed", reason="answered", usage=total, answer="done")
    await store.runs.finish(
        lease,
        status="completed",
        reason="answered",
        usage=total,
        answer="done",
        messages=[answer],
        events=[at(run, 2, end)],
    )
    finished = await store.runs.get(scope, run.id)
    assert finished is not None
    assert finished.usage == total
    assert (finished.status, finished.answer, finished.owner) == ("completed", "done", None)
    assert finished.finished_at == 1_800_000_000.0
    kept = await store.sessions.get(scope, session.id)
    assert kept is not None
    assert kept.usage == total
    assert await store.spend.since(scope, 1_800_000_000.0) == total
    assert (await store.events.since(scope, run.id))[-1].event == end


async def test_a_run_cannot_finish_as_something_unfinished(
    store: Store, scope: Scope, session: Session
) -> None:
    lease = await claimed(store, scope, await accepted(store, scope, session))
    with pytest.raises(ValueError, match="cannot finish as 'interrupted'"):
        await store.runs.finish(lease, status="interrupted", reason="x", usage=Usage())


async def test_an_overdue_run_is_taken_over_and_its_old_holder_fenced(
    store: Store, scope: Scope, session: Session, clock: Clock
) -> None:
    run = await accepted(store, scope, session)
    old = await claimed(store, scope, run)
    done = started(run, "done")
    done.state, done.finished_at, done.ok, done.exit_code = "finished", 2.0, True, 0
    await store.runs.record(old, tools_started=[started(run, "open")], tools_finished=[done])
    clock.now += 29
    await store.runs.renew(old, 30)
    clock.now += 29
    assert await store.runs.unfinished(scope) == []
    assert await store.runs.claim(scope, run.id, "b:2:2", lease_seconds=30) is None
    clock.now += 2
    assert [one.id for one in await store.runs.unfinished(scope, session.id)] == [run.id]
    new = await claimed(store, scope, run, "b:2:2")
    assert new.epoch == old.epoch + 1
    calls = {call.call_id: call.state for call in await store.runs.tool_calls(scope, run.id)}
    assert calls == {"open": "unknown", "done": "finished"}

    for late in (
        store.runs.record(old, messages=[HELLO]),
        store.runs.finish(old, status="completed", reason="answered", usage=Usage()),
        store.runs.renew(old, 30),
        store.runs.release(old),
    ):
        with pytest.raises(LeaseLost, match="no longer held by this process"):
            await late
    assert await store.messages.all(scope, session.id) == []
    await store.runs.record(new, messages=[HELLO])


async def test_the_fence_is_the_epoch_and_not_the_name(
    store: Store, scope: Scope, session: Session, clock: Clock
) -> None:
    """A holder that lost its run to itself (stalled, then claimed again) has two leases under one name."""
    run = await accepted(store, scope, session)
    old = await claimed(store, scope, run)
    clock.now += 31
    new = await claimed(store, scope, run)
    assert new.owner == old.owner
    with pytest.raises(LeaseLost):
        await store.runs.record(old, messages=[HELLO])
    await store.runs.record(new, messages=[HELLO])


async def test_a_lease_that_ran_out_still_holds_until_someone_takes_it(
    store: Store, scope: Scope, session: Session, clock: Clock
) -> None:
    lease = await claimed(store, scope, await accepted(store, scope, session))
    clock.now += 1000
    await store.runs.record(lease, messages=[HELLO])
    assert len(await store.messages.all(scope, session.id)) == 1


async def test_a_released_run_is_free_at_once(store: Store, scope: Scope, session: Session) -> None:
    run = await accepted(store, scope, session)
    lease = await claimed(store, scope, run)
    await store.runs.release(lease)
    assert [one.status for one in await store.runs.unfinished(scope)] == ["interrupted"]
    with pytest.raises(LeaseLost):
        await store.runs.record(lease, messages=[HELLO])
    again = await claimed(store, scope, run)
    await store.runs.finish(again, status="failed", reason="model_error", usage=Usage(), error="No.")
    assert await store.runs.unfinished(scope) == []


async def test_only_a_queued_run_is_cancelled(store: Store, scope: Scope, session: Session) -> None:
    first, second = await accepted(store, scope, session), await accepted(store, scope, session)
    await claimed(store, scope, first)
    assert not await store.runs.cancel(scope, first.id)
    assert not await store.runs.cancel(Scope(profile="x"), second.id)
    assert await store.runs.cancel(scope, second.id)
    assert not await store.runs.cancel(scope, second.id)
    events = [record.event for record in await store.events.since(scope, second.id)]
    assert events[1:] == [RunFinished(status="cancelled", reason="cancelled", usage=Usage())]


async def test_a_deleted_session_ends_the_lease(store: Store, scope: Scope, session: Session) -> None:
    lease = await claimed(store, scope, await accepted(store, scope, session))
    await store.sessions.delete(scope, session.id)
    with pytest.raises(LeaseLost):
        await store.runs.record(lease, messages=[HELLO])


CLAIM = """
import asyncio, sys
from pathlib import Path
from hermes.store.database import Store
from hermes.store.owners import this_process
from hermes.store.records import Scope

async def main():
    store = Store(Path(sys.argv[1]), Path(sys.argv[2]))
    print("ready", flush=True)
    sys.stdin.readline()
    for run_id in sys.argv[3:]:
        lease = await store.runs.claim(Scope(), run_id, this_process(), lease_seconds=60)
        print(run_id if lease else "none", flush=True)
    sys.stdin.readline()

asyncio.run(main())
"""


def start_claimer(store: Store, run_ids: Sequence[str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CLAIM, str(store.file), str(store.file.with_name("search.db")), *run_ids]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def test_of_two_processes_exactly_one_claims_a_run(store: Store, scope: Scope, clock: Clock) -> None:
    clock.now = time.time()  # as the other processes see it
    ids = []
    for number in range(20):
        session = await store.sessions.create(scope, Session(id=f"s{number}"))
        ids.append((await accepted(store, scope, session)).id)
    processes = [start_claimer(store, ids) for _ in range(2)]
    try:
        pipes = [(process.stdin, process.stdout) for process in processes]
        for _, output in pipes:
            assert output is not None
            assert output.readline() == "ready\n"
        for given, _ in pipes:
            assert given is not None
            given.write("go\n")
            given.flush()
        claims: Counter[str] = Counter()
        for _, output in pipes:
            assert output is not None
            claims.update(output.readline().strip() for _ in ids)
        assert claims == Counter({"none": 20, **dict.fromkeys(ids, 1)})
        assert await store.runs.unfinished(scope) == []  # both holders live
        processes[0].kill()
        processes[0].wait()
        processes[1].kill()
        processes[1].wait()
        # They are dead, and their leases run for another minute: the runs are free at once.
        assert {run.id for run in await store.runs.unfinished(scope)} == set(ids)
        assert await store.runs.claim(scope, ids[0], this_process(), lease_seconds=60) is not None
    finally:
        for process in processes:
            process.kill()
            process.communicate()
