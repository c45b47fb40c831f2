"""Markdown as terminal text. The library for it is imported with the first answer, not with the chat."""

import io
import re
from typing import Literal

from hermes.cli.interactive.theme import Paint

Style = Literal["strip", "render", "raw"]

_MARKS = (
    (re.compile(r"^ {0,3}#{1,6}[ \t]+", re.M), ""),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])(.+?)(?<=[^\s*])\*(?![\w*])"), r"\1"),
    (re.compile(r"`([^`\n]+)`"), r"\1"),
)
PLAIN_BEYOND = 20_000
"""Characters: a block longer than this is shown as written, since typesetting it would stall the chat."""


def typeset(text: str, width: int, style: Style, paint: Paint) -> str:
    """A block of an answer as terminal text, without a trailing line end."""
    if style == "raw" or paint.plain or len(text) > PLAIN_BEYOND:
        return text
    if style == "strip":
        return _stripped(text)
    from rich.console import Console
    from rich.theme import Theme

    from hermes.cli.interactive.rich_markdown import LeftMarkdown

    target = io.StringIO()
    console = Console(
        file=target,
        width=max(width, 10),
        force_terminal=True,
        color_system="standard" if paint.colours else None,
        no_color=not paint.colours,
        highlight=False,
        legacy_windows=False,
        theme=Theme(
            {
                "markdown.code": "cyan",
                "markdown.code_block": "",
                "markdown.h1": "bold underline",
                "markdown.h2": "bold underline",
                "markdown.h3": "bold",
                "markdown.item.bullet": "cyan",
                "markdown.item.number": "cyan",
                "markdown.block_quote": "dim",
                "markdown.hr": "dim",
            }
        ),
    )
    console.print(LeftMarkdown(text, code_theme="ansi_dark", hyperlinks=False))
    lines = [_trimmed(line) for line in target.getvalue().split("\n")]
    while lines and not _COLOUR.sub("", lines[0]):
        del lines[0]
    while lines and not _COLOUR.sub("", lines[-1]):
        del lines[-1]
    return "\n".join(lines)


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PADDING = re.compile(r"[ \t]+((?:\x1b\[[0-9;]*m)*)$")


def _trimmed(line: str) -> str:
    """Without the padding to the full width: copied text is clean, and a narrower window stays whole."""
    return _PADDING.sub(r"\1", line)


def _stripped(text: str) -> str:
    """Without the marks of emphasis, headings and code spans; fenced code stays as it is."""
    parts = re.split(r"(^ {0,3}(?:```|~~~).*?^ {0,3}(?:```|~~~)[ \t]*$)", text, flags=re.S | re.M)
    for index in range(0, len(parts), 2):
        for pattern, replacement in _MARKS:
            parts[index] = pattern.sub(replacement, parts[index])
    for index in range(1, len(parts), 2):
        parts[index] = "\n".join(parts[index].split("\n")[1:-1])
    return "".join(parts)
