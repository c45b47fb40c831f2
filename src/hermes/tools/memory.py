"""`memory`: what the agent keeps about its work and its user, across sessions."""

import asyncio
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hermes.home.errors import HomeError
from hermes.home.settings import Settings
from hermes.tools.contract import ToolContext, ToolResult, tool
from hermes.tools.memory_store import (
    Action,
    MemoryFile,
    MemoryRefused,
    Operation,
    Target,
    change,
    enabled,
    memory_file,
)

MOST_OVERFLOWS = 3
"""Writes over the limit in one run before the model is told to leave it."""


def _any_enabled(settings: Settings) -> bool:
    return settings.memory.memory_enabled or settings.memory.user_profile_enabled


@tool(toolset="memory", housekeeping=True, preview="content", available=_any_enabled)
async def memory(
    ctx: ToolContext,
    target: Annotated[Target, Meta(description="memory: your notes; user: who the user is")],
    action: Action | None = None,
    content: str = "",
    old_text: Annotated[str, Meta(description="Unique part of the entry to replace or remove")] = "",
    operations: Annotated[
        tuple[Operation, ...], Meta(description="Several changes at once, all or none; instead of action")
    ] = (),
) -> ToolResult:
    """Keep lasting facts (preferences, environment, lessons) for later sessions, not task progress. Entries
    are short; space is limited, so merge or drop old ones. Saved at once; in the prompt from the next
    session."""
    if not enabled(target, ctx.settings):
        key = "user_profile_enabled" if target == "user" else "memory_enabled"
        return ToolResult.error(f"The target '{target}' is switched off by the setting memory.{key}.")
    if operations and action is not None:
        return ToolResult.error("Give either 'action' or 'operations', not both.")
    if action is not None:
        operations = (Operation(action=action, content=content, old_text=old_text),)
    if not operations:
        return ToolResult.error("Say what to do with 'action' (add, replace or remove) or with 'operations'.")
    file = memory_file(target, ctx.profile, ctx.settings)
    try:
        entries = await asyncio.to_thread(change, file, operations)
    except MemoryRefused as refusal:
        return _refused(ctx, file, refusal)
    except (HomeError, OSError) as error:
        return ToolResult.error(str(error))
    done = ", ".join(f"{operation.action}" for operation in operations)
    result = {
        "success": True,
        "done": True,
        "target": target,
        "usage": file.usage(entries),
        "entry_count": len(entries),
        "message": f"Saved ({done}).",
        "note": "On disk now; the memory shown in your prompt stays as it is until the next session.",
    }
    return ToolResult(
        content=msgspec.json.encode(result).decode(), summary=f"{target}: {done}, {file.usage(entries)}"
    )


def _refused(ctx: ToolContext, file: MemoryFile, refusal: MemoryRefused) -> ToolResult:
    message = str(refusal)
    more: dict[str, Any] = {"success": False, "target": file.target}
    if refusal.entries is not None:
        more["current_entries" if refusal.over_limit else "matches"] = refusal.entries
    if refusal.over_limit:
        more["usage"] = file.usage(refusal.entries or [])
        run, count = ctx.state.memory_overflows
        count = count + 1 if run == ctx.run_id else 1
        ctx.state.memory_overflows = (ctx.run_id, count)
        if count >= MOST_OVERFLOWS:
            message = f"{message} This is the {count}th try: leave it for now and go on with the task."
    return ToolResult.error(message, **more)
