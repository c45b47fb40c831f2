"""The transcript as any wire may send it: whole pairs of calls and results, canonical arguments.

Every function here is a pure function of the rows, so that equal rows become equal bytes and the
rows of one request are the beginning of the next one's.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from hermes.models.contract import Endpoint, Wire
from hermes.store.records import Message, ToolCall

MISSING_RESULT = "[The result of this call is missing: it was not stored. Do not assume that the call ran.]"
UNNAMED_TOOL = "unnamed_tool"
MAX_NAME = 64
NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_-]")


def presentable(rows: Sequence[Message]) -> list[Message]:
    """The rows with every call answered right after it, in call order, and nothing that says nothing.

    Results without a call are dropped. A call without a result gets one that says it is missing.
    """
    kept: list[Message] = []
    for position, row in enumerate(rows):
        if row.role == "user" and (row.sent.strip() or row.images):
            kept.append(row)
        elif row.role == "assistant" and (row.sent.strip() or row.tool_calls):
            calls = tuple(_presentable_call(call) for call in row.tool_calls)
            kept.append(msgspec.structs.replace(row, tool_calls=calls) if calls else row)
            results = _results_after(rows, position)
            kept.extend(results.get(call.id) or _missing(call) for call in calls)
    return kept


def _results_after(rows: Sequence[Message], position: int) -> dict[str, Message]:
    """Tool rows by call id, up to the next assistant row: some servers use the same ids in every turn."""
    results: dict[str, Message] = {}
    for row in rows[position + 1 :]:
        if row.role == "assistant":
            break
        if row.role == "tool" and row.tool_call_id is not None:
            results.setdefault(row.tool_call_id, row)
    return results


def _missing(call: ToolCall) -> Message:
    return Message(role="tool", content=MISSING_RESULT, tool_call_id=call.id, tool_name=call.name, ok=False)


def _presentable_call(call: ToolCall) -> ToolCall:
    name = NOT_IN_A_NAME.sub("_", call.name.strip())[:MAX_NAME] or UNNAMED_TOOL
    return ToolCall(id=call.id, name=name, arguments=canonical_arguments(call.arguments))


def canonical_arguments(text: str) -> str:
    """The arguments as compact JSON with sorted keys; `{}` where they are no JSON object."""
    value = parse_arguments(text)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def parse_arguments(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class ReplayItem(NamedTuple):
    """Something a provider wants back verbatim, and where in its message it stood."""

    position: int
    """How many texts and calls came before it."""
    item: dict[str, Any]


def family(model: str) -> str:
    """The leading letters of a model's name: `anthropic/claude-opus-4` is `claude`."""
    found = re.match(r"[a-z]*", model.rsplit("/", 1)[-1].lower())
    return found[0] if found else ""


def replay_record(endpoint: Endpoint, item: dict[str, Any], position: int = 0) -> dict[str, Any]:
    """How an item is kept with its message."""
    return {
        "wire": endpoint.wire,
        "provider": endpoint.provider,
        "model": endpoint.model,
        "position": position,
        "item": item,
    }


def replayable(row: Message, endpoint: Endpoint, wire: Wire) -> list[ReplayItem]:
    """The row's items that this endpoint made itself; signatures and seals of others mean nothing to it."""
    own = (wire, endpoint.provider, family(endpoint.model))
    return [
        ReplayItem(int(record.get("position", 0)), record["item"])
        for record in row.replay
        if (record.get("wire"), record.get("provider"), family(str(record.get("model", "")))) == own
        and isinstance(record.get("item"), dict)
    ]


def woven(replay: Sequence[ReplayItem], slots: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Texts and calls with the replayed items in their old places, never after the last one."""
    for position, slot in enumerate(slots):
        last = position == len(slots) - 1
        for item in replay:
            if item.position == position or (last and item.position > position):
                yield item.item
        yield slot


def without_lone_surrogates(value: Any) -> Any:
    """The same JSON value as text that UTF-8 can carry; half characters become U+FFFD."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def encode_body(body: dict[str, Any]) -> bytes:
    """Compact JSON with the keys in the order they were given."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return msgspec.json.encode(without_lone_surrogates(body))
