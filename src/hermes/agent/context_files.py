"""What a project says to agents: AGENTS.md and its like, read once for the prompt or as hints on the way.

Every text is scanned and cut to its share of the context window. Nothing here raises: a file that can't be
used leaves one line that says why, for the model in its place and for people as a note.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hermes.agent.regular_files import read_regular
from hermes.home.settings import Settings
from hermes.sandbox.contract import FileSystem
from hermes.tools import threats

WINDOW_SHARE = 0.06
CHARACTERS_PER_TOKEN = 4
SMALLEST_LIMIT, LARGEST_LIMIT = 20_000, 500_000
HEAD_SHARE, TAIL_SHARE = 0.7, 0.2
HINT_CHARACTERS = 8_000
HINT_ANCESTORS = 5
MOST_RULE_FILES = 50
MOST_LIMITS = 4
"""Files that are taken together have at most this many times the characters of one."""
MOST_BYTES = 4 * LARGEST_LIMIT
"""A larger file is left out: whoever made it meant something else."""

_HERMES_NAMES = (".hermes.md", "HERMES.md")
_AGENTS_NAMES = ("AGENTS.md", "agents.md")
_CLAUDE_NAMES = ("CLAUDE.md", "claude.md")
_CURSOR_RULES = ".cursorrules"
_HINT_NAMES = (*_AGENTS_NAMES, *_CLAUDE_NAMES, _CURSOR_RULES)


class Presented(msgspec.Struct, frozen=True):
    """A file's text as the model gets it."""

    text: str
    note: str = ""
    """For people: what is missing and why."""
    refused: bool = False
    """The text is not the file's: it says why the file was left out."""


class ProjectContext(msgspec.Struct, frozen=True):
    """The project's part of the prompt; empty when the project says nothing."""

    text: str = ""
    notes: tuple[str, ...] = ()
    """For people, one sentence each."""


def context_limit(settings: Settings, window: int) -> int:
    """Characters for a context file. `window`: the model's context in tokens."""
    if settings.context_file_max_chars is not None:
        return max(0, settings.context_file_max_chars)
    share = int(window * WINDOW_SHARE * CHARACTERS_PER_TOKEN)
    return max(SMALLEST_LIMIT, min(share, LARGEST_LIMIT))


def project_context(cwd: Path, limit: int) -> ProjectContext:
    """The first kind of context file that the project has. `limit`: characters."""
    root = _git_root(cwd) or cwd
    for files in _candidates(cwd, root):
        found = _presented(files, cwd, root, limit)
        if found:
            return _as_section(found)
    return ProjectContext()


def _presented(files: list[Path], cwd: Path, root: Path, limit: int) -> list[tuple[str, Presented]]:
    """Name and text of those files that say something, as far as their room reaches."""
    found: list[tuple[str, Presented]] = []
    room = MOST_LIMITS * limit
    for path in files:
        name = _name(path, cwd)
        presented = load_file(path, name, limit, within=root)
        room -= len(presented.text)
        if presented.text and room < 0:
            presented = _left_out(name, "the files before it took all the room there is")
        if presented.text:
            found.append((name, presented))
    return found


def load_file(path: Path, name: str, limit: int, *, within: Path | None = None) -> Presented:
    """One context file of this machine. `within`: the folder that a link may not leave."""
    try:
        target = path.resolve(strict=True)
        if within is not None and not target.is_relative_to(within.resolve()):
            return _left_out(name, "it is a link to a place outside of the project")
        read = read_regular(target, max(MOST_BYTES, 4 * limit))
    except FileNotFoundError:
        return Presented("")
    except RuntimeError:  # how Python 3.11 and 3.12 report a loop of links
        return _left_out(name, "it is a link in a circle")
    except OSError as error:
        return _unreadable(name, error)
    if read is None:
        return _left_out(name, "it is not a regular file")
    data, size = read
    if size > len(data):
        return _left_out(name, f"it is too large ({size:,} bytes)")
    text = data.decode("utf-8", "replace")
    if name.endswith((".hermes.md", "HERMES.md", ".mdc")):
        text = without_frontmatter(text)
    return present(name, text, limit)


def present(name: str, text: str, limit: int) -> Presented:
    """The text as it may be shown: stripped, cut to `limit` characters, replaced when it holds a threat."""
    body = text.removeprefix("\ufeff").strip()
    shown, left_out = _shortened(body, limit)
    findings = scan_all(f"{name}\n\n{shown}")
    if findings:
        ids = ", ".join(sorted({finding.id for finding in findings}))
        first = findings[0]
        return Presented(
            f"[BLOCKED: {name} was left out because it looks like an attack on the agent: {ids}]",
            f'{name} was left out: it holds {first.phrase} ("{first.excerpt}"). Look at it; '
            "--ignore-rules starts without project files.",
            refused=True,
        )
    if left_out:
        return Presented(shown, f"{name} is longer than {limit:,} characters; its middle was left out.")
    return Presented(shown)


def scan_all(text: str) -> list[threats.Finding]:
    """What the whole text holds, however long it is; the windows of the scan overlap."""
    step = threats.SCANNED_CHARACTERS - 1_024
    found: list[threats.Finding] = []
    for start in range(0, max(len(text), 1), step):
        found += threats.scan(text[start : start + threats.SCANNED_CHARACTERS])
    return found


def without_frontmatter(text: str) -> str:
    """The text after a leading YAML block between `---` lines."""
    return re.sub(
        r"\A\ufeff?---[ \t]*\r?\n(?:.*?\r?\n)??---[ \t]*(?:\r?\n|\Z)", "", text, count=1, flags=re.DOTALL
    )


async def subdirectory_hint(path: str, *, cwd: str, seen: set[str], files: FileSystem) -> str:
    """What the directories on the way to `path` say to agents, the first time one of them is touched.

    Goes up at most five directories and ends before those that hold `cwd`, whose files are in the prompt.
    `seen` grows by every directory looked at. Empty, or a text to put behind a tool's result.
    """
    try:
        here, start = await files.resolve(cwd, cwd), await files.resolve(path, cwd)
        info = await files.stat(start)
    except (OSError, ValueError):  # also a path that no file system can hold
        return ""
    directory = start if info is not None and info.kind == "directory" else posixpath.dirname(start)
    new = [folder for folder in _upwards(directory, here) if folder not in seen]
    seen.update(new)
    return "".join([await _hint_of(folder, files) for folder in reversed(new)])


def _upwards(directory: str, cwd: str) -> Iterator[str]:
    for _ in range(HINT_ANCESTORS):
        if directory == cwd or f"{cwd}/".startswith(f"{directory.rstrip('/')}/"):
            return
        yield directory
        directory = posixpath.dirname(directory)


async def _hint_of(folder: str, files: FileSystem) -> str:
    for name in _HINT_NAMES:
        path = posixpath.join(folder, name)
        shown_path = _visible(path)
        try:
            real = await files.resolve(path, folder)
            info = await files.stat(real)
            if info is None or info.kind != "file" or not real.startswith(f"{folder.rstrip('/')}/"):
                continue
            data = await files.read(real, limit=MOST_BYTES)
            shown = present(shown_path, data.decode("utf-8", "replace"), HINT_CHARACTERS)
        except OSError as error:
            shown = _unreadable(shown_path, error)
        if shown.text:
            return f"\n\n[Project notes for this directory, from {shown_path}]\n{shown.text}"
    return ""


def _candidates(cwd: Path, root: Path) -> Iterator[list[Path]]:
    """Groups of files in the order of their rank; the first group with any text is taken."""
    for folder in (cwd, *cwd.parents):
        for name in _HERMES_NAMES:
            yield [folder / name]
        if folder == root:
            break
    for name in (*_AGENTS_NAMES, *_CLAUDE_NAMES):
        yield [cwd / name]
    try:
        rules = sorted((cwd / ".cursor" / "rules").glob("*.mdc"))[:MOST_RULE_FILES]
    except OSError:
        rules = []
    yield [cwd / _CURSOR_RULES, *rules]


def _git_root(cwd: Path) -> Path | None:
    for folder in (cwd, *cwd.parents):
        try:
            if (folder / ".git").exists():
                return folder
        except OSError:
            return None
    return None


def _name(path: Path, cwd: Path) -> str:
    return _visible(str(path.relative_to(cwd) if path.is_relative_to(cwd) else path))


def _visible(name: str) -> str:
    """A file's name on one line, whatever characters its maker put into it."""
    return "".join(character if character.isprintable() else "?" for character in name)


def _as_section(found: list[tuple[str, Presented]]) -> ProjectContext:
    parts = [f"## {name}\n\n{presented.text}" for name, presented in found]
    head = "# Project notes\n\nWritten for agents that work in this project; follow them in what they cover."
    notes = tuple(presented.note for _, presented in found if presented.note)
    return ProjectContext("\n\n".join([head, *parts]), notes)


def _unreadable(name: str, error: OSError) -> Presented:
    return _left_out(name, f"it could not be read ({error.strerror or error})")


def _left_out(name: str, reason: str) -> Presented:
    return Presented(f"[{name} was left out: {reason}]", f"{name} was left out: {reason}.", refused=True)


def _shortened(text: str, limit: int) -> tuple[str, int]:
    """The text, or its head and tail around a line that counts what is missing; and how much is missing."""
    if len(text) <= limit:
        return text, 0
    head, tail = int(limit * HEAD_SHARE), int(limit * TAIL_SHARE)
    missing = len(text) - head - tail
    end = text[-tail:] if tail else ""
    return f"{text[:head]}\n\n[{missing:,} characters are left out here]\n\n{end}", missing
