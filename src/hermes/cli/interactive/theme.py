"""Colours of the terminal chat: sixteen of them, so that the terminal's own palette decides their look."""

from typing import NamedTuple

from hermes.cli.narration import Line, Tone, layout

CODES: dict[Tone, str] = {
    "plain": "",
    "dim": "2",
    "good": "32",
    "warn": "33",
    "bad": "31",
    "accent": "36",
}


class Paint(NamedTuple):
    """Puts tones on text. Without colours, text keeps bold and dim; `plain` keeps nothing."""

    colours: bool = True
    plain: bool = False

    def tone(self, text: str, tone: Tone, *, bold: bool = False) -> str:
        """`text` in a tone."""
        if not text or self.plain:
            return text
        code = CODES[tone] if self.colours or tone == "dim" else ""
        codes = ";".join(part for part in ("1" if bold else "", code) if part)
        return f"\x1b[{codes}m{text}\x1b[0m" if codes else text

    def line(self, line: Line, width: int) -> str:
        """A narrated line: the mark in its tone, the head bold, the tail dim unless it tells of trouble."""
        mark, head, text, tail = layout(line, width)
        body: Tone = "plain" if line.head else line.tone
        end: Tone = line.tone if line.tone in ("bad", "warn") else "dim"
        return (
            self.tone(mark, line.tone)
            + self.tone(head, "plain", bold=True)
            + self.tone(text, body)
            + self.tone(tail, end)
        ).rstrip()
