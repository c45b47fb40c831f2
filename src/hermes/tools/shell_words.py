"""Small pieces of shell syntax: where a bracket closes, what an escaped or braced word stands for."""

import re

GAP = "\x1f"
"""Stands where an unquoted expansion separates words."""
_MOST_WORDS = 64
_DEEPEST_QUOTES = 24
_DOCUMENT = re.compile(r"<<-?[ \t]*(?:'([^'\n]*)'|\"([^\"\n]*)\"|\\?([^\s;&|()<>'\"]+))")
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|(.))", re.DOTALL
)
_LETTERS = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "e": "\x1b",
    "E": "\x1b",
}


class TooComplexError(Exception):
    """A text that is nested so deeply, or expands to so much, that nobody writes it to be understood."""


class Effort:
    """What the reading of one command line may cost, nested scripts included."""

    def __init__(self, calls: int = 10_000, characters: int = 2_000_000) -> None:
        self._calls = calls
        self._characters = characters

    def spend(self, *, calls: int = 0, characters: int = 0) -> None:
        """Raises TooComplexError when nothing is left."""
        self._calls -= calls
        self._characters -= characters
        if self._calls < 0 or self._characters < 0:
            raise TooComplexError


def closing_parenthesis(text: str, position: int, nesting: int = 0) -> int:
    """Index of the `)` that closes what was opened before `position`; the end of the text if none does.

    Inside quotes, comments and here documents a bracket is only text.
    """
    if nesting > _DEEPEST_QUOTES:
        raise TooComplexError
    depth = 1
    documents: list[str] = []
    while position < len(text):
        character = text[position]
        if character == "\n" and documents:
            position = _behind_documents(text, position + 1, documents)
            continue
        if character == "#" and text[position - 1] in " \t\n;(":
            position = index_or_end(text, "\n", position)
            continue
        if text.startswith("<<", position) and not text.startswith("<<<", position):
            match = _DOCUMENT.match(text, position)
            if match:
                documents.append(match[1] or match[2] or match[3])
                position = match.end()
                continue
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return position
        position = _behind(text, position, nesting)
    return len(text)


def closing_brace(text: str, position: int) -> int:
    """Index of the `}` that closes what was opened before `position`; the end of the text if none does."""
    return _closing(text, position, "{", "}")


def closing_arithmetic(text: str, position: int) -> int | None:
    """Index of the first of the two `)` that close `((`, whose inside starts at `position`; None when it
    is not arithmetic but one subshell in another. In arithmetic `<<` is no here document and `#` no
    comment."""
    end = _closing(text, position, "(", ")")
    return end if text.startswith("))", end) else None


def _closing(text: str, position: int, opens: str, closes: str) -> int:
    depth = 1
    while position < len(text):
        depth += (text[position] == opens) - (text[position] == closes)
        if depth == 0:
            return position
        position = _behind(text, position)
    return len(text)


def _behind(text: str, position: int, nesting: int = 0) -> int:
    """The index behind the character, the escape or the quoted string at `position`."""
    character = text[position]
    if character == "\\":
        return position + 2
    if character == "'":
        return index_or_end(text, "'", position + 1) + 1
    if character != '"':
        return position + 1
    position += 1
    while position < len(text) and text[position] != '"':
        if text.startswith("$(", position):
            position = closing_parenthesis(text, position + 2, nesting + 1)
        position += 2 if text[position : position + 1] == "\\" else 1
    return position + 1


def here_document(text: str, position: int, end: str) -> tuple[str, int | None]:
    """The body that starts at `position` and the index behind its end; None when it has no end."""
    lines: list[str] = []
    while position < len(text):
        stop = index_or_end(text, "\n", position)
        line = text[position:stop]
        position = stop + 1
        if line.strip("\t") == end:
            return "\n".join(lines), position
        lines.append(line)
    return "\n".join(lines), None


def _behind_documents(text: str, position: int, documents: list[str]) -> int:
    """The index behind the here documents that start at `position`; empties the list. One without an end is
    not skipped: better to read data as commands than to overlook commands."""
    for end in documents:
        _, behind = here_document(text, position, end)
        position = position if behind is None else behind
    documents.clear()
    return position


def index_or_end(text: str, mark: str, position: int) -> int:
    """Index of the mark from `position` on; the end of the text if there is none."""
    found = text.find(mark, position)
    return len(text) if found < 0 else found


def ansi_c(text: str, position: int) -> tuple[str, int]:
    """The value of `$'...'` whose inside starts at `position`, and the index behind it."""
    end = position
    while end < len(text) and text[end] != "'":
        end += 2 if text[end] == "\\" else 1
    return unescaped(text[position:end]), end + 1


def unescaped(text: str) -> str:
    """Backslash escapes as `$'...'`, `echo -e` and `printf` read them."""

    def value(match: re.Match[str]) -> str:
        for group, base in ((1, 16), (2, 16), (3, 16), (4, 8)):
            if match[group]:
                number = int(match[group], base)
                return chr(number) if number <= 0x10FFFF else ""
        return _LETTERS.get(match[5], match[5])

    return _ESCAPE.sub(value, text)


def expand_braces(word: str) -> list[str]:
    """`a{b,c}` -> `ab`, `ac`. Raises TooComplexError beyond 64 words."""
    if word.count("{") > _MOST_WORDS:
        raise TooComplexError
    start = word.find("{")
    while start >= 0:
        end = closing_brace(word, start + 1)
        choices = _choices(word[start + 1 : end])
        if end < len(word) and len(choices) > 1:
            tails = expand_braces(word[end + 1 :])
            heads = [word[:start] + one for choice in choices for one in expand_braces(choice)]
            if len(heads) * len(tails) > _MOST_WORDS:
                raise TooComplexError
            return [head + tail for head in heads for tail in tails]
        start = word.find("{", start + 1)
    return [word]


def _choices(inside: str) -> list[str]:
    """The text of a brace split at its own commas."""
    found, depth, current = [], 0, ""
    for character in inside:
        depth += (character == "{") - (character == "}")
        if character == "," and depth == 0:
            found.append(current)
            current = ""
        else:
            current += character
    return [*found, current]
