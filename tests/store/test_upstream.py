"""The other product's sessions come over whole, once, and its file stays as it was."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hermes.store.database import Store, StoreError
from hermes.store.records import Image, Scope, Session, ToolCall
from hermes.store.upstream import import_sessions

pytestmark = pytest.mark.anyio

SCHEMA = """
CREATE TABLE sessions (id TEXT PRIMARY KEY, source TEXT, user_id TEXT, model TEXT, system_prompt TEXT,
    parent_session_id TEXT, started_at REAL, ended_at REAL, end_reason TEXT, message_count INTEGER,
    input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER,
    reasoning_tokens INTEGER, cwd TEXT, billing_provider TEXT, estimated_cost_usd REAL, actual_cost_usd REAL,
    cost_status TEXT, title TEXT, api_call_count INTEGER, archived INTEGER);
CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT, role TEXT, content TEXT,
    tool_call_id TEXT, tool_calls TEXT, tool_name TEXT, timestamp REAL, finish_reason TEXT, reasoning TEXT,
    active INTEGER DEFAULT 1, compacted INTEGER DEFAULT 0, api_content TEXT);
"""


def insert(connection: sqlite3.Connection, table: str, **values: Any) -> None:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))


@pytest.fixture
def state_db(tmp_path: Path) -> Path:
    file = tmp_path / "state.db"
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "terminal", "arguments": '{"command":"ls"}'}}
    ]
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png,x"}},
    ]
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.executescript(SCHEMA)
        insert(
            db, "sessions", id="20260101_100000_abcdef", source="telegram", title="Trip", model="m",
            system_prompt="You are", started_at=100.0, ended_at=200.0, end_reason="exit", input_tokens=10,
            output_tokens=5, cache_read_tokens=90, cache_write_tokens=1, reasoning_tokens=2, cwd="/w",
            billing_provider="openrouter", estimated_cost_usd=0.5, cost_status="estimated", api_call_count=3,
            archived=1,
        )  # fmt: skip
        insert(db, "sessions", id="20260102_100000_abcdef", source="cli", started_at=300.0)
        one = "20260101_100000_abcdef"
        insert(db, "messages", session_id=one, role="session_meta", content="{}", timestamp=100.0)
        insert(
            db, "messages", session_id=one, role="user", content="hi", timestamp=101.0, api_content="[now] hi"
        )
        insert(
            db, "messages", session_id=one, role="assistant", content=None, timestamp=102.0,
            tool_calls=json.dumps(calls), reasoning="hm", finish_reason="tool_calls",
        )  # fmt: skip
        insert(
            db, "messages", session_id=one, role="tool", content="a.txt", timestamp=103.0, tool_call_id="c1",
            tool_name="terminal",
        )  # fmt: skip
        insert(db, "messages", session_id=one, role="user", content="no", timestamp=104.0, active=0)
        insert(
            db, "messages", session_id=one, role="user", content="z", timestamp=105.0, active=0, compacted=1
        )
        insert(
            db, "messages", session_id="20260102_100000_abcdef", role="user", timestamp=301.0,
            content="\x00json:" + json.dumps(parts), tool_calls="{broken",
        )  # fmt: skip
    return file


async def test_sessions_come_over_whole(store: Store, scope: Scope, state_db: Path) -> None:
    before = state_db.read_bytes()
    report = await import_sessions(store, scope, state_db)
    assert (report.sessions, report.messages, report.skipped_messages) == (2, 6, 1)
    trip = await store.sessions.get(scope, "20260101_100000_abcdef")
    assert trip is not None
    assert (trip.title, trip.source, trip.model, trip.provider) == ("Trip", "telegram", "m", "openrouter")
    assert (trip.created_at, trip.updated_at, trip.ended_at, trip.archived) == (100.0, 105.0, 200.0, True)
    assert (trip.usage.input_tokens, trip.usage.model_calls, trip.usage.cost_usd) == (101, 3, 0.5)
    assert trip.usage.cost_status == "estimated"
    assert (trip.message_count, trip.tool_call_count) == (5, 1)
    rows = await store.messages.all(scope, trip.id)
    assert [row.state for row in rows] == ["active"] * 3 + ["undone", "compacted"]
    assert (rows[0].content, rows[0].wire_content) == ("hi", "[now] hi")
    assert rows[1].tool_calls == (ToolCall("c1", "terminal", '{"command":"ls"}'),)
    assert (rows[1].content, rows[1].reasoning, rows[1].model) == ("", "hm", "m")
    assert (rows[2].tool_call_id, rows[2].tool_name) == ("c1", "terminal")
    (picture,) = await store.messages.all(scope, "20260102_100000_abcdef")
    assert (picture.content, picture.images) == ("look", (Image("data:image/png,x"),))
    assert state_db.read_bytes() == before
    assert {path.name for path in state_db.parent.glob("state.db*")} == {"state.db"}
    assert [hit.session_id for hit in await store.search.search(scope, "look")] == ["20260102_100000_abcdef"]


async def test_importing_again_changes_nothing(store: Store, scope: Scope, state_db: Path) -> None:
    await import_sessions(store, scope, state_db)
    await store.sessions.update(scope, "20260101_100000_abcdef", title="My trip")
    report = await import_sessions(store, scope, state_db)
    assert (report.sessions, report.messages, report.already_here) == (0, 0, 2)
    kept = await store.sessions.get(scope, "20260101_100000_abcdef")
    assert kept is not None
    assert (kept.title, kept.message_count, kept.usage.model_calls) == ("My trip", 5, 3)


async def test_a_taken_title_is_dropped_and_reported(store: Store, scope: Scope, state_db: Path) -> None:
    await store.sessions.create(scope, Session(id="mine", title="Trip"))
    report = await import_sessions(store, scope, state_db)
    assert report.untitled == ["20260101_100000_abcdef"]
    assert report.sessions == 2


async def test_rows_that_still_lie_in_the_log_come_over(store: Store, scope: Scope, state_db: Path) -> None:
    with closing(sqlite3.connect(state_db, isolation_level=None)) as live:
        live.execute("PRAGMA journal_mode = WAL")
        insert(live, "sessions", id="20260103_100000_abcdef", source="cli", started_at=400.0)
        report = await import_sessions(store, scope, state_db)
    assert report.sessions == 3


async def test_a_file_that_is_something_else_is_one_sentence(
    store: Store, scope: Scope, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="There is no file"):
        await import_sessions(store, scope, tmp_path / "none.db")
    (tmp_path / "text.db").write_text(
        "hello, I am no database, though I am long enough to be read as one" * 9
    )
    with pytest.raises(StoreError, match="cannot be read"):
        await import_sessions(store, scope, tmp_path / "text.db")
    with closing(sqlite3.connect(tmp_path / "other.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE x (y)")
    with pytest.raises(StoreError, match="it has no tables"):
        await import_sessions(store, scope, tmp_path / "other.db")
