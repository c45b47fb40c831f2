"""`hermes completion`: the script that a shell needs to complete our commands."""

import click
from click.shell_completion import get_completion_class

from hermes.cli.printing import emit

INSTALL = {
    "bash": 'eval "$(hermes completion bash)"',
    "zsh": 'eval "$(hermes completion zsh)"',
    "fish": "hermes completion fish | source",
}


@click.command("completion", epilog="In your shell's start file: " + INSTALL["bash"])
@click.argument("shell", type=click.Choice(list(INSTALL)), default="bash")
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a shell completion script."""
    make = get_completion_class(shell)
    assert make is not None, "the choices are click's own"
    emit(make(ctx.find_root().command, {}, "hermes", "_HERMES_COMPLETE").source())
