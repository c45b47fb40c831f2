"""The SQLite backend under threads, cancellation and other processes."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from hermes.store.backend import Transaction
from hermes.store.database import Store, StoreError
from hermes.store.records import Message, Scope, Session
from hermes.store.rows import clean, json_text

pytestmark = pytest.mark.anyio


async def test_many_tasks_write_and_read_at_once(store: Store, scope: Scope, session: Session) -> None:
    async def talk(number: int) -> int:
        await store.messages.append(scope, session.id, [Message(role="user", content=str(number))])
        return len(await store.messages.active(scope, session.id))

    lengths = await asyncio.gather(*(talk(number) for number in range(100)))
    assert max(lengths) == 100
    rows = await store.messages.all(scope, session.id)
    assert sorted(row.content for row in rows) == sorted(str(number) for number in range(100))
    ids = [row.id for row in rows]
    assert ids == sorted(ids)


async def test_an_error_inside_rolls_back_and_the_writer_goes_on(
    store: Store, scope: Scope, session: Session
) -> None:
    def fails(transaction: Transaction) -> None:
        transaction.change("DELETE FROM sessions")
        raise KeyError("ours")

    with pytest.raises(KeyError):
        await store._backend.write(fails)
    assert await store.sessions.get(scope, session.id) is not None
    await store.sessions.update(scope, session.id, title="Still writing")


async def test_a_cancelled_waiter_does_not_stop_the_transaction(
    store: Store, scope: Scope, session: Session
) -> None:
    running, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(transaction: Transaction) -> None:
        loop.call_soon_threadsafe(running.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(timeout=30)
        transaction.change("UPDATE sessions SET title = 'kept' WHERE id = :id", id=session.id)

    waiting = asyncio.create_task(store._backend.write(slow))
    await running.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    go_on.set()
    await store.sessions.update(scope, session.id, cwd="/after")  # queued behind it
    stored = await store.sessions.get(scope, session.id)
    assert stored is not None
    assert (stored.title, stored.cwd) == ("kept", "/after")


async def test_readers_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError, match="cannot be opened for writing"):
        await store._backend.read(lambda t: t.change("DELETE FROM sessions"))


async def test_a_read_sees_one_moment(store: Store, scope: Scope, session: Session) -> None:
    loop = asyncio.get_running_loop()

    def twice(transaction: Transaction) -> tuple[int, int]:
        first = transaction.all("SELECT COUNT(*) AS n FROM messages")[0]["n"]
        append = store.messages.append(scope, session.id, [Message(role="user", content="meanwhile")])
        asyncio.run_coroutine_threadsafe(append, loop).result(timeout=30)
        return first, transaction.all("SELECT COUNT(*) AS n FROM messages")[0]["n"]

    assert await store._backend.read(twice) == (0, 0)
    assert len(await store.messages.all(scope, session.id)) == 1


async def test_another_process_that_writes_is_waited_for(
    store: Store, scope: Scope, session: Session
) -> None:
    with closing(sqlite3.connect(store.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(store.sessions.update(scope, session.id, title="Waited"))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        other.execute("COMMIT")
    assert (await waiting).title == "Waited"


async def test_durable_writes_are_synced_and_steps_are_not(
    store: Store, scope: Scope, session: Session
) -> None:
    def mode(transaction: Transaction) -> int:
        return int(transaction.all("PRAGMA synchronous")[0]["synchronous"])

    normal, full = 1, 2
    assert await store._backend.write(mode, durable=True) == full
    assert await store._backend.write(mode) == normal
    assert await store._backend.write(mode, durable=True) == full


def test_text_that_is_no_text_becomes_text() -> None:
    assert clean("plain") == "plain"
    assert clean("a\x00b") == "a\ufffdb"
    assert clean("\ud83d") == "?"
    assert json_text({"k\udcff": ["\udcff", 1, None]}) == '{"k?":["?",1,null]}'
