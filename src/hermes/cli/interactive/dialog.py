"""A question with a few answers, shown above the input. Typed text stays where it is meanwhile."""

import asyncio
import time
from collections.abc import Sequence

from prompt_toolkit.formatted_text import StyleAndTextTuples

from hermes.cli.interactive.screen import Choice
from hermes.cli.text import cells, fit, fit_line

GRACE_SECONDS = 0.5
"""An Enter within this time was meant for what was being typed, not for the question that popped up."""
DETAIL_LINES = 8
"""Of what would be done; more is shown in full above the question."""


class Dialog:
    """One open question: which answer is selected, and the answer once it is given."""

    def __init__(
        self,
        title: str,
        details: Sequence[str],
        reasons: Sequence[str],
        choices: Sequence[Choice],
        default: str,
    ) -> None:
        self.title = title
        self.details = list(details)
        self.reasons = list(reasons)
        self.choices = list(choices)
        self.default = default
        values = [choice.value for choice in choices]
        self.selected = values.index(default) if default in values else 0
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._opened = time.monotonic()

    @property
    def fresh(self) -> bool:
        """It has just opened; the person cannot have read it."""
        return time.monotonic() - self._opened < GRACE_SECONDS

    def move(self, step: int) -> None:
        self.selected = (self.selected + step) % len(self.choices)

    def select(self, key: str) -> None:
        """Select by number, or by the first letter of an answer."""
        for index, choice in enumerate(self.choices):
            if key == str(index + 1) or choice.value.lower().startswith(key.lower()):
                self.selected = index
                return

    def accept(self) -> None:
        self._finish(self.choices[self.selected].value)

    def back_out(self) -> None:
        self._finish(self.default)

    def _finish(self, value: str) -> None:
        if not self.answer.done():
            self.answer.set_result(value)

    def fragments(self, width: int) -> StyleAndTextTuples:
        """The question as styled text."""
        shown: StyleAndTextTuples = []
        for line in wrapped(self.title, width):
            shown += [("class:ask.title", line), ("", "\n")]
        for style, line in self._detail_lines(width - 2):
            shown += [("class:ask.bar", "│ "), (style, line), ("", "\n")]
        for index, choice in enumerate(self.choices):
            marker, style = ("❯ ", "class:ask.selected") if index == self.selected else ("  ", "")
            shown += [(style, fit_line(f"{marker}{index + 1}. {choice.label}", width)), ("", "\n")]
        shown.append(("class:ask.hint", fit("↑↓ or a number, then Enter · Esc: no answer", width)))
        return shown

    def overflows(self, width: int) -> bool:
        """Whether the details have more lines than are shown here."""
        return len(self._subject_lines(width - 2)) > DETAIL_LINES

    def _subject_lines(self, width: int) -> list[str]:
        return [line for detail in self.details for line in wrapped(detail, width)]

    def _detail_lines(self, width: int) -> list[tuple[str, str]]:
        """Styled lines. Reasons are never left out; of a long subject the rest stands above."""
        subject = self._subject_lines(width)
        if len(subject) > DETAIL_LINES:
            subject = [*subject[: DETAIL_LINES - 1], "… (in full above)"]
        return [
            *(("class:ask.detail", line) for line in subject),
            *(
                ("class:ask.reason", line)
                for reason in self.reasons
                for line in wrapped(f"! {reason}", width)
            ),
        ]


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` columns, nothing left out."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for char in paragraph:
            if cells(line + char) > max(width, 2):
                lines.append(line)
                line = ""
            line += char
        lines.append(line)
    return lines
