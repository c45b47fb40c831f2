"""`todo`: the agent's list of steps, kept for the length of a session."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from hermes.store.records import Message
from hermes.tools.contract import TodoItem, ToolContext, ToolResult, tool

LONGEST_CONTENT = 4_000
"""Characters of one item."""
_STATUSES = ("pending", "in_progress", "completed", "cancelled")


class _Answer(msgspec.Struct):
    todos: list[TodoItem]


@tool(toolset="todo", housekeeping=True)
async def todo(
    ctx: ToolContext,
    todos: Annotated[list[TodoItem] | None, Meta(description="Omit to read the list")] = None,
    merge: Annotated[bool, Meta(description="Update by id and keep the others")] = False,
) -> ToolResult:
    """List of steps for work with three or more of them. Writes replace the list unless merge. One item
    in_progress at a time; mark items completed at once."""
    if todos is not None:
        problem = _problem(todos)
        if problem:
            return ToolResult.error(problem)
        ctx.state.todos = _merged(ctx.state.todos, todos) if merge else list(todos)
    items = ctx.state.todos
    counts = {status: sum(item.status == status for item in items) for status in _STATUSES}
    answer = {"todos": items, "summary": {"total": len(items), **counts}}
    return ToolResult(
        content=msgspec.json.encode(answer).decode(),
        summary=f"{counts['completed']} of {len(items)} done",
        detail="\n".join(f"[{item.status}] {item.content}" for item in items) or None,
    )


def todos_from_history(messages: Sequence[Message]) -> list[TodoItem]:
    """The list as the latest answer of `todo` in a transcript left it."""
    for message in reversed(messages):
        if message.role == "tool" and message.tool_name == "todo" and message.ok is not False:
            try:
                # The loop may have put a remark behind the JSON.
                return msgspec.json.decode(message.content.partition("\n\n")[0], type=_Answer).todos
            except msgspec.DecodeError:
                continue
    return []


def _problem(todos: list[TodoItem]) -> str | None:
    ids = [item.id for item in todos]
    for item in todos:
        if not item.id.strip() or not item.content.strip():
            return "Every item needs an 'id' and a 'content' that are not empty."
        if ids.count(item.id) > 1:
            return f"The id '{item.id}' is used twice; give every item its own."
        if len(item.content) > LONGEST_CONTENT:
            return f"The content of item '{item.id}' is longer than {LONGEST_CONTENT:,} characters."
    return None


def _merged(known: list[TodoItem], changed: list[TodoItem]) -> list[TodoItem]:
    by_id = {item.id: item for item in changed}
    kept = [by_id.pop(item.id, item) for item in known]
    return [*kept, *by_id.values()]
