"""`hermes version`."""

import click

from hermes import __version__
from hermes.cli.printing import emit


@click.command("version")
def version() -> None:
    """Print the version."""
    emit(f"hermes {__version__}")
