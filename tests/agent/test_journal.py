"""What a run writes down: one order, no gaps, whatever happens to the task, the store or the viewers."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from hermes.agent.journal import Journal
from hermes.store.backend import Transaction
from hermes.store.database import Store, StoreError
from hermes.store.events import EventRecord, MessageDelta, ModelRetried
from hermes.store.opening import open_file
from hermes.store.records import Message, Run, Scope, Session
from hermes.store.sqlite import SqliteBackend

pytestmark = pytest.mark.anyio

T = TypeVar("T")
SCOPE = Scope()


class WeakBackend(SqliteBackend):
    """A database that takes its time, and that can be told to refuse the next write."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, open_file(file))
        self.seconds = 0.0
        self.refuses = False

    async def write(self, work: Callable[[Transaction], T], *, durable: bool = False) -> T:
        def slow(transaction: Transaction) -> T:
            time.sleep(self.seconds)
            if self.refuses:
                self.refuses = False
                raise StoreError("The disk is full.")
            return work(transaction)

        return await super().write(slow, durable=durable)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.backend = WeakBackend(folder / "hermes.db")
        self.store = Store(folder / "hermes.db", folder / "search.db", backend=self.backend)
        self.shown: list[EventRecord] = []
        self.run: Run
        self.journal: Journal

    async def begin(self) -> None:
        session = await self.store.sessions.create(SCOPE, Session(id="20260101_000000_abcdef"))
        self.run, _ = await self.store.runs.accept(
            SCOPE, session.id, Message(role="user", content="hello"), source="cli"
        )
        lease = await self.store.runs.claim(SCOPE, self.run.id, "me:1:1", lease_seconds=60)
        assert lease is not None
        self.journal = Journal(self.store, lease, self.shown.append)

    async def stored(self) -> list[EventRecord]:
        return await self.store.events.since(SCOPE, self.run.id)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    await bench.begin()
    yield bench
    await bench.store.close()


def retried(number: int) -> ModelRetried:
    return ModelRetried(reason="timeout", message="again", attempt=number, wait_seconds=0.0)


async def test_a_step_that_is_cancelled_is_written_to_its_end(bench: Bench) -> None:
    bench.backend.seconds = 0.05
    bench.journal.text("some text", 0)
    first = asyncio.create_task(bench.journal.record(events=[retried(1)]))
    second = asyncio.create_task(bench.store.sessions.update(SCOPE, bench.run.session_id, title="busy"))
    third = asyncio.create_task(bench.journal.record(events=[retried(2)]))
    await asyncio.sleep(0.01)
    first.cancel()
    third.cancel()
    await asyncio.gather(first, second, third, return_exceptions=True)
    await bench.journal.record(events=[retried(3)])
    stored = await bench.stored()
    assert [record.seq for record in stored] == list(range(1, len(stored) + 1))
    assert stored[1:] == bench.shown
    assert [type(record.event).__name__ for record in stored[1:3]] == ["MessageDelta", "ModelRetried"]


async def test_a_step_that_the_store_refuses_leaves_no_gap_and_loses_no_text(bench: Bench) -> None:
    bench.journal.text("before", 0)
    bench.backend.refuses = True
    with pytest.raises(StoreError):
        await bench.journal.record(events=[retried(1)])
    bench.journal.text(" and after", 6)
    await bench.journal.record(events=[retried(2)])
    stored = await bench.stored()
    assert [record.seq for record in stored] == [1, 2, 3]
    assert stored[1].event == MessageDelta(text="before and after", offset=0)


async def test_what_arrives_while_a_step_is_written_is_shown_behind_it(bench: Bench) -> None:
    bench.backend.seconds = 0.05
    writing = asyncio.create_task(bench.journal.record(events=[retried(1)]))
    await asyncio.sleep(0.01)
    bench.journal.text("meanwhile", 0)
    await writing
    await bench.journal.flush()
    assert [record.seq for record in bench.shown] == [2, 3]
    assert bench.shown == (await bench.stored())[1:]


async def test_a_viewer_that_fails_does_not_hold_up_the_run(bench: Bench) -> None:
    def fail(record: EventRecord) -> None:
        raise BrokenPipeError("the viewer is gone")

    journal = Journal(bench.store, bench.journal.lease, fail)
    journal.text("hello", 0)
    await journal.record(events=[retried(1)])
    assert len(await bench.stored()) == 3
