"""What the chat needs of a terminal, so that it is the same chat on a full one, a dumb one and a pipe."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from hermes.cli.interactive.theme import Paint
from hermes.cli.narration import Line, Tone


class Choice(NamedTuple):
    """One way to answer."""

    value: str
    label: str


class Screen(Protocol):
    """Output that stays, a region for what is in progress, and questions to the person."""

    @property
    def width(self) -> int:
        """Columns."""
        ...

    @property
    def paint(self) -> Paint: ...

    def say(self, text: str, tone: Tone = "plain") -> None:
        """Lines that stay. Cut at the width where they are one-liners is up to the caller."""
        ...

    def line(self, line: Line) -> None:
        """One narrated line that stays."""
        ...

    def write(self, text: str) -> None:
        """Finished text with its colours in it, whole lines, that stays."""
        ...

    async def choose(
        self,
        title: str,
        details: Sequence[str],
        choices: Sequence[Choice],
        *,
        default: str,
        reasons: Sequence[str] = (),
    ) -> str:
        """Let the person pick. `details` say what it is about, `reasons` why it is asked. `default` is
        preselected, and is the answer when they back out."""
        ...

    async def ask(self, question: str) -> str | None:
        """A free answer of one or more lines; None when the person backs out."""
        ...

    def clear(self) -> None: ...

    def refresh(self) -> None:
        """The status has changed."""
        ...

    def copy(self, text: str) -> None:
        """Put text on the clipboard, where the terminal can."""
        ...


async def confirm(screen: Screen, question: str) -> bool:
    """Whether the person agrees."""
    answer = await screen.choose(question, (), (Choice("yes", "Yes"), Choice("no", "No")), default="no")
    return answer == "yes"
