"""`MEMORY.md` and `USER.md`: small files of entries with a line that holds only `§` between them.

Every change is made under a lock, checked on its end state, and written atomically with mode 0600, so a
batch is done whole or not at all.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from hermes.home.files import PRIVATE_FILE, lock_file, make_private_folder, write_atomic
from hermes.home.profile import Profile
from hermes.home.settings import Settings
from hermes.tools.threats import scan

SEPARATOR = "§"
RULE = "═" * 46
LOCK_SECONDS = 5.0
Target = Literal["memory", "user"]
Action = Literal["add", "replace", "remove"]
_TITLES = {"memory": "MEMORY (your personal notes)", "user": "USER PROFILE (who the user is)"}


class Operation(msgspec.Struct, kw_only=True):
    """One change: `add` content; `replace` or `remove` the entry that contains `old_text`."""

    action: Action
    content: str = ""
    old_text: str = ""


class MemoryFile(msgspec.Struct, frozen=True):
    """One of the two files, and how many characters it may hold."""

    target: Target
    path: Path
    limit: int

    def usage(self, entries: Sequence[str]) -> str:
        """`12% — 264/2,200 chars`"""
        used = size(entries)
        return f"{used * 100 // max(self.limit, 1)}% — {used:,}/{self.limit:,} chars"


class MemoryRefused(Exception):
    """A change that can't be made. `entries`: what the file holds, when the model needs to see it."""

    def __init__(self, message: str, entries: Sequence[str] | None = None, over_limit: bool = False) -> None:
        super().__init__(message)
        self.entries = entries
        self.over_limit = over_limit


def memory_file(target: Target, profile: Profile, settings: Settings) -> MemoryFile:
    if target == "user":
        return MemoryFile("user", profile.user_file, settings.memory.user_char_limit)
    return MemoryFile("memory", profile.memory_file, settings.memory.memory_char_limit)


def enabled(target: Target, settings: Settings) -> bool:
    return settings.memory.user_profile_enabled if target == "user" else settings.memory.memory_enabled


def size(entries: Sequence[str]) -> int:
    """Characters of the entries with their separators."""
    return len(_joined(entries))


def load(file: MemoryFile) -> list[str]:
    """The entries of the file; none when it is not there."""
    return parse(_text(file.path, "replace"))


def parse(text: str) -> list[str]:
    """The entries of a text, without blank ones and without space around them."""
    entries: list[list[str]] = [[]]
    for line in text.removeprefix("\ufeff").splitlines():
        if line.strip() == SEPARATOR:
            entries.append([])
        else:
            entries[-1].append(line)
    return [entry for entry in ("\n".join(lines).strip() for lines in entries) if entry]


def change(file: MemoryFile, operations: Sequence[Operation]) -> list[str]:
    """Make all changes or none, and return the entries as they are now. Blocks while another process writes.

    Raises MemoryRefused, and HomeError when the file can't be locked or written.
    """
    make_private_folder(file.path.parent)
    with lock_file(file.path.with_suffix(".lock"), wait_seconds=LOCK_SECONDS, subject=str(file.path)):
        before = load(file)
        if any(operation.action != "add" for operation in operations):
            _refuse_drift(file, before)
        entries = list(before)
        for operation in operations:
            _perform(operation, entries)
        if size(entries) > file.limit and size(entries) >= size(before):
            raise MemoryRefused(
                f"This would make {size(entries):,} of at most {file.limit:,} characters; shorten, merge or "
                f"remove entries in the same call (operations) and try again.",
                before,
                over_limit=True,
            )
        if entries != before:
            write_atomic(file.path, _joined(entries) + "\n" if entries else "", PRIVATE_FILE)
    return entries


def snapshot(profile: Profile, settings: Settings) -> list[str]:
    """The blocks of text for the system prompt, one for each file that is enabled and not empty. An entry
    that looks like an attack on the model is withheld here; the file keeps it."""
    blocks = []
    for target in ("memory", "user"):
        file = memory_file(target, profile, settings)
        entries = load(file) if enabled(target, settings) else []
        if entries:
            shown = [_withheld(entry) or entry for entry in entries]
            header = f"{_TITLES[target]} [{file.usage(entries)}]"
            blocks.append("\n".join([RULE, header, RULE, _joined(shown)]))
    return blocks


def _joined(entries: Sequence[str]) -> str:
    return f"\n{SEPARATOR}\n".join(entries)


def _text(path: Path, errors: str = "strict") -> str:
    try:
        return path.read_text("utf-8", errors)
    except FileNotFoundError:
        return ""


def _withheld(entry: str) -> str | None:
    findings = scan(entry, strict=True)
    if not findings:
        return None
    reason = findings[0].phrase
    return (
        f"[BLOCKED: this memory entry was withheld, for it holds {reason}; the user can see it in the file]"
    )


def _perform(operation: Operation, entries: list[str]) -> None:
    content = "\n".join(line.rstrip() for line in operation.content.strip().splitlines())
    if operation.action != "remove":
        _check_content(operation.action, content)
    if operation.action == "add":
        if content not in entries:
            entries.append(content)
        return
    place = _place(operation, entries)
    if operation.action == "remove":
        del entries[place]
    else:
        entries[place] = content


def _check_content(action: Action, content: str) -> None:
    if not content:
        raise MemoryRefused(f"'{action}' needs 'content', the text to keep.")
    if any(line.strip() == SEPARATOR for line in content.splitlines()):
        raise MemoryRefused(
            f"'content' has a line with only {SEPARATOR}, which separates entries; leave it out."
        )
    findings = scan(content, strict=True)
    if findings:
        raise MemoryRefused(
            f"'content' is not kept, for it holds {findings[0].phrase}; say the fact in plain words."
        )


def _place(operation: Operation, entries: list[str]) -> int:
    """The one entry that contains `old_text`; an entry equal to it wins over those that contain it."""
    wanted = operation.old_text.strip()
    if not wanted:
        raise MemoryRefused(
            f"'{operation.action}' needs 'old_text', a part of the entry that is in no other."
        )
    matches = [number for number, entry in enumerate(entries) if wanted in entry]
    equal = [number for number in matches if entries[number] == wanted]
    if len(equal) == 1:
        return equal[0]
    if not matches:
        raise MemoryRefused(f"No entry contains '{wanted[:80]}'.", entries)
    if len(matches) > 1:
        raise MemoryRefused(
            f"{len(matches)} entries contain '{wanted[:80]}'; give a longer 'old_text'.",
            [entries[number] for number in matches],
        )
    return matches[0]


def _refuse_drift(file: MemoryFile, entries: list[str]) -> None:
    """Refuse to rewrite a file that was edited by hand into something else than entries; keep a copy."""
    try:
        text = _text(file.path)
    except UnicodeDecodeError:
        problem = "it is not valid UTF-8"
    else:
        odd = next(
            (number for number, line in enumerate(text.splitlines(), 1) if _is_odd_separator(line)), None
        )
        if odd is not None:
            problem = f"line {odd} begins with {SEPARATOR} but holds more"
        elif any(len(entry) > file.limit for entry in entries):
            problem = "one entry is longer than the whole limit"
        else:
            return
    backup = file.path.with_name(f"{file.path.name}.bak")
    write_atomic(backup, file.path.read_bytes(), PRIVATE_FILE)
    raise MemoryRefused(
        f"{file.path.name} was edited by hand and {problem}, so rewriting it could lose text; ask the user "
        f"to put a line with only {SEPARATOR} between entries (a copy is in {backup})."
    )


def _is_odd_separator(line: str) -> bool:
    stripped = line.strip()
    return stripped.startswith(SEPARATOR) and stripped != SEPARATOR
