"""What the three protocols have in common on the server's side."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from msgspec.structs import replace

from hermes.testing.script import Finish, Reply

Json = dict[str, Any]


class Frame(NamedTuple):
    """One server-sent event."""

    kind: Literal["text", "reasoning", "arguments", "other"]
    data: bytes


class SpokenCall(NamedTuple):
    id: str
    name: str
    arguments: str


class Turn(NamedTuple):
    """A reply with everything decided that does not depend on the protocol."""

    number: int
    """Of the reply in its script or conversation, for ids that are unique and repeatable."""
    model: str
    reply: Reply
    calls: tuple[SpokenCall, ...]
    include_usage: bool

    @property
    def finish(self) -> Finish:
        if self.reply.finish == "auto":
            return "tool_calls" if self.calls else "stop"
        return self.reply.finish

    def parts(self, text: str) -> Iterator[str]:
        """The text in pieces of the scripted size."""
        size = max(1, self.reply.chunk_chars)
        for start in range(0, len(text), size):
            yield text[start : start + size]


class Dialect(NamedTuple):
    """One protocol."""

    path: str
    frames: Callable[[Turn], Iterator[Frame]]
    document: Callable[[Turn], Json]
    error: Callable[[int, str], Json]
    error_frame: Callable[[Json], bytes]
    assistant_turns: Callable[[Json], int]
    last_user_text: Callable[[Json], str]


def prepare(reply: Reply, request: Json, number: int, last_user_text: str) -> Turn:
    """Settles ids, argument texts and the echo of a reply."""
    if reply.echo:
        reply = replace(reply, text=last_user_text)
    calls = tuple(
        SpokenCall(
            call.id or f"call_{number}_{index}",
            call.name,
            call.arguments if isinstance(call.arguments, str) else compact(call.arguments),
        )
        for index, call in enumerate(reply.calls)
    )
    options = request.get("stream_options") or {}
    return Turn(
        number=number,
        model=str(request.get("model") or "scripted-model"),
        reply=reply,
        calls=calls,
        include_usage=bool(options.get("include_usage", False)),
    )


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def event(name: str, data: Json) -> bytes:
    """A named server-sent event."""
    return f"event: {name}\ndata: {compact(data)}\n\n".encode()


def unnamed_event(data: Json) -> bytes:
    return f"data: {compact(data)}\n\n".encode()


def text_of(content: Any) -> str:
    """The text of a message's content, which is text or a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part["text"]) for part in parts if isinstance(part, dict) and "text" in part)


def last_user_text(rows: Any) -> str:
    """The text of the last row with the role `user` that has any."""
    for row in reversed(rows if isinstance(rows, list) else []):
        if isinstance(row, dict) and row.get("role") == "user" and (text := text_of(row.get("content"))):
            return text
    return ""
