"""The options of a conversation. They mean the same before a command (`hermes -m x`) and after `chat`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

F = TypeVar("F", bound=Callable[..., Any])

LATEST = "\0latest"
"""`--continue` without a name."""


class ChatOptions(msgspec.Struct, kw_only=True, frozen=True):
    """What was asked for on the command line. Unset is None, False or empty."""

    model: str | None = None
    provider: str | None = None
    toolsets: tuple[str, ...] = ()
    resume: str | None = None
    continue_: str | None = None
    """A title, or LATEST."""
    no_restore_cwd: bool = False
    worktree: bool = False
    skills: tuple[str, ...] = ()
    yolo: bool = False
    pass_session_id: bool = False
    ignore_user_config: bool = False
    ignore_rules: bool = False
    usage_file: Path | None = None
    query: str | None = None
    quiet: bool = False
    verbose: bool = False
    max_turns: int | None = None
    source: str = ""

    def over(self, outer: "ChatOptions") -> "ChatOptions":
        """These options, with those given before the command where these are unset."""
        return msgspec.structs.replace(
            outer, **{name: value for name in self.__struct_fields__ if (value := getattr(self, name))}
        )


def conversation_options(command: F) -> F:
    """Options that both `hermes` and `hermes chat` take."""
    for option in reversed(_CONVERSATION):
        command = option(command)
    return command


def chat_options(command: F) -> F:
    """Options of `hermes chat` alone."""
    for option in reversed(_CHAT):
        command = option(command)
    return command


def gather(values: dict[str, Any]) -> ChatOptions:
    """The options as one value, from what click collected."""
    for name in ("toolsets", "skills"):
        values[name] = tuple(
            part.strip() for text in values.get(name) or () for part in text.split(",") if part.strip()
        )
    return ChatOptions(**{name: value for name, value in values.items() if value is not None})


_CONVERSATION = (
    click.option("-m", "--model", metavar="MODEL", help="Model that answers (HERMES_INFERENCE_MODEL)."),
    click.option("--provider", metavar="NAME", help="Provider that serves it."),
    click.option("-t", "--toolsets", multiple=True, metavar="NAMES", help="Only these toolsets, by comma."),
    click.option(
        "-r", "--resume", metavar="SESSION", help="Go on with a session: id, start of an id, or title."
    ),
    click.option(
        "-c",
        "--continue",
        "continue_",
        is_flag=False,
        flag_value=LATEST,
        metavar="[TITLE]",
        help="Go on with the latest session, or the one with this title.",
    ),
    click.option("--no-restore-cwd", is_flag=True, help="Stay in this directory when resuming."),
    click.option("-w", "--worktree", is_flag=True, help="Work in a git worktree of its own."),
    click.option("-s", "--skills", multiple=True, metavar="NAMES", help="Load these skills, by comma."),
    click.option("--yolo", is_flag=True, help="Do not ask before dangerous commands (HERMES_YOLO_MODE=1)."),
    click.option("--pass-session-id", is_flag=True, help="Tell the model the id of its session."),
    click.option("--ignore-user-config", is_flag=True, help="Use the built-in settings, not config.yaml."),
    click.option("--ignore-rules", is_flag=True, help="Read no AGENTS.md and other context files."),
    click.option(
        "--cli", is_flag=True, expose_value=False, help="The plain terminal chat (the only one so far)."
    ),
    click.option(
        "--usage-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write tokens and cost of a one-shot as JSON, also when it fails.",
    ),
)

_CHAT = (
    click.option(
        "-q", "--query", metavar="TEXT", help="Ask this and exit; `-` reads it from standard input."
    ),
    click.option("-Q", "--quiet", is_flag=True, help="With -q: only the answer on standard output."),
    click.option("-v", "--verbose", is_flag=True, help="Show what tools print while they run."),
    click.option(
        "--max-turns", type=click.IntRange(min=1), metavar="N", help="At most this many model calls."
    ),
    click.option("--source", default=None, metavar="NAME", help="Mark the session as coming from here."),
)
