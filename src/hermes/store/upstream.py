"""Sessions of another product's `state.db`, taken over without writing to it.

Sessions keep their ids, titles, times and usage, and messages their order and state. Importing again adds
only what is missing: a session that is here already is left alone, whatever has become of it since.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import msgspec

from hermes.store.database import Store
from hermes.store.errors import StoreError
from hermes.store.records import CostStatus, Image, Message, Role, Scope, Session, ToolCall, Usage
from hermes.store.sessions import TITLE_LENGTH, clean_title

ROLES = get_args(Role)
PARTS_MARK = "\x00json:"
"""Before content that is a JSON list of parts instead of text."""


class ImportReport(msgspec.Struct, kw_only=True):
    """What an import did."""

    sessions: int = 0
    messages: int = 0
    already_here: int = 0
    skipped_messages: int = 0
    """Rows that are no part of a conversation here, such as stored system prompts."""
    untitled: list[str] = []
    """Sessions whose title was taken here; they were imported without one."""


async def import_sessions(store: Store, scope: Scope, state_db: Path) -> ImportReport:
    """Import every session of `state_db` that is not here yet, one transaction each. Raises StoreError when
    the file is no such database."""
    report = ImportReport()
    if not state_db.is_file():
        raise StoreError(f"There is no file {state_db} to import sessions from.")
    try:
        with closing(_open(state_db)) as connection:
            _refuse_strangers(connection, state_db)
            for row in connection.execute("SELECT * FROM sessions ORDER BY started_at, id").fetchall():
                await _import_one(store, scope, connection, dict(row), report)
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{state_db} cannot be read ({error}); it was not changed.") from error
    return report


def _open(file: Path) -> sqlite3.Connection:
    """Read-only. Where no log with rows lies beside the file, nobody is writing, and it is opened as a file
    that does not change, so that reading leaves nothing behind."""
    log = file.with_name(file.name + "-wal")
    is_live = log.exists() and log.stat().st_size > 0
    uri = f"{file.absolute().as_uri()}?mode=ro{'' if is_live else '&immutable=1'}"
    connection = sqlite3.connect(uri, uri=True, timeout=10.0)
    connection.row_factory = sqlite3.Row
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


def _refuse_strangers(connection: sqlite3.Connection, file: Path) -> None:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"sessions", "messages"} <= tables:
        raise StoreError(f"{file} holds no sessions: it has no tables `sessions` and `messages`.")


async def _import_one(
    store: Store,
    scope: Scope,
    connection: sqlite3.Connection,
    row: Mapping[str, Any],
    report: ImportReport,
) -> None:
    rows = connection.execute(
        "SELECT * FROM messages WHERE session_id = ? ORDER BY id", (row["id"],)
    ).fetchall()
    messages = [_message(dict(message), row.get("model")) for message in rows if message["role"] in ROLES]
    session = _session(row, messages)
    adopted = await store.sessions.adopt(scope, session, messages)
    if adopted is None:
        report.already_here += 1
        return
    report.sessions += 1
    report.messages += len(messages)
    report.skipped_messages += len(rows) - len(messages)
    if adopted.title != session.title:
        report.untitled.append(session.id)


def _session(row: Mapping[str, Any], messages: Sequence[Message]) -> Session:
    started = float(row.get("started_at") or 0.0)
    last = max((message.created_at for message in messages), default=started)
    return Session(
        id=row["id"],
        source=row.get("source") or "cli",
        title=clean_title((row.get("title") or "")[:TITLE_LENGTH]),
        model=row.get("model"),
        provider=row.get("billing_provider"),
        system_prompt=row.get("system_prompt"),
        cwd=row.get("cwd"),
        parent_session_id=row.get("parent_session_id"),
        created_at=started,
        updated_at=max(started, last),
        ended_at=row.get("ended_at"),
        end_reason=row.get("end_reason"),
        archived=bool(row.get("archived")),
        usage=_usage(row),
    )


def _usage(row: Mapping[str, Any]) -> Usage:
    """There, input tokens do not include cached ones; here they do."""
    cache_read, cache_write = row.get("cache_read_tokens") or 0, row.get("cache_write_tokens") or 0
    actual, estimated = row.get("actual_cost_usd"), row.get("estimated_cost_usd")
    status: CostStatus = "unknown"
    if row.get("cost_status") in get_args(CostStatus):
        status = row["cost_status"]
    return Usage(
        input_tokens=(row.get("input_tokens") or 0) + cache_read + cache_write,
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
        output_tokens=row.get("output_tokens") or 0,
        reasoning_tokens=row.get("reasoning_tokens") or 0,
        model_calls=row.get("api_call_count") or 0,
        cost_usd=estimated if actual is None else actual,
        cost_status=status,
    )


def _message(row: Mapping[str, Any], model: str | None) -> Message:
    text, images = _content(row.get("content"))
    role: Role = row["role"]
    return Message(
        role=role,
        content=text,
        wire_content=row.get("api_content") if role == "user" and not images else None,
        images=images,
        tool_calls=_tool_calls(row.get("tool_calls")) if role == "assistant" else (),
        tool_call_id=row.get("tool_call_id"),
        tool_name=row.get("tool_name"),
        reasoning=row.get("reasoning") or row.get("reasoning_content") or "",
        finish_reason=row.get("finish_reason"),
        model=model if role == "assistant" else None,
        state="active" if row.get("active", 1) else "compacted" if row.get("compacted") else "undone",
        created_at=float(row.get("timestamp") or 0.0),
    )


def _content(stored: str | None) -> tuple[str, tuple[Image, ...]]:
    """Text and pictures of a row; parts of other kinds are left out."""
    if not stored:
        return "", ()
    if not stored.startswith(PARTS_MARK):
        return stored, ()
    parts = _json(stored.removeprefix(PARTS_MARK))
    if not isinstance(parts, list):
        return stored.removeprefix(PARTS_MARK), ()
    known = [part for part in parts if isinstance(part, dict)]
    texts = [part["text"] for part in known if isinstance(part.get("text"), str)]
    sources = [part.get("image_url") for part in known]
    urls = [source.get("url") if isinstance(source, dict) else source for source in sources]
    return "\n".join(texts), tuple(Image(url) for url in urls if isinstance(url, str))


def _tool_calls(stored: str | None) -> tuple[ToolCall, ...]:
    calls = []
    for call in _list(_json(stored or "[]")):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            continue
        arguments = function.get("arguments") or "{}"
        if not isinstance(arguments, str):
            arguments = msgspec.json.encode(arguments).decode()
        calls.append(ToolCall(str(call.get("id") or ""), str(function.get("name") or ""), arguments))
    return tuple(calls)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _json(text: str) -> Any:
    """Decoded JSON, or None when it is damaged: a broken row is no reason to lose the conversation."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
