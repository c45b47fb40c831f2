"""Cutting streamed markdown into blocks that are whole, so that each can be typeset once and stay. Pure."""

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_CLOSING_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*$")
_INDENTED = re.compile(r"^(?: {2,}|\t)\S")
_ITEM = re.compile(r"^ {0,3}(?:[-*+]|\d{1,9}[.)])[ \t]")


class MarkdownStream:
    """Text goes in as it arrives; whole blocks come out. What may still change stays in `rest`."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        """Whole lines of the block that is not whole yet."""
        self._partial = ""
        """The line that has not ended."""
        self._fence = ""

    @property
    def rest(self) -> str:
        """What has arrived of the block in progress."""
        return "\n".join([*self._lines, self._partial]).strip("\n")

    def feed(self, text: str) -> list[str]:
        """Take text; return the blocks that are whole now."""
        *lines, self._partial = (self._partial + text).split("\n")
        blocks = []
        for line in lines:
            blocks += self._take(line.rstrip("\r"))
        return blocks

    def finish(self) -> list[str]:
        """The last block, whole or not; the stream is empty afterwards."""
        rest = self.rest
        self.drop()
        return [rest] if rest.strip() else []

    def drop(self) -> None:
        """Forget the block in progress."""
        self._lines, self._partial, self._fence = [], "", ""

    def _take(self, line: str) -> list[str]:
        if self._fence:
            self._lines.append(line)
            closing = _CLOSING_FENCE.match(line.strip() if self._in_list() else line)
            if closing and closing[1].startswith(self._fence):
                self._fence = ""
                return [] if self._in_list() else self._flush()
            return []
        fence = _FENCE.match(line) or (_FENCE.match(line.strip()) if self._in_list() else None)
        if fence:
            inside_list = self._in_list() and line.startswith(" ")
            blocks = [] if inside_list else self._flush()
            self._fence = fence[1]
            self._lines.append(line)
            return blocks
        if not line.strip():
            if self._in_list():
                self._lines.append(line)
                return []
            return self._flush()
        blocks = self._flush() if self._ends_list(line) else []
        self._lines.append(line)
        return blocks

    def _in_list(self) -> bool:
        return bool(self._lines) and _ITEM.match(self._lines[0]) is not None

    def _ends_list(self, line: str) -> bool:
        """A list goes on over blank lines until something stands at the margin that is no item of it."""
        after_blank = bool(self._lines) and not self._lines[-1].strip()
        return self._in_list() and after_blank and not _ITEM.match(line) and not _INDENTED.match(line)

    def _flush(self) -> list[str]:
        block = "\n".join(self._lines).strip("\n")
        self._lines = []
        return [block] if block.strip() else []
