"""Streamed markdown in whole blocks."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from hermes.cli.interactive.markdown_stream import MarkdownStream

TEXT = """# Title

A paragraph
of two lines.

1. one

   still one
2. two

```python
def f():

    return 1
```
After the code.
- a
- b

| a | b |
|---|---|
| 1 | 2 |
"""
BLOCKS = [
    "# Title",
    "A paragraph\nof two lines.",
    "1. one\n\n   still one\n2. two",
    "```python\ndef f():\n\n    return 1\n```",
    "After the code.\n- a\n- b",
    "| a | b |\n|---|---|\n| 1 | 2 |",
]


def blocks(*pieces: str) -> list[str]:
    stream = MarkdownStream()
    found = [block for piece in pieces for block in stream.feed(piece)]
    return [*found, *stream.finish()]


def test_blocks_end_where_they_are_whole() -> None:
    assert blocks(TEXT) == BLOCKS


@given(st.lists(st.integers(1, len(TEXT) - 1), max_size=12))
def test_the_pieces_in_which_text_arrives_do_not_matter(cuts: list[int]) -> None:
    places = [0, *sorted(set(cuts)), len(TEXT)]
    assert blocks(*(TEXT[start:end] for start, end in itertools.pairwise(places))) == BLOCKS


@given(st.text(alphabet="ab \n`-1.~#|", max_size=120))
def test_nothing_is_lost(text: str) -> None:
    kept = "".join("".join(blocks(text)).split())
    assert kept == "".join(text.split())


def test_a_fence_that_never_closes_is_one_block() -> None:
    assert blocks("```\na\n\nb") == ["```\na\n\nb"]


def test_an_inner_fence_of_fewer_marks_does_not_close() -> None:
    assert blocks("````\n```\n\nx\n```\n````\nafter") == ["````\n```\n\nx\n```\n````", "after"]


def test_the_rest_is_what_may_still_change() -> None:
    stream = MarkdownStream()
    assert stream.feed("one\n\ntwo\nthr") == ["one"]
    assert stream.rest == "two\nthr"
    stream.drop()
    assert (stream.rest, stream.finish()) == ("", [])
