"""Opening a store file: make it when it is missing, bring it up to date, or refuse it and say why.

A new store is built in a file of its own and then linked into place, so that the real name never stands for
an empty or half-made database: a file of zero bytes is damage, whoever left it.
"""

import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from hermes.store.errors import StoreError
from hermes.store.schema import (
    CREATE_SCHEMA_INFO,
    INSERT_FACT,
    SELECT_VERSION,
    Migration,
    apply,
    migrations,
    newest_version,
    pending,
)
from hermes.store.sqlite import DIALECT, OLDEST_SQLITE, SqliteTransaction, connect, explained

MAGIC = b"SQLite format 3\x00"
UNCHANGED = "nothing was changed"


def open_file(file: Path, steps: Sequence[Migration] | None = None) -> sqlite3.Connection:
    """The writer connection to an up-to-date store. Raises StoreError naming the file, what was found and
    that nothing was changed."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(
            f"SQLite {sqlite3.sqlite_version} is too old for {file}; "
            f"Python needs to be built with {'.'.join(map(str, OLDEST_SQLITE))} or newer."
        )
    try:
        if not file.exists():
            _create(file, migrations() if steps is None else steps)
        _refuse_damaged(file)
    except OSError as error:
        raise StoreError(f"The store {file} cannot be opened: {error.strerror or error}.") from error
    with explained(file):
        connection = connect(file)
        try:
            _bring_up_to_date(file, connection, steps)
            connection.execute("PRAGMA journal_mode = WAL")  # a restored backup comes without
        except BaseException:
            connection.close()
            raise
    return connection


def _create(file: Path, steps: Sequence[Migration]) -> None:
    """Build a new store beside `file` and put it there in one step, unless another process was faster."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.{os.urandom(4).hex()}")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with explained(draft):
            connection = connect(draft)
            try:
                connection.execute("PRAGMA synchronous = OFF")  # the whole file is synced once, below
                _migrate(connection, steps, steps[-1].version)
                connection.execute("PRAGMA journal_mode = WAL")
            finally:
                connection.close()
        _sync(draft)
        _put_in_place(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def _put_in_place(draft: Path, file: Path) -> None:
    try:
        os.link(draft, file)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not file.exists():
            draft.rename(file)
    _sync(file.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_damaged(file: Path) -> None:
    """What can be seen of damage without reading the whole file."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        header = stream.read(100)
    if size == 0:
        raise _damaged(file, "it is empty (0 bytes)")
    if header[:16] != MAGIC or len(header) < 100:
        raise _damaged(file, "it is not an SQLite database")
    log = file.with_name(file.name + "-wal")
    if log.exists() and log.stat().st_size:
        return  # pages that are missing here may still be in the log
    if header[24:28] != header[92:96]:
        return  # written by something that does not keep the size in the header
    page = int.from_bytes(header[16:18], "big")
    expected = int.from_bytes(header[28:32], "big") * (65536 if page == 1 else page)
    if size < expected:
        raise _damaged(file, f"it has {size} bytes and its header says {expected}")


def _damaged(file: Path, found: str) -> StoreError:
    return StoreError(f"The store {file} is damaged: {found}; restore it from a backup; {UNCHANGED}.")


def _bring_up_to_date(file: Path, connection: sqlite3.Connection, steps: Sequence[Migration] | None) -> None:
    version = _version(file, connection)
    newest = newest_version() if steps is None else steps[-1].version
    if version > newest:
        raise StoreError(
            f"The store {file} has schema version {version}, and this program knows versions up to {newest}; "
            f"use the newer program that wrote it; {UNCHANGED}."
        )
    if version < newest:
        _migrate(connection, migrations() if steps is None else steps, newest)


def _version(file: Path, connection: sqlite3.Connection) -> int:
    try:
        row = SqliteTransaction(connection).one(SELECT_VERSION)
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            raise StoreError(
                f"The file {file} is an SQLite database, but not a store of this program; "
                f"move it away to start a new one; {UNCHANGED}."
            ) from error
        raise
    if row is None or row["n"] is None:
        raise _damaged(file, "its schema version is missing")
    return int(row["n"])


def _migrate(connection: sqlite3.Connection, steps: Sequence[Migration], newest: int) -> None:
    """Apply what is missing, one transaction a step. Another process may be doing the same: the version is
    read again inside each transaction."""
    transaction = SqliteTransaction(connection)
    version = -1
    while version < newest:
        connection.execute("BEGIN IMMEDIATE")
        try:
            transaction.change(CREATE_SCHEMA_INFO)
            row = transaction.one(SELECT_VERSION)
            version = int(row["n"] or 0) if row else 0
            for step in pending(steps, version)[:1]:
                apply(transaction, step, DIALECT, time.time())
                if version == 0:
                    transaction.change(INSERT_FACT, name="store_id", value=os.urandom(16).hex())
                version = step.version
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
