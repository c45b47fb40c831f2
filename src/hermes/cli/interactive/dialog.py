"""A question with a few answers, shown above the input. Typed text stays where it is meanwhile."""

import asyncio
import time
from collections.abc import Sequence

from prompt_toolkit.formatted_text import StyleAndTextTuples

from hermes.cli.interactive.screen import Choice
from hermes.cli.text import fit, fit_line

GRACE_SECONDS = 0.5
"""An Enter within this time was meant for what was being typed, not for the question that popped up."""
DETAIL_LINES = 8


class Dialog:
    """One open question: which answer is selected, and the answer once it is given."""

    def __init__(self, title: str, details: Sequence[str], choices: Sequence[Choice], default: str) -> None:
        self.title = title
        self.details = list(details)
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
        shown: StyleAndTextTuples = [("class:ask.title", fit(self.title, width)), ("", "\n")]
        for detail in self._visible_details():
            style = "class:ask.reason" if detail.startswith("! ") else "class:ask.detail"
            shown += [("class:ask.bar", "│ "), (style, fit_line(detail, width - 2)), ("", "\n")]
        for index, choice in enumerate(self.choices):
            marker, style = ("❯ ", "class:ask.selected") if index == self.selected else ("  ", "")
            shown += [(style, fit_line(f"{marker}{index + 1}. {choice.label}", width)), ("", "\n")]
        shown.append(("class:ask.hint", fit("↑↓ or a number, then Enter · Esc: no answer", width)))
        return shown

    def _visible_details(self) -> list[str]:
        """Reasons are never left out; a long subject is, in its middle."""
        reasons = [detail for detail in self.details if detail.startswith("! ")]
        subject = self.details[: len(self.details) - len(reasons)]
        if len(subject) > DETAIL_LINES:
            left_out = len(subject) - DETAIL_LINES + 1
            subject = [
                *subject[: DETAIL_LINES // 2],
                f"… {left_out} more lines",
                *subject[-(DETAIL_LINES // 2 - 1) :],
            ]
        return [*subject, *reasons]
