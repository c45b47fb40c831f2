"""Every tool there is, and which of them a run gets."""

import importlib
from collections.abc import Sequence

from hermes.home.settings import Settings
from hermes.tools.contract import Tool
from hermes.tools.toolsets import tools_in, toolsets_for

_MODULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("terminal", ("terminal",)),
    ("process", ("process",)),
    ("files", ("read_file", "write_file")),
    ("patch", ("patch",)),
    ("search_files", ("search_files",)),
    ("todo", ("todo",)),
    ("memory", ("memory",)),
    ("session_search", ("session_search",)),
    ("clarify", ("clarify",)),
)
"""Module -> its tools. The order is the one in which a model sees them; it never depends on the settings, so
that equal sets of tools are equal bytes in the request."""


def all_tools() -> dict[str, Tool]:
    """Every tool by name, in their fixed order."""
    tools: dict[str, Tool] = {}
    for module_name, names in _MODULES:
        module = importlib.import_module(f"hermes.tools.{module_name}")
        tools |= {name: getattr(module, name) for name in names}
    return tools


def enabled_tools(
    settings: Settings, *, source: str, toolsets: Sequence[str] | None = None
) -> dict[str, Tool]:
    """The tools for runs of a source: those of `toolsets`, else those the settings give to the source,
    without what `agent.disabled_toolsets` names and what is not available. Raises UnknownToolset."""
    tools = all_tools()
    names = list(tools)
    chosen = tools_in(toolsets_for(settings, source) if toolsets is None else toolsets, names)
    chosen -= tools_in(settings.agent.disabled_toolsets, names)
    return {name: tool for name, tool in tools.items() if name in chosen and tool.available(settings)}
