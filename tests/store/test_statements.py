"""Every statement of the repositories must run on SQLite and PostgreSQL alike."""

import importlib
import pkgutil
import re

import pytest

import hermes.store
from hermes.store.schema import CREATE_SCHEMA_INFO, migrations
from hermes.store.sqlite import DIALECT

SQLITE_ALONE = {"search_index", "sqlite", "opening", "backup", "upstream"}
"""These talk to SQLite files and to nothing else."""
STATEMENT = re.compile(r"^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE)\b")
ONLY_SQLITE = re.compile(
    r"\b(PRAGMA|AUTOINCREMENT|ROWID|GLOB|IFNULL|UNIXEPOCH|STRFTIME|DATETIME|JULIANDAY|JSONB|JSON_EXTRACT|"
    r"GROUP_CONCAT|LAST_INSERT_ROWID|WITHOUT|INSERT OR|REPLACE INTO|COLLATE|TOTAL|INDEXED BY|RANDOMBLOB)\b",
    re.IGNORECASE,
)


def statements() -> dict[str, str]:
    found = {}
    for module_info in pkgutil.iter_modules(hermes.store.__path__):
        if module_info.name in SQLITE_ALONE:
            continue
        module = importlib.import_module(f"hermes.store.{module_info.name}")
        for name, value in vars(module).items():
            if name.isupper() and isinstance(value, str) and STATEMENT.match(value):
                found[f"{module_info.name}.{name}"] = value
    for step in migrations():
        for number, statement in enumerate(step.statements(DIALECT)):
            found[f"migration {step.version}.{number}"] = statement.replace(DIALECT.identity_key, "BIGINT")
    return found


def test_there_are_statements_to_check() -> None:
    assert len(statements()) > 60


@pytest.mark.parametrize("name", statements())
def test_a_statement_uses_only_what_both_databases_know(name: str) -> None:
    statement = statements()[name]
    without_text = re.sub(r"'[^']*'", "''", statement)
    assert "?" not in without_text, "placeholders have names"
    assert '"' not in without_text, "names need no quotes"
    assert "%" not in statement, "psycopg reads % as a placeholder"
    assert not ONLY_SQLITE.search(without_text)
    for parameter in re.findall(r":(\w+) IS (?:NOT )?NULL", without_text):
        pytest.fail(f"PostgreSQL cannot tell the type of :{parameter}; cast it")


def test_sqlite_accepts_the_statements() -> None:
    """Prepared against the real schema, so that a misspelt column is found."""
    import sqlite3
    from contextlib import closing

    names: dict[str, None] = {}
    with closing(sqlite3.connect(":memory:")) as connection:
        for step in migrations():
            for statement in step.statements(DIALECT):
                connection.execute(statement)
        connection.execute(CREATE_SCHEMA_INFO)
        for name, statement in statements().items():
            if "migration" in name or "CREATE" in statement or "{table}" in statement:
                continue
            values = dict.fromkeys(re.findall(r":(\w+)", statement))
            connection.execute(f"EXPLAIN {statement}", values)
            names[name] = None
    assert len(names) > 45
