"""The way of every file tool to a file: resolve the path in the sandbox, refuse what is off limits, read it
as text, write it back. Problems come out as `Refused` with one sentence for the model."""

import asyncio
import difflib
import posixpath
from collections.abc import Callable
from typing import Any

import msgspec

from hermes.home.profile import Profile
from hermes.sandbox.contract import FileInfo
from hermes.tools import file_text
from hermes.tools.contract import ToolContext, ToolResult
from hermes.tools.file_safety import denied_read, denied_write
from hermes.tools.file_text import TextFile
from hermes.tools.hidden_secrets import masked_fragments, masked_lines

LARGEST_EDITED = 16 * 1024 * 1024
"""Bytes. Longer files are for the terminal."""


class Refused(Exception):
    """A file tool can't do what was asked; the message is one sentence, `more` are fields for the model."""

    def __init__(self, message: str, **more: Any) -> None:
        super().__init__(message)
        self.message = message
        self.more = more

    def result(self) -> ToolResult:
        return ToolResult.error(self.message, **self.more)


class Target(msgspec.Struct, kw_only=True):
    """An existing text file that is about to be changed, or a new one (`exists` is False, empty text)."""

    path: str
    exists: bool
    file: TextFile


async def readable(ctx: ToolContext, path: str) -> str:
    """The real path, if the agent may read it."""
    real = await _resolve(ctx, path)
    reason = denied_read(real, _real_profile(ctx.profile), await _homes(ctx))
    if reason:
        raise Refused(reason)
    return real


async def read_guard(ctx: ToolContext) -> Callable[[str], bool]:
    """A function that says whether a file with this real path may be shown: for the hits of a search."""
    profile, homes = _real_profile(ctx.profile), await _homes(ctx)
    return lambda path: denied_read(path, profile, homes) is None


async def writable(ctx: ToolContext, path: str) -> str:
    """The real path, if the agent may write, move and remove it."""
    real = await _resolve(ctx, path)
    roots = [await ctx.sandbox.files.resolve(root, "/") for root in ctx.write_roots]
    reason = denied_write(real, _real_profile(ctx.profile), await _homes(ctx), roots)
    if reason:
        raise Refused(reason)
    return real


async def existing(ctx: ToolContext, path: str) -> tuple[str, FileInfo]:
    """Real path and facts of a file that is there and may be read."""
    real = await readable(ctx, path)
    info = await ctx.sandbox.files.stat(real)
    if info is None:
        raise await _missing(ctx, real)
    if info.kind == "directory":
        raise Refused(f"{real} is a directory; list it with search_files(pattern='*', target='files').")
    if info.kind != "file":
        raise Refused(f"{real} is no regular file (a device, pipe or socket).")
    return real, info


async def open_for_edit(ctx: ToolContext, path: str) -> Target:
    """The file at `path` as text to be changed. Refuses what may not be written and what is no text."""
    real = await writable(ctx, path)
    info = await ctx.sandbox.files.stat(real)
    if info is None:
        return Target(path=real, exists=False, file=TextFile(text=""))
    if info.kind != "file":
        what = "a directory" if info.kind == "directory" else "no regular file"
        raise Refused(f"{real} is {what}, so it can't be edited as text.")
    if info.size > LARGEST_EDITED:
        raise Refused(f"{real} has {info.size:,} bytes; use the terminal for files over 16 MB.")
    try:
        data = await ctx.sandbox.files.read(real)
    except OSError as error:
        raise failed("read", real, error) from error
    if file_text.is_binary(data):
        raise Refused(f"{real} is a binary file, so it can't be edited as text.")
    return Target(path=real, exists=True, file=file_text.decode(data))


async def save(ctx: ToolContext, target: Target, text: str) -> int:
    """Write `text` atomically in the file's own encoding and line ends. Returns the bytes written."""
    try:
        data = target.file.encode(text)
    except UnicodeEncodeError as error:
        raise Refused(f"The new text can't be stored as {target.file.encoding}: {error.reason}.") from error
    try:
        await ctx.sandbox.files.write(target.path, data)
    except OSError as error:
        raise failed("written", target.path, error) from error
    forget_reads(ctx, target.path)
    return len(data)


def forget_reads(ctx: ToolContext, path: str) -> None:
    """After a change the file is worth reading again, and a search worth repeating."""
    for key in [key for key in ctx.state.reads if key[0] == path]:
        del ctx.state.reads[key]
    ctx.state.last_search = ("", 0)


def failed(verb: str, path: str, error: OSError) -> Refused:
    return Refused(f"{path} can't be {verb}: {error.strerror or error}.")


def masked(ctx: ToolContext, lines: list[str]) -> list[str]:
    """The lines as the model may see them."""
    return masked_lines(lines, ctx.secrets) if ctx.settings.security.redact_secrets else lines


async def refuse_masked(ctx: ToolContext, original: str, *texts: str) -> None:
    """Refuse an edit made from text in which a secret was masked: it would replace the secret by its mask."""
    if not ctx.settings.security.redact_secrets:
        return
    for fragment in await asyncio.to_thread(masked_fragments, original, ctx.secrets):
        if any(fragment in text for text in texts):
            raise Refused(
                f"'{fragment}' is a masked secret, not what the file holds; "
                f"edit with patch, and leave that line out of old_string and new_string."
            )


async def _resolve(ctx: ToolContext, path: str) -> str:
    if not path.strip():
        raise Refused("The path is empty; name a file.")
    if "\x00" in path:
        raise Refused("The path holds a NUL character.")
    try:
        return await ctx.sandbox.files.resolve(path, ctx.sandbox.cwd(ctx.session_id))
    except (OSError, RuntimeError) as error:
        raise Refused(f"{path} can't be resolved: {error}.") from error


async def _homes(ctx: ToolContext) -> list[str]:
    return [await ctx.sandbox.files.resolve("~", "/")]


def _real_profile(profile: Profile) -> Profile:
    return Profile(name=profile.name, home=profile.home.resolve(), root=profile.root.resolve())


async def _missing(ctx: ToolContext, path: str) -> Refused:
    folder, name = posixpath.split(path)
    try:
        entries = await ctx.sandbox.files.list(folder)
    except OSError:
        return Refused(f"{path} does not exist, nor does its directory.")
    names = {posixpath.basename(entry.path).lower(): entry.path for entry in entries}
    near = difflib.get_close_matches(name.lower(), names, n=5, cutoff=0.5)
    if near:
        return Refused(f"{path} does not exist.", similar_files=[names[match] for match in near])
    return Refused(f"{path} does not exist.")
