"""The top of the command tree: global options, and what bare `hermes` does."""

from typing import Any

import click

from hermes import __version__
from hermes.cli.command_table import COMMANDS
from hermes.cli.lazy_group import LazyGroup
from hermes.cli.options import ChatOptions, conversation_options, gather


class Invocation:
    """What was said before the command."""

    def __init__(self, profile: str | None, options: ChatOptions) -> None:
        self.profile = profile
        self.options = options


@click.group(
    "hermes",
    cls=LazyGroup,
    table=COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="-p/--profile NAME, anywhere on the line, picks a profile. Without a command: the chat.",
)
@click.version_option(__version__, "-V", "--version", message="hermes %(version)s")
@click.option(
    "-z", "--oneshot", metavar="PROMPT", help="Do this, print only the answer; `-` reads standard input."
)
@conversation_options
@click.pass_context
def root(ctx: click.Context, /, oneshot: str | None, **values: Any) -> int | None:
    """A self-hosted AI agent that lives in one data directory."""
    invocation = Invocation(ctx.obj, gather(values))
    ctx.obj = invocation
    if ctx.invoked_subcommand is not None:
        if oneshot is not None:
            raise click.UsageError(f"-z does not go with the command '{ctx.invoked_subcommand}'.", ctx)
        return None
    from hermes.cli.chat import ask_once, talk

    if oneshot is not None:
        return ask_once(invocation.profile, invocation.options, oneshot, style="answer")
    return talk(invocation.profile, invocation.options)


def outer(ctx: click.Context) -> Invocation:
    """What was said before the command that `ctx` belongs to."""
    found = ctx.find_object(Invocation)
    assert found is not None, "every command runs below the root"
    return found
