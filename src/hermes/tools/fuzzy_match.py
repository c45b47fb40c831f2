"""Finding the text that a model means, although it copied it imperfectly. Pure.

Strategies are tried from the strictest to the loosest; the first that finds anything decides. All but the
last two find what is equal under some view of the text; those two guess, so they want one clear winner.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable

import msgspec

MOST_GUESSED_LINES = 20_000
"""Files with more lines are not searched by similarity: it costs time in proportion."""
LONGEST_COMPARED = 400
"""Characters; longer lines are equal or unlike, for the cost of a comparison grows with their square."""
_BLOCK_SIMILARITY = 0.7
_CONTEXT_SIMILARITY = 0.85
_CLEAR_LEAD = 0.05
"""How far the best guess must be ahead of the second."""

_TYPOGRAPHY = str.maketrans({
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"',
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-",
    "\u00a0": " ", "\u2009": " ", "\u200a": " ", "\u202f": " ", "\u3000": " ", "\u2003": " ", "\u2002": " ",
    "\u200b": "", "\u200c": "", "\u200d": "", "\ufeff": "", "…": "...",
})  # fmt: skip
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\", "`": "`", "$": "$"}

Span = tuple[int, int]


class Found(msgspec.Struct, frozen=True):
    """Where `old` is in the text, by which strategy, and what to put there for `new`."""

    strategy: str
    spans: tuple[Span, ...]
    replacements: tuple[str, ...]
    """One for each span: `new`, fitted to the indentation or escapes found there."""


def find(text: str, old: str, new: str) -> Found | None:
    """The occurrences of `old` (not empty) under the strictest strategy that has any."""
    exact = _occurrences(text, old)
    if exact:
        return Found("exact", exact, (new,) * len(exact))
    if not old.strip():
        return None
    by_lines: list[tuple[str, Callable[[str], str]]] = [
        ("line_trimmed", str.rstrip),
        ("whitespace", _collapsed),
        ("indentation", _words),
    ]
    for name, view in by_lines:
        found = _by_lines(name, text, old, new, view)
        if found:
            return found
    return (
        _by_escapes(text, old, new)
        or _by_boundary(text, old, new)
        or _by_unicode(text, old, new)
        or _by_similarity("block_anchor", text, old, new)
        or _by_similarity("context", text, old, new)
    )


def apply(text: str, found: Found) -> str:
    """The text with every occurrence replaced."""
    pieces: list[str] = []
    position = 0
    for (start, end), replacement in zip(found.spans, found.replacements, strict=True):
        pieces += [text[position:start], replacement]
        position = end
    return "".join([*pieces, text[position:]])


def line_numbers(text: str, found: Found) -> list[int]:
    """The line, from 1, on which each occurrence begins."""
    return [text.count("\n", 0, start) + 1 for start, _ in found.spans]


def nearest_lines(text: str, old: str) -> str | None:
    """The part of the text most like the first line of `old`, with line numbers: a help after a failure."""
    wanted = next((line.strip() for line in old.split("\n") if line.strip()), "")
    lines = text.split("\n")
    if not wanted or len(lines) > MOST_GUESSED_LINES:
        return None
    wanted = wanted[:LONGEST_COMPARED]
    scores = [_similarity(wanted, line.strip()[:LONGEST_COMPARED]) for line in lines]
    best = max(range(len(lines)), key=scores.__getitem__)
    if scores[best] < 0.6:
        return None
    around = range(max(0, best - 2), min(len(lines), best + 4))
    return "\n".join(f"{number + 1}|{lines[number][:300]}" for number in around)


def _occurrences(text: str, part: str) -> tuple[Span, ...]:
    spans: list[Span] = []
    start = text.find(part)
    while part and start >= 0:
        spans.append((start, start + len(part)))
        start = text.find(part, start + len(part))
    return tuple(spans)


def _collapsed(line: str) -> str:
    return re.sub(r"[ \t]+", " ", line.rstrip())


def _words(line: str) -> str:
    return " ".join(line.split())


def _lines_with_starts(text: str) -> tuple[list[str], list[int]]:
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    return lines, starts


def _span(starts: list[int], first: int, count: int, whole: bool, length: int) -> Span:
    """Characters of `count` lines from `first`; with the last line's end when `whole`."""
    end = starts[first + count]
    return starts[first], min(end if whole else end - 1, length)


def _split(old: str) -> tuple[list[str], bool]:
    """The lines of `old`, and whether it ends with a line end."""
    whole = old.endswith("\n")
    return (old[:-1] if whole else old).split("\n"), whole


def _by_lines(name: str, text: str, old: str, new: str, view: Callable[[str], str]) -> Found | None:
    """Runs of whole lines that are equal under `view`."""
    wanted_lines, whole = _split(old)
    wanted = [view(line) for line in wanted_lines]
    lines, starts = _lines_with_starts(text)
    viewed = [view(line) for line in lines]
    firsts: list[int] = []
    position = 0
    while position <= len(viewed) - len(wanted):
        if viewed[position] == wanted[0] and viewed[position : position + len(wanted)] == wanted:
            firsts.append(position)
            position += len(wanted)
        else:
            position += 1
    if not firsts:
        return None
    return Found(
        name,
        tuple(_span(starts, first, len(wanted), whole, len(text)) for first in firsts),
        tuple(
            _fitted(
                new,
                wanted_lines,
                lines[first : first + len(wanted)],
                whole and first + len(wanted) < len(lines),
            )
            for first in firsts
        ),
    )


def _fitted(new: str, wanted: list[str], found: list[str], has_end: bool) -> str:
    """`new` with the indentation of the place it goes to, where `old` had another."""
    if not has_end and new.endswith("\n"):
        new = new[:-1]
    for ours, theirs in zip(wanted, found, strict=False):
        if ours.strip():
            indent, real = _indent(ours), _indent(theirs)
            break
    else:
        return new
    if indent == real:
        return new
    return "\n".join(
        real + line[len(indent) :] if line.strip() and line.startswith(indent) else line
        for line in new.split("\n")
    )


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _by_escapes(text: str, old: str, new: str) -> Found | None:
    """`\\n`, `\\t` and quotes that were escaped once too often."""
    plain = _unescaped(old)
    if plain == old or not plain.strip():
        return None
    spans = _occurrences(text, plain)
    if spans:
        return Found("escapes", spans, (_unescaped(new),) * len(spans))
    return _by_lines("escapes", text, plain, _unescaped(new), _words)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([ntr\"'\\`$])", lambda match: _ESCAPES[match[1]], text)


def _by_boundary(text: str, old: str, new: str) -> Found | None:
    """Without the blank lines around `old`."""
    trimmed = old.strip("\n \t\r")
    if trimmed == old:
        return None
    first_line = old[: old.index(trimmed)].rpartition("\n")[2]
    kept = first_line + trimmed
    replacement = new.strip("\n")
    spans = _occurrences(text, kept)
    if spans:
        return Found("boundary_trimmed", spans, (replacement,) * len(spans))
    return _by_lines("boundary_trimmed", text, kept, replacement, _words)


def _by_unicode(text: str, old: str, new: str) -> Found | None:
    """With typographic quotes, dashes, spaces and composed characters taken for their plain forms."""
    plain, origins = _plain(text)
    wanted, _ = _plain(old)
    spans = _occurrences(plain, wanted) if wanted.strip() else ()
    if spans:
        real = tuple((origins[start], origins[end]) for start, end in spans)
        return Found("unicode", real, (new,) * len(real))
    return _by_lines("unicode", text, old, new, lambda line: _words(_plain(line)[0]))


def _plain(text: str) -> tuple[str, list[int]]:
    """The text in plain characters, and for each of them (and the end) where it came from."""
    pieces: list[str] = []
    origins: list[int] = []
    for position, char in enumerate(text):
        simple = char if char.isascii() else unicodedata.normalize("NFKC", char.translate(_TYPOGRAPHY))
        pieces.append(simple)
        origins += [position] * len(simple)
    return "".join(pieces), [*origins, len(text)]


def _by_similarity(name: str, text: str, old: str, new: str) -> Found | None:
    """The run of lines most like `old`, when it is like enough and no other comes near.

    `block_anchor` wants the first and the last line equal, and then less likeness between them.
    """
    wanted, whole = _split(old.strip("\n") + ("\n" if old.endswith("\n") else ""))
    lines, starts = _lines_with_starts(text)
    if len(wanted) < 3 or len(lines) > MOST_GUESSED_LINES:
        return None
    anchored = name == "block_anchor"
    shapes = [_words(line) for line in lines]
    shape = [_words(line) for line in wanted]
    firsts = [
        first
        for first in range(len(lines) - len(shape) + 1)
        if (shapes[first] == shape[0]) + (shapes[first + len(shape) - 1] == shape[-1])
        >= (2 if anchored else 1)
    ]
    scores = sorted(
        ((_likeness(shape, shapes[first : first + len(shape)]), first) for first in firsts), reverse=True
    )
    least = _BLOCK_SIMILARITY if anchored else _CONTEXT_SIMILARITY
    if not scores or scores[0][0] < least or (len(scores) > 1 and scores[0][0] - scores[1][0] < _CLEAR_LEAD):
        return None
    first = scores[0][1]
    found = lines[first : first + len(shape)]
    ends = whole and first + len(shape) < len(lines)
    return Found(
        name,
        (_span(starts, first, len(shape), whole, len(text)),),
        (_fitted(new.strip("\n") + ("\n" if whole else ""), wanted, found, ends),),
    )


def _likeness(wanted: list[str], found: list[str]) -> float:
    """Mean similarity of the lines, weighted by their length."""
    weights = [max(len(line), 1) for line in wanted]
    total = sum(_similarity(a, b) * w for a, b, w in zip(wanted, found, weights, strict=True))
    return total / sum(weights)


def _similarity(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if max(len(one), len(other)) > LONGEST_COMPARED:
        return 0.0
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < 0.5 or matcher.quick_ratio() < 0.5:
        return 0.0
    return matcher.ratio()
