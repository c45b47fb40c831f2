"""Which tools a run gets, in which order, and what they cost in every request."""

import subprocess
import sys

import msgspec
import pytest

from hermes.home.settings import Settings
from hermes.tools.registry import all_tools, enabled_tools
from hermes.tools.toolsets import UnknownToolset

FILE_TOOLS = ["read_file", "write_file", "patch", "search_files"]
SMALL_TOOLS = [*FILE_TOOLS, "todo", "memory", "session_search", "clarify"]
SCHEMA_BYTES = 6_500
"""Of the eight tools together, as compact JSON: what every single request carries."""


def test_every_tool_is_named_as_it_is_registered_and_says_what_it_does() -> None:
    for name, tool in all_tools().items():
        assert tool.name == name
        assert 20 < len(tool.description) < 600
        assert tool.spec().parameters["type"] == "object"
        assert tool.preview == "" or tool.preview in tool.arguments.__struct_fields__


def test_the_schemas_stay_small() -> None:
    tools = all_tools()
    assert sum(len(msgspec.json.encode(tools[name].spec())) for name in SMALL_TOOLS) <= SCHEMA_BYTES


def test_a_person_at_the_terminal_gets_all_there_is() -> None:
    assert list(enabled_tools(Settings(), source="cli")) == list(all_tools())


def test_the_order_is_fixed_however_toolsets_are_named() -> None:
    settings = Settings()
    one = enabled_tools(settings, source="cli", toolsets=["todo", "file", "terminal"])
    other = enabled_tools(settings, source="cli", toolsets=["terminal", "todo", "file", "file"])
    assert list(one) == list(other) == ["terminal", "process", *FILE_TOOLS, "todo"]


def test_what_is_switched_off_is_absent() -> None:
    settings = Settings()
    settings.agent.disabled_toolsets = ["terminal"]
    settings.memory.memory_enabled = settings.memory.user_profile_enabled = False
    for toolsets in (None, ["all"], ["terminal", "memory", "file"]):
        tools = enabled_tools(settings, source="cli", toolsets=toolsets)
        assert not {"terminal", "process", "memory"} & tools.keys()
        assert set(FILE_TOOLS) <= tools.keys()


def test_sources_without_a_person_cannot_ask() -> None:
    for source in ("cron", "api_server"):
        assert "clarify" not in enabled_tools(Settings(), source=source)


def test_an_unknown_toolset_is_refused_wherever_it_is_named() -> None:
    with pytest.raises(UnknownToolset, match="filee"):
        enabled_tools(Settings(), source="cli", toolsets=["filee"])
    with pytest.raises(UnknownToolset, match="memmory"):
        enabled_tools(Settings(toolsets=["memmory"]), source="cli")
    settings = Settings()
    settings.agent.disabled_toolsets = ["termnal"]
    with pytest.raises(UnknownToolset, match="termnal"):
        enabled_tools(settings, source="cli")


def test_importing_the_registry_imports_no_tool() -> None:
    code = "import sys, hermes.tools.registry; print('hermes.tools.files' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
