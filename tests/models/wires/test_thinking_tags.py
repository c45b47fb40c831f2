"""Reasoning between tags is told from text, however the text is split."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.models.wires.thinking_tags import ThinkingTags, split_unopened


def split(*parts: str) -> tuple[str, str]:
    tags = ThinkingTags()
    pieces = [piece for part in parts for piece in tags.feed(part)] + tags.finish()
    text = "".join(piece.text for piece in pieces if piece.kind == "text")
    return text, "".join(piece.text for piece in pieces if piece.kind == "reasoning")


CASES = [
    ("plain", ("plain", "")),
    ("  indented\n", ("  indented\n", "")),
    (" \n ", (" \n ", "")),
    ("<think>a</think>b", ("b", "a")),
    ("\n<THINKING>a</thinking>\n\n b", ("b", "a")),
    ("<reasoning>a</reasoning><think>b</think>c", ("c", "ab")),
    ("x <think>a</think> y", ("x  y", "a")),
    ("<think>never closed", ("", "never closed")),
    ("say <think> to begin", ("say <think> to begin", "")),
    ("use `<think>` and `</think>`", ("use `<think>` and `</think>`", "")),
    ("<think>a</thinking></think>b", ("b", "a</thinking>")),
    ("a < b <thin> c <", ("a < b <thin> c <", "")),
    ("<think></think>b", ("b", "")),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_whole(text: str, expected: tuple[str, str]) -> None:
    assert split(text) == expected


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_character_by_character(text: str, expected: tuple[str, str]) -> None:
    assert split(*text) == expected


ALPHABET = ["<think>", "</think>", "<reasoning>", "</reasoning>", "<", "`", "a", " ", "\n", "</", "think>"]


@given(
    st.lists(st.sampled_from(ALPHABET), max_size=15).map("".join), st.lists(st.integers(0, 90), max_size=6)
)
def test_any_split_is_the_same(text: str, cuts: list[int]) -> None:
    ends = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    assert split(*(text[start:end] for start, end in pairwise(ends))) == split(text)


@given(st.text(alphabet="ab \n`<>/", max_size=40))
def test_text_without_tags_is_never_changed(text: str) -> None:
    assert split(*text) == (text, "")


def test_text_is_given_out_as_it_comes() -> None:
    tags = ThinkingTags()
    assert [piece.text for piece in tags.feed("Hello <thi")] == ["Hello "]
    assert [piece.text for piece in tags.feed("s>")] == ["<this>"]
    opened = ThinkingTags()
    assert [piece.text for piece in opened.feed("<think>step one, </thi")] == ["step one, "]


def test_a_block_that_the_prompt_opened() -> None:
    assert split_unopened("First this.\n</think>\n\nThe answer.") == ("First this.", "The answer.")
    assert split_unopened("No block at all.") == ("", "No block at all.")
    code = "Like so:\n```\n</think>\n```\n"
    assert split_unopened(code) == ("", code)
    assert split_unopened("Say </think> in a sentence.") == ("", "Say </think> in a sentence.")
