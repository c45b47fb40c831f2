"""The person at the terminal: asked before something dangerous is done, and when the model has a question."""

from hermes.cli.interactive.screen import Choice, Screen
from hermes.tools.contract import ApprovalRequest, Decision

DECISIONS: dict[str, Decision] = {"once": "once", "session": "session", "always": "always", "deny": "deny"}
APPROVAL_CHOICES = (
    Choice("once", "Allow once"),
    Choice("session", "Allow for this session"),
    Choice("always", "Always allow"),
    Choice("deny", "Deny"),
)
OTHER = "\0other"


class TerminalPeople:
    """Asks on a screen. When nobody answers in time, the caller takes that for a no and the question goes."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    @property
    def attended(self) -> bool:
        return True

    async def approve(self, request: ApprovalRequest, call_id: str) -> Decision:
        """Show what would be done and why it needs a person. Backing out is a no."""
        answer = await self._screen.choose(
            f"{request.tool} wants to do this:",
            request.subject.splitlines(),
            APPROVAL_CHOICES,
            default="deny",
            reasons=request.reasons,
        )
        return DECISIONS.get(answer, "deny")

    async def ask(self, question: str, choices: tuple[str, ...]) -> str | None:
        """Put the model's question. With choices there is always the way to say something else."""
        if not choices:
            return await self._screen.ask(question)
        options = [Choice(choice, choice) for choice in choices]
        answer = await self._screen.choose(
            question, (), [*options, Choice(OTHER, "Something else …")], default=OTHER
        )
        return await self._screen.ask(question) if answer == OTHER else answer
