"""`read_file` and `write_file`."""

import asyncio
import hashlib
import posixpath
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hermes.tools import file_text
from hermes.tools.contract import ToolContext, ToolResult, tool
from hermes.tools.diffs import unified_diff
from hermes.tools.documents import UnreadableDocument, document_text
from hermes.tools.file_access import (
    LARGEST_EDITED,
    Refused,
    existing,
    failed,
    masked,
    open_for_edit,
    refuse_masked,
    save,
)
from hermes.tools.syntax_check import SyntaxReport, check

SECRET_BLOCK = 200
"""Lines before a page that are looked at, too, for a key block that reaches into it."""
BLOCKED_AT_READ = 3
"""The same unchanged lines: told at the second reading, refused from this one on."""


@tool(toolset="file", concurrency="by_path", read_only=True, paged=True, preview="path")
async def read_file(
    ctx: ToolContext,
    path: str,
    offset: Annotated[int, Meta(ge=1, description="First line")] = 1,
    limit: Annotated[int, Meta(ge=1, description="Most lines; a page may have fewer")] = 500,
) -> ToolResult:
    """Read a text file (also .ipynb, .docx, .xlsx) as numbered lines 'N|text'. The 'N|' is not part of the
    file. Use this rather than cat, head or tail."""
    try:
        return await _read(ctx, path, offset, min(limit, ctx.settings.tool_output.max_lines))
    except Refused as refusal:
        return refusal.result()


@tool(toolset="file", concurrency="by_path", preview="path")
async def write_file(
    ctx: ToolContext,
    path: str,
    content: Annotated[str, Meta(description="The whole new text of the file")],
) -> ToolResult:
    """Create or fully overwrite a file; missing directories are made. To change parts of a file use patch.
    Reports syntax errors in JSON, YAML, TOML and Python."""
    try:
        return await _write(ctx, path, content)
    except Refused as refusal:
        return refusal.result()


async def _read(ctx: ToolContext, path: str, offset: int, limit: int) -> ToolResult:
    real, info = await existing(ctx, path)
    try:
        data = await ctx.sandbox.files.read(real, LARGEST_EDITED)
    except OSError as error:
        raise failed("read", real, error) from error
    repeated = _repeated(ctx, (real, offset, limit), data)
    if repeated is not None:
        return repeated
    text = await asyncio.to_thread(_text_of, real, data)
    cut = info.size > len(data)
    page = _page(text, offset, limit, ctx)
    page["file_size"] = info.size
    if cut:
        page.update(truncated=True, truncated_by=page.get("truncated_by", "file_size"))
        page["hint"] = "Only the first 16 MB are readable here; use search_files or the terminal beyond."
    shown = page["content"].count("\n") + 1 if page["content"] else 0
    return ToolResult(
        content=msgspec.json.encode(page).decode(),
        summary=f"{shown} of {page['total_lines']} lines of {posixpath.basename(real)}",
    )


def _repeated(ctx: ToolContext, key: tuple[str, int, int], data: bytes) -> ToolResult | None:
    """The answer to a reading of what the model has just read, or None when it is worth reading."""
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    known, count = ctx.state.reads.get(key, ("", 0))
    count = count + 1 if known == digest else 1
    ctx.state.reads[key] = (digest, count)
    if count == 1:
        return None
    path, offset, _ = key
    if count < BLOCKED_AT_READ:
        message = f"{path} has not changed since you read these lines; the text above still holds."
        return ToolResult(
            content=msgspec.json.encode({"status": "unchanged", "message": message}).decode(),
            summary="unchanged since the last reading",
        )
    return ToolResult.error(
        f"Blocked: you have read {path} from line {offset} {count} times and it has not changed; "
        f"work with what you have, or read other lines.",
        already_read=count,
    )


def _text_of(path: str, data: bytes) -> str:
    name = posixpath.basename(path)
    size = f"{len(data):,} bytes"
    try:
        document = document_text(name, data)
    except UnreadableDocument as error:
        raise Refused(f"{path} {error}.") from error
    if document is not None:
        return document
    kind = file_text.image_kind(data)
    if kind is not None:
        raise Refused(f"{path} is a picture ({kind}, {size}), and read_file reads text.", is_image=True)
    if file_text.is_binary(data):
        raise Refused(f"{path} is a binary file ({size}); use the terminal to inspect it.", is_binary=True)
    return file_text.printable(file_text.decode(data).text)


def _page(text: str, offset: int, limit: int, ctx: ToolContext) -> dict[str, Any]:
    """Lines `offset` to `offset + limit - 1`, as many as fit."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    total = len(lines)
    if offset > max(total, 1):
        raise Refused(
            f"The file has {total} lines, so there is nothing from line {offset} on.", total_lines=total
        )
    longest = ctx.settings.tool_output.max_line_length
    room = ctx.settings.file_read_max_chars
    first = max(0, offset - 1 - SECRET_BLOCK)
    window = masked(ctx, lines[first : offset - 1 + limit])[offset - 1 - first :]
    shown: list[str] = []
    for number, line in enumerate(window, offset):
        row = f"{number}|{_clipped(line, longest)}"
        if shown and len(row) + 1 > room:
            break
        room -= len(row) + 1
        shown.append(row)
    following = offset + len(shown)
    page: dict[str, Any] = {
        "content": "\n".join(shown),
        "total_lines": total,
        "truncated": following <= total,
    }
    if following <= total:
        page["truncated_by"] = "limit" if len(shown) == limit else "file_read_max_chars"
        page["next_offset"] = following
        page["hint"] = f"Lines {offset}-{following - 1} of {total}; go on with offset={following}."
    return page


def _clipped(line: str, longest: int) -> str:
    return line if len(line) <= longest else f"{line[:longest]}… [{len(line) - longest} more characters]"


async def _write(ctx: ToolContext, path: str, content: str) -> ToolResult:
    target = await open_for_edit(ctx, path)
    folder = posixpath.dirname(target.path)
    new_folder = await ctx.sandbox.files.stat(folder) is None
    before = target.file.text
    await refuse_masked(ctx, before, content)
    written = await save(ctx, target, content)
    lint = await asyncio.to_thread(check, target.path, content, before if target.exists else None)
    result: dict[str, Any] = {
        "bytes_written": written,
        "dirs_created": new_folder,
        "resolved_path": target.path,
        "files_modified": [target.path],
        "lint": lint,
    }
    result.update(lint_warning(lint))
    verb = "overwrote" if target.exists else "created"
    return ToolResult(
        content=msgspec.json.encode(result).decode(),
        summary=f"{verb} {target.path} ({written:,} bytes)",
        detail=unified_diff(target.path, before, content) or None,
    )


def lint_warning(lint: SyntaxReport) -> dict[str, str]:
    """The field that tells the model to repair what it has just broken."""
    if not lint.is_new_error:
        return {}
    return {"_warning": f"The file was written but does not parse: {lint.output} Fix it now."}
