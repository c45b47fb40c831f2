"""`hermes tools`: which toolsets are on."""

import click

from hermes.cli.errors import Refused
from hermes.cli.opening import Place, open_place
from hermes.cli.printing import emit, emit_json, emit_table
from hermes.cli.root import outer
from hermes.home.config_edit import set_key
from hermes.tools.registry import all_tools, enabled_tools
from hermes.tools.toolsets import tools_in, toolsets_for

platform_option = click.option(
    "--platform", default="cli", show_default=True, metavar="NAME", help="Whose toolsets."
)


@click.group("tools", invoke_without_command=True)
@click.option("--summary", is_flag=True, help="One line: how many tools are on.")
@click.pass_context
def tools(ctx: click.Context, summary: bool) -> None:
    """Switch toolsets on and off."""
    if summary:
        place = open_place(outer(ctx).profile)
        on = enabled_tools(place.settings(), source="cli")
        emit(f"{len(on)} of {len(all_tools())} tools are on: {', '.join(on)}")
    elif ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@tools.command("list")
@platform_option
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def list_(ctx: click.Context, platform: str, as_json: bool) -> None:
    """Show every toolset with its tools."""
    settings = open_place(outer(ctx).profile).settings()
    on = enabled_tools(settings, source=platform)
    found = _toolsets()
    state = {name: any(tool in on for tool in members) for name, members in found.items()}
    if as_json:
        emit_json([{"toolset": name, "enabled": state[name], "tools": found[name]} for name in found])
        return
    emit_table([("✓" if state[name] else "·", name, ", ".join(members)) for name, members in found.items()])
    emit(f"Configured for {platform}: {', '.join(toolsets_for(settings, platform)) or 'none'}")


@tools.command("enable")
@click.argument("names", nargs=-1, required=True)
@platform_option
@click.pass_context
def enable(ctx: click.Context, names: tuple[str, ...], platform: str) -> None:
    """Switch toolsets on."""
    place = open_place(outer(ctx).profile)
    for name in names:
        wanted = _members(name)
        settings = place.settings()
        off = [other for other in settings.agent.disabled_toolsets if other != name]
        if off != settings.agent.disabled_toolsets:
            _set(place, "agent.disabled_toolsets", off)
        configured = toolsets_for(settings, platform)
        if not wanted <= tools_in(configured, list(all_tools())):
            _set(place, f"platform_toolsets.{platform}", [*configured, name])
        emit(f"✓ {name} is on for {platform}")


@tools.command("disable")
@click.argument("names", nargs=-1, required=True)
@platform_option
@click.pass_context
def disable(ctx: click.Context, names: tuple[str, ...], platform: str) -> None:
    """Switch toolsets off. One that is part of a larger one that is on goes off everywhere."""
    place = open_place(outer(ctx).profile)
    for name in names:
        wanted = _members(name)
        settings = place.settings()
        configured = toolsets_for(settings, platform)
        kept = [other for other in configured if other != name]
        where = platform
        if kept != configured:
            _set(place, f"platform_toolsets.{platform}", kept)
        if wanted & tools_in(kept, list(all_tools())) and name not in settings.agent.disabled_toolsets:
            _set(place, "agent.disabled_toolsets", [*settings.agent.disabled_toolsets, name])
            where = "everything"
        emit(f"✓ {name} is off for {where}")


def _toolsets() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for tool in all_tools().values():
        found.setdefault(tool.toolset, []).append(tool.name)
    return found


def _members(name: str) -> set[str]:
    """The tools of a toolset. Raises UnknownToolset, or Refused when none of them is served."""
    found = tools_in([name], list(all_tools()))
    if not found:
        raise Refused(f"The toolset '{name}' has no tool that this version serves yet.")
    return found


def _set(place: Place, key: str, value: list[str]) -> None:
    set_key(place.profile, place.environment, key, value)
