"""`hermes profile`: separate homes, each with its own settings, memory and sessions."""

from pathlib import Path

import click

from hermes.cli.asking import agree
from hermes.cli.errors import Refused, say
from hermes.cli.opening import Place
from hermes.cli.printing import emit, emit_json, emit_table
from hermes.cli.profile_alias import alias_file, make_alias, remove_alias
from hermes.cli.root import outer
from hermes.home import profiles
from hermes.home.environment import load_environment, process_environment
from hermes.home.errors import HomeError
from hermes.home.profile import Profile
from hermes.home.profile_archive import clone_profile, export_profile, import_profile


@click.group("profile", invoke_without_command=True)
@click.pass_context
def profile(ctx: click.Context) -> None:
    """Manage profiles: separate homes with their own everything."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@profile.command("list")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List all profiles; ❯ marks the one that is used when none is named."""
    root = _root()
    active = profiles.active_name(root)
    found = profiles.list_profiles(root)
    if as_json:
        emit_json([{**_facts(item), "active": item.name == active} for item in found])
        return
    rows = []
    for item in found:
        facts = _facts(item)
        model, alias = facts["model"] or "not set", facts["alias"] or "-"
        rows.append(("❯" if item.name == active else "", item.name, model, alias, facts["description"]))
    emit_table(rows, ("", "PROFILE", "MODEL", "ALIAS", "DESCRIPTION"))


@profile.command("use")
@click.argument("name")
def use(name: str) -> None:
    """Use this profile whenever none is named."""
    chosen = profiles.use_profile(_root(), name)
    emit(f"✓ {chosen.name} is used when no profile is named")


@profile.command("create")
@click.argument("name")
@click.option("--clone", is_flag=True, help="With the settings, keys, persona, skills and memory of another.")
@click.option("--clone-all", is_flag=True, help="With all that another is, except its history.")
@click.option("--clone-from", metavar="PROFILE", help="Which one; the current one otherwise.")
@click.option("--no-alias", is_flag=True, help="Make no command of the profile's name.")
@click.option("--description", default="", metavar="TEXT", help="What it is for.")
@click.pass_context
def create(
    ctx: click.Context,
    name: str,
    clone: bool,
    clone_all: bool,
    clone_from: str | None,
    no_alias: bool,
    description: str,
) -> None:
    """Make a profile."""
    root = _root()
    if clone or clone_all or clone_from:
        source = profiles.find_profile(clone_from or outer(ctx).profile, process_environment())
        made = clone_profile(root, profiles.checked_name(name), source, everything=clone_all)
        if description:
            profiles.describe_profile(made, description)
    else:
        made = profiles.create_profile(root, name, description=description)
    emit(f"✓ Profile {made.name} in {made.home}")
    if not no_alias:
        _try_alias(made.name)
    emit(f"Next: hermes -p {made.name} model, then hermes -p {made.name}")


@profile.command("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(name: str, yes: bool) -> None:
    """Remove a profile with everything in it."""
    found = _existing(name)
    if found.name != profiles.DEFAULT:
        agree(f"Delete profile {found.name} with its settings, memory and sessions in {found.home}?", yes)
    profiles.delete_profile(_root(), found.name)
    remove_alias(found.name)
    emit(f"✓ Profile {found.name} is gone")


@profile.command("describe")
@click.argument("name")
@click.argument("text", required=False)
def describe(name: str, text: str | None) -> None:
    """Show or set what a profile is for."""
    emit(profiles.describe_profile(_existing(name), text) or "(no description)")


@profile.command("show")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def show(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Show a profile."""
    facts = _facts(profiles.find_profile(name or outer(ctx).profile, process_environment()))
    if as_json:
        emit_json(facts)
    else:
        emit_table([(key, value or "not set") for key, value in facts.items()])


@profile.command("alias")
@click.argument("name")
@click.option("--name", "alias", metavar="COMMAND", help="Call the command so, not as the profile.")
@click.option("--remove", is_flag=True, help="Remove the command.")
def alias(name: str, alias: str | None, remove: bool) -> None:
    """Make a command of the profile's name that means `hermes -p NAME`."""
    found = _existing(name)
    if remove:
        if not remove_alias(found.name, alias):
            raise Refused(f"There is no command {alias or found.name} for profile {found.name}.")
        emit(f"✓ The command {alias or found.name} is gone")
        return
    emit(f"✓ {make_alias(found.name, alias)}")


@profile.command("rename")
@click.argument("name")
@click.argument("new_name")
def rename(name: str, new_name: str) -> None:
    """Give a profile another name."""
    had_alias = alias_file(name.lower()).exists()
    made = profiles.rename_profile(_root(), name, new_name)
    if had_alias and remove_alias(name.lower()):
        _try_alias(made.name)
    emit(f"✓ Profile {name} is now called {made.name}")


@profile.command("export")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="As FILE.")
def export(name: str, file: Path | None, output: Path | None) -> None:
    """Write a profile to a .tar.gz, without secrets and history."""
    written = export_profile(_existing(name), output or file or Path.cwd())
    emit(f"✓ {written}")


@profile.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="Call the profile so.")
def import_(file: Path, name: str | None) -> None:
    """Make a profile from an exported file."""
    made = import_profile(_root(), file, name)
    emit(f"✓ Profile {made.name} in {made.home}")


def _root() -> Path:
    return profiles.root_home(process_environment())


def _existing(name: str) -> Profile:
    return profiles.find_profile(name, process_environment())


def _facts(found: Profile) -> dict[str, str]:
    try:
        settings = Place(found, load_environment(found, process_environment())).settings()
        model = settings.model.default or settings.model.provider
    except HomeError:
        model = "(config.yaml is broken)"
    made = alias_file(found.name)
    return {
        "profile": found.name,
        "home": str(found.home),
        "model": model,
        "alias": made.name if made.exists() else "",
        "description": profiles.describe_profile(found),
    }


def _try_alias(name: str) -> None:
    """Make the command where that is possible; the profile is there either way."""
    try:
        emit(f"✓ {make_alias(name)}")
    except HomeError as error:
        say(f"hermes: {error}")
    except Refused as error:
        say(f"hermes: {error.format_message()}")
