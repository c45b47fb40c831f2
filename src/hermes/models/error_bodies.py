"""What a server says about a failure, dug out of whatever form it chose."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

LONGEST_DETAIL = 300
TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


class ErrorBody(NamedTuple):
    message: str
    """For people; empty where the server said nothing."""
    codes: tuple[str, ...]
    """Codes, types and statuses in lower case, the most precise first."""
    status: int | None
    """A status inside the body, as aggregators give it."""
    text: str
    """All of it, to look for patterns in."""
    web_page: bool


def read_error(body: bytes) -> ErrorBody:
    text = body.decode("utf-8", "replace").strip()
    if text[:1] == "<":
        title = TITLE.search(text)
        return ErrorBody(one_line(title[1]) if title else "", (), None, text, True)
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return ErrorBody(one_line(text), (), None, text, False)
    layers = list(_layers(value))
    message = next((one_line(said) for layer in layers if (said := _said(layer))), "")
    if not message and isinstance(value, str):
        message = one_line(value)
    codes = tuple(
        str(layer[key]).lower()
        for layer in layers
        for key in ("code", "type", "status")
        if isinstance(layer.get(key), str) and layer[key] != "error"
    )
    statuses = [number for layer in layers if (number := _http_status(layer.get("code"))) is not None]
    return ErrorBody(message, codes, statuses[0] if statuses else None, text, False)


def _layers(value: Any) -> Iterator[dict[str, Any]]:
    """Innermost first: an aggregator wraps what its upstream said."""
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        return
    inner = value.get("error")
    if isinstance(inner, str) and inner.startswith("{"):
        inner = _parsed(inner)
    if isinstance(inner, dict):
        metadata = inner.get("metadata")
        if isinstance(metadata, dict) and isinstance(raw := metadata.get("raw"), str):
            parsed = _parsed(raw)
            yield from _layers(parsed if isinstance(parsed, dict) else {"message": raw})
        yield inner
    yield value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _said(layer: dict[str, Any]) -> str:
    for key in ("message", "error", "detail", "error_description", "msg"):
        value = layer.get(key)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return str(value[0].get("msg") or value[0].get("message") or "")
    return ""


def _http_status(code: Any) -> int | None:
    if isinstance(code, str) and code.isdecimal():
        code = int(code[:4])
    return code if isinstance(code, int) and 400 <= code <= 599 else None


def one_line(text: str) -> str:
    """Without line breaks or a full stop at the end, and not longer than a person reads."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= LONGEST_DETAIL else line[: LONGEST_DETAIL - 1] + "…"
