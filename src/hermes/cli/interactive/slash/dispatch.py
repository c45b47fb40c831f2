"""From `/word rest` to the command that is meant."""

import difflib
import shlex
from typing import TYPE_CHECKING

from hermes.cli.interactive.slash.command import SlashCommand
from hermes.cli.interactive.slash.table import BY_NAME, NOT_SERVED
from hermes.cli.narration import Line

if TYPE_CHECKING:
    from hermes.cli.interactive.conversation import Conversation

QUICK_COMMAND_SECONDS = 60.0
ALIAS_DEPTH = 5


def split(text: str) -> tuple[str, str]:
    """`/Name rest` as its name in lower case and its rest; an empty name when it is no command."""
    if not text.startswith("/"):
        return "", ""
    word, _, rest = text[1:].partition(" ")
    name, newline, more = word.partition("\n")
    if "/" in name or not name:
        return "", ""
    return name.lower(), (f"{more} {rest}" if newline else rest).strip()


def find_command(conversation: "Conversation", text: str) -> SlashCommand | None:
    """The built-in command that `text` calls, if it does."""
    name, _ = split(text)
    return None if name in conversation.runtime.settings.quick_commands else BY_NAME.get(name)


async def run_command(conversation: "Conversation", text: str, depth: int = 0) -> None:
    """Do it, or say why not."""
    name, rest = split(text)
    if not name:
        await conversation.converse(text)
        return
    quick = conversation.runtime.settings.quick_commands.get(name)
    if quick is not None and quick.type == "exec":
        await _run_shell(conversation, f"{quick.command} {shlex.join([rest]) if rest else ''}".strip())
    elif quick is not None and depth == ALIAS_DEPTH:
        _refuse(
            conversation,
            f"The quick command /{name} leads round in a circle; see quick_commands in config.yaml.",
        )
    elif quick is not None:
        await run_command(conversation, f"/{quick.target.lstrip('/')} {rest}".strip(), depth + 1)
    elif name in BY_NAME:
        await BY_NAME[name].handler(conversation, rest)
    elif name in NOT_SERVED:
        _refuse(conversation, f"/{name} is not served by this version yet.")
    else:
        known = [*BY_NAME, *conversation.runtime.settings.quick_commands]
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean /{near[0]}?" if near else "/help lists those there are."
        _refuse(conversation, f"There is no command /{name}; {hint}")


def _refuse(conversation: "Conversation", sentence: str) -> None:
    conversation.screen.line(Line("✗", "", sentence, tone="warn"))


async def _run_shell(conversation: "Conversation", command: str) -> None:
    """A quick command of the owner's, from their own config: run as they would run it."""
    sandbox = conversation.runtime.sandbox
    result = await sandbox.run(
        command, session=f"quick-{conversation.session.id}", timeout=QUICK_COMMAND_SECONDS
    )
    if result.output.strip():
        conversation.screen.say(result.output.rstrip())
    if result.exit_code:
        _refuse(conversation, f"`{command}` ended with exit code {result.exit_code}.")
