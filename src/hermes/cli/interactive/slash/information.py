"""Slash commands that tell something."""

from typing import TYPE_CHECKING

from hermes import __version__
from hermes.cli.errors import Refused
from hermes.cli.interactive.key_help import KEYS
from hermes.cli.text import count, money, pad, table

if TYPE_CHECKING:
    from hermes.cli.interactive.conversation import Conversation

SUBJECTS = ("Session", "Settings", "Tools and memory", "Information")


async def help_(conversation: "Conversation", rest: str) -> None:
    from hermes.cli.interactive.slash.table import COMMANDS

    screen, paint = conversation.screen, conversation.screen.paint
    for subject in SUBJECTS:
        screen.write(paint.tone(subject, "accent", bold=True))
        rows = []
        for command in COMMANDS:
            if command.subject == subject:
                aliases = (
                    f" ({', '.join('/' + alias for alias in command.aliases)})" if command.aliases else ""
                )
                rows.append((f"  /{command.name} {command.usage}".rstrip(), f"{command.help}{aliases}"))
        screen.say("\n".join(_two_columns(rows, screen.width)))
    quick = conversation.runtime.settings.quick_commands
    if quick:
        screen.write(paint.tone("Your own", "accent", bold=True))
        rows = [
            (f"  /{name}", item.command if item.type == "exec" else f"→ /{item.target}")
            for name, item in quick.items()
        ]
        screen.say("\n".join(_two_columns(rows, screen.width)))
    screen.write(paint.tone("Keys", "accent", bold=True))
    screen.say("\n".join(_two_columns([(f"  {key}", what) for key, what in KEYS], screen.width)))


def _two_columns(rows: list[tuple[str, str]], width: int) -> list[str]:
    """Aligned; where the terminal is too narrow for that, the second column stands below the first."""
    if width >= 70:
        return _aligned(rows, width)
    return [line for name, text in rows for line in (name, f"    {text}")]


def _aligned(rows: list[tuple[str, str]], width: int) -> list[str]:
    import textwrap

    first = min(max(len(name) for name, _ in rows), 34) + 2
    lines = []
    for name, text in rows:
        wrapped = textwrap.wrap(text, width - first - 1) or [""]
        head = name if len(name) < first - 1 else f"{name} "
        lines.append(pad(head, first) + wrapped[0])
        lines += [" " * first + more for more in wrapped[1:]]
    return lines


async def usage(conversation: "Conversation", rest: str) -> None:
    used = conversation.session.usage
    cost = money(used.cost_usd) + (f" ({used.cost_status})" if used.cost_usd is not None else "")
    rows = [
        ("Model calls", count(used.model_calls)),
        ("Input tokens", f"{count(used.input_tokens)} ({count(used.cache_read_tokens)} from the cache)"),
        ("Output tokens", f"{count(used.output_tokens)} ({count(used.reasoning_tokens)} reasoning)"),
        ("Cost", cost),
    ]
    if used.calls_without_usage:
        rows.append(
            ("Not counted", f"{used.calls_without_usage} calls for which the provider reported nothing")
        )
    conversation.screen.say("\n".join(table(rows, conversation.screen.width)))


async def copy(conversation: "Conversation", rest: str) -> None:
    if rest and not (rest.isdigit() and int(rest) > 0):
        raise Refused(f"/copy takes which answer, counted from the last, not '{rest}'.")
    runtime = conversation.runtime
    rows = await runtime.store.messages.active(runtime.scope, conversation.session.id)
    answers = [runtime.masked(row.content) for row in rows if row.role == "assistant" and row.content.strip()]
    number = int(rest or 1)
    if number > len(answers):
        conversation.screen.say("There is no such answer.", "dim")
        return
    conversation.screen.copy(answers[-number])
    conversation.screen.say(f"Copied {len(answers[-number]):,} characters, if the terminal allows it.", "dim")


async def version(conversation: "Conversation", rest: str) -> None:
    conversation.screen.say(f"hermes {__version__}")
