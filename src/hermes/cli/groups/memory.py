"""`hermes memory`: what the agent remembers."""

from typing import Literal

import click

from hermes.cli.asking import agree
from hermes.cli.opening import open_place
from hermes.cli.printing import emit, emit_json, emit_table
from hermes.cli.root import outer
from hermes.home.files import PRIVATE_FILE, write_atomic
from hermes.tools.memory_store import MemoryFile, enabled, load, memory_file

TARGETS: tuple[Literal["memory", "user"], ...] = ("memory", "user")
TITLES = {"memory": "Memory", "user": "About the user"}
target_argument = click.argument("target", type=click.Choice(["all", *TARGETS]), default="all")


@click.group("memory", invoke_without_command=True)
@click.pass_context
def memory(ctx: click.Context) -> None:
    """See or clear what the agent remembers."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(status)


@memory.command("status")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """How much is remembered, and where."""
    place = open_place(outer(ctx).profile)
    settings = place.settings()
    files = [memory_file(target, place.profile, settings) for target in TARGETS]
    if as_json:
        emit_json(
            [
                {
                    "target": file.target,
                    "enabled": enabled(file.target, settings),
                    "entries": len(load(file)),
                    "limit_characters": file.limit,
                    "path": str(file.path),
                }
                for file in files
            ]
        )
        return
    rows = []
    for file in files:
        entries = load(file)
        state = "on" if enabled(file.target, settings) else "off"
        rows.append(
            (TITLES[file.target], state, f"{len(entries)} entries", file.usage(entries), str(file.path))
        )
    emit_table(rows)


@memory.command("show")
@target_argument
@click.pass_context
def show(ctx: click.Context, target: str) -> None:
    """Print what is remembered."""
    for file in _files(ctx, target):
        entries = load(file)
        emit(f"{TITLES[file.target]} · {file.usage(entries)}")
        emit("\n".join(f"- {entry}" for entry in entries) or "(nothing)")


@memory.command("reset")
@target_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def reset(ctx: click.Context, target: str, yes: bool) -> None:
    """Forget everything. What was there stays beside it once more, as a .bak file."""
    files = [file for file in _files(ctx, target) if file.path.exists()]
    if not files:
        emit("There is nothing to forget.")
        return
    agree(f"Forget {sum(len(load(file)) for file in files)} entries?", yes)
    for file in files:
        write_atomic(file.path, "", PRIVATE_FILE, keep_previous=True)
        emit(f"✓ {file.path} is empty; what it held is in {file.path.name}.bak")


def _files(ctx: click.Context, target: str) -> list[MemoryFile]:
    place = open_place(outer(ctx).profile)
    settings = place.settings()
    return [memory_file(name, place.profile, settings) for name in TARGETS if target in ("all", name)]
