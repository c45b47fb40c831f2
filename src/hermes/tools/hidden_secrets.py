"""Text of files with its secrets masked, line for line, and the traces of masks in a model's edits. Pure.

A model that read `KEY=***` writes `KEY=***` back, which would destroy the key. So edits are searched for
the masked text that the model was shown.
"""

import difflib
import itertools
from collections.abc import Collection

from hermes.home.redaction import redact


def masked_lines(lines: list[str], known: Collection[str]) -> list[str]:
    """As many lines as came in, with secrets masked; a masked block leaves empty lines behind it."""
    shown = redact("\n".join(lines), known).split("\n")
    if len(shown) == len(lines):
        return shown
    aligned: list[str] = []
    matcher = difflib.SequenceMatcher(None, lines, shown, autojunk=False)
    for _, first, last, shown_first, shown_last in matcher.get_opcodes():
        aligned += shown[shown_first:shown_last][: last - first]
        aligned += [""] * (last - len(aligned))
    return aligned


def masked_fragments(text: str, known: Collection[str]) -> list[str]:
    """What a model was shown in the place of secrets: the start of each line up to its mask, and a mask that
    tells enough by itself (`sk-abc...`)."""
    lines = text.split("\n")
    fragments = []
    for real, shown in zip(lines, masked_lines(lines, known), strict=True):
        if real == shown or not shown:
            continue
        start = _shared_start(real, shown)
        end = _shared_start(real[start:][::-1], shown[start:][::-1])
        start_of_line = shown[: len(shown) - end].lstrip()
        fragments.append(start_of_line)
        if start_of_line.endswith("..."):
            fragments.append(start_of_line.split()[-1])
    return [fragment for fragment in fragments if fragment and fragment not in text]


def _shared_start(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
