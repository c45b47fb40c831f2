"""The search index: a file of its own, made from the transcript, that can be thrown away at any time.

It remembers how far it has read (the highest message id, the highest number of a deleted session) and for
which store. Who may see a row is indexed with the row, so that the scope narrows the search itself.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal

import msgspec

from hermes.store.records import Role

INDEX_VERSION = 2
CANDIDATES = 2000
"""Of the rows that match, this many newest ones are ranked; a word that stands in every row stays fast."""

Sort = Literal["relevance", "newest", "oldest"]
ORDERS: dict[Sort, str] = {
    "relevance": "d.role = 'tool', c.score, c.id DESC",
    "newest": "d.created_at DESC, c.id DESC",
    "oldest": "d.created_at, c.id",
}
ROLE_NUMBERS: dict[Role, int] = {"user": 1, "assistant": 2, "tool": 3}

SCHEMA = """
CREATE TABLE progress (store_id TEXT, version INTEGER, message_id INTEGER, deleted INTEGER);
CREATE TABLE scopes (number INTEGER PRIMARY KEY, profile TEXT, person TEXT, UNIQUE (profile, person));
CREATE TABLE rows (message_id INTEGER PRIMARY KEY, session_id TEXT, role TEXT, created_at REAL);
CREATE INDEX rows_session ON rows (session_id);
CREATE VIRTUAL TABLE words USING fts5 (
    body, marks, tokenize = 'porter unicode61 remove_diacritics 2', prefix = '2 3 4');
"""


class Entry(msgspec.Struct, kw_only=True, frozen=True):
    """A message as it is indexed."""

    message_id: int
    session_id: str
    profile: str
    person: str
    role: Role
    created_at: float
    text: str


class Progress(msgspec.Struct, frozen=True):
    """How far the index has read."""

    message_id: int
    deleted: int


class SearchIndex:
    """One connection to the index file, used by one thread at a time. Any method may raise
    `sqlite3.DatabaseError`: then the file is damaged, and `discard` and a new start is the remedy."""

    def __init__(self, file: Path, store_id: str) -> None:
        self.file = file
        if not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        self._inode = file.stat().st_ino
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=10.0)
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute("PRAGMA secure_delete = ON")
            self._prepare(store_id)
        except BaseException:
            self._connection.close()
            raise

    def is_current(self) -> bool:
        """False when another process has thrown the file away meanwhile."""
        try:
            return self.file.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def close(self) -> None:
        self._connection.close()

    def progress(self) -> Progress:
        row = self._connection.execute("SELECT message_id, deleted FROM progress").fetchone()
        if row is None:
            raise sqlite3.DatabaseError("the index does not know how far it has read")
        return Progress(*row)

    def advance(
        self, seen: Progress, reached: Progress, entries: Iterable[Entry], deleted: Sequence[str]
    ) -> bool:
        """Take in what was read since `seen`. False, and nothing is changed, when another process was
        faster."""
        with closing(self._connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                is_next = self.progress() == seen
                if is_next:
                    self._add(cursor, entries)
                    for session_id in deleted:
                        self._forget(cursor, session_id)
                    cursor.execute(
                        "UPDATE progress SET message_id = ?, deleted = ?", msgspec.structs.astuple(reached)
                    )
                cursor.execute("COMMIT")
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
        return is_next

    def find(
        self, match: str, profile: str, person: str | None, roles: Sequence[Role], sort: Sort, limit: int
    ) -> list[tuple[int, float]]:
        """Message ids and scores (higher is better), best first."""
        number = self._scope(profile, person)
        if number is None or not roles:
            return []
        first = "ASC" if sort == "oldest" else "DESC"
        marks = " OR ".join(f'"s{number}r{ROLE_NUMBERS[role]}"' for role in roles)
        statement = f"""
            SELECT c.id, -c.score FROM (
                SELECT rowid AS id, bm25(words, 1.0, 0.0) AS score FROM words
                WHERE words MATCH :match ORDER BY rowid {first} LIMIT {CANDIDATES}
            ) c JOIN rows d ON d.message_id = c.id
            ORDER BY {ORDERS[sort]} LIMIT :limit
        """
        values = {"match": f"marks : ({marks}) AND body : ({match})", "limit": limit}
        return self._connection.execute(statement, values).fetchall()

    def start_over(self, store_id: str) -> None:
        """Empty the index, for `store_id`."""
        with closing(self._connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                for table in ("words", "rows", "scopes", "progress"):
                    cursor.execute(f"DROP TABLE IF EXISTS {table}")
                for statement in SCHEMA.strip().split(";\n"):
                    cursor.execute(statement)
                cursor.execute("INSERT INTO progress VALUES (?, ?, 0, 0)", (store_id, INDEX_VERSION))
                cursor.execute("COMMIT")
            except BaseException:
                cursor.execute("ROLLBACK")
                raise

    def _prepare(self, store_id: str) -> None:
        try:
            found = self._connection.execute("SELECT store_id, version FROM progress").fetchone()
        except sqlite3.OperationalError:
            found = None
        if found != (store_id, INDEX_VERSION):
            self.start_over(store_id)

    def _add(self, cursor: sqlite3.Cursor, entries: Iterable[Entry]) -> None:
        numbers: dict[tuple[str, str | None], int] = {}
        for entry in entries:
            marks = []
            for person in (None, entry.person):
                key = (entry.profile, person)
                if key not in numbers:
                    numbers[key] = self._scope(*key) or self._new_scope(cursor, *key)
                marks.append(f"s{numbers[key]}r{ROLE_NUMBERS[entry.role]}")
            cursor.execute(
                "INSERT INTO rows VALUES (?, ?, ?, ?)",
                (entry.message_id, entry.session_id, entry.role, entry.created_at),
            )
            cursor.execute(
                "INSERT INTO words (rowid, body, marks) VALUES (?, ?, ?)",
                (entry.message_id, entry.text, " ".join(marks)),
            )

    def _forget(self, cursor: sqlite3.Cursor, session_id: str) -> None:
        ids = cursor.execute("SELECT message_id FROM rows WHERE session_id = ?", (session_id,)).fetchall()
        cursor.executemany("DELETE FROM words WHERE rowid = ?", ids)
        cursor.executemany("DELETE FROM rows WHERE message_id = ?", ids)

    def _scope(self, profile: str, person: str | None) -> int | None:
        """The number that stands for a profile (person None) or for a person in it."""
        row = self._connection.execute(
            "SELECT number FROM scopes WHERE profile = ? AND person IS ?", (profile, person)
        ).fetchone()
        return None if row is None else int(row[0])

    def _new_scope(self, cursor: sqlite3.Cursor, profile: str, person: str | None) -> int:
        cursor.execute("INSERT INTO scopes (profile, person) VALUES (?, ?)", (profile, person))
        return int(cursor.lastrowid or 0)


def discard(file: Path) -> None:
    """Throw an index away."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
