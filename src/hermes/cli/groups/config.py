"""`hermes config`: read and change settings."""

from typing import Any

import click
import msgspec

from hermes.cli.errors import FAILED, OK, Refused, say
from hermes.cli.opening import Place, open_place
from hermes.cli.printing import emit, emit_json, emit_table
from hermes.cli.root import outer
from hermes.home.config import Layer, get_key, read_config
from hermes.home.config_edit import set_key, unset_key
from hermes.home.secret_names import is_secret_name, is_variable

SHOWN = ("model", "display", "terminal", "compression", "approvals", "agent", "memory")
"""Sections of `config show`."""


@click.group("config", invoke_without_command=True)
@click.pass_context
def config(ctx: click.Context) -> None:
    """Read and change settings."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(show)


@config.command("path")
@click.pass_context
def path(ctx: click.Context) -> None:
    """Print where config.yaml is."""
    emit(str(_place(ctx).profile.config_file))


@config.command("env-path")
@click.pass_context
def env_path(ctx: click.Context) -> None:
    """Print where .env, the file of secrets, is."""
    emit(str(_place(ctx).profile.env_file))


@config.command("show")
@click.option("--json", "as_json", is_flag=True, help="Every setting, for scripts; secrets are masked.")
@click.pass_context
def show(ctx: click.Context, as_json: bool) -> None:
    """Show what is configured."""
    from hermes.models.providers import PROVIDERS

    place = _place(ctx)
    settings: dict[str, Any] = masked(msgspec.to_builtins(place.settings()))
    if as_json:
        emit_json(settings)
        return
    emit("Paths")
    emit_table(
        [
            ("home", str(place.profile.home)),
            ("config", str(place.profile.config_file)),
            ("secrets", str(place.profile.env_file)),
        ],
        indent=2,
    )
    emit("\nAPI keys")
    keys = sorted({name for row in PROVIDERS for name in row.key_variables})
    found = [name for name in keys if place.environment.get(name)]
    emit_table([(name, "set") for name in found] or [("none is set", "")], indent=2)
    for section in SHOWN:
        emit(f"\n{section.capitalize()}")
        emit_table([(name, _shown(value)) for name, value in settings[section].items()], indent=2)
    emit(f"\nTimezone\n  {settings['timezone'] or 'the machine’s'}")


@config.command("get")
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def get(ctx: click.Context, key: str, as_json: bool) -> None:
    """Print the value in force, defaults included. Secrets are masked."""
    place = _place(ctx)
    holder = str(place.profile.config_file)
    if is_variable(key):
        value: Any = place.environment.get(key)
        if value is None:
            raise Refused(f"{key} is not set.")
        from_file = place.environment.is_from_file(key)
        holder = str(place.profile.env_file) if from_file else "the environment of this shell"
    else:
        value = get_key(place.profile, place.environment, key)
    shown = masked(value, key.rpartition(".")[2])
    if as_json:
        emit_json(shown)
    else:
        emit(_shown(shown))
    if shown != value:
        say(f"hermes: the secret is masked here; {holder} holds it.")


@config.command("set")
@click.argument("key")
@click.argument("value")
@click.option("--force", is_flag=True, help="Also for a key that nobody knows.")
@click.pass_context
def set_(ctx: click.Context, key: str, value: str, force: bool) -> None:
    """Set a key. Variables, such as OPENAI_API_KEY, go to .env, everything else to config.yaml."""
    place = _place(ctx)
    edit = set_key(place.profile, place.environment, key, value, force=force)
    shown = "(secret)" if edit.value is None else _shown(edit.value)
    emit(f"✓ {edit.key} = {shown}  ({edit.file})")
    if (
        place.environment.get(key)
        and not place.environment.is_from_file(key)
        and edit.file == place.profile.env_file
    ):
        say(f"hermes: the environment of this shell sets {key} too, and wins.")


@config.command("unset")
@click.argument("key")
@click.pass_context
def unset(ctx: click.Context, key: str) -> None:
    """Remove a key, so that its default holds again."""
    place = _place(ctx)
    edit = unset_key(place.profile, place.environment, key)
    emit(f"✓ {edit.key} is unset  ({edit.file})")


@config.command("edit")
@click.pass_context
def edit(ctx: click.Context) -> int:
    """Open config.yaml in $EDITOR, and check it afterwards."""
    place = _place(ctx)
    file = place.profile.config_file
    if not file.exists():
        from hermes.home.files import write_atomic

        write_atomic(file, "")
    click.edit(filename=str(file))
    return _check(place)


@config.command("check")
@click.pass_context
def check(ctx: click.Context) -> int:
    """Read config.yaml as every start does. Exit code 1: it holds keys that nobody knows."""
    return _check(_place(ctx))


def _check(place: Place) -> int:
    found = read_config(place.profile, place.environment).unknown
    for key in found:
        where = f"line {key.line}: " if key.line else ""
        emit(f"{'·' if key.known_upstream else '✗'} {where}{key}")
    if any(not key.known_upstream for key in found):
        return FAILED
    emit(
        f"✓ {place.profile.config_file} is in order"
        if place.profile.config_file.exists()
        else "✓ There is no config.yaml; the defaults hold"
    )
    return OK


@config.command("migrate")
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Show which keys stand under older names. They are read where they stand; nothing is rewritten."""
    place = _place(ctx)
    layer = Layer.read(place.profile.config_file, place.environment)
    moved = [(old, new) for new, old in layer.origins.items() if old != new]
    if not moved:
        emit("✓ Nothing stands under an older name.")
        return
    emit_table([(".".join(map(str, old)), f"→ {'.'.join(map(str, new))}") for old, new in moved])
    emit("Each is read as its newer name; nothing has to be rewritten.")


def masked(value: Any, name: str = "") -> Any:
    """`value` with what stands under a secret's name hidden."""
    if isinstance(value, dict):
        return {key: masked(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, name) for item in value]
    if isinstance(value, str) and value and is_secret_name(name) and not value.startswith("${"):
        return "********"
    return value


def _shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    return str(value)


def _place(ctx: click.Context) -> Place:
    return open_place(outer(ctx).profile)
