"""The process tool: look after background processes that the terminal tool started."""

import asyncio
import time
from typing import Annotated, Any, Literal

from msgspec import Meta

from hermes.sandbox.contract import BackgroundProcess
from hermes.tools.approvals import authorize
from hermes.tools.contract import ToolContext, ToolResult, tool
from hermes.tools.terminal import encoded, mask_secrets

_POLL_CHARACTERS = 2_000
_LOG_LINES = 200
_WAIT_SECONDS = 60
_LONGEST_WAIT = 600

Action = Literal["list", "poll", "log", "wait", "kill", "write", "submit", "close"]


@tool(toolset="terminal", preview="action")
async def process(
    ctx: ToolContext,
    action: Action,
    session_id: Annotated[str, Meta(description="proc_... from terminal; not for list.")] = "",
    data: Annotated[str, Meta(description="For write and submit.")] = "",
    timeout: Annotated[int, Meta(ge=1, description="Seconds for wait.")] | None = None,
    offset: Annotated[int, Meta(ge=0, description="First line for log; default: the last 200.")]
    | None = None,
    limit: Annotated[int, Meta(ge=1)] = _LOG_LINES,
) -> ToolResult:
    """Manage background processes: list, poll (state and latest output), log, wait (until it ends), kill,
    write (to its stdin), submit (write and Enter), close (its stdin)."""
    if action == "list":
        rows = [_state(item) for item in ctx.sandbox.processes().values()]
        for row in rows:
            row["command"] = mask_secrets(ctx, str(row["command"]))
        return ToolResult(content=encoded({"processes": rows}), summary=f"{len(rows)} processes")
    found = ctx.sandbox.processes().get(session_id)
    if found is None:
        known = ", ".join(ctx.sandbox.processes()) or "none"
        return ToolResult.error(f"There is no background process '{session_id}'; known are: {known}.")
    if action in ("write", "submit", "close"):
        return await _input(ctx, found, action, data)
    if action == "kill":
        return await _kill(ctx, found)
    if action == "log":
        return _log(ctx, found, offset, limit)
    more: dict[str, Any] = {}
    if action == "wait" and not await _wait(ctx, found, timeout or _WAIT_SECONDS):
        more["timeout_note"] = "It is still running."
    text = found.read()[0]
    return _result(ctx, found, output=mask_secrets(ctx, text)[-_POLL_CHARACTERS:], **more)


def _state(found: BackgroundProcess) -> dict[str, Any]:
    info = found.info
    fields: dict[str, Any] = {
        "session_id": info.id,
        "command": info.command[:200],
        "pid": info.pid,
        "status": info.state,
        "uptime_seconds": round((info.finished_at or time.time()) - info.started_at, 1),
    }
    if info.state != "running":
        fields["exit_code"] = info.exit_code
    return fields


def _result(ctx: ToolContext, found: BackgroundProcess, **more: Any) -> ToolResult:
    fields = _state(found) | more
    fields["command"] = mask_secrets(ctx, fields["command"])
    return ToolResult(content=encoded(fields), summary=f"{found.info.id} {found.info.state}")


async def _wait(ctx: ToolContext, found: BackgroundProcess, seconds: int) -> bool:
    """Until it ended, the time is up, or the run is interrupted."""
    waiting = asyncio.create_task(found.wait(min(seconds, _LONGEST_WAIT)))
    stopping = asyncio.create_task(ctx.stop.wait())
    try:
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        stopping.cancel()
        await asyncio.gather(waiting, stopping, return_exceptions=True)
    return found.info.state != "running"


async def _input(ctx: ToolContext, found: BackgroundProcess, action: Action, data: str) -> ToolResult:
    """Write to a process. It may be a shell, so each line is authorized as the command that it would be, also
    where it is written in pieces."""
    info = found.info
    if info.state != "running":
        return ToolResult.error(f"{info.id} does not run any more ({info.state}), so nothing can be written.")
    if action == "close":
        await found.close_stdin()
        return ToolResult(content=encoded({"status": "ok"}), summary=f"closed stdin of {info.id}")
    text = data + ("\n" if action == "submit" else "")
    line = ctx.state.typed.get(info.id, "") + text
    authorization = await authorize(ctx, line, tool="process")
    if not authorization.allowed:
        return ToolResult.error(authorization.reason)
    ctx.state.typed[info.id] = line.rpartition("\n")[2]
    await found.write(text)
    size = len(text.encode())
    return ToolResult(
        content=encoded({"status": "ok", "bytes_written": size}), summary=f"{size} bytes to {info.id}"
    )


async def _kill(ctx: ToolContext, found: BackgroundProcess) -> ToolResult:
    if found.info.state != "running":
        return _result(ctx, found, completion_reason="already_exited")
    await found.kill()
    return _result(ctx, found, completion_reason=found.info.state)


def _log(ctx: ToolContext, found: BackgroundProcess, offset: int | None, limit: int) -> ToolResult:
    lines = mask_secrets(ctx, found.read()[0]).splitlines()
    start = max(0, len(lines) - limit) if offset is None else offset
    shown = lines[start : start + limit]
    return _result(ctx, found, total_lines=len(lines), offset=start, output="\n".join(shown))
