"""What a command wrote: decoded, cleaned of terminal control, and bounded, however much it is.

Bytes go through `TerminalText` (decoding, control sequences) and then into one of two holders:
`OutputWindow` for a foreground command (head and tail, the whole in a file), `RollingBuffer` for a
background process (the last part).
"""

import codecs
import re
from collections.abc import Callable

from hermes.sandbox.spool import Spool

HEAD_SHARE = 0.4
ROLLING_BYTES = 200_000
LONGEST_LINE = 16_384
"""A line without an end is held back this long, so that a progress display can overwrite it."""

_CONTROL = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # operating system command: titles, links
    r"|\x1b[PX^_][^\x1b]*\x1b\\"  # strings for the device
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|\x1b[ -/]*[0-~]"  # two characters and charset choices
    r"|[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]"
)
_UNFINISHED = re.compile(r"\x1b(?:\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?|\[[0-?]*[ -/]*|[ -/]*)?\Z")
_LONGEST_SEQUENCE = 4096
_NEEDS_CLEANING = re.compile(r"[\x00-\x07\x0b\x0c\x0e-\x1f\x7f]")
_ERASED = re.compile(r"[^\x08\n]\x08")


class TerminalText:
    """Bytes to text: UTF-8 with replacement, terminal control sequences removed, also when they come in
    pieces."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def feed(self, data: bytes, last: bool = False) -> str:
        text = self._held + self._decoder.decode(data, last)
        self._held = ""
        if not last:
            text = self._hold_back(text)
        if _NEEDS_CLEANING.search(text):
            text = _CONTROL.sub("", text).replace("\x1b", "")
        while "\x08" in text:
            erased = _ERASED.sub("", text)
            text = erased if erased != text else text.replace("\x08", "")
        return text.replace("\r\n", "\n") if "\r" in text else text

    def _hold_back(self, text: str) -> str:
        """Keep what may be the start of a sequence, or of a line end, for the next piece."""
        if text.endswith("\r"):
            self._held = "\r"
            return text[:-1]
        start = text.rfind("\x1b", max(0, len(text) - _LONGEST_SEQUENCE))
        if start < 0:
            return text
        if (start and text[start - 1] in "\x1b") or text[start:] == "\x1b":
            opened = text.rfind("\x1b", max(0, start - _LONGEST_SEQUENCE), start)
            if opened >= 0 and _UNFINISHED.match(text, opened):
                start = opened  # the escape that may end a string
        if _UNFINISHED.match(text, start):
            self._held = text[start:]
            return text[:start]
        return text


def overwritten(line: str) -> str:
    """A line as it looks after its carriage returns: what was written last."""
    if "\r" not in line:
        return line
    parts = [part for part in line.split("\r") if part]
    return parts[-1] if parts else ""


class LineAssembler:
    """Holds the line that is being written, so that a progress display counts once and not for each of
    its steps."""

    def __init__(self) -> None:
        self._line = ""

    def feed(self, text: str) -> str:
        """Everything that is final now."""
        end = text.rfind("\n") + 1
        if not end:
            self._line += text
            if "\r" in text:
                self._line = self._line[self._line.rstrip("\r").rfind("\r") + 1 :]
            if len(self._line) <= LONGEST_LINE:
                return ""
            final, self._line = overwritten(self._line), ""
            return final
        final, self._line = self._line + text[:end], text[end:]
        if "\r" in final:
            final = "\n".join(overwritten(line) for line in final.split("\n"))
        return final

    def rest(self) -> str:
        line, self._line = overwritten(self._line), ""
        return line


class OutputWindow:
    """The output of a foreground command: whole while it fits, else its head and tail around a line that
    counts what was left out, and the whole in a spool file."""

    def __init__(
        self, limit: int, make_spool: Callable[[], Spool], on_output: Callable[[str], None] | None = None
    ) -> None:
        self.limit = limit
        self.bytes = 0
        self.characters = 0
        self._text = TerminalText()
        self._lines = LineAssembler()
        self._head_room = int(limit * HEAD_SHARE)
        self._tail_room = limit - self._head_room
        self._head = ""
        self._tail: list[str] = []
        self._tail_length = 0
        self._make_spool = make_spool
        self._spool: Spool | None = None
        self._problem = ""
        self._on_output = on_output

    def feed(self, data: bytes) -> None:
        self.bytes += len(data)
        self._add(self._lines.feed(self._text.feed(data)))

    def close(self) -> None:
        """No more comes."""
        self._add(self._lines.feed(self._text.feed(b"", last=True)))
        self._add(self._lines.rest())
        if self._spool is not None:
            self._spool.close()

    def _add(self, text: str) -> None:
        if not text:
            return
        if self._on_output is not None:
            self._on_output(text)
        self.characters += len(text)
        if self._spool is not None:
            self._spool.write(text)
        elif self.characters > self.limit and not self._problem:
            self._begin_spool(text)
        room = self._head_room - len(self._head)
        if room > 0:
            self._head += text[:room]
            text = text[room:]
        if text:
            self._tail.append(text)
            self._tail_length += len(text)
            self._trim()

    def _begin_spool(self, text: str) -> None:
        try:
            self._spool = self._make_spool()
        except OSError as error:
            self._problem = error.strerror or str(error)
            return
        self._spool.write(self._head + "".join(self._tail) + text)

    def _trim(self) -> None:
        """Drop what can't be in the tail any more; joined only when it is twice too long, so that it
        stays cheap."""
        if self._tail_length > 2 * self._tail_room or len(self._tail) > 4096:
            joined = "".join(self._tail)[-self._tail_room :]
            self._tail = [joined]
            self._tail_length = len(joined)

    @property
    def spool_path(self) -> str | None:
        return None if self._spool is None else self._spool.path

    def text(self) -> str:
        tail = "".join(self._tail)[-self._tail_room :]
        omitted = self.characters - len(self._head) - len(tail)
        if omitted <= 0:
            return self._head + tail
        problem = self._problem or (self._spool.problem if self._spool else "")
        where = f"; they could not be kept: {problem}" if problem else f"; all of it is in {self.spool_path}"
        return f"{self._head}\n[... {omitted:,} characters left out{where} ...]\n{tail}"


class RollingBuffer:
    """The last part of what a background process wrote. Offsets count the bytes of the cleaned text."""

    def __init__(self, limit: int = ROLLING_BYTES) -> None:
        self.limit = limit
        self.end = 0
        self._text = TerminalText()
        self._data = bytearray()

    def feed(self, data: bytes, last: bool = False) -> None:
        piece = self._text.feed(data, last).encode("utf-8", "replace")
        self._data += piece
        self.end += len(piece)
        if len(self._data) > 2 * self.limit:
            del self._data[: -self.limit]

    def read(self, since: int = 0) -> tuple[str, int]:
        """Text from `since` on, as far as it is still held, and the new offset."""
        start = max(0, len(self._data) - self.limit, len(self._data) - (self.end - since))
        text = self._data[start:].decode("utf-8", "ignore")
        return "\n".join(overwritten(line) for line in text.split("\n")), self.end
