"""`session_search`: look into past conversations. Four shapes, told apart by the arguments:

- `query`: find sessions, each with its best hit and the messages around it;
- `session_id` and `around_message_id`: messages around a place;
- `session_id`: the beginning and the end of a session;
- nothing: the latest sessions.
"""

import datetime
from collections.abc import Iterable
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta

from hermes.home.settings import Settings
from hermes.home.time_zone import time_zone
from hermes.store.records import Message, Role, SearchHit, Session
from hermes.tools.contract import ToolContext, ToolResult, tool

SCANNED_HITS = 300
HIDDEN_SOURCES = frozenset({"subagent", "tool"})
DISCOVERY_WINDOW = 5
BOOKEND = 3
READ_START, READ_END = 20, 10
SHORT, LONG = 400, 2_000
"""Characters of a message, in discovery and elsewhere."""
_ROLES = ("user", "assistant", "tool")


class _Refused(Exception):
    """The message is one sentence."""


@tool(toolset="session_search", concurrency="parallel", read_only=True, housekeeping=True, preview="query")
async def session_search(
    ctx: ToolContext,
    query: Annotated[str, Meta(description='Words that must all occur; "a phrase", pre*, -not, a OR b')] = "",
    limit: Annotated[int, Meta(ge=1, le=10)] = 3,
    sort: Literal["relevance", "newest", "oldest"] = "relevance",
    session_id: str = "",
    around_message_id: int | None = None,
    window: Annotated[int, Meta(ge=1, le=20)] = 5,
    role_filter: str = "user,assistant",
) -> ToolResult:
    """Search past conversations (query), read one (session_id), scroll in it (and around_message_id), or list
    the latest (no arguments). Use it when the user refers to earlier work."""
    try:
        roles = _roles(role_filter)
        if around_message_id is not None and not session_id:
            raise _Refused("'around_message_id' needs 'session_id'.")
        if session_id and query:
            raise _Refused("Give either 'query' or 'session_id', not both.")
        if query.strip():
            found = await _discover(ctx, query, limit, sort, roles)
        elif around_message_id is not None:
            found = await _scroll(ctx, session_id, around_message_id, window, roles)
        elif session_id:
            found = await _read(ctx, session_id, roles)
        else:
            found = await _browse(ctx, limit)
    except _Refused as refusal:
        return ToolResult.error(str(refusal))
    summary = found.pop("summary")
    return ToolResult(content=msgspec.json.encode({"success": True, **found}).decode(), summary=summary)


async def _discover(
    ctx: ToolContext,
    query: str,
    limit: int,
    sort: Literal["relevance", "newest", "oldest"],
    roles: tuple[Role, ...],
) -> dict[str, Any]:
    hits = await ctx.store.search.search(ctx.scope, query, limit=SCANNED_HITS, roles=roles, sort=sort)
    here = await _lineage(ctx, ctx.session_id)
    best: dict[str, SearchHit] = {}
    for hit in sorted(hits, key=lambda hit: hit.source == "cron"):  # stable: what a timer said comes last
        if hit.source in HIDDEN_SOURCES or len(best) > limit:
            continue
        family = await _lineage(ctx, hit.session_id)
        if family != here:
            best.setdefault(family, hit)
    sessions = [await _hit_in_context(ctx, hit, roles) for hit in list(best.values())[:limit]]
    result: dict[str, Any] = {"query": query, "count": len(sessions), "results": sessions}
    if not sessions:
        result["message"] = "No past conversation holds these words; try fewer or other words."
    return result | {"summary": f"{len(sessions)} past conversations"}


async def _hit_in_context(ctx: ToolContext, hit: SearchHit, roles: tuple[Role, ...]) -> dict[str, Any]:
    messages = _shown(await ctx.store.messages.all(ctx.scope, hit.session_id), roles, hit.message_id)
    place = _place(messages, hit.message_id)
    first, last = max(0, place - DISCOVERY_WINDOW), place + DISCOVERY_WINDOW + 1
    return {
        "session_id": hit.session_id,
        "title": hit.session_title,
        "when": _when(hit.created_at, ctx.settings),
        "source": hit.source,
        "snippet": hit.snippet,
        "match_message_id": hit.message_id,
        "bookend_start": [_message(row, SHORT) for row in messages[: min(BOOKEND, first)]],
        "messages": [_message(row, SHORT, anchor=row.id == hit.message_id) for row in messages[first:last]],
        "bookend_end": [_message(row, SHORT) for row in messages[max(last, len(messages) - BOOKEND) :]],
        "messages_before": first,
        "messages_after": max(0, len(messages) - last),
    }


async def _scroll(
    ctx: ToolContext, session_id: str, message_id: int, window: int, roles: tuple[Role, ...]
) -> dict[str, Any]:
    session = await _session(ctx, session_id)
    everything = await ctx.store.messages.all(ctx.scope, session.id)
    if all(row.id != message_id for row in everything):
        raise _Refused(
            f"The session {session.id} has no message {message_id}; take an id from a search or a reading."
        )
    messages = _shown(everything, roles, message_id)
    place = _place(messages, message_id)
    first, last = max(0, place - window), place + window + 1
    return _head(session, ctx.settings) | {
        "messages": [_message(row, LONG, anchor=row.id == message_id) for row in messages[first:last]],
        "messages_before": first,
        "messages_after": max(0, len(messages) - last),
        "summary": f"messages around {message_id}",
    }


async def _read(ctx: ToolContext, session_id: str, roles: tuple[Role, ...]) -> dict[str, Any]:
    session = await _session(ctx, session_id)
    messages = _shown(await ctx.store.messages.all(ctx.scope, session.id), roles)
    tail = min(len(messages), max(READ_START, len(messages) - READ_END))
    return _head(session, ctx.settings) | {
        "message_count": len(messages),
        "messages": [_message(row, LONG) for row in messages[:READ_START]],
        "left_out": tail - min(READ_START, len(messages)),
        "last_messages": [_message(row, LONG) for row in messages[tail:]],
        "summary": f"{len(messages)} messages of {session.title or session.id}",
    }


async def _browse(ctx: ToolContext, limit: int) -> dict[str, Any]:
    listed = await ctx.store.sessions.list(ctx.scope, limit=limit + 50)
    visible = [row for row in listed if row.source not in HIDDEN_SOURCES and row.id != ctx.session_id]
    sessions = []
    for session in visible[:limit]:
        messages = await ctx.store.messages.all(ctx.scope, session.id, limit=5)
        asked = next((row.content for row in messages if row.role == "user"), "")
        sessions.append(
            _head(session, ctx.settings)
            | {"message_count": session.message_count, "preview": _clipped(asked, 200)}
        )
    return {"count": len(sessions), "results": sessions, "summary": f"{len(sessions)} latest conversations"}


async def _session(ctx: ToolContext, text: str) -> Session:
    found = await ctx.store.sessions.find(ctx.scope, text.strip())
    if not found:
        raise _Refused(
            f"There is no session '{text}'; search with 'query' or call without arguments to list some."
        )
    if len(found) > 1:
        raise _Refused(
            f"'{text}' fits {len(found)} sessions: {', '.join(row.id for row in found[:5])}; give a whole id."
        )
    return found[0]


async def _lineage(ctx: ToolContext, session_id: str) -> str:
    """The first ancestor of a session: branches of one conversation count as one."""
    seen = [session_id]
    while True:
        session = await ctx.store.sessions.get(ctx.scope, seen[-1])
        if session is None or session.parent_session_id is None or session.parent_session_id in seen:
            return seen[-1]
        seen.append(session.parent_session_id)


def _roles(text: str) -> tuple[Role, ...]:
    roles = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    wrong = next((name for name in roles if name not in _ROLES), None)
    if wrong is not None or not roles:
        raise _Refused(
            f"'role_filter' is a list of user, assistant and tool with commas; '{wrong or text}' is none."
        )
    return cast(tuple[Role, ...], roles)


def _shown(messages: Iterable[Message], roles: tuple[Role, ...], always: int | None = None) -> list[Message]:
    """What people would count as the conversation: without undone rows, empty ones and other roles."""
    return [
        row
        for row in messages
        if row.id == always or (row.role in roles and row.state != "undone" and row.content.strip())
    ]


def _place(messages: list[Message], message_id: int) -> int:
    return next((place for place, row in enumerate(messages) if row.id == message_id), 0)


def _head(session: Session, settings: Settings) -> dict[str, Any]:
    when = _when(session.updated_at or session.created_at, settings)
    return {"session_id": session.id, "title": session.title, "when": when, "source": session.source}


def _message(row: Message, longest: int, anchor: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": row.id, "role": row.role, "content": _clipped(row.content, longest)}
    if row.tool_name:
        shown["tool"] = row.tool_name
    if anchor:
        shown["anchor"] = True
    return shown


def _clipped(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… [{len(text) - longest} more characters]"


def _when(at: float, settings: Settings) -> str:
    moment = datetime.datetime.fromtimestamp(at, time_zone(settings.timezone))
    return moment.isoformat(sep=" ", timespec="minutes")[:16]
