"""Rows to records and back."""

from functools import cache
from typing import Any

import msgspec

from hermes.store.backend import Row, Value
from hermes.store.events import Event, EventRecord
from hermes.store.records import Image, Message, Run, Session, ToolCall, ToolCallRecord
from hermes.store.usage import usage_from


def clean(text: str) -> str:
    """Text that any database can hold: half surrogate pairs and NUL become the replacement character."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def json_text(value: Any) -> str:
    """JSON text of plain data or records."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # a half surrogate pair somewhere inside
        return msgspec.json.encode(_cleaned(msgspec.to_builtins(value))).decode()


def _cleaned(node: Any) -> Any:
    if isinstance(node, str):
        return clean(node)
    if isinstance(node, dict):
        return {_cleaned(key): _cleaned(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_cleaned(item) for item in node]
    return node


def message_values(message: Message) -> dict[str, Value]:
    """The columns of a message, without its id and place."""
    return {
        "role": message.role,
        "kind": message.kind,
        "state": message.state,
        "content": clean(message.content),
        "wire_content": None if message.wire_content is None else clean(message.wire_content),
        "images": json_text(message.images) if message.images else None,
        "tool_calls": json_text(message.tool_calls) if message.tool_calls else None,
        "tool_call_id": message.tool_call_id,
        "tool_name": message.tool_name,
        "ok": None if message.ok is None else int(message.ok),
        "display": None if message.display is None else clean(message.display),
        "reasoning": clean(message.reasoning),
        "replay": json_text(message.replay) if message.replay else None,
        "finish_reason": message.finish_reason,
        "model": message.model,
    }


def message_from(row: Row) -> Message:
    images, calls, replay, ok = row["images"], row["tool_calls"], row["replay"], row["ok"]
    return Message(
        role=row["role"],
        content=row["content"],
        wire_content=row["wire_content"],
        images=msgspec.json.decode(images, type=tuple[Image, ...]) if images else (),
        tool_calls=msgspec.json.decode(calls, type=tuple[ToolCall, ...]) if calls else (),
        tool_call_id=row["tool_call_id"],
        tool_name=row["tool_name"],
        ok=None if ok is None else bool(ok),
        display=row["display"],
        reasoning=row["reasoning"],
        replay=msgspec.json.decode(replay, type=tuple[dict[str, Any], ...]) if replay else (),
        finish_reason=row["finish_reason"],
        model=row["model"],
        kind=row["kind"],
        state=row["state"],
        id=row["id"],
        session_id=row["session_id"],
        run_id=row["run_id"],
        created_at=row["created_at"],
    )


def session_from(row: Row) -> Session:
    return Session(
        id=row["id"],
        source=row["source"],
        title=row["title"],
        model=row["model"],
        provider=row["provider"],
        system_prompt=row["system_prompt"],
        cwd=row["cwd"],
        parent_session_id=row["parent_session_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        ended_at=row["ended_at"],
        end_reason=row["end_reason"],
        archived=bool(row["archived"]),
        message_count=row["message_count"],
        tool_call_count=row["tool_call_count"],
        usage=usage_from(row),
    )


def run_from(row: Row) -> Run:
    return Run(
        id=row["id"],
        session_id=row["session_id"],
        source=row["source"],
        external_id=row["external_id"],
        status=row["status"],
        reason=row["reason"],
        input=msgspec.json.decode(row["input"], type=Message),
        attended=bool(row["attended"]),
        owner=row["owner"],
        epoch=row["epoch"],
        lease_until=row["lease_until"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        usage=usage_from(row),
        answer=row["answer"],
        error=row["error"],
    )


def tool_call_from(row: Row) -> ToolCallRecord:
    return ToolCallRecord(
        run_id=row["run_id"],
        call_id=row["call_id"],
        name=row["name"],
        arguments=row["arguments"],
        state=row["state"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        ok=None if row["ok"] is None else bool(row["ok"]),
        exit_code=row["exit_code"],
    )


def event_values(record: EventRecord) -> dict[str, Value]:
    name = str(type(record.event).__struct_config__.tag)
    return {"seq": record.seq, "at": record.at, "name": name, "body": json_text(record.event)}


def event_from(row: Row) -> EventRecord:
    return EventRecord(row["run_id"], row["seq"], row["at"], _event_decoder().decode(row["body"]))


@cache
def _event_decoder() -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(Event)
