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

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Like click, but the name of a command is no value of an option that can stand alone: in
        `hermes --continue chat`, `chat` is the command."""
        return super().parse_args(ctx, self._with_lone_options(args))

    def _with_lone_options(self, args: list[str]) -> list[str]:
        options = {
            name: option for option in self.params if isinstance(option, click.Option) for name in option.opts
        }
        position = 0
        while position < len(args) - 1 and args[position] in options:
            option, following = options[args[position]], args[position + 1]
            can_stand_alone = not option.is_flag and isinstance(option.flag_value, str)
            if can_stand_alone and self._names_command(following):
                alone = f"{max(option.opts, key=len)}={option.flag_value}"
                return [*args[:position], alone, *args[position + 1 :]]
            takes_next = not option.is_flag and not (can_stand_alone and following.startswith("-"))
            position += 2 if takes_next else 1
        return args

    def _names_command(self, word: str) -> bool:
        return word in self._table or word in NOT_SERVED

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
