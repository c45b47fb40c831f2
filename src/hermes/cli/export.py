"""A session as a file: JSON lines that can be read in again, or markdown for people. Pure."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from hermes.cli.masking import masked_messages, masked_session
from hermes.cli.text import moment
from hermes.store.records import Message, Session

Format = Literal["jsonl", "md"]


def exported(
    session: Session, messages: Sequence[Message], form: Format, secrets: frozenset[str] = frozenset()
) -> str:
    """The whole session as text, secrets masked. `secrets`: those that are known."""
    session, messages = masked_session(session, secrets), masked_messages(messages, secrets)
    return as_lines(session, messages) if form == "jsonl" else as_markdown(session, messages)


def as_lines(session: Session, messages: Sequence[Message]) -> str:
    """First the session, then each message, one JSON object a line with a key `type`."""
    objects = [{"type": "session", **msgspec.to_builtins(session)}]
    objects += [{"type": "message", **msgspec.to_builtins(message)} for message in messages]
    return "".join(msgspec.json.encode(item).decode() + "\n" for item in objects)


def as_markdown(session: Session, messages: Sequence[Message]) -> str:
    """A transcript to read. Rows that were undone are left out; those that were summarised are there."""
    lines = [f"# {session.title or session.id}", ""]
    facts = [
        ("Session", session.id),
        ("Started", moment(session.created_at)),
        ("Model", session.model or "?"),
    ]
    lines += [*(f"- {name}: {value}" for name, value in facts), ""]
    for message in messages:
        if message.state != "undone":
            lines += _section(message)
    return "\n".join(lines).rstrip() + "\n"


def _section(message: Message) -> list[str]:
    if message.role == "tool":
        mark = "" if message.ok is not False else " (failed)"
        return [f"### {message.tool_name or 'tool'}{mark}", "", *_fenced(message.content), ""]
    name = {"user": "You", "assistant": "Hermes"}[message.role]
    if message.kind != "normal":
        name = f"{name} ({message.kind})"
    lines = [f"## {name}", ""]
    if message.content.strip():
        lines += [message.content.strip(), ""]
    for call in message.tool_calls:
        lines += [f"Calls `{call.name}`:", "", *_fenced(call.arguments, "json"), ""]
    return lines


def _fenced(text: str, language: str = "") -> list[str]:
    """A code block whose fence is longer than any inside it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return [f"{fence}{language}", text.rstrip("\n"), fence]
