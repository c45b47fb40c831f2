"""Globs on file names, the same whatever program searches: `*.py`, `*.{ts,tsx}`, `src/**/test_*.py`. Pure."""

import re
from collections.abc import Callable

MOST_ALTERNATIVES = 64
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
_PARTS = re.compile(
    r"(?P<folders>\*\*/)|(?P<any>\*+)|(?P<one>\?)|(?P<set>\[[!^]?\]?[^\]/]*\])|(?P<plain>.)", re.DOTALL
)


def alternatives(glob: str) -> list[str]:
    """The globs that the braces of one stand for; itself when it has none (or absurdly many)."""
    pending, plain = [glob], []
    while pending:
        current = pending.pop(0)
        braces = _BRACES.search(current)
        if braces is None:
            plain.append(current)
        else:
            pending += [
                current[: braces.start()] + choice + current[braces.end() :]
                for choice in braces[1].split(",")
            ]
        if len(pending) + len(plain) > MOST_ALTERNATIVES:
            return [glob]
    return plain


def last_part(glob: str) -> str:
    """The part of a glob that is about the name of the file alone: all that find and grep can compare."""
    return glob.rpartition("/")[2] or "*"


def matcher(glob: str, root: str) -> Callable[[str], bool]:
    """Whether a path below `root` fits. A glob with a slash is about the end of the path from `root` on, one
    without is about the name; an empty one fits all. Without regard to case, as the find of names is."""
    if not glob:
        return lambda path: True
    patterns = [_expression(plain) for plain in alternatives(glob)]

    def fits(path: str) -> bool:
        relative = path.removeprefix(root)
        return any(pattern.fullmatch(f"/{relative.lstrip('/')}") for pattern in patterns)

    return fits


def _expression(glob: str) -> re.Pattern[str]:
    pieces = []
    for part in _PARTS.finditer(glob.removeprefix("./").lstrip("/")):
        if part["folders"]:
            pieces.append("(?:.*/)?")
        elif part["any"]:
            pieces.append("[^/]*" if part["any"] == "*" else ".*")
        elif part["one"]:
            pieces.append("[^/]")
        elif part["set"]:
            inner = part["set"][1:-1].replace("\\", "\\\\").replace("[", "\\[")
            pieces.append(f"[^/{inner[1:]}]" if inner[:1] in "!^" else f"[{inner}]")
        else:
            pieces.append(re.escape(part["plain"]))
    try:
        return re.compile(f".*/{''.join(pieces)}", re.DOTALL | re.IGNORECASE)
    except re.error:  # a range such as [z-a], which is no range: the characters themselves are meant
        return re.compile(f".*/{re.escape(glob)}", re.DOTALL | re.IGNORECASE)
