"""The piece of a text that shows why it was found."""

import re
import string
from collections.abc import Sequence

WIDTH = 200
"""Characters, without the ellipses."""
LEAD = 60
"""Characters before the first match."""

_WORD = string.ascii_letters + string.digits + string.punctuation
"""A word of these that is cut is left out: what is left of a secret would not be recognised as one."""


def snippet(text: str, words: Sequence[str]) -> str:
    """About 200 characters around the first of `words` that stands in `text`, on one line."""
    flat = " ".join(text.split())
    if len(flat) <= WIDTH:
        return flat
    start = max(0, _first_match(flat, words) - LEAD)
    if start:
        start = flat.rfind(" ", max(0, start - 20), start) + 1 or start
    start = min(start, len(flat) - WIDTH)
    end = start + WIDTH
    piece = flat[start:end]
    if start and flat[start - 1] != " ":
        piece = piece.lstrip(_WORD)
    if end < len(flat) and flat[end] != " ":
        piece = piece.rstrip(_WORD)
    return f"{'…' if start else ''}{piece.strip()}{'…' if end < len(flat) else ''}"


def _first_match(text: str, words: Sequence[str]) -> int:
    """Where a word of the query begins. Endings differ where the index reduced words to their stem, so that
    the first two thirds of a long word are enough."""
    for word in words:
        for part in (word, word[: max(4, len(word) * 2 // 3)]):
            found = re.search(rf"(?<!\w){re.escape(part)}", text, re.IGNORECASE) or re.search(
                re.escape(part), text, re.IGNORECASE
            )
            if found:
                return found.start()
    return 0
