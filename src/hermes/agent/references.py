"""`@file:`, `@folder:`, `@diff`, `@staged`, `@git:N` and `@url:` in what a person types.

Each is replaced by its plain name in the text, and what it names is put behind the text. What can't be had
stays as it was typed, with a note for the person that says why.
"""

import asyncio
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hermes.agent.tokens import text_tokens
from hermes.home.profile import Profile
from hermes.tools.file_safety import denied_read

SOFT_SHARE, HARD_SHARE = 0.25, 0.5
"""Shares of the context window: above the first there is a warning, above the second nothing is attached."""
GIT_SECONDS = 30.0
MOST_COMMITS = 10
MOST_ENTRIES = 200
DEEPEST_FOLDER = 3
MOST_BYTES = 4_000_000
_SKIPPED_FOLDERS = frozenset({".git", "node_modules", "__pycache__", ".venv", ".mypy_cache", ".ruff_cache"})

_TOKEN = re.compile(
    r"(?<![\w@/])@(?:(?P<bare>diff|staged)\b(?!:)|(?P<kind>file|folder|git|url):"
    r"(?:(?P<quote>[\"'`])(?P<quoted>[^\n]+?)(?P=quote)(?P<lines>:\d+(?:-\d+)?)?|(?P<plain>[^\s\"'`]+)))"
)
_LINES = re.compile(r":(\d+)(?:-(\d+))?$")


class Expanded(msgspec.Struct, frozen=True):
    """What came of a text."""

    text: str
    """What the model is sent: the text as typed when nothing was attached."""
    warnings: tuple[str, ...] = ()
    """For people, one sentence each."""
    attached: int = 0
    """References that were resolved."""
    tokens: int = 0
    """About how many tokens they add."""


class _Reference(msgspec.Struct, frozen=True):
    start: int
    end: int
    kind: str
    value: str
    lines: tuple[int, int] | None = None


class _Attachment(msgspec.Struct, frozen=True):
    name: str
    text: str


class _UnavailableError(Exception):
    """Why a reference can't be resolved: one sentence."""


async def expand_references(text: str, *, cwd: Path, profile: Profile, window: int) -> Expanded:
    """Attach what `text` refers to. `window`: the model's context in tokens. Never raises for what a person
    typed or for what is on the disk."""
    references = list(_references(text))
    if not references:
        return Expanded(text)
    results = await asyncio.gather(*(_resolve(reference, cwd, profile) for reference in references))
    warnings = [result for result in results if isinstance(result, str)]
    pairs = [
        (reference, result)
        for reference, result in zip(references, results, strict=True)
        if isinstance(result, _Attachment)
    ]
    blocks = list(dict.fromkeys(_block(attachment) for _, attachment in pairs))
    tokens = sum(map(text_tokens, blocks))
    if tokens > window * HARD_SHARE:
        warnings.append(
            f"Nothing was attached: the references have about {tokens:,} tokens, more than half of the "
            f"model's {window:,}; name less, such as @file:PATH:1-200."
        )
        return Expanded(text, tuple(warnings))
    if tokens > window * SOFT_SHARE:
        warnings.append(
            f"The references take about {tokens:,} tokens, over a quarter of the model's {window:,}."
        )
    if not pairs:
        return Expanded(text, tuple(warnings))
    body = "\n\n".join([_with_names(text, pairs).strip(), "# Attached Context", *blocks])
    return Expanded(body, tuple(warnings), len(pairs), tokens)


def _references(text: str) -> Iterator[_Reference]:
    for match in _TOKEN.finditer(text):
        if match["bare"]:
            yield _Reference(match.start(), match.end(), match["bare"], "")
            continue
        end, value = match.end(), match["quoted"]
        suffix = match["lines"] or ""
        if value is None:
            value = match["plain"].rstrip(".,;:!?)]}>")
            end -= len(match["plain"]) - len(value)
            found = _LINES.search(value) if match["kind"] == "file" else None
            if found:
                suffix, value = found.group(), value[: found.start()]
        if value:
            yield _Reference(match.start(), end, match["kind"], value, _line_range(suffix))


def _line_range(suffix: str) -> tuple[int, int] | None:
    match = _LINES.search(suffix)
    if match is None:
        return None
    first = int(match[1])
    return first, int(match[2] or first)


async def _resolve(reference: _Reference, cwd: Path, profile: Profile) -> _Attachment | str:
    """The attachment, or the sentence that says why there is none."""
    try:
        if reference.kind == "file":
            return await asyncio.to_thread(_file, reference, cwd, profile)
        if reference.kind == "folder":
            return await asyncio.to_thread(_folder, reference.value, cwd, profile)
        if reference.kind == "url":
            raise _UnavailableError(
                f"@url:{reference.value} was not attached: the web tools are not available yet."
            )
        return await _git(reference, cwd)
    except _UnavailableError as reason:
        return str(reason)
    except OSError as error:
        return f"@{reference.kind}:{reference.value} can't be read: {error.strerror or error}."


def _inside(value: str, cwd: Path, profile: Profile) -> Path:
    """The real path, once it is known to lie under `cwd` and to hold no credentials."""
    try:
        path = (cwd / os.path.expanduser(value)).resolve()
    except (RuntimeError, ValueError) as error:
        raise _UnavailableError(f"'{value}' is not a usable path.") from error
    if not path.is_relative_to(cwd.resolve()):
        raise _UnavailableError(f"'{value}' was not attached: it is outside of {cwd}.")
    refusal = denied_read(str(path), profile)
    if refusal:
        raise _UnavailableError(refusal)
    if not path.exists():
        raise _UnavailableError(f"'{value}' was not attached: there is no such file or folder in {cwd}.")
    return path


def _file(reference: _Reference, cwd: Path, profile: Profile) -> _Attachment:
    path = _inside(reference.value, cwd, profile)
    if path.is_dir():
        raise _UnavailableError(f"'{reference.value}' is a folder; use @folder:{reference.value}.")
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise _UnavailableError(f"'{reference.value}' was not attached: it is not a regular file.")
        data = file.read(MOST_BYTES + 1)
    if b"\0" in data[:8_192]:
        kind = path.suffix.lstrip(".") or "unknown type"
        return _Attachment(reference.value, f"(binary file at {path}: {kind}, {info.st_size:,} bytes)")
    if len(data) > MOST_BYTES and reference.lines is None:
        raise _UnavailableError(f"'{reference.value}' is too large to attach; name lines, as in :1-200.")
    text = data.decode("utf-8", "replace")
    if reference.lines is None:
        return _Attachment(reference.value, text)
    first, last = reference.lines
    lines = text.splitlines()
    if not 1 <= first <= last or first > len(lines):
        raise _UnavailableError(
            f"'{reference.value}' has {len(lines):,} lines; there are no lines {first}-{last}."
        )
    return _Attachment(
        f"{reference.value}:{first}-{min(last, len(lines))}", "\n".join(lines[first - 1 : last])
    )


def _folder(value: str, cwd: Path, profile: Profile) -> _Attachment:
    path = _inside(value, cwd, profile)
    if not path.is_dir():
        raise _UnavailableError(f"'{value}' is a file; use @file:{value}.")
    lines: list[str] = []
    for folder, below, files in os.walk(path):
        depth = len(Path(folder).relative_to(path).parts)
        below[:] = sorted(name for name in below if name not in _SKIPPED_FOLDERS)
        lines += [os.path.relpath(os.path.join(folder, name), path) for name in sorted(files)]
        if depth + 1 >= DEEPEST_FOLDER:
            lines += [f"{os.path.relpath(os.path.join(folder, name), path)}/" for name in below]
            below.clear()
        if len(lines) > MOST_ENTRIES:
            lines = [*lines[:MOST_ENTRIES], "... (more entries are left out)"]
            break
    return _Attachment(value, "\n".join(lines) or "(empty folder)")


async def _git(reference: _Reference, cwd: Path) -> _Attachment:
    if reference.kind == "git":
        if not reference.value.isdecimal() or not 1 <= int(reference.value) <= MOST_COMMITS:
            raise _UnavailableError(
                f"@git:{reference.value} takes a number of commits from 1 to {MOST_COMMITS}."
            )
        count = int(reference.value)
        name = "the last commit" if count == 1 else f"the last {count} commits"
        return _Attachment(name, await _run_git(cwd, "log", "-p", f"-{count}"))
    staged = reference.kind == "staged"
    text = await _run_git(cwd, "diff", *(["--cached"] if staged else []))
    return _Attachment("the staged changes" if staged else "the uncommitted changes", text or "(no changes)")


async def _run_git(cwd: Path, command: str, *arguments: str) -> str:
    """Output of a git command that runs no program which the repository names."""
    safe = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-pager"]
    plain = ["--no-ext-diff", "--no-textconv", "--no-color"]
    try:
        process = await asyncio.create_subprocess_exec(
            "git", *safe, command, *plain, *arguments,
            cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise _UnavailableError("git is not installed, so @diff, @staged and @git can't be used.") from error
    try:
        output, complaint = await asyncio.wait_for(process.communicate(), GIT_SECONDS)
    except TimeoutError as error:
        raise _UnavailableError(f"git {command} took longer than {GIT_SECONDS:.0f} seconds.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        reason = complaint.decode("utf-8", "replace").strip().splitlines()
        raise _UnavailableError(f"git {command} failed: {reason[-1] if reason else 'no reason given'}.")
    return output.decode("utf-8", "replace").strip()


def _block(attachment: _Attachment) -> str:
    """The attachment under its name, fenced so that no text inside can end it."""
    longest = max((len(run) for run in re.findall(r"`+", attachment.text)), default=0)
    fence = "`" * max(3, longest + 1)
    tokens = text_tokens(attachment.text)
    return f"## {attachment.name} (about {tokens:,} tokens)\n{fence}\n{attachment.text}\n{fence}"


def _with_names(text: str, pairs: list[tuple[_Reference, _Attachment]]) -> str:
    for reference, attachment in reversed(pairs):
        text = text[: reference.start] + attachment.name + text[reference.end :]
    return text
