"""`@file:`, `@folder:`, `@diff`, `@staged`, `@git:N` and `@url:` in what a person types.

Each is replaced by its plain name in the text, and what it names is put behind the text. What can't be had
stays as it was typed, with a note for the person that says why.
"""

import asyncio
import itertools
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from hermes.agent.git_output import GitFailed, git_output
from hermes.agent.regular_files import read_regular
from hermes.agent.tokens import text_tokens
from hermes.home.profile import Profile
from hermes.tools import file_text
from hermes.tools.file_safety import denied_read
from hermes.tools.hidden_secrets import masked_lines

SOFT_SHARE, HARD_SHARE = 0.25, 0.5
"""Shares of the context window: above the first there is a warning, above the second nothing is attached."""
MOST_COMMITS = 10
MOST_ENTRIES = 200
DEEPEST_FOLDER = 3
MOST_BYTES = 4_000_000
_SKIPPED_FOLDERS = frozenset({".git", "node_modules", "__pycache__", ".venv", ".mypy_cache", ".ruff_cache"})

_TOKEN = re.compile(
    r"(?<![\w@/])@(?:(?P<bare>diff|staged)(?![\w:/@-]|\.\w)|(?P<kind>file|folder|git|url):"
    r"(?:(?P<quote>[\"'`])(?P<quoted>[^\r\n]+?)(?P=quote)(?P<lines>:\d{1,9}(?:-\d{1,9})?)?"
    r"|(?P<plain>[^\s\"'`]+)))"
)
_LINES = re.compile(r":(\d{1,9})(?:-(\d{1,9}))?$")
_SENTENCE_END = ".,;:!?)]}>"


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

    def __str__(self) -> str:
        return f"@{self.kind}:{self.value}" if self.value else f"@{self.kind}"


class _Place(msgspec.Struct, frozen=True):
    """Where references lead, and what stays hidden there."""

    cwd: Path
    profile: Profile
    secrets: Collection[str] | None

    def shown(self, lines: list[str]) -> list[str]:
        return lines if self.secrets is None else masked_lines(lines, self.secrets)


class _Attachment(msgspec.Struct, frozen=True):
    name: str
    text: str


class _UnavailableError(Exception):
    """Why a reference can't be resolved: one sentence."""


async def expand_references(
    text: str, *, cwd: Path, profile: Profile, window: int, secrets: Collection[str] | None = None
) -> Expanded:
    """Attach what `text` refers to. `window`: the model's context in tokens. `secrets`: known ones, masked in
    what is attached along with all that looks like one; None masks nothing. Never raises for what a person
    typed or for what is on the disk."""
    references = list(_references(text))
    if not references:
        return Expanded(text)
    place = _Place(cwd, _real(profile), secrets)
    results = await asyncio.gather(*(_resolve(reference, place) for reference in references))
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
            value = _without_sentence_end(match["plain"])
            end -= len(match["plain"]) - len(value)
            found = _LINES.search(value) if match["kind"] == "file" else None
            if found:
                suffix, value = found.group(), value[: found.start()]
        if value:
            yield _Reference(match.start(), end, match["kind"], value, _line_range(suffix))


def _without_sentence_end(value: str) -> str:
    """The value without the punctuation of the sentence around it; dots that name a folder stay."""
    body = value.rstrip(_SENTENCE_END)
    dots = re.match(r"\.{1,2}", value[len(body) :])
    return body + dots.group() if dots and (not body or body.endswith("/")) else body


def _line_range(suffix: str) -> tuple[int, int] | None:
    match = _LINES.search(suffix)
    if match is None:
        return None
    first = int(match[1])
    return first, int(match[2] or first)


async def _resolve(reference: _Reference, place: _Place) -> _Attachment | str:
    """The attachment, or the sentence that says why there is none."""
    try:
        if reference.kind == "file":
            return await asyncio.to_thread(_file, reference, place)
        if reference.kind == "folder":
            return await asyncio.to_thread(_folder, reference.value, place)
        if reference.kind == "url":
            raise _UnavailableError(f"{reference} was not attached: the web tools are not available yet.")
        return await _git(reference, place)
    except (_UnavailableError, GitFailed) as reason:
        return str(reason)
    except OSError as error:
        return f"{reference} can't be read: {error.strerror or error}."


def _inside(value: str, place: _Place) -> Path:
    """The real path, once it is known to lie under the working directory and to hold no credentials."""
    cwd = place.cwd.resolve()
    try:
        path = (cwd / os.path.expanduser(value)).resolve()
    except (RuntimeError, ValueError) as error:
        raise _UnavailableError(f"'{value}' is not a usable path.") from error
    if not path.is_relative_to(cwd):
        raise _UnavailableError(f"'{value}' was not attached: it is outside of {place.cwd}.")
    refusal = denied_read(str(path), place.profile, [os.path.realpath(os.path.expanduser("~"))])
    if refusal:
        raise _UnavailableError(refusal)
    if not path.exists():
        raise _UnavailableError(
            f"'{value}' was not attached: there is no such file or folder in {place.cwd}."
        )
    return path


def _file(reference: _Reference, place: _Place) -> _Attachment:
    name = reference.value
    path = _inside(name, place)
    if path.is_dir():
        raise _UnavailableError(f"'{name}' is a folder; use @folder:{name}.")
    read = read_regular(path, MOST_BYTES)
    if read is None:
        raise _UnavailableError(f"'{name}' was not attached: it is not a regular file.")
    data, size = read
    if file_text.is_binary(data):
        kind = file_text.image_kind(data) or path.suffix.lstrip(".") or "unknown type"
        return _Attachment(name, f"(binary file at {path}: {kind}, {size:,} bytes)")
    if size > len(data):
        if reference.lines is None:
            raise _UnavailableError(f"'{name}' is too large to attach; name lines, as in @file:{name}:1-200.")
        data = data.rpartition(b"\n")[0]
    text = file_text.printable(file_text.decode(data).text)
    lines = place.shown(text.removesuffix("\n").split("\n"))
    if reference.lines is None:
        return _Attachment(name, "\n".join(lines))
    first, last = reference.lines
    if not 1 <= first <= last or first > len(lines):
        raise _UnavailableError(f"'{name}' has {len(lines):,} lines; there are no lines {first}-{last}.")
    return _Attachment(f"{name}:{first}-{min(last, len(lines))}", "\n".join(lines[first - 1 : last]))


def _folder(value: str, place: _Place) -> _Attachment:
    path = _inside(value, place)
    if not path.is_dir():
        raise _UnavailableError(f"'{value}' is a file; use @file:{value}.")
    names = list(itertools.islice(_entries(path, "", DEEPEST_FOLDER), MOST_ENTRIES + 1))
    if len(names) > MOST_ENTRIES:
        names[-1] = "... (more entries are left out)"
    return _Attachment(value, "\n".join(names) or "(empty folder)")


def _entries(folder: Path, before: str, depth: int) -> Iterator[str]:
    """Names below `folder`, `depth` levels deep, folders with a slash. Links are named, not followed."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        name = before + "".join(letter if letter.isprintable() else "?" for letter in entry.name)
        if not entry.is_dir(follow_symlinks=False):
            yield name
        elif entry.name not in _SKIPPED_FOLDERS:
            yield f"{name}/"
            if depth > 1:
                try:
                    yield from _entries(Path(entry.path), f"{name}/", depth - 1)
                except OSError as error:
                    yield f"{name}/ ({error.strerror})"


async def _git(reference: _Reference, place: _Place) -> _Attachment:
    if reference.kind == "git":
        if not re.fullmatch(r"0*([1-9]|10)", reference.value, re.ASCII):
            raise _UnavailableError(f"{reference} takes a number of commits from 1 to {MOST_COMMITS}.")
        count = int(reference.value)
        name = "the last commit" if count == 1 else f"the last {count} commits"
        text = await git_output(place.cwd, "log", "-p", f"-{count}")
    elif reference.kind == "staged":
        name, text = "the staged changes", await git_output(place.cwd, "diff", "--cached")
    else:
        name, text = "the unstaged changes", await git_output(place.cwd, "diff")
    return _Attachment(name, "\n".join(place.shown(text.split("\n"))) or "(no changes)")


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


def _real(profile: Profile) -> Profile:
    """The profile under the real paths of its folders: paths are compared after links are resolved."""
    return Profile(name=profile.name, home=profile.home.resolve(), root=profile.root.resolve())
