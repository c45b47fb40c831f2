"""Results on standard output: tables for people, JSON for scripts."""

import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click
import msgspec

from hermes.cli.text import table

UNCUT = 10_000
"""Columns where no terminal says how wide it is, so that nothing is cut off in a pipe."""


def width() -> int:
    """Columns of standard output."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNCUT


def emit(text: str) -> None:
    """A line of the result."""
    click.echo(text)


def emit_json(value: Any) -> None:
    """The result as JSON, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def emit_table(
    rows: Sequence[Sequence[str]], headings: Sequence[str] = (), *, flexible: int = -1, indent: int = 0
) -> None:
    """Rows in aligned columns; the column `flexible` is cut when the terminal is narrow."""
    for line in table(rows, width() - indent, headings, flexible) if rows else ():
        click.echo(" " * indent + line)
