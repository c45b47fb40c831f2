"""Slash commands about tools, memory and profiles."""

from typing import TYPE_CHECKING

from hermes.cli.text import table
from hermes.tools.memory_store import enabled, load, memory_file
from hermes.tools.toolsets import toolsets_for

if TYPE_CHECKING:
    from hermes.cli.interactive.conversation import Conversation


async def tools(conversation: "Conversation", rest: str) -> None:
    rows = [(tool.name, tool.toolset, tool.description) for tool in conversation.runtime.tools.values()]
    conversation.screen.say("\n".join(table(rows, conversation.screen.width)) or "No tools are on.")


async def toolsets(conversation: "Conversation", rest: str) -> None:
    runtime = conversation.runtime
    by_set: dict[str, list[str]] = {}
    for tool in runtime.tools.values():
        by_set.setdefault(tool.toolset, []).append(tool.name)
    rows = [(name, ", ".join(names)) for name, names in sorted(by_set.items())]
    configured = ", ".join(toolsets_for(runtime.settings, runtime.source)) or "none"
    conversation.screen.say("\n".join(table(rows, conversation.screen.width)))
    conversation.screen.say(f"Configured: {configured}. `hermes tools` switches them.", "dim")


async def memory(conversation: "Conversation", rest: str) -> None:
    profile, settings = conversation.place.profile, conversation.runtime.settings
    paint = conversation.screen.paint
    for target, heading in (("memory", "Memory"), ("user", "About you")):
        file = memory_file(target, profile, settings)  # type: ignore[arg-type]
        entries = load(file)
        state = file.usage(entries) if enabled(target, settings) else "off"  # type: ignore[arg-type]
        conversation.screen.write(f"{paint.tone(heading, 'accent', bold=True)} {paint.tone(state, 'dim')}")
        conversation.screen.say("\n".join(f"- {entry}" for entry in entries) or "(nothing yet)")


async def profile(conversation: "Conversation", rest: str) -> None:
    here = conversation.place.profile
    conversation.screen.say(f"Profile {here.name} in {here.home}")
