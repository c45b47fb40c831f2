"""What `config.yaml` means, what wins over it, and what is refused with which line."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hermes.home.config import Config, get_key, load_settings, read_config, unknown_keys
from hermes.home.environment import Environment
from hermes.home.errors import ConfigError, HomeError
from hermes.home.known_keys import served_keys
from hermes.home.profile import Profile
from hermes.home.settings import Settings


def settings_of(profile: Profile, environment: Environment, text: str) -> Settings:
    profile.config_file.write_text(text)
    return load_settings(profile, environment)


@pytest.mark.parametrize("text", [None, "", "# only a comment\n", "---\n", "{}\n", "agent:\nmodel:\n"])
def test_nothing_set_means_the_defaults(profile: Profile, environment: Environment, text: str | None) -> None:
    if text is not None:
        profile.config_file.write_text(text)
    assert load_settings(profile, environment) == Settings()


def test_a_home_without_config_starts_without_yaml(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from hermes.home.config import load_settings\nfrom hermes.home.environment import load_environment\n"
        "from hermes.home.profile import Profile\nhome = pathlib.Path(sys.argv[1])\n"
        "profile = Profile('default', home, home)\n"
        "load_settings(profile, load_environment(profile, {'HERMES_MANAGED_DIR': sys.argv[1]}))\n"
        "print(sorted({'yaml', 'ruamel', 'dotenv', 'difflib'} & set(sys.modules)))"
    )
    path = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], env=path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        (
            "agent:\n  max_turns: many\n",
            2,
            "agent.max_turns",
            "'many'; it must be a whole number of at least 1",
        ),
        ("agent:\n  max_turns: 0\n", 2, "agent.max_turns", "at least 1"),
        ("agent:\n  max_turns: true\n", 2, "agent.max_turns", "is true"),
        ("# c\nagent: often\n", 2, "agent", "must be a mapping"),
        ("compression: {threshold: 1.5}\n", 1, "compression.threshold", "from 0 to 1"),
        ("compression: {threshold: .nan}\n", 1, "compression.threshold", "from 0 to 1"),
        ("approvals:\n  timeout: .inf\n", 2, "approvals.timeout", "at least 0"),
        ("approvals:\n\n  mode: maybe\n", 3, "approvals.mode", "one of smart, manual, off"),
        ("display:\n  streaming: sometimes\n", 2, "display.streaming", "true or false"),
        ("timezone: 5\n", 1, "timezone", "put it in quotes"),
        ("worktree: on\ntimezone: Mars/Base\n", 2, "timezone", "a time zone such as Europe/Berlin"),
        ("timezone: Europe\n", 1, "timezone", "a time zone such as Europe/Berlin"),
        ("timezone: ../etc/passwd\n", 1, "timezone", "a time zone such as Europe/Berlin"),
        ("approvals:\n  deny: rm *\n", 2, "approvals.deny", "must be a list, such as"),
        ("toolsets:\n  - a\n  - {b: 1}\n", 3, "toolsets[1]", "must be text"),
        ("providers:\n  mine:\n    base_url: [x]\n", 3, "providers.mine.base_url", "must be text"),
        ("fallback_providers:\n- model: a\n- model: 7\n", 3, "fallback_providers[1].model", "must be text"),
        ("x: 1\nmax_turns: -1\n", 2, "agent.max_turns", "at least 1"),
        ("custom_providers:\n- name: a\n  base_url: 3\n", 3, "providers.a.base_url", "must be text"),
        ("custom_providers:\n- base_url: x\n", 2, "custom_providers[0]", "with a `name`"),
        (
            "tool_loop_guardrails:\n  no_progress_block_after: no\n",
            2,
            "tool_loop_guardrails.hard_stop_after.idempotent_no_progress",
            "a whole number",
        ),
        (
            "agent:\n  max_turns: 1\n  tool_delay: 0\n  max_turns: 2\n",
            4,
            "agent.max_turns",
            "first on line 2",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_line_and_key(
    profile: Profile, environment: Environment, text: str, line: int, key: str, says: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(profile, environment, text)
    assert (caught.value.file, caught.value.line, caught.value.key) == (profile.config_file, line, key)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{profile.config_file}:{line}: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("approvals:\n  deny: [a\n", 3),
        ("a: 1\n\tb: 2\n", 2),
        ("a: b: c\n", 1),
        ("- a\n- b\n", 1),
        ("just words\n", 1),
        ("a: 1\nb: \x07\n", 2),
        ("a: *nowhere\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: !!python/object:os.system x\n", 1),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_never_replaced_by_defaults(
    profile: Profile, environment: Environment, text: str, line: int
) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(profile, environment, text)
    assert caught.value.line == line


def test_bytes_that_are_no_text_are_refused(profile: Profile, environment: Environment) -> None:
    profile.config_file.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigError, match="UTF-8") as caught:
        load_settings(profile, environment)
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("approvals: {mode: off}", "approvals.mode", "off"),
        ("approvals: {mode: Manual}", "approvals.mode", "manual"),
        ("display: {tool_progress: off}", "display.tool_progress", "off"),
        ("display: {streaming: 'no'}", "display.streaming", False),
        ("display: {streaming: 0}", "display.streaming", False),
        ("display: {compact: enabled}", "display.compact", True),
        ("display: {compact: '1'}", "display.compact", True),
        ("agent: {max_turns: '7'}", "agent.max_turns", 7),
        ("agent: {tool_delay: 1}", "agent.tool_delay", 1.0),
        ("agent: {max_turns: null}", "agent.max_turns", 90),
        ("context_file_max_chars: null", "context_file_max_chars", None),
        ("logging: {level: debug}", "logging.level", "DEBUG"),
        ("model: some/id", "model.default", "some/id"),
        ("agent: {reasoning_effort: none}", "agent.reasoning_effort", "none"),
        ("auxiliary: {title_generation: {model: x}}", "auxiliary.title_generation.timeout", 30.0),
        ("personalities: {on: hi}", "personalities", {"on": "hi"}),
        ("provider: openrouter\nmodel: x", "model.provider", "openrouter"),
        ("base_url: http://h/v1", "model.base_url", "http://h/v1"),
        ("max_turns: 5", "agent.max_turns", 5),
        ("max_turns: 5\nagent: {max_turns: 6}", "agent.max_turns", 6),
        (
            "tool_loop_guardrails: {exact_failure_warn_after: 4}",
            "tool_loop_guardrails.warn_after.exact_failure",
            4,
        ),
        (
            "tool_loop_guardrails: {same_tool_failure_halt_after: 9}",
            "tool_loop_guardrails.hard_stop_after.same_tool_failure",
            9,
        ),
        ("custom_providers: [{name: a, model: m, base_url: u}]", "providers.a.default_model", "m"),
        ("fallback_model: {provider: p, model: m}", "fallback_providers[0].model", "m"),
        ("fallback_model: [{model: m}, {model: n}]", "fallback_providers[1].model", "n"),
        ("agent: {personalities: {a: b}}", "personalities", {"a": "b"}),
        ("base: &b {max_turns: 3}\nagent:\n  <<: *b", "agent.max_turns", 3),
    ],
)
def test_the_ways_people_write_things(
    profile: Profile, environment: Environment, text: str, key: str, value: Any
) -> None:
    settings = settings_of(profile, environment, text)
    found: Any = settings
    for part in key.replace("[", ".").replace("]", "").split("."):
        if isinstance(found, list):
            found = found[int(part)]
        else:
            found = found[part] if isinstance(found, dict) else getattr(found, part)
    assert found == value
    assert type(found) is type(value)


def test_variables_are_filled_in_and_unknown_ones_stay(profile: Profile, tmp_path: Path) -> None:
    environment = Environment({"KEY": "k", "TURNS": "7", "HERMES_MANAGED_DIR": str(tmp_path / "no")})
    text = "model: {api_key: 'a-${KEY}-${NOPE}-$KEY'}\nagent: {max_turns: '${TURNS}'}\ntoolsets: ['${KEY}']\n"
    settings = settings_of(profile, environment, text)
    assert settings.model.api_key == "a-k-${NOPE}-$KEY"
    assert (settings.agent.max_turns, settings.toolsets) == (7, ["k"])


def test_variables_that_act_as_flags_win_over_the_file(profile: Profile, tmp_path: Path) -> None:
    given = {"HERMES_INFERENCE_MODEL": "m", "TERMINAL_TIMEOUT": "9", "HERMES_YOLO_MODE": "1"}
    environment = Environment(
        {**given, "HERMES_MANAGED_DIR": str(tmp_path / "no")}, {"TERMINAL_ENV": "docker"}
    )
    settings = settings_of(profile, environment, "model: f\nterminal: {timeout: 1, cwd: /x}\n")
    assert (settings.model.default, settings.approvals.mode) == ("m", "off")
    assert (settings.terminal.timeout, settings.terminal.backend, settings.terminal.cwd) == (
        9,
        "docker",
        "/x",
    )


def test_yolo_mode_that_is_off_changes_nothing(profile: Profile, tmp_path: Path) -> None:
    environment = Environment({"HERMES_YOLO_MODE": "0", "HERMES_MANAGED_DIR": str(tmp_path / "no")})
    assert settings_of(profile, environment, "approvals: {mode: manual}").approvals.mode == "manual"


def test_a_variable_with_a_wrong_value_is_named(profile: Profile) -> None:
    with pytest.raises(ConfigError, match="The variable `TERMINAL_TIMEOUT` is 'soon'"):
        load_settings(profile, Environment({"TERMINAL_TIMEOUT": "soon"}))


def test_the_callers_overrides_win_over_variables(profile: Profile) -> None:
    environment = Environment({"TERMINAL_TIMEOUT": "9"})
    assert load_settings(profile, environment, {"terminal.timeout": 3}).terminal.timeout == 3
    with pytest.raises(ConfigError, match=r"`terminal.timeout` is 'x'"):
        load_settings(profile, environment, {"terminal.timeout": "x"})


def test_the_administrators_overlay_wins_key_by_key(profile: Profile, tmp_path: Path) -> None:
    managed = tmp_path / "managed"
    managed.mkdir()
    (managed / "config.yaml").write_text("approvals: {mode: manual, deny: [z]}\n")
    environment = Environment({"HERMES_MANAGED_DIR": str(managed), "HERMES_YOLO_MODE": "1"})
    settings = settings_of(profile, environment, "approvals: {mode: off, timeout: 5, deny: [a, b]}\n")
    assert (settings.approvals.mode, settings.approvals.timeout) == ("manual", 5)
    assert settings.approvals.deny == ["z"]
    (managed / "config.yaml").write_text("approvals: {mode: nope}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(profile, environment)
    assert caught.value.file == managed / "config.yaml"


def test_unknown_keys_come_with_line_and_nearest_match(profile: Profile, environment: Environment) -> None:
    profile.config_file.write_text(
        "_config_version: 33\nagent:\n  max_turn: 3\n  gateway_timeout: 5\napproval: {mode: off}\n"
        "delegation: {model: x, modle: y}\nmcp_servers: {a: {command: b}}\nproviders: {a: {base_ulr: x}}\n"
        "zzzzzz: 1\nmax_turns: 4\nfallback_providers:\n- {model: x}\n- {modle: y}\n"
    )
    found = {
        key.key: (key.line, key.known_upstream, key.nearest) for key in unknown_keys(profile, environment)
    }
    assert found == {
        "_config_version": (1, True, None),
        "agent.max_turn": (3, False, "agent.max_turns"),
        "agent.gateway_timeout": (4, True, None),
        "approval": (5, False, "approvals"),
        "delegation.model": (6, True, None),
        "delegation.modle": (6, False, "delegation.model"),
        "mcp_servers": (7, True, None),
        "providers.a.base_ulr": (8, False, "providers.a.base_url"),
        "zzzzzz": (9, False, None),
        "fallback_providers[1].modle": (13, False, "fallback_providers[1].model"),
    }
    assert {key.key for key in read_config(profile, environment).unknown} == set(found)


def test_get_gives_values_in_force_sections_and_kept_keys(profile: Profile, environment: Environment) -> None:
    profile.config_file.write_text("model: m\ndelegation: {model: d}\nproviders: {a: {base_url: u}}\n")
    assert get_key(profile, environment, "model.default") == "m"
    assert get_key(profile, environment, "agent.max_turns") == 90
    assert get_key(profile, environment, "prompt_caching") == {"cache_ttl": "5m"}
    assert get_key(profile, environment, "providers.a.base_url") == "u"
    assert get_key(profile, environment, "delegation.model") == "d"
    with pytest.raises(HomeError, match=r"`agent.max_turn` is not a setting.*did you mean `agent.max_turns`"):
        get_key(profile, environment, "agent.max_turn")


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates()
NAMES = st.sampled_from(sorted({part for key in served_keys() for part in key.split(".")})) | st.text(
    max_size=3
)
TREES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=4)
)


@given(
    text=st.text(max_size=60) | TREES.map(yaml.safe_dump) | st.dictionaries(NAMES, TREES).map(yaml.safe_dump)
)
def test_any_file_is_either_read_or_refused_in_words(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    profile = Profile(name="default", home=home, root=home)
    environment = Environment({"HERMES_MANAGED_DIR": str(home / "managed")})
    profile.config_file.write_text(text, errors="replace")
    read: Config | ConfigError
    try:
        read = read_config(profile, environment)
    except ConfigError as error:
        read = error
    if isinstance(read, ConfigError):
        assert read.file == profile.config_file
        assert str(read).endswith(".")
    else:
        assert all(str(key) for key in read.unknown)


def test_what_is_no_file_is_refused_never_replaced_by_defaults(
    profile: Profile, environment: Environment
) -> None:
    profile.config_file.symlink_to("/nowhere/config.yaml")
    with pytest.raises(ConfigError, match="leads nowhere"):
        load_settings(profile, environment)
    profile.config_file.unlink()
    os.mkfifo(profile.config_file)
    with pytest.raises(ConfigError, match="no regular file"):
        load_settings(profile, environment)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]\n",
        "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
        + "".join(
            f"{b}: &{b} [{','.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
        ),
    ],
    ids=["endless", "huge"],
)
def test_aliases_that_stand_for_too_much_are_refused(
    profile: Profile, environment: Environment, text: str
) -> None:
    profile.config_file.write_text(text)
    with pytest.raises(ConfigError, match="aliases"):
        load_settings(profile, environment)
