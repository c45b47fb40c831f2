"""What is past its time goes; messages and unfinished runs never do."""

import asyncio
from pathlib import Path

import pytest

from hermes.store.database import Store
from hermes.store.events import EventRecord, MessageDelta
from hermes.store.maintenance import DAY, maintain
from hermes.store.owners import this_process
from hermes.store.records import Message, Run, Scope, Session, ToolCallRecord, Usage
from tests.store.conftest import Clock

pytestmark = pytest.mark.anyio


async def do_run(store: Store, scope: Scope, session: Session, *, finish: bool = True) -> Run:
    run, _ = await store.runs.accept(scope, session.id, Message(role="user", content="go"), source="cli")
    lease = await store.runs.claim(scope, run.id, this_process(), lease_seconds=60)
    assert lease is not None
    call = ToolCallRecord(
        run_id=run.id, call_id="c", name="t", arguments="{}", state="finished", started_at=1.0
    )
    delta = EventRecord(run.id, 2, 1.0, MessageDelta(text="x", offset=0))
    spent = Usage(model_calls=1)
    await store.runs.record(lease, messages=[run.input], tools_finished=[call], events=[delta], usage=spent)
    if finish:
        await store.runs.finish(lease, status="completed", reason="answered", usage=spent)
    return run


async def test_each_table_has_its_time(store: Store, scope: Scope, session: Session, clock: Clock) -> None:
    run = await do_run(store, scope, session)
    start = clock.now
    waiting = await do_run(store, scope, session, finish=False)

    async def left() -> tuple[int, int, bool]:
        events = await store.events.since(scope, run.id)
        calls = await store.runs.tool_calls(scope, run.id)
        return len(events), len(calls), await store.runs.get(scope, run.id) is not None

    for days, removed, expected in (
        (29, {}, (2, 1, True)),
        (31, {"events": 2}, (0, 1, True)),
        (91, {"tool_calls": 1}, (0, 0, True)),
        (366, {"runs": 1}, (0, 0, False)),
        (732, {"spend": 1}, (0, 0, False)),
    ):
        done = await store.maintain(start + days * DAY)
        assert {table: count for table, count in done.items() if count} == removed
        assert await left() == expected
    assert len(await store.events.since(scope, waiting.id)) == 2
    assert len(await store.messages.all(scope, session.id)) == 2
    assert store.check() == []


async def test_above_the_cap_the_oldest_events_go_first(
    store: Store, scope: Scope, session: Session, clock: Clock
) -> None:
    runs = []
    for _ in range(4):
        clock.now += 1
        runs.append(await do_run(store, scope, session))
    removed = await maintain(store._backend, clock.now, events_cap=5)
    assert removed["events"] == 4
    assert [len(await store.events.since(scope, run.id)) for run in runs] == [0, 0, 2, 2]


async def test_deleted_sessions_are_remembered_for_a_year(
    store: Store, scope: Scope, session: Session, clock: Clock
) -> None:
    await store.sessions.delete(scope, session.id)
    assert (await store.maintain(clock.now + 364 * DAY))["deleted_sessions"] == 0
    assert (await store.maintain(clock.now + 366 * DAY))["deleted_sessions"] == 1


async def test_it_is_done_once_a_day(store: Store, scope: Scope, session: Session, clock: Clock) -> None:
    await store.sessions.delete(scope, session.id)
    clock.now += 366 * DAY
    assert (await store.maintain_if_due(scope) or {})["deleted_sessions"] == 1
    assert await store.maintain_if_due(scope) is None
    clock.now += DAY - 1
    assert await store.maintain_if_due(scope) is None
    clock.now += 1
    assert await store.maintain_if_due(scope) is not None
    clock.now -= 10 * DAY  # the clock was wrong, and is put right
    assert await store.maintain_if_due(scope) is not None


async def test_two_processes_share_the_day(store: Store, scope: Scope, clock: Clock, tmp_path: Path) -> None:
    other = Store(tmp_path / "hermes.db", tmp_path / "search.db", clock=clock)
    done = await asyncio.gather(*(each.maintain_if_due(scope) for each in (store, other, store, other)))
    await other.close()
    assert sum(result is not None for result in done) == 1


async def test_sessions_that_ended_go_only_when_it_is_said_after_how_long(
    store: Store, scope: Scope, session: Session, clock: Clock
) -> None:
    await store.sessions.end(scope, session.id, "left")
    clock.now += 91 * DAY
    await store.maintain_if_due(scope)
    assert await store.sessions.get(scope, session.id) is not None
    clock.now += DAY
    assert (await store.maintain_if_due(scope, ended_session_days=93) or {})["sessions"] == 0
    clock.now += DAY
    assert (await store.maintain_if_due(scope, ended_session_days=92) or {})["sessions"] == 1
    assert await store.sessions.get(scope, session.id) is None
