"""`patch`: change parts of files, either one text by another or with a V4A patch."""

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hermes.tools import fuzzy_match, patch_v4a
from hermes.tools.contract import ToolContext, ToolResult, tool
from hermes.tools.diffs import unified_diff
from hermes.tools.file_access import (
    Refused,
    Target,
    existing,
    failed,
    forget_reads,
    masked,
    open_for_edit,
    refuse_masked,
    save,
)
from hermes.tools.files import lint_warning
from hermes.tools.patch_v4a import FileChange, PatchError
from hermes.tools.syntax_check import check

HINT_AFTER = 2
"""Failed edits of one file in a row before the advice gets firmer."""


class Edit(msgspec.Struct, kw_only=True):
    """One file of a patch, ready to be written: everything that can be checked before has been."""

    change: FileChange
    target: Target
    after: str = ""
    moved: Target | None = None


@tool(toolset="file", concurrency="by_path", preview="path")
async def patch(
    ctx: ToolContext,
    mode: Literal["replace", "patch"] = "replace",
    path: Annotated[str, Meta(description="File to change (replace)")] = "",
    old_string: Annotated[
        str, Meta(description="Text to find, with enough lines around it to be unique (replace)")
    ] = "",
    new_string: str = "",
    replace_all: bool = False,
    patch: Annotated[
        str,
        Meta(
            description="V4A text (patch): '*** Begin Patch', then per file '*** Update File: P' with '@@' "
            "hunks of ' ', '-', '+' lines, '*** Add File: P', '*** Delete File: P', '*** Move to: P', "
            "'*** End Patch'"
        ),
    ] = "",
) -> ToolResult:
    """Change parts of files. mode=replace: put new_string for old_string in path (small differences of
    whitespace are forgiven). mode=patch: several files at once, all or nothing."""
    try:
        if mode == "patch":
            return await _apply_patch(ctx, patch)
        return await _replace(ctx, path, old_string, new_string, replace_all)
    except Refused as refusal:
        return refusal.result()


async def _replace(ctx: ToolContext, path: str, old: str, new: str, replace_all: bool) -> ToolResult:
    if not path:
        raise Refused("mode=replace needs 'path'.")
    if not old:
        raise Refused("'old_string' is empty; to make or overwrite a whole file use write_file.")
    if old == new:
        raise Refused("'old_string' and 'new_string' are the same, so there is nothing to change.")
    await existing(ctx, path)
    target = await open_for_edit(ctx, path)
    text = target.file.text
    if target.file.newline == "\r\n" or "\r\n" not in text:
        old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    await refuse_masked(ctx, text, old, new)
    found = await asyncio.to_thread(fuzzy_match.find, text, old, new)
    if found is None:
        raise await _not_found(ctx, target.path, text, old)
    if len(found.spans) > 1 and not replace_all:
        numbers = fuzzy_match.line_numbers(text, found)
        listed = ", ".join(map(str, numbers[:20])) + (", ..." if len(numbers) > 20 else "")
        raise Refused(
            f"'old_string' occurs {len(numbers)} times in {target.path}, at lines {listed}; "
            f"add lines around it to make it unique, or set replace_all.",
            lines=numbers[:20],
        )
    after = fuzzy_match.apply(text, found)
    await save(ctx, target, after)
    ctx.state.failed_edits.pop(target.path, None)
    more = {} if found.strategy == "exact" else {"matched_by": found.strategy}
    times = "" if len(found.spans) == 1 else f", {len(found.spans)} places"
    edit = Edit(change=FileChange(kind="update", path=path), target=target, after=after)
    return await _report([edit], f"changed {target.path}{times}", replacements=len(found.spans), **more)


async def _not_found(ctx: ToolContext, path: str, text: str, old: str) -> Refused:
    """The failure, with the nearest lines, and firmer advice the more often it happened."""
    count = ctx.state.failed_edits.get(path, 0) + 1
    ctx.state.failed_edits[path] = count
    message = f"'old_string' is not in {path}; read the file again and copy the lines exactly."
    if count > HINT_AFTER:
        message = (
            f"'old_string' is not in {path}, and {count} edits of it in a row have failed; stop guessing: "
            f"read the part you mean with read_file, or write the whole file with write_file."
        )
        for key in [key for key in ctx.state.reads if key[0] == path]:
            del ctx.state.reads[key]
    return Refused(message, failed_edits=count, **await _nearest(ctx, text, old))


async def _nearest(ctx: ToolContext, text: str, wanted: str) -> dict[str, str]:
    """The lines of the file most like what was looked for, as the model may see them."""

    def look() -> str | None:
        return fuzzy_match.nearest_lines("\n".join(masked(ctx, text.split("\n"))), wanted)

    near = await asyncio.to_thread(look)
    return {"nearest_lines": near} if near else {}


async def _apply_patch(ctx: ToolContext, text: str) -> ToolResult:
    if not text.strip():
        raise Refused("mode=patch needs 'patch', the text of a V4A patch.")
    try:
        changes = patch_v4a.parse(text)
        edits = [await _prepare(ctx, change) for change in changes]
    except PatchError as error:
        raise Refused(f"Nothing was changed. {error}") from error
    except Refused as refusal:
        raise Refused(f"Nothing was changed. {refusal.message}", **refusal.more) from refusal
    _refuse_double(edits)
    done: list[Edit] = []
    try:
        for edit in sorted(
            edits, key=lambda edit: edit.change.kind == "delete"
        ):  # what is hardest to undo comes last
            done.append(edit)
            await _perform(ctx, edit)
    except Refused as refusal:
        problems = [problem for edit in reversed(done) for problem in await _undo(ctx, edit)]
        state = (
            "Everything was put back." if not problems else "Not all could be put back: " + " ".join(problems)
        )
        raise Refused(f"{refusal.message} {state}") from refusal
    names = ", ".join(edit.target.path for edit in edits)
    return await _report(edits, f"patched {names}")


async def _prepare(ctx: ToolContext, change: FileChange) -> Edit:
    """Check everything about one file's change, and compute its new text, without writing."""
    target = await open_for_edit(ctx, change.path)
    if change.kind == "add":
        if target.exists:
            raise Refused(f"{target.path} exists already; update it, or delete it first.")
        return Edit(change=change, target=target, after="".join(f"{line}\n" for line in change.lines))
    if not target.exists:
        await existing(ctx, change.path)
    if change.kind == "delete":
        return Edit(change=change, target=target)
    changed_lines = "\n".join(line for hunk in change.hunks for line in [*hunk.before, *hunk.after])
    await refuse_masked(ctx, target.file.text, changed_lines)
    try:
        after = await asyncio.to_thread(patch_v4a.apply, change, target.file.text)
    except PatchError as error:
        raise Refused(str(error), **await _nearest(ctx, target.file.text, error.wanted)) from error
    moved = None
    if change.move_to is not None:
        moved = await open_for_edit(ctx, change.move_to)
        if moved.exists:
            raise Refused(f"{moved.path} exists already, so {target.path} can't be moved there.")
        moved = msgspec.structs.replace(moved, file=target.file)
    return Edit(change=change, target=target, after=after, moved=moved)


def _refuse_double(edits: list[Edit]) -> None:
    paths = [edit.target.path for edit in edits] + [edit.moved.path for edit in edits if edit.moved]
    double = next((path for path in paths if paths.count(path) > 1), None)
    if double:
        raise Refused(f"Nothing was changed. The patch names {double} twice; put its hunks under one header.")


async def _perform(ctx: ToolContext, edit: Edit) -> None:
    files = ctx.sandbox.files
    path = edit.target.path
    try:
        if edit.change.kind == "delete":
            await files.remove(path)
            forget_reads(ctx, path)
            return
        if edit.moved is not None:
            await files.move(path, edit.moved.path)
            forget_reads(ctx, path)
    except OSError as error:
        raise failed("removed or moved", path, error) from error
    destination = edit.moved or edit.target
    if edit.moved is None or edit.after != edit.target.file.text:
        await save(ctx, destination, edit.after)


async def _undo(ctx: ToolContext, edit: Edit) -> list[str]:
    """Bring one file back to what it was; the sentences about what could not be done."""
    files = ctx.sandbox.files
    path = edit.target.path
    original = edit.target.file.encode(edit.target.file.text)
    try:
        if edit.moved is not None and await files.stat(edit.moved.path) is not None:
            await files.move(edit.moved.path, path)
        now = await files.stat(path)
        if not edit.target.exists:
            if now is not None:
                await files.remove(path)
        elif now is None or await files.read(path) != original:
            await files.write(path, original)
    except OSError as error:
        return [failed("restored", path, error).message]
    return []


async def _report(edits: list[Edit], summary: str, **more: Any) -> ToolResult:
    """The result of edits that were made."""
    lint = {}
    warnings: dict[str, str] = {}
    lists: dict[str, list[str]] = {"files_modified": [], "files_created": [], "files_deleted": []}
    names = {"update": "files_modified", "add": "files_created", "delete": "files_deleted"}
    diffs = []
    for edit in edits:
        before, path = edit.target.file.text, (edit.moved or edit.target).path
        lists[names[edit.change.kind]].append(path)
        if edit.moved is not None:
            lists["files_deleted"].append(edit.target.path)
            diffs.append(f"rename from {edit.target.path}\nrename to {edit.moved.path}")
        diffs.append(unified_diff(path, before, edit.after))
        if edit.change.kind != "delete":
            report = await asyncio.to_thread(check, path, edit.after, before if edit.target.exists else None)
            if report.status != "skipped":
                lint[path] = report
            warnings.update(lint_warning(report))
    result: dict[str, Any] = {"success": True, **{key: value for key, value in lists.items() if value}}
    if len(edits) == 1:
        result["resolved_path"] = (edits[0].moved or edits[0].target).path
    if lint:
        result["lint"] = next(iter(lint.values())) if len(edits) == 1 else lint
    result |= more | warnings
    detail = "\n".join(diff for diff in diffs if diff)
    return ToolResult(content=msgspec.json.encode(result).decode(), summary=summary, detail=detail or None)
