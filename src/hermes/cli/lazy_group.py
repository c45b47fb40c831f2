"""A click group that loads a command when it is used, and help that loads none."""

import difflib
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from hermes.cli.command_table import NOT_SERVED, Command


class LazyGroup(click.Group):
    """The top of the command tree, made from the command table."""

    def __init__(self, *args: Any, table: Sequence[Command] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self._table = {command.name: command for command in table}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        row = self._table.get(cmd_name)
        if row is None:
            return None
        module, _, attribute = row.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click, with an answer that helps when the name is unknown."""
        name = args[0]
        if name not in self._table and not name.startswith("-"):
            raise click.UsageError(_unknown(name, list(self._table)), ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names from the table, and the options."""
        names = [
            CompletionItem(command.name, help=command.help)
            for command in self._table.values()
            if command.name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(command.name, command.help) for command in self._table.values()])


def _unknown(name: str, known: list[str]) -> str:
    if name in NOT_SERVED:
        return f"The command '{name}' is not served by this version yet."
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"There is no command '{name}'.{hint}"
