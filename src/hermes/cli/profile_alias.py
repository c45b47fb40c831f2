"""A command of a profile's own name: a small script in `~/.local/bin` that means `hermes -p NAME`."""

import shutil
from pathlib import Path

from hermes.cli.errors import Refused
from hermes.home.files import write_atomic
from hermes.home.profiles import checked_name

MARK = "# Made by `hermes profile alias`."


def alias_file(name: str) -> Path:
    """Where the command is, or would be."""
    return Path.home() / ".local" / "bin" / name


def make_alias(profile: str, alias: str | None = None) -> str:
    """Make the command, and say so. Raises Refused when another command has that name."""
    name = checked_name(alias or profile)
    file = alias_file(name)
    if file.exists() and not _is_ours(file):
        raise Refused(
            f"{file} is there already and is not ours; choose another name with `profile alias --name`."
        )
    other = shutil.which(name)
    if other is not None and Path(other) != file:
        raise Refused(
            f"There is a command {name} already ({other}); choose another with `profile alias --name`."
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, f'#!/bin/sh\n{MARK}\nexec hermes -p {profile} "$@"\n', 0o755)
    on_path = shutil.which(name) is not None
    hint = "" if on_path else f"; add {file.parent} to PATH to use it"
    return f"`{name}` means `hermes -p {profile}`{hint}"


def remove_alias(profile: str, alias: str | None = None) -> bool:
    """Remove the command, if it is ours and means this profile."""
    file = alias_file(alias or profile)
    if not file.is_file() or not _is_ours(file) or f"-p {profile} " not in file.read_text():
        return False
    file.unlink()
    return True


def _is_ours(file: Path) -> bool:
    return MARK in file.read_text(errors="replace")
