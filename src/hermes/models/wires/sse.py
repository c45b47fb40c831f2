"""Server-sent events from bytes, however the bytes are split."""

from typing import NamedTuple

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MAX_EVENT_BYTES = 16 * 1024 * 1024


class ServerEvent(NamedTuple):
    name: str
    """What `event:` said, or empty."""
    data: bytes


class EventTooLargeError(Exception):
    """A peer sent more for one event than any reply can need."""


class EventReader:
    """Takes bytes as they arrive and gives back the events that are whole.

    Lines may end in LF, CRLF or CR; comments, ids and retry hints are skipped.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0
        self._at_start = True

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Raises EventTooLargeError."""
        lines = (self._rest + chunk).splitlines(keepends=True)
        self._rest = b""
        # A CR at the end may be half of a CRLF, so that line is not over yet.
        if lines and not lines[-1].endswith(b"\n"):
            self._rest = lines.pop()
        events = [event for line in lines if (event := self._line(line.rstrip(b"\r\n"))) is not None]
        if self._size + len(self._rest) > MAX_EVENT_BYTES:
            raise EventTooLargeError
        return events

    def finish(self) -> list[ServerEvent]:
        """What a peer left without the blank line that ends an event. It may be half of one."""
        events = [event for line in (self._rest, b"") if (event := self._line(line.rstrip(b"\r")))]
        self._rest = b""
        return events

    def _line(self, line: bytes) -> ServerEvent | None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(BYTE_ORDER_MARK)
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._size += len(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        return None

    def _dispatch(self) -> ServerEvent | None:
        event = ServerEvent(self._name, b"\n".join(self._data)) if self._data else None
        self._name, self._data, self._size = "", [], 0
        return event
