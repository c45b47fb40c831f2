"""Markdown as terminal text."""

import re

import pytest

from hermes.cli.interactive.markdown import typeset
from hermes.cli.interactive.theme import Paint
from hermes.cli.text import cells

TEXT = (
    "# A title\n\nSome **bold** words and `code`, long enough to be wrapped on a narrow terminal.\n\n"
    "- one\n- two\n\n```python\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |"
)
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("width", [20, 39, 79, 199])
def test_lines_fit_and_have_no_padding(width: int) -> None:
    lines = [ESCAPES.sub("", line) for line in typeset(TEXT, width, "render", Paint()).split("\n")]
    assert max(map(cells, lines)) <= width
    assert all(line == line.rstrip() for line in lines)
    assert lines[0] == "A title"
    assert lines[-1].split() == ["1", "2"]


def test_no_color_leaves_no_colour() -> None:
    shown = typeset(TEXT, 80, "render", Paint(colours=False))
    codes = {code for found in re.findall(r"\x1b\[([0-9;]*)m", shown) for code in found.split(";")}
    assert not [code for code in codes if code.isdigit() and 30 <= int(code) <= 107]


def test_strip_takes_the_marks_and_leaves_the_code() -> None:
    text = "## Title\nSome **bold**, *soft* and `code` with 2 * 3 * 4.\n```\n**x**\n```"
    shown = typeset(text, 80, "strip", Paint())
    assert shown == "Title\nSome bold, soft and code with 2 * 3 * 4.\n**x**"


def test_raw_is_as_written() -> None:
    assert typeset(TEXT, 20, "raw", Paint()) == TEXT
