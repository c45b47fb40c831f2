"""`search_files`: search in files and for files, with what the sandbox has: ripgrep, else grep and find."""

import base64
import binascii
import hashlib
import re
import shlex
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hermes.tools.contract import ToolContext, ToolResult, tool
from hermes.tools.file_access import Refused, masked, read_guard, readable
from hermes.tools.name_globs import alternatives, last_part, matcher

TIMEOUT_SECONDS = 60.0
MOST_OUTPUT = 4 * 1024 * 1024
"""Bytes of what the search program writes that are looked at."""
WARNED_AT, BLOCKED_AT = 3, 4
"""The same search with the same result: warned at the third in a row, refused from the fourth on."""
LONGEST_LINE = 500
_LEFT_OUT = (".git", "node_modules", "__pycache__", ".venv", ".hg", ".svn")
_ROW = re.compile(r"(\d+)([:-])(.*)", re.DOTALL)

Mode = Literal["content", "files_only", "count"]


class Row(msgspec.Struct, frozen=True):
    """A line that matched, or one beside it."""

    path: str
    line: int
    text: str
    matched: bool


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched for, as the model said it; `path` is resolved."""

    pattern: str
    path: str
    file_glob: str
    context: int
    mode: Mode
    is_folder: bool


@tool(toolset="file", concurrency="parallel", read_only=True, preview="pattern")
async def search_files(  # noqa: PLR0913, PLR0917 - a tool's arguments are its interface
    ctx: ToolContext,
    pattern: Annotated[str, Meta(description="Regular expression, or a name glob with target=files")],
    target: Literal["content", "files"] = "content",
    path: str = ".",
    file_glob: Annotated[str, Meta(description="Only files named like this, e.g. *.py")] = "",
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50,
    offset: Annotated[int, Meta(ge=0)] = 0,
    output_mode: Mode = "content",
    context: Annotated[int, Meta(ge=0, le=20, description="Lines around a match")] = 0,
) -> ToolResult:
    """Search in files, or for files by name (newest first). Use this rather than grep, rg, find or ls."""
    try:
        if not pattern:
            raise Refused("'pattern' is empty; give a regular expression, or a glob with target=files.")
        if "\x00" in pattern + file_glob:
            raise Refused("'pattern' or 'file_glob' holds a NUL character.")
        real = await readable(ctx, path)
        info = await ctx.sandbox.files.stat(real)
        if info is None:
            raise Refused(f"{real} does not exist; name a directory or a file to search in.")
        if target == "files" and not re.search(r"[*?\[{]", pattern):
            pattern = f"*{pattern}*"
        query = Query(
            pattern=pattern,
            path=real,
            file_glob=file_glob,
            context=context,
            mode=output_mode,
            is_folder=info.kind == "directory",
        )
        if target == "files":
            found = await _find_names(ctx, query, limit, offset)
        else:
            found = await _find_content(ctx, query, limit, offset)
        return _guarded(ctx, (pattern, target, real, file_glob, limit, offset, output_mode, context), found)
    except Refused as refusal:
        return refusal.result()


def _guarded(ctx: ToolContext, arguments: tuple[object, ...], found: dict[str, Any]) -> ToolResult:
    """The result, unless the same search brought the same result too often in a row."""
    content = msgspec.json.encode(found).decode()
    digest = hashlib.blake2b(repr((arguments, content)).encode(), digest_size=16).hexdigest()
    known, count = ctx.state.last_search
    count = count + 1 if known == digest else 1
    ctx.state.last_search = (digest, count)
    if count >= BLOCKED_AT:
        return ToolResult.error(
            f"Blocked: this search has brought the same result {count} times in a row; use it, or search "
            f"for something else.",
            already_searched=count,
        )
    if count >= WARNED_AT:
        found["_warning"] = f"This search has brought the same result {count} times in a row; use it."
        content = msgspec.json.encode(found).decode()
    total = found["total_count"]
    return ToolResult(content=content, summary=f"{total} {'match' if total == 1 else 'matches'}")


async def _find_content(ctx: ToolContext, query: Query, limit: int, offset: int) -> dict[str, Any]:
    output, cut = await _output(ctx, _content_command(query), query.path)
    if query.mode != "content":
        return await _file_list(ctx, query, output, cut, limit, offset)
    fits = matcher(query.file_glob, _folder(query))
    rows, omitted = await _without_secrets(ctx, [row for row in _rows(output) if fits(row.path)])
    matches = [row for row in rows if row.matched]
    page = matches[offset : offset + limit]
    result = _paged(len(matches), offset, len(page), cut)
    result["matches_text"] = _grouped(ctx, rows, page, query)
    return result | _omission(omitted)


async def _file_list(
    ctx: ToolContext, query: Query, output: str, cut: bool, limit: int, offset: int
) -> dict[str, Any]:
    """`files_only` and `count`: rows of `path NUL` or `path NUL number`."""
    counts: dict[str, int] = {}
    fits = matcher(query.file_glob, _folder(query))
    # What follows the last end of a row was cut off, or is nothing.
    for row in output.split("\n" if query.mode == "count" else "\x00")[:-1]:
        name, _, number = row.partition("\x00")
        if fits(name) and number != "0":
            counts[name] = int(number) if number.isdigit() else 1
    allowed = list(filter(await read_guard(ctx), sorted(counts)))
    page = allowed[offset : offset + limit]
    result = _paged(len(allowed), offset, len(page), cut)
    if query.mode == "count":
        result["total_count"] = sum(counts[name] for name in allowed)
        result["counts"] = {name: counts[name] for name in page}
    else:
        result["files"] = page
    return result | _omission(len(counts) - len(allowed))


async def _find_names(ctx: ToolContext, query: Query, limit: int, offset: int) -> dict[str, Any]:
    output, cut = await _output(ctx, _names_command(query), query.path)
    fits, also = matcher(query.pattern, _folder(query)), matcher(query.file_glob, _folder(query))
    aged = []
    for row in output.split("\n")[:-1]:
        seconds, separator, name = row.partition("|")
        if separator and seconds.isdigit() and fits(name) and also(name):
            aged.append((-int(seconds), name))
    names = [name for _, name in sorted(aged)]
    allowed = list(filter(await read_guard(ctx), names))
    page = allowed[offset : offset + limit]
    return (
        _paged(len(allowed), offset, len(page), cut) | {"files": page} | _omission(len(names) - len(allowed))
    )


def _paged(total: int, offset: int, shown: int, cut: bool) -> dict[str, Any]:
    result: dict[str, Any] = {"total_count": total, "truncated": cut or offset + shown < total}
    if offset + shown < total:
        result["next_offset"] = offset + shown
    if cut:
        result["hint"] = "There was more than can be counted; narrow the pattern, the path or file_glob."
    return result


def _omission(count: int) -> dict[str, Any]:
    return {"_omitted": f"{count} hits in files that hold secrets are left out"} if count else {}


def _folder(query: Query) -> str:
    """What globs are relative to: the directory that is searched; of a single file, where it lies."""
    return query.path if query.is_folder else query.path.rpartition("/")[0]


def _content_command(query: Query) -> str:
    """One shell command that runs the best search program there is. Every word of the model is quoted."""
    pattern, path = shlex.quote(query.pattern), shlex.quote(query.path)
    names = [last_part(glob) for glob in alternatives(query.file_glob)] if query.file_glob else []
    shape = {"content": "-n", "files_only": "-l", "count": "-c"}[query.mode]
    around = f" -C {query.context}" if query.context and query.mode == "content" else ""
    rg = f"rg --null --no-heading --with-filename --color never --no-messages --hidden --no-config {shape}"
    rg += around
    rg += "".join(f" -g {shlex.quote(f'!{name}')}" for name in _LEFT_OUT)
    rg += "".join(f" --iglob {shlex.quote(name)}" for name in names)
    grep = f"grep -rHIs --null --color=never {shape}{around}"
    grep += "".join(f" --exclude-dir={shlex.quote(name)}" for name in _LEFT_OUT)
    grep += "".join(f" --include={shlex.quote(name)}" for name in names)
    return _encoded(
        f"if command -v rg >/dev/null 2>&1; then command {rg} -e {pattern} -- {path}; "
        f"elif echo a | command grep -qP a 2>/dev/null; then command {grep} -P -e {pattern} -- {path}; "
        f"else command {grep} -E -e {pattern} -- {path}; fi"
    )


def _names_command(query: Query) -> str:
    names = " -o ".join(f"-iname {shlex.quote(last_part(glob))}" for glob in alternatives(query.pattern))
    pruned = " -o ".join(f"-name {shlex.quote(name)}" for name in _LEFT_OUT)
    path = shlex.quote(query.path)
    return _encoded(
        f"command find {path} -mindepth 1 -type d '(' {pruned} ')' -prune -o -type f '(' {names} ')' "
        f'-exec sh -c \'stat -c "%Y|%n" "$@" 2>/dev/null || stat -f "%m|%N" "$@"\' sh {{}} + 2>/dev/null'
    )


def _encoded(command: str) -> str:
    """The command with its output in base64 behind a colon: a terminal's output loses NULs and control
    characters, which file names and lines of files may hold."""
    return f"printf :; {{ {command}; }} </dev/null 2>&1 | command head -c {MOST_OUTPUT} | command base64"


async def _output(ctx: ToolContext, command: str, path: str) -> tuple[str, bool]:
    """What the search wrote, and whether that is not all."""
    result = await ctx.sandbox.run(
        command, session=f"{ctx.session_id}:search", timeout=TIMEOUT_SECONDS, workdir="/", stop=ctx.stop
    )
    if result.interrupted:
        raise Refused("The search was interrupted.")
    if result.timed_out:
        raise Refused(
            f"The search in {path} took over {TIMEOUT_SECONDS:.0f} seconds; narrow the path or file_glob."
        )
    said = result.output
    if result.spool_path is not None:
        said = (await ctx.sandbox.files.read(result.spool_path)).decode("ascii", "replace")
    try:
        data = base64.b64decode("".join(said.rpartition(":")[2].split()), validate=True)
    except binascii.Error as error:
        raise Refused(f"The search in {path} failed: {' '.join(said.split())[:300]}") from error
    _refuse_complaint(data, path)
    return data.decode("utf-8", "replace"), len(data) >= MOST_OUTPUT


def _refuse_complaint(output: bytes, path: str) -> None:
    """What a search program says about a bad pattern has no NUL, which every hit has."""
    if output.startswith((b"grep:", b"rg:", b"regex parse error", b"error:")) and b"\0" not in output:
        said = " ".join(output.decode("utf-8", "replace").split())[:300]
        raise Refused(f"The search in {path} failed: {said}")


def _rows(output: str) -> list[Row]:
    rows = []
    for line in output.split("\n"):
        path, separator, rest = line.partition("\x00")
        match = _ROW.fullmatch(rest) if separator else None
        if match is not None:
            rows.append(Row(path, int(match[1]), match[3], match[2] == ":"))
    return sorted(rows, key=lambda row: (row.path, row.line))


async def _without_secrets(ctx: ToolContext, rows: list[Row]) -> tuple[list[Row], int]:
    allowed = set(filter(await read_guard(ctx), {row.path for row in rows}))
    kept = [row for row in rows if row.path in allowed]
    return kept, sum(row.matched for row in rows) - sum(row.matched for row in kept)


def _grouped(ctx: ToolContext, rows: list[Row], page: list[Row], query: Query) -> str:
    """The matches of a page by file: its path, then `line:text`, and `line-text` for lines around them."""
    blocks: list[str] = []
    for path in dict.fromkeys(row.path for row in page):
        numbers = [row.line for row in page if row.path == path]
        chosen = set(numbers)
        near = {
            number for match in numbers for number in range(match - query.context, match + query.context + 1)
        }
        shown = [
            row for row in rows if row.path == path and row.line in (chosen if not query.context else near)
        ]
        texts = masked(ctx, [row.text.rstrip("\r") for row in shown])
        lines = [
            f"{row.line}{':' if row.line in chosen else '-'}{text}"
            for row, text in zip(shown, texts, strict=True)
        ]
        blocks.append("\n".join([path, *lines]))
    return "\n\n".join(blocks)
