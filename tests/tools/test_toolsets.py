"""What a toolset's name stands for."""

import re

import pytest

from hermes.home.settings import Settings
from hermes.tools.toolsets import UnknownToolset, tools_in, toolset_names, toolsets_for

AVAILABLE = ["terminal", "process", "read_file", "write_file", "patch", "search_files", "todo", "clarify"]


@pytest.mark.parametrize(
    ("names", "tools"),
    [
        (["file"], {"read_file", "write_file", "patch", "search_files"}),
        (["todo", "terminal"], {"todo", "terminal", "process"}),
        (["debugging"], set(AVAILABLE) - {"todo", "clarify"}),
        (["hermes-cli"], set(AVAILABLE)),
        (["coding"], set(AVAILABLE)),
        (["hermes-cron"], set(AVAILABLE) - {"clarify"}),
        (["hermes-api-server"], set(AVAILABLE) - {"clarify"}),
        (["hermes-webhook"], {"clarify"}),
        (["hermes-telegram"], set(AVAILABLE)),
        (["all"], set(AVAILABLE)),
        (["*"], set(AVAILABLE)),
        (["safe"], set()),
        (["spotify", "browser"], set()),
        ([], set()),
    ],
)
def test_a_name_resolves_to_what_exists_of_it(names: list[str], tools: set[str]) -> None:
    assert tools_in(names, AVAILABLE) == tools


def test_an_unknown_name_gets_the_nearest_and_the_list() -> None:
    with pytest.raises(UnknownToolset) as caught:
        tools_in(["terminl"], AVAILABLE)
    message = str(caught.value)
    assert "'terminl'" in message
    assert "did you mean 'terminal'?" in message
    assert all(name in message for name in toolset_names())
    with pytest.raises(UnknownToolset, match="hermes-nowhere"):
        tools_in(["hermes-nowhere"], AVAILABLE)


def test_every_name_that_is_listed_resolves() -> None:
    assert tools_in(toolset_names(), AVAILABLE) == set(AVAILABLE)


def test_a_source_has_its_own_toolsets() -> None:
    settings = Settings(toolsets=["file"], platform_toolsets={"telegram": ["todo"]})
    assert toolsets_for(settings, "cli") == ["file"]
    assert toolsets_for(settings, "telegram") == ["todo"]
    assert toolsets_for(settings, "api_server") == ["hermes-api-server"]
    assert toolsets_for(settings, "cron") == ["hermes-cron"]
    assert toolsets_for(settings, "batch") == ["hermes-gateway"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nosuch", "There is no toolset 'nosuch'; the toolsets are: web, "),
        ("termnal", "There is no toolset 'termnal'; did you mean 'terminal'? The toolsets are: web, "),
    ],
)
def test_an_unknown_toolset_is_named(name: str, sentence: str) -> None:
    with pytest.raises(UnknownToolset, match=re.escape(sentence)):
        tools_in([name], AVAILABLE)
