"""The terminal tool: run a shell command in the session's sandbox, in the foreground or in the background."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hermes.home.environment import process_environment
from hermes.home.redaction import redact
from hermes.sandbox.contract import CommandResult
from hermes.sandbox.runner_client import SandboxError
from hermes.tools.approvals import Authorization, authorize
from hermes.tools.contract import ToolContext, ToolResult, tool
from hermes.tools.exit_codes import exit_meaning
from hermes.tools.long_lived import why_background

LONGEST_FOREGROUND = 600
"""Seconds; TERMINAL_MAX_FOREGROUND_TIMEOUT changes it."""
_LIVE_CHARACTERS = 100_000
"""So much of a command's output is shown while it runs."""
_REFUSED = -1
"""The exit code of a command that was not run."""


@tool(toolset="terminal", preview="command")
async def terminal(
    ctx: ToolContext,
    command: Annotated[str, Meta(description="Shell command.")],
    background: bool = False,
    timeout: Annotated[int, Meta(ge=1, description="Seconds, at most 600; default 180.")] | None = None,
    workdir: Annotated[str, Meta(description="Directory for this command only.")] | None = None,
    pty: Annotated[bool, Meta(description="Give it a terminal.")] = False,
    notify_on_complete: bool = False,
    watch_patterns: list[str] | None = None,
) -> ToolResult:
    """Run a shell command. Directory, variables and functions persist between calls. No input can be given:
    use non-interactive flags. Servers and watchers go in the background (then use `process`). Read, write
    and search files with the file tools instead."""
    refusal = _unusable(command, workdir) or (None if background else why_background(command))
    if refusal:
        return _not_run(refusal)
    limit = _longest_foreground()
    seconds = timeout or min(ctx.settings.terminal.timeout, limit)
    if not background and seconds > limit:
        return _not_run(
            f"timeout is {seconds} s, more than the {limit} s of a foreground command; use background=true."
        )
    authorization = await authorize(ctx, command, workdir=workdir)
    if not authorization.allowed:
        return _not_run(authorization.reason)
    try:
        if background:
            notices = notify_on_complete or bool(watch_patterns)
            return await _start(ctx, command, workdir, pty, notices, authorization)
        result = await ctx.sandbox.run(
            command,
            session=ctx.session_id,
            timeout=seconds,
            workdir=workdir,
            pty=pty,
            on_output=_live(ctx),
            stop=ctx.stop,
        )
    except (SandboxError, OSError) as error:
        return _not_run(str(error))
    return _finished(ctx, command, seconds, result, authorization)


def mask_secrets(ctx: ToolContext, text: str) -> str:
    """Text as the model and people may see it."""
    return redact(text, ctx.secrets) if ctx.settings.security.redact_secrets else text


def encoded(fields: dict[str, Any]) -> str:
    return msgspec.json.encode(fields).decode()


def _unusable(command: str, workdir: str | None) -> str | None:
    if not command.strip():
        return "The command is empty."
    if workdir is not None and (not workdir.strip() or not workdir.isprintable()):
        return "workdir must be the path of a directory, without line breaks or control characters."
    return None


def _longest_foreground() -> int:
    text = process_environment().get("TERMINAL_MAX_FOREGROUND_TIMEOUT", "")
    return int(text) if text.isdigit() and int(text) > 0 else LONGEST_FOREGROUND


def _not_run(reason: str) -> ToolResult:
    return ToolResult(
        content=encoded({"output": "", "exit_code": _REFUSED, "error": reason}),
        ok=False,
        summary=reason,
        exit_code=_REFUSED,
    )


def _live(ctx: ToolContext) -> Callable[[str], None]:
    """Pass output on to people, up to a cap: nobody reads a gigabyte as it flies by."""
    left = _LIVE_CHARACTERS

    def show(text: str) -> None:
        nonlocal left
        if left <= 0:
            return
        shown = text[:left]
        left -= len(shown)
        ctx.output(mask_secrets(ctx, shown))
        if left <= 0:
            ctx.output("\n[... more output is not shown here ...]\n")

    return show


def _finished(
    ctx: ToolContext, command: str, timeout: int, result: CommandResult, authorization: Authorization
) -> ToolResult:
    meaning = exit_meaning(command, result.exit_code)
    error = None
    output = result.output
    if result.timed_out:
        error = (
            f"The command was ended after {timeout} s; use a longer timeout or background=true for long work."
        )
    elif result.interrupted:
        error = "The command was interrupted."
        output += "\n[Command interrupted]"
    ok = result.exit_code == 0 or bool(meaning and meaning.benign and not error)
    fields: dict[str, Any] = {
        "output": mask_secrets(ctx, output),
        "exit_code": result.exit_code,
        "error": error,
    }
    if meaning and not error:
        fields["exit_code_meaning"] = meaning.text
    if result.spool_path:
        fields["full_output_path"] = result.spool_path
    if authorization.note:
        fields["approval"] = authorization.note
    return ToolResult(
        content=encoded(fields),
        ok=ok,
        summary=error or f"exit {result.exit_code} after {result.seconds:.1f} s",
        exit_code=result.exit_code,
    )


async def _start(
    ctx: ToolContext,
    command: str,
    workdir: str | None,
    pty: bool,
    notices: bool,
    authorization: Authorization,
) -> ToolResult:
    process = await ctx.sandbox.start(command, session=ctx.session_id, workdir=workdir, pty=pty)
    info = process.info
    if info.state in ("failed_start", "lost"):
        return _not_run(
            mask_secrets(ctx, process.read()[0]) or "The background process could not be started."
        )
    fields: dict[str, Any] = {
        "output": "Background process started",
        "session_id": info.id,
        "pid": info.pid,
        "exit_code": 0,
        "error": None,
    }
    if notices:
        fields["notify_on_complete"] = False
        fields["notify_unsupported"] = "This session can't be woken; poll with the process tool."
    if authorization.note:
        fields["approval"] = authorization.note
    return ToolResult(content=encoded(fields), summary=f"started {info.id}", exit_code=0)
