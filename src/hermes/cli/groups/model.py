"""`hermes model`: which model answers."""

import asyncio
import sys

import click

from hermes.cli.asking import need_terminal, pick
from hermes.cli.errors import say
from hermes.cli.opening import Place, open_place
from hermes.cli.printing import emit, emit_json, emit_table
from hermes.cli.root import outer
from hermes.home.config_edit import set_key
from hermes.home.environment import set_env_value
from hermes.models.contract import Endpoint, ModelError
from hermes.models.credentials import AuthFile
from hermes.models.endpoints import ModelNotConfigured
from hermes.models.provider import Provider
from hermes.models.providers import PROVIDERS
from hermes.models.resolve import configured


@click.group("model", invoke_without_command=True)
@click.pass_context
def model(ctx: click.Context) -> None:
    """See and choose the model that answers. Without a command: choose, step by step."""
    if ctx.invoked_subcommand is not None:
        return
    if sys.stdin.isatty():
        choose(open_place(outer(ctx).profile))
    else:
        ctx.invoke(show)


@model.command("show")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def show(ctx: click.Context, as_json: bool) -> None:
    """Show which model answers now."""
    place = open_place(outer(ctx).profile)
    endpoint = current(place)
    if as_json:
        emit_json(_facts(endpoint))
    elif endpoint.provider == "demo":
        emit("The offline demo model answers: no language model is connected.")
        emit("Connect one with `hermes model`, or start a model server on this machine.")
    else:
        emit_table([(name, value) for name, value in _facts(endpoint).items() if value])


@model.command("list")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List the providers; ✓ marks those that can be used now."""
    place = open_place(outer(ctx).profile)
    settings = place.settings()
    rows = [(row.id, row.label, _usable(place, row), row.default_model, _needs(row)) for row in PROVIDERS]
    rows += [
        (name, "your own", True, named.default_model, named.base_url or named.api)
        for name, named in settings.providers.items()
    ]
    if as_json:
        keys = ("provider", "label", "usable", "default_model", "needs")
        emit_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    emit_table(
        [("✓" if usable else "", name, label, first, needs) for name, label, usable, first, needs in rows],
        ("", "PROVIDER", "NAME", "FIRST MODEL", "NEEDS"),
    )


@model.command("set")
@click.argument("name", metavar="MODEL")
@click.option("--provider", metavar="NAME", help="Who serves it.")
@click.pass_context
def set_(ctx: click.Context, name: str, provider: str | None) -> None:
    """Let this model answer from now on."""
    place = open_place(outer(ctx).profile)
    _store(place, name, provider)


def choose(place: Place) -> None:
    """Ask for the provider, its key where one is missing, and the model."""
    need_terminal("`hermes model`")
    settings = place.settings()
    own = [Provider(id=name, label="your own", key_needed=False) for name in settings.providers]
    rows = sorted([*own, *PROVIDERS], key=lambda row: not _usable(place, row))
    labels = [
        f"{'✓' if _usable(place, row) else ' '} {row.id} · {row.label}{_missing(place, row)}" for row in rows
    ]
    chosen = pick("Which provider?", labels)
    if chosen is None:
        return
    row = rows[chosen]
    if not _usable(place, row) and row.key_variables:
        key: str = click.prompt(f"{row.key_variables[0]} (not shown)", hide_input=True, err=True)
        set_env_value(place.profile, row.key_variables[0], key.strip())
        place = open_place(place.profile.name)
    name = _choose_model(place, row)
    if name:
        _store(place, name, row.id)


def _choose_model(place: Place, row: Provider) -> str:
    served = _served(place, row)
    if served:
        chosen = pick("Which model?", served)
        if chosen is not None:
            return served[chosen]
    name: str = click.prompt("Model id (empty: leave it)", default=row.default_model, err=True)
    return name.strip()


def _served(place: Place, row: Provider) -> list[str]:
    """What the provider says it serves; nothing when it does not say."""
    try:
        endpoint = _configured(place, row.default_model or "unnamed", row.id)
    except ModelNotConfigured as error:
        say(f"hermes: {error}")
        return []
    if endpoint is None or not endpoint.base_url:
        return []
    return asyncio.run(_ask(endpoint))


async def _ask(endpoint: Endpoint) -> list[str]:
    import aiohttp

    from hermes.models.model_list import served_models

    async with aiohttp.ClientSession() as http:
        try:
            return await served_models(http, endpoint)
        except ModelError as error:
            say(f"hermes: {error.failure.message}")
            return []


def current(place: Place) -> Endpoint:
    """The endpoint that answers now; this machine is searched for a server when nothing is configured."""
    from hermes.models.open import open_model

    async def ask() -> Endpoint:
        opened = await open_model(place.settings(), place.permitted_environment(), place.profile)
        try:
            return opened.endpoint
        finally:
            await opened.close()

    return asyncio.run(ask())


def _store(place: Place, name: str, provider: str | None) -> None:
    endpoint = _configured(place, name, provider)
    if endpoint is None:
        raise ModelNotConfigured(f"Nothing tells who serves '{name}'; name the provider with --provider.")
    set_key(place.profile, place.environment, "model.default", endpoint.model)
    edit = set_key(place.profile, place.environment, "model.provider", endpoint.provider)
    emit(f"✓ {endpoint.model} ({endpoint.provider}) answers from now on  ({edit.file})")


def _configured(place: Place, name: str | None, provider: str | None) -> Endpoint | None:
    keys = AuthFile(place.profile.auth_file).stored_keys()
    return configured(place.settings(), place.environment, model=name, provider=provider, stored_keys=keys)


def _usable(place: Place, row: Provider) -> bool:
    return not row.key_needed or bool(row.key_from(place.environment)[0])


def _needs(row: Provider) -> str:
    if row.local:
        return "a server on this machine"
    return " or ".join(row.key_variables) if row.key_needed else ""


def _missing(place: Place, row: Provider) -> str:
    return "" if _usable(place, row) else f" (needs {_needs(row)})"


def _facts(endpoint: Endpoint) -> dict[str, str]:
    return {
        "model": endpoint.model,
        "provider": endpoint.provider,
        "wire": endpoint.wire,
        "address": endpoint.base_url,
    }
