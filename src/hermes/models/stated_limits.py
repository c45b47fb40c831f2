"""Numbers that servers write into their error messages: token limits and how long to wait."""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

LONGEST_WAIT = 600.0
"""Seconds. A server that asks for more gets no more patience than this."""

_NUMBER = r"(\d[\d,]*)"


def _patterns(*texts: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(text.replace("N", _NUMBER), re.IGNORECASE) for text in texts)


WINDOW = _patterns(
    r"maximum (?:context|prompt|input) length (?:is|of) N",
    r"> N maximum",
    r"maximum number of tokens allowed \(?N",
    r"available context size \(N",
    r"input length should be \[\d+, ?N\]",
    r"model token limit: ?N",
    r"exceed context limit: \d+ \+ \d+ > N",
    r'"n_ctx": ?N',
    r"context (?:length|window|size|limit)(?: of| is|:)?(?: only| at most)? N",
)
OUTPUT = _patterns(
    r"supports at most N completion tokens",
    r"max_tokens: \d+ > N",
    r"(?:max_tokens|max_output_tokens|max_completion_tokens)\D{0,60}(?:<=|at most|less than or equal to) `?N",
    r"expected a value <= N",
    r"max_tokens\D{0,40}\[\d+, ?N\]",
    r"maximum (?:value|allowed number of output tokens)\D{0,40}N",
)
OUTPUT_WORDS = re.compile(
    r"max_(?:output_|completion_)?tokens\W.{0,60}"
    r"(?:too large|exceeds|above|must be|should be|invalid|at most)"
    r"|(?:invalid|range of|value for)\W.{0,20}max_(?:output_|completion_)?tokens"
    r"|max_tokens: \d+ > \d+|maximum allowed number of output tokens",
    re.IGNORECASE | re.DOTALL,
)
SUMS = _patterns(
    # window, input, output, in the order of the groups' names below
    r"maximum context length is N tokens.{0,80}?requested.{0,60}?\(N (?:in the messages|of text input)"
    r".{0,60}?N (?:in the completion|in the output)",
    r"maximum context length is N tokens and your request has N input tokens \(N >",
)
ANTHROPIC_SUM = re.compile(r"exceed context limit: (\d+) \+ (\d+) > (\d+)")
WAITS = re.compile(
    r"(?:try again|retry)(?: in| after)? (\d+(?:\.\d+)?) ?(ms|milliseconds|s|sec|seconds|m|min|minutes)\b"
    r'|"retryDelay": ?"(\d+(?:\.\d+)?)(s)"',
    re.IGNORECASE,
)
UNITS = {"ms": 0.001, "milliseconds": 0.001, "m": 60.0, "min": 60.0, "minutes": 60.0}


class Overrun(NamedTuple):
    """Input and output together are more than the window, with the input alone inside it."""

    window: int
    room: int
    """Tokens left for output."""


def window_stated(text: str) -> int | None:
    """The context window that an overflow message names, in tokens."""
    return _first(WINDOW, text)


def output_stated(text: str) -> int | None:
    """The largest output that a message allows, in tokens."""
    return _first(OUTPUT, text)


def overrun_stated(text: str) -> Overrun | None:
    """Whether only the asked-for output is too large for what the input leaves."""
    if found := ANTHROPIC_SUM.search(text):
        used, _, window = map(_number, found.groups())
    elif found := next((hit for pattern in SUMS if (hit := pattern.search(text))), None):
        window, used, _ = map(_number, found.groups())
    else:
        return None
    return Overrun(window, window - used) if used < window else None


def wait_asked_for(headers: Mapping[str, str], body: str, now: float | None = None) -> float | None:
    """Seconds to wait, from `Retry-After` (seconds or a date), `retry-after-ms` or the message itself."""
    named = {name.lower(): value.strip() for name, value in headers.items()}
    wait = _seconds(named.get("retry-after-ms", ""), 0.001)
    if wait is None:
        wait = _seconds(named.get("retry-after", ""), 1.0)
    if wait is None and "retry-after" in named:
        wait = _until(named["retry-after"], time.time() if now is None else now)
    if wait is None and (found := WAITS.search(body)):
        amount, unit = (found[1], found[2]) if found[1] else (found[3], found[4])
        wait = float(amount) * UNITS.get(unit.lower(), 1.0)
    return None if wait is None else min(max(wait, 0.0), LONGEST_WAIT)


def _seconds(text: str, unit: float) -> float | None:
    return float(text) * unit if re.fullmatch(r"-?\d{1,12}(\.\d+)?", text) else None


def _until(date: str, now: float) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() - now
    except (ValueError, OverflowError):
        return None


def _first(patterns: tuple[re.Pattern[str], ...], text: str) -> int | None:
    for pattern in patterns:
        if found := pattern.search(text):
            return _number(found[1])
    return None


def _number(text: str) -> int:
    return int(text.replace(",", ""))
