"""Search over everything that was said. The index catches up with the transcript before each search."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from hermes.store import search_query
from hermes.store.backend import Backend, Row, Transaction, count
from hermes.store.errors import StoreError
from hermes.store.records import Message, Role, Scope, SearchHit
from hermes.store.rows import message_from
from hermes.store.scoping import in_scope, scope_values
from hermes.store.search_index import Entry, Progress, SearchIndex, Sort, discard
from hermes.store.snippets import snippet

T = TypeVar("T")

BATCH = 500
"""Messages a transaction of the index."""
INDEXED_CHARACTERS = 20_000
"""Of one message; the rest of a huge tool output is not found, and is still in the transcript."""

STORE_ID = "SELECT value FROM store_facts WHERE name = 'store_id'"
HIGHEST_MESSAGE = "SELECT MAX(id) AS n FROM messages"
MESSAGES_AFTER = """
SELECT m.*, s.profile AS profile, s.person AS person
FROM messages m JOIN sessions s ON s.id = m.session_id
WHERE m.id > :after ORDER BY m.id LIMIT :limit
"""
DELETED_AFTER = """
SELECT number, session_id FROM deleted_sessions WHERE number > :after ORDER BY number LIMIT :limit
"""
HIT = f"""
SELECT m.*, s.title AS session_title, s.source AS session_source
FROM messages m JOIN sessions s ON s.id = m.session_id
WHERE m.id = :id AND m.state <> 'undone' AND {in_scope("s")}
"""


class Search:
    """The search of a store. The index file is made when it is first needed."""

    def __init__(self, backend: Backend, file: Path) -> None:
        self._backend = backend
        self._file = file
        self._index: SearchIndex | None = None
        self._known_store_id: str | None = None
        self._thread = ThreadPoolExecutor(1, "store-search")

    async def search(
        self,
        scope: Scope,
        query: str,
        *,
        limit: int = 10,
        roles: Sequence[Role] = ("user", "assistant"),
        sort: Sort = "relevance",
    ) -> list[SearchHit]:
        """Find messages. The query's syntax is that of `search_query`; no query is an error, and one
        without a word finds nothing. What a person has undone is not found; what was compacted is."""
        parsed = search_query.parse(query)
        if not parsed.match or limit < 1:
            return []
        await self.catch_up()
        # Rows that were undone since they were indexed are dropped below, so a few more are asked for.
        found = await self._on_index(
            lambda index: index.find(
                parsed.match, scope.profile, scope.person, roles, sort, limit=2 * limit + 10
            )
        )

        def read(transaction: Transaction) -> list[tuple[Row, float]]:
            values = scope_values(scope)
            hits = ((transaction.one(HIT, id=number, **values), score) for number, score in found)
            return [(row, score) for row, score in hits if row is not None][:limit]

        return [_hit(row, score, parsed.words) for row, score in await self._backend.read(read)]

    async def catch_up(self, *, limit: int | None = None) -> int:
        """Index what is new, at most `limit` messages; how many were indexed."""
        done = 0
        while limit is None or done < limit:
            taken = await self._take_batch(BATCH if limit is None else min(BATCH, limit - done))
            if taken is None:
                break
            done += taken
        return done

    async def _take_batch(self, limit: int) -> int | None:
        """Index one batch; how many messages, or None when there was nothing new."""
        seen = await self._on_index(SearchIndex.progress)
        reached, entries, deleted = await self._backend.read(lambda t: _news(t, seen, limit))
        if reached == seen:
            return None
        if reached.message_id < seen.message_id and not deleted:
            await self.rebuild()  # the store is older than its index: it was put back by hand
            return 0
        taken = await self._on_index(lambda index: index.advance(seen, reached, entries, deleted))
        return len(entries) if taken else 0

    async def follow(self) -> None:
        """Index a bounded batch, if this home has an index at all; for long-lived processes after each
        run."""
        if self._file.exists():
            await self.catch_up(limit=BATCH)

    async def rebuild(self) -> None:
        """Empty the index; the next search or `catch_up` fills it again."""
        store_id = await self._store_id()
        await self._on_index(lambda index: index.start_over(store_id))

    async def close(self) -> None:
        await asyncio.to_thread(self._shut_down)

    def _shut_down(self) -> None:
        self._thread.shutdown()
        self._close_index()

    async def _on_index(self, work: Callable[[SearchIndex], T]) -> T:
        """Run `work` on the index's thread. A damaged index is thrown away and made anew, once."""
        store_id = await self._store_id()

        def run() -> T:
            try:
                return work(self._opened(store_id))
            except sqlite3.DatabaseError as error:
                if "fts5" in str(error) and "no such module" in str(error):
                    raise StoreError("Search needs an SQLite with FTS5; this Python's has none.") from error
                self._close_index()
                discard(self._file)
            try:
                return work(self._opened(store_id))
            except sqlite3.DatabaseError as error:
                raise StoreError(f"The search index {self._file} cannot be used ({error}).") from error

        return await asyncio.get_running_loop().run_in_executor(self._thread, run)

    def _opened(self, store_id: str) -> SearchIndex:
        if self._index is not None and not self._index.is_current():
            self._close_index()
        if self._index is None:
            self._index = SearchIndex(self._file, store_id)
        return self._index

    def _close_index(self) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None

    async def _store_id(self) -> str:
        """Which store this is. It does not change while it is open."""
        if self._known_store_id is None:
            row = await self._backend.read(lambda t: t.one(STORE_ID))
            self._known_store_id = str(row["value"]) if row else ""
        return self._known_store_id


def indexed_text(message: Message) -> str:
    """What a message is found by: what was said, and the calls that were made."""
    calls = (f"{call.name} {_in_words(call.arguments)}" for call in message.tool_calls)
    return "\n".join(part for part in (message.content, *calls) if part)[:INDEXED_CHARACTERS]


def _in_words(arguments: str) -> str:
    """The values of a call's arguments, without the marks of JSON."""
    try:
        return " ".join(_values(msgspec.json.decode(arguments)))
    except (ValueError, RecursionError):  # what a model wrote need not be JSON
        return arguments


def _values(value: object) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _values(item)
    elif value is not None:
        yield str(value)


def _news(transaction: Transaction, seen: Progress, limit: int) -> tuple[Progress, list[Entry], list[str]]:
    """What the index has not seen, and how far that gets it."""
    deleted = transaction.all(DELETED_AFTER, after=seen.deleted, limit=limit)
    rows = transaction.all(MESSAGES_AFTER, after=seen.message_id, limit=limit)
    # When the newest session was deleted, the mark falls back with it: numbers are never used twice.
    last_id = rows[-1]["id"] if rows else min(seen.message_id, count(transaction, HIGHEST_MESSAGE))
    reached = Progress(last_id, deleted[-1]["number"] if deleted else seen.deleted)
    return reached, [_entry(row) for row in rows], [row["session_id"] for row in deleted]


def _entry(row: Row) -> Entry:
    return Entry(
        message_id=row["id"],
        session_id=row["session_id"],
        profile=row["profile"],
        person=row["person"],
        role=row["role"],
        created_at=row["created_at"],
        text=search_query.split_ideographs(indexed_text(message_from(row))),
    )


def _hit(row: Row, score: float, words: Sequence[str]) -> SearchHit:
    return SearchHit(
        session_id=row["session_id"],
        message_id=row["id"],
        role=row["role"],
        snippet=snippet(indexed_text(message_from(row)), words),
        created_at=row["created_at"],
        score=score,
        session_title=row["session_title"],
        source=row["session_source"],
    )
