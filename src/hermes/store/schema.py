"""The schema's versions: numbered SQL files, each applied in one transaction.

A store of another version is brought up to date or refused; it is never emptied or made anew.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hermes.store.backend import Transaction, Value

FOLDER = Path(__file__).parent / "migrations"

CREATE_SCHEMA_INFO = """
CREATE TABLE IF NOT EXISTS schema_info (
    version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at DOUBLE PRECISION NOT NULL)
"""
SELECT_VERSION = "SELECT MAX(version) AS n FROM schema_info"
INSERT_VERSION = "INSERT INTO schema_info (version, name, applied_at) VALUES (:version, :name, :applied_at)"
INSERT_FACT = "INSERT INTO store_facts (name, value) VALUES (:name, :value)"


class Dialect(msgspec.Struct, frozen=True):
    """The words on which databases differ."""

    identity_key: str
    """A rising 64-bit primary key whose numbers are never used twice."""


class Migration(msgspec.Struct, frozen=True):
    """One step of the schema: `<version>_<name>.sql`."""

    version: int
    name: str
    sql: str

    def statements(self, dialect: Dialect) -> list[str]:
        """The single statements, in the words of `dialect`."""
        text = re.sub(r"--[^\n]*", "", self.sql).replace("IDENTITY_KEY", dialect.identity_key)
        return [statement for part in text.split(";") if (statement := part.strip())]


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """All steps that ship with this version, in order."""
    steps = []
    for file in sorted(folder.glob("[0-9]*.sql")):
        number, _, name = file.stem.partition("_")
        steps.append(Migration(int(number), name, file.read_text("utf-8")))
    return steps


def newest_version(folder: Path = FOLDER) -> int:
    """The version that this program writes."""
    return max(int(file.name.partition("_")[0]) for file in folder.glob("[0-9]*.sql"))


def apply(transaction: Transaction, step: Migration, dialect: Dialect, now: float) -> None:
    """Run one step and note it, inside the caller's transaction."""
    for statement in step.statements(dialect):
        transaction.change(statement)
    values: dict[str, Value] = {"version": step.version, "name": step.name, "applied_at": now}
    transaction.change(INSERT_VERSION, **values)


def pending(steps: Sequence[Migration], version: int) -> list[Migration]:
    """The steps that a store of `version` still needs."""
    return [step for step in steps if step.version > version]
