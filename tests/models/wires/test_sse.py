"""Events from bytes, whatever the line ends and wherever the bytes are split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.models.wires import sse
from hermes.models.wires.sse import EventReader, EventTooLargeError, ServerEvent

STREAM = (
    ': hello\n\nevent: greeting\ndata: {"a":\ndata: "ü☂"}\nid: 7\nretry: 10\n\n'
    "data:no space\n\nevent: empty\n\ndata\n\ndata: last\n\n"
)
EVENTS = [
    ServerEvent("greeting", '{"a":\n"ü☂"}'.encode()),
    ServerEvent("", b"no space"),
    ServerEvent("", b""),
    ServerEvent("", b"last"),
]


@given(st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 200), max_size=8))
def test_any_split_and_any_line_end(line_end: str, cuts: list[int]) -> None:
    data = STREAM.replace("\n", line_end).encode()
    reader, found, start = EventReader(), [], 0
    for end in [*sorted(cuts), len(data)]:
        found += reader.feed(data[start:end])
        start = max(start, end)
    assert found + reader.finish() == EVENTS


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_every_place_to_split(line_end: str) -> None:
    data = STREAM.replace("\n", line_end).encode()
    for cut in range(len(data)):
        reader = EventReader()
        assert reader.feed(data[:cut]) + reader.feed(data[cut:]) + reader.finish() == EVENTS


def test_events_are_given_out_as_soon_as_they_are_whole() -> None:
    reader = EventReader()
    assert reader.feed(b"data: 1\n\ndata: 2") == [ServerEvent("", b"1")]
    assert reader.feed(b"\n") == []
    assert reader.feed(b"\n") == [ServerEvent("", b"2")]
    assert reader.finish() == []


def test_what_has_no_blank_line_after_it_is_kept() -> None:
    reader = EventReader()
    assert reader.feed(b"event: x\ndata: 1") == []
    assert reader.finish() == [ServerEvent("x", b"1")]
    assert reader.finish() == []


@pytest.mark.parametrize("end", [b"", b"\n"], ids=["one line", "many lines"])
def test_a_flood_is_refused(end: bytes) -> None:
    reader = EventReader()
    chunk = b"data: " + b"x" * (sse.MAX_EVENT_BYTES // 4 - 8) + end
    for _ in range(4):
        assert reader.feed(chunk) == []
    with pytest.raises(EventTooLargeError):
        reader.feed(chunk)
