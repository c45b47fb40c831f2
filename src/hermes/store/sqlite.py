"""The store on SQLite: one writer thread, a few readers, one hop to a thread for a whole transaction."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from hermes.store.backend import Row, Transaction, Value
from hermes.store.errors import Conflict, StoreError
from hermes.store.schema import Dialect

T = TypeVar("T")

DIALECT = Dialect(identity_key="INTEGER PRIMARY KEY AUTOINCREMENT")
BUSY_SECONDS = 10.0
READERS = 2
WAL_BYTES = 64 * 1024 * 1024
OLDEST_SQLITE = (3, 35, 0)
"""The first with RETURNING."""


class SqliteTransaction:
    """A transaction on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self, statement: str, /, **values: Value) -> list[Row]:
        return self._connection.execute(statement, values).fetchall()

    def one(self, statement: str, /, **values: Value) -> Row | None:
        rows = self._connection.execute(statement, values).fetchall()
        return rows[0] if rows else None

    def change(self, statement: str, /, **values: Value) -> int:
        return self._connection.execute(statement, values).rowcount


class SqliteBackend:
    """Runs transactions on one database file. Takes over the writer connection that `opening` prepared."""

    def __init__(self, file: Path, writer: sqlite3.Connection) -> None:
        self.file = file
        self._writer = writer
        self._durable = True
        self._idle: list[sqlite3.Connection] = []
        self._write_thread = ThreadPoolExecutor(1, "store-writer")
        self._read_threads = ThreadPoolExecutor(READERS, "store-reader")
        self._closed = False

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._hop(self._read_threads, lambda: self._read(work))

    async def write(self, work: Callable[[Transaction], T], *, durable: bool = False) -> T:
        return await self._hop(self._write_thread, lambda: self._write(work, durable))

    async def close(self) -> None:
        """Finish what was handed in, then close every connection. Closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._shut_down)

    def _shut_down(self) -> None:
        self._read_threads.shutdown()
        self._write_thread.shutdown()
        for connection in [*self._idle, self._writer]:
            connection.close()

    async def _hop(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._closed:
            raise StoreError(f"The store {self.file} is closed; open it again before using it.")
        return await asyncio.get_running_loop().run_in_executor(threads, work)

    def _read(self, work: Callable[[Transaction], T]) -> T:
        with explained(self.file):
            connection = self._idle_reader()
            try:
                with _transaction(connection, "BEGIN"):
                    return work(SqliteTransaction(connection))
            finally:
                self._idle.append(connection)

    def _idle_reader(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()  # one step, so that two threads never take the same
        except IndexError:
            return connect(self.file, read_only=True)

    def _write(self, work: Callable[[Transaction], T], durable: bool) -> T:
        with explained(self.file):
            if durable is not self._durable:
                self._writer.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._durable = durable
            with _transaction(self._writer, "BEGIN IMMEDIATE"):
                return work(SqliteTransaction(self._writer))


def connect(file: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with our settings, usable from any one thread at a time."""
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    if not read_only:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")  # what a person deletes is overwritten
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may already have rolled it back
            connection.execute("ROLLBACK")
        raise


@contextmanager
def explained(file: Path) -> Iterator[None]:
    """Turn what SQLite raises into one sentence for people."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise Conflict(f"The store {file} refused a change that breaks its rules ({error}).") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(_sentence(file, error)) from error


def _sentence(file: Path, error: sqlite3.DatabaseError) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # extended codes keep the cause in the low byte
    if code == sqlite3.SQLITE_FULL:
        return f"The disk that holds {file} is full; free some space and try again; nothing was half written."
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return (
            f"Another process kept {file} locked for {BUSY_SECONDS:.0f} seconds; try again when it is done."
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"The store {file} is damaged ({error}); restore it from a backup; nothing was changed."
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return f"The store {file} cannot be opened for writing ({error}); check its owner and permissions."
    return f"The store {file} failed ({error})."
