"""Backups are sound copies of a live store; a check names what is wrong."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hermes.store.database import Store, StoreError
from hermes.store.records import Message, Scope, Session

pytestmark = pytest.mark.anyio


async def test_a_backup_of_a_busy_store_is_whole(
    store: Store, scope: Scope, session: Session, tmp_path: Path
) -> None:
    pair = [Message(role="user", content="x" * 3000), Message(role="assistant", content="y" * 3000)]

    async def keep_writing() -> None:
        while True:
            await store.messages.append(scope, session.id, pair)

    writing = asyncio.create_task(keep_writing())
    for _ in range(5):
        await asyncio.sleep(0.02)
        await store.backup(tmp_path / "copy.db")
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob(".*"))
    copy = Store(tmp_path / "copy.db", tmp_path / "copy-search.db")
    assert copy.check() == []
    rows = await copy.messages.all(scope, session.id)
    assert len(rows) > 0
    assert len(rows) % 2 == 0
    await copy.messages.append(scope, session.id, pair)
    await copy.close()


async def test_a_restored_copy_does_not_use_the_index_of_the_original(
    store: Store, scope: Scope, session: Session, tmp_path: Path
) -> None:
    await store.backup(tmp_path / "copy.db")
    await store.messages.append(scope, session.id, [Message(role="user", content="later")])
    assert len(await store.search.search(scope, "later")) == 1
    await store.close()
    (tmp_path / "copy.db").replace(store.file)
    restored = Store(store.file, tmp_path / "search.db")
    await restored.messages.append(scope, session.id, [Message(role="user", content="different")])
    assert await restored.search.search(scope, "later") == []
    assert len(await restored.search.search(scope, "different")) == 1
    await restored.close()


async def test_a_backup_to_a_bad_place_is_one_sentence(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist; make it"):
        await store.backup(tmp_path / "nowhere" / "copy.db")
    with pytest.raises(StoreError, match="is a folder"):
        await store.backup(tmp_path)


async def test_a_check_names_rows_that_belong_to_nothing(
    store: Store, scope: Scope, session: Session
) -> None:
    await store.messages.append(scope, session.id, [Message(role="user", content="x")])
    assert store.check() == []
    with closing(sqlite3.connect(store.file, isolation_level=None)) as careless:
        careless.execute("DELETE FROM sessions")
    (finding,) = store.check()
    assert "row 1 of messages names a row of sessions that does not exist" in finding


async def test_a_check_finds_overwritten_pages(store: Store, scope: Scope, session: Session) -> None:
    await store.messages.append(scope, session.id, [Message(role="user", content="x" * 2000)] * 200)
    await store.close()
    size = store.file.stat().st_size
    with store.file.open("r+b") as stream:
        stream.seek(size // 2)
        stream.write(b"\xff" * 8192)
    assert store.check()
    damaged = Store(store.file, store.file.with_name("search.db"))
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        await damaged.messages.all(scope, session.id)
    await damaged.close()
