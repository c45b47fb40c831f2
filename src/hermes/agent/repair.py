"""Mending what models write for a tool call: arguments that are almost JSON, names that are almost names.

Pure, and never raises. Nothing is invented: a text that was cut off stays cut off, and what could be read
in two ways is refused.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

EXTRA_CLOSERS = 50
"""Closing brackets too many that are dropped."""
MOST_LEVELS = 200
"""Brackets inside brackets; everything later reads the arguments by recursion."""
MOST_DIGITS = 4_300
"""Of one whole number; Python neither reads nor writes longer ones."""
LONGEST_NAME = 200
SHORTEST_MISSPELT = 5
"""Letters of a word from which on one slip is forgiven: `get` and `set` are two words, not a slip."""

_UNREADABLE = (ValueError, RecursionError)
"""What reading JSON raises: not JSON, a number out of range, too many levels."""
_NOTHING = {"", "None", "null", "undefined"}


class Repaired(msgspec.Struct, frozen=True):
    """What could be made of a call's arguments."""

    arguments: dict[str, Any] | None
    truncated: bool = False
    """The text ends in the middle: it was cut off."""
    repaired: bool = False
    """The text was not a JSON object as it stood."""
    error: str = ""
    """Why there are no arguments, to be read after a colon."""


def repair_arguments(text: str | None) -> Repaired:
    """The arguments in `text`: as they are, or mended when there is one way to do it."""
    body = _without_fence((text or "").strip())
    if body in _NOTHING:
        return Repaired({}, repaired=True)
    try:
        return _as_object(_DECODER.decode(body), repaired=body != text)
    except _UNREADABLE as error:
        reason = _reason(error)
    mended = _mended(body)
    if mended is not None:
        return _as_object(mended, repaired=True)
    cut = _is_cut(body)
    return Repaired(None, truncated=cut, error="the text is cut off before its end" if cut else reason)


def canonical(arguments: Mapping[str, Any]) -> str:
    """Compact JSON with sorted keys: equal arguments become equal bytes."""
    return json.dumps(arguments, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def repair_name(name: str, known: Iterable[str]) -> str | None:
    """The one tool that `name` can mean, or None when there is none or more than one.

    Case, separators, a namespace before and `tool` behind it do not matter. Else every word may have one
    slip: a letter too many, missing, wrong, or two in the wrong order, but never the first letter, because
    a word that begins otherwise is another word (`unlink` is not `link`).
    """
    names = list(known)
    if name in names:
        return name
    wanted = _words(name) if len(name) <= LONGEST_NAME else []
    if not wanted:
        return None
    spelt = {each: _words(each) for each in names}
    meant = [each for each, words in spelt.items() if _joined(words) == _joined(wanted)]
    if not meant:
        meant = [each for each, words in spelt.items() if _misspelt(wanted, words)]
    return meant[0] if len(meant) == 1 else None


_NAMESPACE = re.compile(r"(?:functions?|tools?|default_api|multi_tool_use|namespace)[.:/]+", re.IGNORECASE)
_CALL_NUMBER = re.compile(r":\d+$")
"""Some models call a tool `functions.name:0`."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _words(name: str) -> list[str]:
    bare = _CALL_NUMBER.sub("", name.strip().strip("`'\"<>()"))
    namespace = _NAMESPACE.match(bare)
    bare = bare[namespace.end() :] if namespace else bare
    words = re.findall(r"[a-z0-9]+", _HUMP.sub("_", bare).casefold())
    return words[:-1] if len(words) > 1 and words[-1] == "tool" else words


def _joined(words: list[str]) -> str:
    letters = "".join(words)
    return letters.removesuffix("tool") or letters


def _misspelt(wanted: list[str], words: list[str]) -> bool:
    if len(wanted) != len(words):
        return _nearly("".join(wanted), "".join(words))
    return all(map(_nearly, wanted, words))


def _nearly(word: str, other: str) -> bool:
    if word == other or other in (word + "s", word.removesuffix("s")):
        return True
    if min(len(word), len(other)) < SHORTEST_MISSPELT or word[0] != other[0]:
        return False
    same = _shared(word, other)
    word, other = word[same:], other[same:]
    same = _shared(word[::-1], other[::-1])
    word, other = word[: len(word) - same], other[: len(other) - same]
    one_letter = len(word) <= 1 and len(other) <= 1
    swapped = len(word) == 2 and word == other[::-1]
    return (one_letter or swapped) and not any(map(str.isdigit, word + other))


def _shared(word: str, other: str) -> int:
    """Letters that both begin with."""
    pairs = zip(word, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(word), len(other)))


_FENCE = re.compile(r"```[ \t]*(?:json)?", re.IGNORECASE)


def _without_fence(text: str) -> str:
    """What stands in a code fence, also in one that is not closed."""
    fence = _FENCE.match(text)
    return text[fence.end() :].removesuffix("```").strip() if fence else text


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _fraction(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {digits[:40]} is too large")
    return number


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number has {len(digits):,} digits")
    return int(digits)


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_fraction, parse_int=_whole)
_LENIENT = json.JSONDecoder(parse_constant=_refuse, parse_float=_fraction, parse_int=_whole, strict=False)
"""Takes line ends, tabs and other control characters in strings as they are."""


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it has too many levels"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno} column {error.colno}"
    return str(error)


def _as_object(value: Any, *, repaired: bool) -> Repaired:
    """An object, also one that was encoded twice or wrapped in a list of one."""
    if isinstance(value, str) and (value.strip()[:1] == "{" or value.strip() in _NOTHING):
        inner = repair_arguments(value)
        error = f"they are an encoded text, and in it {inner.error}" if inner.error else ""
        return Repaired(inner.arguments, repaired=True, error=error)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value, repaired = value[0], True
    if not isinstance(value, dict):
        kind = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(
            type(value), "a number"
        )
        return Repaired(None, repaired=repaired, error=f"they are {kind}, not an object")
    if _too_deep(value):
        return Repaired(None, repaired=repaired, error="it has too many levels")
    return Repaired(_without_surrogates(value), repaired=repaired)


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return bool(level)


def _mended(body: str) -> Any:
    """The value of a text that is almost JSON, or None."""
    for almost in (body, _from_python(body)):
        for candidate in (almost, _balanced(almost)):
            try:
                return _LENIENT.decode(candidate)
            except _UNREADABLE:
                continue
    return _one_of_several(body)


def _balanced(body: str) -> str:
    """The text without trailing commas, with every bracket closed and no closer too many.

    Empty when it ends in the middle or has too many closers: then it can't be mended this way.
    """
    kept: list[str] = []
    expected: list[str] = []
    open_now = {"}": 0, "]": 0}
    dropped = 0
    for piece in _pieces(body):
        if piece[0] == '"' and not _closed(piece):
            return ""
        if piece in _CLOSER:
            expected.append(_CLOSER[piece])
            open_now[_CLOSER[piece]] += 1
        elif piece in open_now:
            if not open_now[piece]:
                dropped += 1
                continue
            _drop_comma(kept)
            closed = ""
            while closed != piece:
                closed = expected.pop()
                open_now[closed] -= 1
                kept.append(closed)
            continue
        kept.append(piece)
    if dropped > EXTRA_CLOSERS or (expected and body[-1] not in open_now):
        return ""
    _drop_comma(kept)
    return "".join(kept) + "".join(reversed(expected))


_CLOSER = {"{": "}", "[": "]"}
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_PIECE = re.compile(_STRING.pattern + r'?+|[{}\[\],:]|[^"{}\[\],:]++', re.DOTALL)


def _pieces(body: str) -> list[str]:
    """Strings, single marks, and what lies between them."""
    return _PIECE.findall(body)


def _closed(string: str) -> bool:
    return bool(_STRING.fullmatch(string))


def _drop_comma(kept: list[str]) -> None:
    while kept and (kept[-1] == "," or not kept[-1].strip()):
        kept.pop()


_SPACE = re.compile(r"\s*")


def _one_of_several(body: str) -> dict[str, Any] | None:
    """The object of a text that holds it twice, or after empty ones; some streams arrive like that."""
    found: dict[str, Any] = {}
    position = 0
    try:
        while position < len(body):
            value, position = _LENIENT.raw_decode(body, position)
            if not isinstance(value, dict) or (value and found and value != found):
                return None
            found = found or value
            space = _SPACE.match(body, position)
            position = space.end() if space else position
    except _UNREADABLE:
        return None
    return found or None


_PYTHON = re.compile(r"""'[^']*'|"[^"]*"|\b(?:True|False|None)\b""")
_CONSTANTS = {"True": "true", "False": "false", "None": "null"}


def _from_python(body: str) -> str:
    """The text of a Python dict as JSON; empty when it has escapes, which the languages read differently."""
    if not body.startswith("{") or "\\" in body:
        return ""
    return _PYTHON.sub(lambda found: _CONSTANTS.get(found[0]) or f'"{_quoted(found[0][1:-1])}"', body)


def _quoted(string: str) -> str:
    return string.replace('"', '\\"')


def _is_cut(body: str) -> bool:
    """It began as an object and ends inside a string, or without a closing bracket."""
    pieces = _pieces(body)
    in_string = pieces[-1][0] == '"' and not _closed(pieces[-1])
    depth = sum((piece in "{[") - (piece in "}]") for piece in pieces)
    return body[0] in '{["' and (in_string or (body[-1] not in "}]" and depth > 0))


def _without_surrogates(value: Any) -> Any:
    """The value with lone halves of surrogate pairs replaced: they have no UTF-8 and would fail later."""
    if isinstance(value, str):
        return (
            value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        )
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value
