"""The V4A patch format: several edits of several files in one text. Parsing is pure.

*** Begin Patch
*** Update File: src/a.py
*** Move to: src/b.py
@@ def greet():
 def greet():
-    print("hi")
+    print("hello")
*** Add File: notes.txt
+first line
*** Delete File: old.txt
*** End Patch
"""

from typing import Literal

import msgspec

from hermes.tools import fuzzy_match

_HEADERS: tuple[tuple[str, Literal["update", "add", "delete"]], ...] = (
    ("*** Update File:", "update"),
    ("*** Add File:", "add"),
    ("*** Delete File:", "delete"),
)
_MOVE_TO = "*** Move to:"
_MOVE_FILE = "*** Move File:"
_END_OF_FILE = "*** End of File"


class PatchError(Exception):
    """The patch can't be used. The message is one sentence naming the line or the file."""

    def __init__(self, message: str, wanted: str = "") -> None:
        super().__init__(message)
        self.wanted = wanted
        """The lines that were looked for in vain."""


class Hunk(msgspec.Struct, kw_only=True):
    """A run of lines to find and what to put in its place."""

    anchor: str = ""
    """A line above the hunk that tells which of several equal places is meant."""
    before: list[str] = []
    after: list[str] = []
    at_end: bool = False


class FileChange(msgspec.Struct, kw_only=True):
    """What the patch does to one file."""

    kind: Literal["update", "add", "delete"]
    path: str
    move_to: str | None = None
    hunks: list[Hunk] = []
    lines: list[str] = []
    """The whole text of an added file."""


def parse(patch: str) -> list[FileChange]:
    """The changes in the order of the patch. Raises PatchError."""
    changes: list[FileChange] = []
    for number, line in enumerate(_body(patch), 1):
        change = _header(line)
        if change is not None:
            changes.append(change)
        elif not changes:
            if line.strip():
                raise PatchError(
                    f"Patch line {number} comes before any '*** Update File: PATH' header: {line[:80]}"
                )
        elif line.startswith(_MOVE_TO):
            changes[-1].move_to = _path(line.removeprefix(_MOVE_TO))
        else:
            _add_line(changes[-1], line, number)
    if not changes:
        raise PatchError("The patch names no file; it needs a line such as '*** Update File: PATH'.")
    for change in changes:
        _check(change)
    return changes


def apply(change: FileChange, text: str) -> str:
    """The text of an updated file. Raises PatchError naming the hunk that does not fit."""
    position = 0
    for number, hunk in enumerate(change.hunks, 1):
        start, end, replacement = _place(hunk, text, position, f"hunk {number} of {change.path}")
        text = text[:start] + replacement + text[end:]
        position = start + len(replacement)
    return text


def _body(patch: str) -> list[str]:
    lines = patch.replace("\r\n", "\n").strip("\n").split("\n")
    starts = [number for number, line in enumerate(lines) if line.strip() == "*** Begin Patch"]
    ends = [number for number, line in enumerate(lines) if line.strip() == "*** End Patch"]
    return lines[starts[0] + 1 if starts else 0 : ends[-1] if ends else len(lines)]


def _header(line: str) -> FileChange | None:
    for header, kind in _HEADERS:
        if line.startswith(header):
            return FileChange(kind=kind, path=_path(line.removeprefix(header)))
    if line.startswith(_MOVE_FILE):
        source, arrow, target = line.removeprefix(_MOVE_FILE).partition("->")
        if not arrow:
            raise PatchError(f"'{line.strip()}' needs the form '*** Move File: OLD -> NEW'.")
        return FileChange(kind="update", path=_path(source), move_to=_path(target))
    return None


def _path(text: str) -> str:
    path = text.strip()
    if not path:
        raise PatchError("A file header of the patch has no path.")
    if ".." in path.replace("\\", "/").split("/"):
        raise PatchError(f"The patch path '{path}' has '..' in it; write the path without.")
    return path


def _add_line(change: FileChange, line: str, number: int) -> None:
    if change.kind == "delete":
        if line.strip():
            raise PatchError(f"Patch line {number}: a deleted file ({change.path}) has no lines of its own.")
    elif change.kind == "add":
        if not line.startswith("+"):
            raise PatchError(
                f"Patch line {number}: each line of the added file {change.path} begins with '+'."
            )
        change.lines.append(line[1:])
    elif line.startswith("@@"):
        change.hunks.append(Hunk(anchor=_anchor(line)))
    elif line.strip() == _END_OF_FILE:
        if change.hunks:
            change.hunks[-1].at_end = True
    else:
        _add_hunk_line(change, line, number)


def _anchor(line: str) -> str:
    """The text after `@@`; the numbers of a unified diff (`@@ -1,2 +1,3 @@ def f():`) are no text."""
    text = line[2:].strip()
    if text.startswith("-") and "@@" in text:
        text = text.partition("@@")[2].strip()
    return text.removesuffix("@@").strip()


def _add_hunk_line(change: FileChange, line: str, number: int) -> None:
    if line[:1] not in ("", " ", "+", "-"):
        raise PatchError(f"Patch line {number} must begin with ' ', '+', '-' or '@@': {line[:80]}")
    if not change.hunks:
        change.hunks.append(Hunk())
    hunk = change.hunks[-1]
    if line[:1] in ("", " ", "-"):
        hunk.before.append(line[1:])
    if line[:1] in ("", " ", "+"):
        hunk.after.append(line[1:])


def _check(change: FileChange) -> None:
    if change.move_to is not None and change.kind != "update":
        raise PatchError(f"Only an updated file can be moved, and {change.path} is not one.")
    for hunk in change.hunks:
        # a blank line before the next header is layout, not part of the file
        while len(hunk.before) > 1 and hunk.before[-1] == "" and hunk.after[-1:] == [""]:
            hunk.before.pop()
            hunk.after.pop()
    change.hunks = [hunk for hunk in change.hunks if hunk.before or hunk.after]
    if change.kind == "update" and not change.hunks and change.move_to is None:
        raise PatchError(f"The patch updates {change.path} but changes no line of it.")


def _place(hunk: Hunk, text: str, position: int, name: str) -> tuple[int, int, str]:
    """Where the hunk goes, and what is put there."""
    start = _after_anchor(hunk.anchor, text, position)
    if not hunk.before:
        return _insertion(hunk, text, position if start is None else start)
    old, new = "\n".join(hunk.before), "\n".join(hunk.after)
    if hunk.at_end and f"\n{text}".rstrip("\n").endswith(f"\n{old}"):
        end = len(text.rstrip("\n"))
        return end - len(old), end, new
    for begin in [position] if start is None else [start, position]:
        found = fuzzy_match.find(text[begin:], f"{old}\n", f"{new}\n" if hunk.after else "")
        if found is None and not text.endswith("\n"):
            found = fuzzy_match.find(text[begin:], old, new)
        if found is not None:
            return _chosen(found, text, begin, hunk, name)
    raise PatchError(f"The lines of {name} are not in the file; read it again and copy them exactly.", old)


def _chosen(found: fuzzy_match.Found, text: str, begin: int, hunk: Hunk, name: str) -> tuple[int, int, str]:
    spans = [
        (begin + start, begin + end, replacement)
        for (start, end), replacement in zip(found.spans, found.replacements, strict=True)
        if found.strategy != "exact" or begin + start == 0 or text[begin + start - 1] == "\n"
    ]
    if not spans:
        raise PatchError(f"The lines of {name} match only inside longer lines; copy whole lines.")
    if len(spans) > 1 and not hunk.anchor:
        numbers = ", ".join(str(text.count("\n", 0, start) + 1) for start, _, _ in spans[:10])
        raise PatchError(
            f"The lines of {name} fit at lines {numbers}; add lines around them or an '@@ LINE' anchor."
        )
    return spans[0]


def _after_anchor(anchor: str, text: str, position: int) -> int | None:
    """The start of the anchor's line: the hunk may repeat it as context."""
    if not anchor:
        return None
    at = position
    for line in text[position:].split("\n"):
        if line.strip() == anchor.strip():
            return at
        at += len(line) + 1
    return None


def _insertion(hunk: Hunk, text: str, position: int) -> tuple[int, int, str]:
    """Lines with nothing around them go below the anchor, else to the end of the file."""
    new = "\n".join(hunk.after) + "\n"
    if hunk.anchor and text[position : position + len(text)].split("\n", 1)[0].strip() == hunk.anchor.strip():
        at = text.find("\n", position)
        if at >= 0:
            return at + 1, at + 1, new
    separator = "" if not text or text.endswith("\n") else "\n"
    return len(text), len(text), separator + new
