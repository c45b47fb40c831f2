"""Text that arrives in pieces is masked as if it had come at once."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.cli.masking import MaskedStream
from hermes.home.redaction import redact, redact_json

SECRET = "sk-aB3dE5gH7jK9mN1pQ3sT5vW7yZ"


def streamed(pieces: list[str]) -> str:
    stream = MaskedStream(redact)
    return "".join([*(stream.feed(piece) for piece in pieces), stream.finish()])


WORDS = st.sampled_from(
    [
        "some",
        "text",
        SECRET,
        f"`{SECRET}`:",
        "API_KEY=abc123",
        "api_key:",
        "abcd1234",
        "a,b",
        "das",
        "你好",
        "#",
        "- x",
    ]
)
TEXTS = st.lists(st.tuples(WORDS, st.sampled_from([" ", "\n", "\n\n", "  "])), max_size=12).map(
    lambda parts: "".join(word + gap for word, gap in parts)
)


@given(TEXTS, st.lists(st.integers(0, 200), max_size=20))
def test_pieces_are_masked_like_the_whole(text: str, cuts: list[int]) -> None:
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    assert streamed([text[start:end] for start, end in pairwise(edges)]) == redact(text)


@given(st.lists(st.text(max_size=10), max_size=10))
def test_one_character_at_a_time_loses_nothing(pieces: list[str]) -> None:
    text = "".join(pieces)
    if redact(text) == text:
        assert streamed(list(text)) == text


def test_a_word_is_shown_when_it_has_ended() -> None:
    stream = MaskedStream(redact)
    assert [stream.feed(piece) for piece in ("Hel", "lo wor", "ld", "!\n", "你", "好")] == [
        "", "Hello ", "", "world!\n", "你", "好",
    ]  # fmt: skip
    assert stream.finish() == ""


def test_a_private_key_is_not_shown_line_by_line() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\nMIIEdef\n-----END RSA PRIVATE KEY-----\nrest\n"
    shown = streamed(list(key))
    assert "MIIE" not in shown
    assert shown.endswith("[private key removed]\nrest\n")


@pytest.mark.parametrize(
    ("arguments", "masked"),
    [
        ('{"command":"export A_KEY=abc123\\nls"}', '{"command":"export A_KEY=***\\nls"}'),
        ('{"api_key": "abcd1234", "n": 1}', '{"api_key":"***","n":1}'),
        ('{"content":"{\\"api_key\\": \\"abcd1234\\"}"}', '{"content":"{\\"api_key\\": \\"***\\"}"}'),
        ('{"n": [1, 2]}', '{"n": [1, 2]}'),
        ('{"a": API_KEY=abc123', '{"a": API_KEY=***'),
    ],
)
def test_arguments_are_masked_inside_their_texts(arguments: str, masked: str) -> None:
    assert redact_json(arguments) == masked
