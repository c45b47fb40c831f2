"""Mending what models write for a tool call: arguments that are almost JSON, names that are almost names.

Pure, and never raises. Nothing is invented: a text that was cut off stays cut off, and what could be read
in two ways is refused.
"""

import ast
import difflib
import json
import re
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

EXTRA_CLOSERS = 50
"""Closing brackets too many that are dropped."""
PYTHON_LITERAL_CHARACTERS = 100_000
FUZZY_CUTOFF = 0.82
FUZZY_LEAD = 0.08
"""How much better the best guess of a name must be than the second."""

_UNREADABLE = (ValueError, RecursionError)
"""What the JSON reader raises: not JSON, a number too long to read, too many levels."""


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
    if body in {"", "None", "null", "undefined"}:
        return Repaired({}, repaired=True)
    try:
        return _as_object(json.loads(body, parse_constant=_refuse), repaired=body != text)
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
    """The one tool that `name` can mean, or None when there is none or more than one."""
    names = list(known)
    if name in names:
        return name
    wanted = _plain_name(name[:200])
    if not wanted:
        return None
    same = [each for each in names if _plain_name(each) == wanted]
    if same:
        return same[0] if len(same) == 1 else None
    ranked = sorted(
        ((difflib.SequenceMatcher(None, wanted, _plain_name(each)).ratio(), each) for each in names),
        reverse=True,
    )
    if not ranked or ranked[0][0] < FUZZY_CUTOFF:
        return None
    clear = len(ranked) == 1 or ranked[0][0] - ranked[1][0] >= FUZZY_LEAD
    return ranked[0][1] if clear else None


_NAMESPACE = re.compile(r"^(?:functions?|tools?|default_api|multi_tool_use|namespace)[.:/]+", re.IGNORECASE)


def _plain_name(name: str) -> str:
    bare = _NAMESPACE.sub("", name.strip().strip("`'\"<>()"))
    letters = re.sub(r"[^a-z0-9]+", "", bare.casefold())
    return letters.removesuffix("tool") or letters


def _without_fence(text: str) -> str:
    fenced = re.fullmatch(r"```(?:json)?\s*\n?(.*?)\s*```", text, re.DOTALL)
    return fenced.group(1).strip() if fenced else text


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it has too many levels"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno} column {error.colno}"
    return str(error)


def _as_object(value: Any, *, repaired: bool) -> Repaired:
    """An object, also one that was encoded twice or wrapped in a list of one."""
    if isinstance(value, str) and value.strip()[:1] == "{":
        try:
            value, repaired = json.loads(value, strict=False, parse_constant=_refuse), True
        except _UNREADABLE as error:
            return Repaired(None, error=f"they are an encoded text, and in it {_reason(error)}")
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value, repaired = value[0], True
    if not isinstance(value, dict):
        kind = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(
            type(value), "a number"
        )
        return Repaired(None, repaired=repaired, error=f"they are {kind}, not an object")
    return Repaired(_without_surrogates(value), repaired=repaired)


def _mended(body: str) -> Any:
    """The value of a text that is almost JSON, or None."""
    rebuilt = _balanced(body)
    for candidate in (body, rebuilt):
        if candidate is None:
            continue
        try:
            return json.loads(candidate, strict=False, parse_constant=_refuse)
        except _UNREADABLE:
            continue
    return _last_of_several(body) or _python_literal(body)


def _balanced(body: str) -> str | None:
    """The text without trailing commas, with every bracket closed and no closer too many.

    None when it ends inside a string or has too many closers: then it can't be mended this way.
    """
    kept: list[str] = []
    expected: list[str] = []
    dropped = 0
    for piece in _pieces(body):
        if piece[0] == '"' and not _closed(piece):
            return None
        if piece in "{[":
            expected.append("}" if piece == "{" else "]")
        elif piece in "}]":
            if piece not in expected:
                dropped += 1
                continue
            _drop_comma(kept)
            while expected[-1] != piece:
                kept.append(expected.pop())
            expected.pop()
        kept.append(piece)
    if dropped > EXTRA_CLOSERS or (expected and body[-1] not in "}]"):
        return None
    _drop_comma(kept)
    return "".join(kept) + "".join(reversed(expected))


_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^"{}\[\],:]+', re.DOTALL)


def _pieces(body: str) -> list[str]:
    """Strings, single marks, and what lies between them."""
    return _PIECE.findall(body)


def _closed(string: str) -> bool:
    return len(string) > 1 and bool(re.fullmatch(r'"(?:[^"\\]|\\.)*"', string, re.DOTALL))


def _drop_comma(kept: list[str]) -> None:
    while kept and (kept[-1] == "," or not kept[-1].strip()):
        kept.pop()


def _last_of_several(body: str) -> dict[str, Any] | None:
    """The object of a text that holds it twice, or after empty ones; some streams arrive like that."""
    decoder = json.JSONDecoder(strict=False, parse_constant=_refuse)
    found: list[dict[str, Any]] = []
    position = 0
    try:
        while position < len(body):
            value, position = decoder.raw_decode(body, position)
            if not isinstance(value, dict):
                return None
            if value and value not in found:
                found.append(value)
            position += len(body[position:]) - len(body[position:].lstrip())
    except _UNREADABLE:
        return None
    return found[0] if len(found) == 1 else None


def _python_literal(body: str) -> dict[str, Any] | None:
    """A dict as Python writes it. Refused where the languages could differ: escapes, tuples, other keys."""
    if not body.startswith("{") or "\\" in body or len(body) > PYTHON_LITERAL_CHARACTERS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            value = ast.literal_eval(body)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, Warning):
        return None
    return value if isinstance(value, dict) and _is_json(value) else None


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, float):
        return value - value == 0
    return value is None or isinstance(value, str | int)


def _is_cut(body: str) -> bool:
    """It began as an object and ends inside a string, or without a closing bracket."""
    pieces = _pieces(body)
    last = pieces[-1]
    in_string = last[0] == '"' and not _closed(last)
    depth = sum((piece in "{[") - (piece in "}]") for piece in pieces)
    return in_string or (body[-1] not in "}]" and (depth > 0 or body[0] not in "{["))


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
