"""Checking a store file, and copying it while it is used."""

import os
import sqlite3
from pathlib import Path

from hermes.store.errors import StoreError
from hermes.store.sqlite import connect, explained

RENEW_ID = "UPDATE store_facts SET value = ? WHERE name = 'store_id'"


def findings(file: Path) -> list[str]:
    """What is wrong with a store file, one sentence each."""
    try:
        connection = connect(file, read_only=True)
    except sqlite3.Error as error:
        return [f"{file} cannot be opened ({error})."]
    try:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check(20)")]
        sentences = [f"{file}: {line}." for line in found if line != "ok"]
        for table, row_id, parent, _ in connection.execute("PRAGMA foreign_key_check"):
            sentences.append(f"{file}: row {row_id} of {table} names a row of {parent} that does not exist.")
        return sentences
    except sqlite3.DatabaseError as error:
        return [f"{file} is damaged ({error})."]
    finally:
        connection.close()


def copy(file: Path, target: Path) -> None:
    """Copy a live store to `target`, as one snapshot; writers go on meanwhile. The copy gets an identity of
    its own, so that a search index made for the original is not taken for one of a restored copy. Raises
    StoreError when the copy is not sound."""
    if not target.parent.is_dir():
        raise StoreError(
            f"The folder {target.parent} does not exist; make it, or name another place for the backup."
        )
    if target.is_dir():
        raise StoreError(f"{target} is a folder; name a file for the backup.")
    draft = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with explained(file):
            _copy_and_check(file, draft)
        draft.replace(target)
    except OSError as error:
        raise StoreError(f"The backup {target} cannot be written: {error.strerror or error}.") from error
    finally:
        draft.unlink(missing_ok=True)


def _copy_and_check(file: Path, draft: Path) -> None:
    source = connect(file, read_only=True)
    connection = sqlite3.connect(draft, isolation_level=None)
    try:
        source.backup(connection)
        connection.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(RENEW_ID, (os.urandom(16).hex(),))
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    finally:
        connection.close()
        source.close()
    if found != "ok":
        raise StoreError(
            f"The backup was thrown away because the copy is damaged ({found}); run a check of the store."
        )
