"""Writes the reference pages from the code that they describe; with --check, fails when one is out of date.

python docs/generate.py [--check]
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import msgspec

from hermes.cli.interactive.slash.table import COMMANDS as SLASH_COMMANDS
from hermes.cli.root import root
from hermes.home.reference import config_reference
from hermes.models.providers import PROVIDERS
from hermes.store import events
from hermes.tools.registry import all_tools

REFERENCE = Path(__file__).parent / "reference"
NOTICE = "<!-- Written by docs/generate.py; change the code, then run `make docs`. -->"


def config() -> Iterator[str]:
    yield "# Configuration\n"
    yield (
        "Every key of `config.yaml` that is served. Set one with `hermes config set KEY VALUE`; the "
        "environment wins over `.env`, and `.env` over the file.\n"
    )
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    for key in config_reference():
        default = "" if key.default is None else f"`{json.dumps(key.default, ensure_ascii=False)}`"
        yield f"| `{key.key}` | {_cell(key.type)} | {_cell(default)} | {_cell(key.doc)} |"


def cli() -> Iterator[str]:
    yield "# Commands\n"
    yield from _command(root, "hermes", None)


def _command(command: click.Command, path: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(
        command, info_name=path.rsplit(maxsplit=1)[-1], parent=parent, max_content_width=100
    )
    yield f"## {path}\n"
    yield f"```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            sub = command.get_command(context, name)
            if sub is not None and not sub.hidden:
                yield from _command(sub, f"{path} {name}", context)


def slash_commands() -> Iterator[str]:
    yield "# Slash commands\n"
    yield "Inside the chat. A line that starts with `/` is a command.\n"
    yield "| command | what it does |"
    yield "|---|---|"
    for command in SLASH_COMMANDS:
        names = ", ".join(f"`/{name}`" for name in (command.name, *command.aliases))
        usage = f" `{command.usage}`" if command.usage else ""
        yield f"| {names}{_cell(usage)} | {_cell(command.help)} |"


def tools() -> Iterator[str]:
    yield "# Tools\n"
    for tool in all_tools().values():
        spec = tool.spec()
        yield f"## {spec.name}\n"
        yield f"Toolset `{tool.toolset}`. {spec.description}\n"
        required = spec.parameters.get("required", [])
        yield "| argument | type | needed | meaning |"
        yield "|---|---|---|---|"
        for name, schema in spec.parameters["properties"].items():
            kind = schema.get("type", "one of " + ", ".join(map(str, schema.get("enum", []))))
            needed = "yes" if name in required else "no"
            yield f"| `{name}` | {_cell(str(kind))} | {needed} | {_cell(schema.get('description', ''))} |"
        yield ""


def providers() -> Iterator[str]:
    yield "# Providers\n"
    yield "Rows of the provider table. Name one with `--provider` or `model.provider`.\n"
    yield "| id | aliases | key | base URL | protocol |"
    yield "|---|---|---|---|---|"
    for row in PROVIDERS:
        aliases = ", ".join(f"`{alias}`" for alias in row.aliases)
        keys = ", ".join(f"`{name}`" for name in row.key_variables)
        yield f"| `{row.id}` | {aliases} | {keys} | {row.base_url} | {row.wire} |"


def event_vocabulary() -> Iterator[str]:
    yield "# Events\n"
    yield "What a run does, in one vocabulary. Each record also has the run, a sequence number and a time.\n"
    yield "| event | fields | meaning |"
    yield "|---|---|---|"
    for kind in events.Event.__args__:
        info = msgspec.inspect.type_info(kind)
        assert isinstance(info, msgspec.inspect.StructType)
        names = ", ".join(f"`{field.name}`" for field in info.fields)
        doc = " ".join((kind.__doc__ or "").split()) if "__doc__" in vars(kind) else ""
        yield f"| `{info.tag}` | {names} | {_cell(doc)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "config.md": config,
    "cli.md": cli,
    "slash-commands.md": slash_commands,
    "tools.md": tools,
    "providers.md": providers,
    "events.md": event_vocabulary,
}


def main() -> int:
    check = "--check" in sys.argv[1:]
    stale = []
    REFERENCE.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        text = f"{NOTICE}\n\n" + "\n".join(page()).rstrip() + "\n"
        file = REFERENCE / name
        if check and (not file.exists() or file.read_text() != text):
            stale.append(f"docs/reference/{name}")
        elif not check:
            file.write_text(text)
    if stale:
        print(f"Out of date: {', '.join(stale)}; run `make docs`.", file=sys.stderr)
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
