"""Unified diffs for people. Pure."""

import difflib

from hermes.tools.file_text import printable

LONGEST = 20_000
"""Characters; the rest is counted, not shown."""


def unified_diff(path: str, before: str, after: str) -> str:
    """What changed in one file, empty when nothing did."""
    if before == after:
        return ""
    name = path.lstrip("/")
    rows = difflib.unified_diff(
        printable(before).split("\n"),
        printable(after).split("\n"),
        f"a/{name}" if before else "/dev/null",
        f"b/{name}" if after else "/dev/null",
        lineterm="",
    )
    text = "\n".join(rows)
    if len(text) > LONGEST:
        left_out = text.count("\n", LONGEST)
        text = f"{text[:LONGEST]}\n… {left_out} more lines"
    return text
