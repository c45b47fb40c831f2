"""Questions of commands: agreeing to what cannot be taken back, and picking from a list."""

import shutil
import sys
from collections.abc import Sequence

import click

from hermes.cli.errors import Refused, say
from hermes.cli.text import fit_line

SHOWN = 20
"""Rows of a picker; more are reached by typing a part of what is looked for."""


def agree(question: str, yes: bool) -> None:
    """Go on only when the person agrees. Without a terminal there must have been a `--yes`."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Nobody can be asked here; add --yes to agree.")
    if not click.confirm(question, err=True):
        raise Refused("Nothing was changed.")


def need_terminal(what: str) -> None:
    """Refuse to pick where nobody can answer."""
    if not sys.stdin.isatty():
        raise click.UsageError(f"{what} needs a terminal.")


def pick(question: str, labels: Sequence[str]) -> int | None:
    """Let the person pick one of `labels` by number; text narrows the list. None: they would not."""
    shown = list(range(len(labels)))
    columns = shutil.get_terminal_size().columns
    while True:
        for index in shown[:SHOWN]:
            say(f"{index + 1:>4}. {fit_line(labels[index], columns - 8)}")
        if len(shown) > SHOWN:
            say(f"      … {len(shown) - SHOWN} more; type a part of what you look for")
        answer: str = click.prompt(
            f"{question} (number, text to search, or q)", default="q", show_default=False, err=True
        )
        if answer.strip() in ("", "q"):
            return None
        if answer.strip().isdigit() and 0 < int(answer) <= len(labels):
            return int(answer) - 1
        wanted = answer.strip().casefold()
        found = [index for index, label in enumerate(labels) if wanted in label.casefold()]
        if not found:
            say(f"Nothing fits '{answer}'.")
        shown = found or list(range(len(labels)))
