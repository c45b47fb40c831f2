"""Reasoning that a model writes into its text between tags, told apart while it streams."""

import re
from typing import Literal, NamedTuple

OPENING = re.compile(r"<(think|thinking|reasoning)>", re.IGNORECASE)
OPENING_TAGS = ("<think>", "<thinking>", "<reasoning>")
CLOSING_LINE = re.compile(r"^[ \t]*</(?:think|thinking|reasoning)>[ \t]*$\n*", re.IGNORECASE | re.MULTILINE)
CODE_FENCE = "```"


class Piece(NamedTuple):
    kind: Literal["text", "reasoning"]
    text: str


class ThinkingTags:
    """Splits a stream of text. A tag right after a backtick is talked about, not meant.

    A block at the beginning is given out as it comes. One that opens after some text is held until
    it closes, because a block that never closes was text.
    """

    def __init__(self) -> None:
        self._pending = ""
        self._opened = ""
        """The opening tag of the block we are in, as it was written."""
        self._last = ""
        """Last character of text given out; empty while no text was."""
        self._after_block = False

    def feed(self, text: str) -> list[Piece]:
        self._pending += text
        pieces: list[Piece] = []
        while self._pending and (self._inside(pieces) if self._opened else self._outside(pieces)):
            pass
        return pieces

    def finish(self) -> list[Piece]:
        """The rest."""
        rest, self._pending = self._pending, ""
        if not self._opened:
            return [Piece("text", rest)] if rest else []
        opened, self._opened = self._opened, ""
        if self._last:
            return [Piece("text", opened + rest)]
        return [Piece("reasoning", rest)] if rest else []

    def _outside(self, pieces: list[Piece]) -> bool:
        if not self._last and not self._at_first_text():
            return False
        for tag in OPENING.finditer(self._pending):
            start = tag.start()
            if (self._pending[start - 1] if start else self._last) == "`":
                continue
            before = self._pending[:start]
            if self._last or before.strip():
                self._give_text(pieces, before)
            self._pending = self._pending[tag.end() :]
            self._opened = tag[0]
            return True
        whole = len(self._pending) - _held_back(self._pending, OPENING_TAGS)
        if self._last or self._pending[:whole].strip():
            self._give_text(pieces, self._pending[:whole])
            self._pending = self._pending[whole:]
        return False

    def _at_first_text(self) -> bool:
        """White space before the first text is held, and dropped around a block."""
        if self._after_block:
            self._pending = self._pending.lstrip()
        return bool(self._pending.strip())

    def _inside(self, pieces: list[Piece]) -> bool:
        closing = f"</{self._opened[1:].lower()}"
        end = self._pending.lower().find(closing)
        if end < 0:
            if not self._last:
                whole = len(self._pending) - _held_back(self._pending, (closing,))
                self._give_reasoning(pieces, whole)
            return False
        self._give_reasoning(pieces, end)
        self._pending = self._pending[len(closing) :]
        self._opened, self._after_block = "", True
        return True

    def _give_text(self, pieces: list[Piece], text: str) -> None:
        if text:
            self._last = text[-1]
            pieces.append(Piece("text", text))

    def _give_reasoning(self, pieces: list[Piece], size: int) -> None:
        given, self._pending = self._pending[:size], self._pending[size:]
        if given:
            pieces.append(Piece("reasoning", given))


def _held_back(text: str, tags: tuple[str, ...]) -> int:
    """How many characters at the end may be the beginning of a tag."""
    low = text[-max(map(len, tags)) :].lower()
    for size in range(len(low), 0, -1):
        if any(len(tag) > size and tag.startswith(low[-size:]) for tag in tags):
            return size
    return 0


def split_unopened(text: str) -> tuple[str, str]:
    """Reasoning and answer of a text that begins inside a block.

    Some chat templates write the opening tag into the prompt, so that only the closing tag, on a line
    of its own, is in the reply.
    """
    closing = CLOSING_LINE.search(text)
    if closing is None or text.count(CODE_FENCE, 0, closing.start()) % 2:
        return "", text
    return text[: closing.start()].strip(), text[closing.end() :]
