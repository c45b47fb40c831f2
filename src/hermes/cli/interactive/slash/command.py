"""What a slash command is."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from hermes.cli.interactive.conversation import Conversation

Subject = Literal["Session", "Settings", "Tools and memory", "Information"]
Handler = Callable[["Conversation", str], Awaitable[None]]
"""Takes the conversation and what was typed after the command's name."""


class SlashCommand(NamedTuple):
    """One command. Help, completion and the docs are made from these."""

    name: str
    subject: Subject
    help: str
    handler: Handler
    aliases: tuple[str, ...] = ()
    usage: str = ""
    at_once: bool = False
    """It is done while a run is at work; others wait for its end."""
