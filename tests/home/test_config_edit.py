"""One key of `config.yaml` changed, every other character left alone."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.home.config import FLAG_VARIABLES, get_key, load_settings
from hermes.home.config_edit import set_key, unset_key
from hermes.home.environment import Environment, load_environment
from hermes.home.errors import ConfigError, HomeError
from hermes.home.profile import Profile
from hermes.home.secret_names import is_read_from_env_file

FILE = """\
# My settings
model: some/id   # the good one

agent:
  max_turns: 90  # enough
  disabled_toolsets:
  - browser
  - voice   # too slow

# How the terminal behaves
terminal:
    timeout: 30
    env_passthrough: [A, B]  # both

# The end
timezone: 'Europe/Berlin'
"""


@pytest.mark.parametrize(
    ("key", "value", "before", "after"),
    [
        ("agent.max_turns", "50", "max_turns: 90  # enough", "max_turns: 50  # enough"),
        ("model.default", "other", "model: some/id   #", "model: other   #"),
        ("model", "other", "model: some/id   #", "model: other   #"),
        ("timezone", "UTC", "timezone: 'Europe/Berlin'", "timezone: UTC"),
        ("timezone", "", "timezone: 'Europe/Berlin'", "timezone: ''"),
        ("terminal.cwd", "on", "  # both\n", "  # both\n    cwd: 'on'\n"),
        ("terminal.cwd", "/a: b", "  # both\n", "  # both\n    cwd: '/a: b'\n"),
        ("agent.tool_delay", "1", "  # too slow\n", "  # too slow\n  tool_delay: 1.0\n"),
        ("approvals.mode", "off", "Berlin'\n", "Berlin'\napprovals:\n  mode: 'off'\n"),
        (
            "approvals.deny",
            "rm *, dd *",
            "Berlin'\n",
            "Berlin'\napprovals:\n  deny:\n    - rm *\n    - dd *\n",
        ),
        ("terminal.env_passthrough", "[]", "[A, B]  # both", "[]  # both"),
        ("terminal.env_passthrough", "C", ": [A, B]  # both", ":\n      - C  # both"),
        ("agent.disabled_toolsets", "[]", ":\n  - browser\n  - voice   #", ": []   #"),
        ("delegation.model", "x", "Berlin'\n", "Berlin'\ndelegation:\n  model: x\n"),
        (
            "providers",
            '{"a": {"base_url": "u"}}',
            "Berlin'\n",
            "Berlin'\nproviders:\n  a:\n    base_url: u\n",
        ),
        (
            "model.base_url",
            "http://h/v1",
            "model: some/id   #",
            "model:\n  default: some/id\n  base_url: http://h/v1   #",
        ),
        ("display.compact", "yes", "Berlin'\n", "Berlin'\ndisplay:\n  compact: true\n"),
        (
            "agent.environment_hint",
            "two\nlines",
            "  # too slow\n",
            '  # too slow\n  environment_hint: "two\\nlines"\n',
        ),
    ],
)
def test_setting_a_key_changes_only_its_place(
    profile: Profile, environment: Environment, key: str, value: str, before: str, after: str
) -> None:
    profile.config_file.write_text(FILE)
    set_key(profile, environment, key, value)
    assert profile.config_file.read_text() == FILE.replace(before, after, 1)
    assert profile.config_file.with_name("config.yaml.bak").read_text() == FILE
    load_settings(profile, environment)


@pytest.mark.parametrize(
    ("key", "gone"),
    [
        ("agent.max_turns", "  max_turns: 90  # enough\n"),
        ("agent.disabled_toolsets", "  disabled_toolsets:\n  - browser\n  - voice   # too slow\n"),
        ("terminal.env_passthrough", "    env_passthrough: [A, B]  # both\n"),
        ("timezone", "timezone: 'Europe/Berlin'\n"),
        ("model.default", "model: some/id   # the good one\n"),
        ("terminal", "terminal:\n    timeout: 30\n    env_passthrough: [A, B]  # both\n"),
    ],
)
def test_unsetting_a_key_takes_only_its_lines(
    profile: Profile, environment: Environment, key: str, gone: str
) -> None:
    profile.config_file.write_text(FILE)
    unset_key(profile, environment, key)
    assert profile.config_file.read_text() == FILE.replace(gone, "", 1)


@pytest.mark.parametrize(
    ("text", "key", "value", "after"),
    [
        ("", "timezone", "UTC", "timezone: UTC\n"),
        ("# only this", "timezone", "UTC", "# only this\ntimezone: UTC\n"),
        (
            "agent:\n# later\nworktree: no\n",
            "agent.max_turns",
            "3",
            "agent:\n  max_turns: 3\n# later\nworktree: no\n",
        ),
        ("agent: {max_turns: 1}\n", "agent.tool_delay", "2", "agent: {max_turns: 1, tool_delay: 2.0}\n"),
        ("agent: {}\n", "agent.max_turns", "2", "agent: {max_turns: 2}\n"),
        ("a_key: 1\r\nworktree: no\r\n", "worktree", "on", "a_key: 1\r\nworktree: true\r\n"),
        (
            "agent:\r\n  max_turns: 1\r\n",
            "agent.tool_delay",
            "0",
            "agent:\r\n  max_turns: 1\r\n  tool_delay: 0.0\r\n",
        ),
        ("worktree: no", "timezone", "UTC", "worktree: no\ntimezone: UTC"),
        (
            "agent:\n  system_prompt: |\n    a\n    b\n\n# c\n",
            "agent.max_turns",
            "2",
            "agent:\n  system_prompt: |\n    a\n    b\n  max_turns: 2\n\n# c\n",
        ),
        ("model: {default: a}\n", "model", "b", "model: {default: b}\n"),
        ("timezone:\n", "timezone", "UTC", "timezone: UTC\n"),
    ],
)
def test_all_ways_a_file_may_be_written(
    profile: Profile, environment: Environment, text: str, key: str, value: str, after: str
) -> None:
    profile.config_file.write_bytes(text.encode())
    set_key(profile, environment, key, value)
    assert profile.config_file.read_bytes() == after.encode()


@pytest.mark.parametrize(
    ("text", "key", "after"),
    [
        ("agent: {max_turns: 1, tool_delay: 2}\n", "agent.max_turns", "agent: {tool_delay: 2}\n"),
        ("agent: {max_turns: 1, tool_delay: 2}\n", "agent.tool_delay", "agent: {max_turns: 1}\n"),
        ("agent: {max_turns: 1}\ntimezone: UTC\n", "agent.max_turns", "timezone: UTC\n"),
        ("approvals:\n  mode: off\n# c\n", "approvals.mode", "# c\n"),
        ("max_turns: 4\n", "agent.max_turns", ""),
    ],
)
def test_unsetting_in_all_ways_a_file_may_be_written(
    profile: Profile, environment: Environment, text: str, key: str, after: str
) -> None:
    profile.config_file.write_text(text)
    unset_key(profile, environment, key)
    assert profile.config_file.read_text() == after


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("agent.max_turns", "many", "must be a whole number"),
        ("agent.max_turn", "3", "did you mean `agent.max_turns`"),
        ("approvals.mode", "nope", "one of smart, manual, off"),
        ("providers.a.models", "[1", "not valid YAML or JSON"),
        ("providers", "x", "must be a mapping"),
        ("agent..x", "1", "is not a key"),
        ("", "1", "is not a key"),
        ("zzz", "1", "--force"),
        ("compression.threshold", "nan", "from 0 to 1"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    profile: Profile, environment: Environment, key: str, value: str, says: str
) -> None:
    profile.config_file.write_text(FILE)
    with pytest.raises(HomeError, match=says):
        set_key(profile, environment, key, value)
    assert profile.config_file.read_text() == FILE
    assert not profile.config_file.with_name("config.yaml.bak").exists()


def test_an_unknown_key_can_be_forced(profile: Profile, environment: Environment) -> None:
    set_key(profile, environment, "zzz.a", "3", force=True)
    assert profile.config_file.read_text() == "zzz:\n  a: 3\n"
    assert get_key(profile, environment, "zzz.a") == 3


@pytest.mark.parametrize("broken", ["agent: [\n", "agent: {max_turns: x}\n", "a: 1\na: 2\n"])
def test_a_file_that_can_not_be_loaded_is_not_edited(
    profile: Profile, environment: Environment, broken: str
) -> None:
    profile.config_file.write_text(broken)
    with pytest.raises(ConfigError):
        set_key(profile, environment, "timezone", "UTC")
    assert profile.config_file.read_text() == broken


def test_an_edit_that_would_change_another_key_is_refused(profile: Profile, environment: Environment) -> None:
    text = "agent: &a\n  max_turns: 3\nx: *a\n"
    profile.config_file.write_text(text)
    with pytest.raises(HomeError, match="edit the file"):
        set_key(profile, environment, "agent.max_turns", "4")
    assert profile.config_file.read_text() == text


def test_secrets_go_to_the_env_file(profile: Profile, environment: Environment) -> None:
    for key in ("OPENAI_API_KEY", "TELEGRAM_BOT_TOKEN", "TERMINAL_SSH_HOST"):
        assert set_key(profile, environment, key, "v").file == profile.env_file
    assert not profile.config_file.exists()
    assert load_environment(profile, {})["TERMINAL_SSH_HOST"] == "v"
    unset_key(profile, environment, "OPENAI_API_KEY")
    assert "OPENAI_API_KEY" not in load_environment(profile, {})
    with pytest.raises(HomeError, match="not set"):
        unset_key(profile, environment, "OPENAI_API_KEY")


def test_unsetting_what_is_not_set_says_so(profile: Profile, environment: Environment) -> None:
    with pytest.raises(HomeError, match="is not set in"):
        unset_key(profile, environment, "agent.max_turns")


def test_the_administrators_keys_can_not_be_set(profile: Profile, tmp_path: Path) -> None:
    managed = tmp_path / "managed"
    managed.mkdir()
    (managed / "config.yaml").write_text("approvals: {mode: manual}\n")
    environment = Environment({"HERMES_MANAGED_DIR": str(managed)})
    for key in ("approvals.mode", "approvals"):
        with pytest.raises(HomeError, match="administrator"):
            set_key(profile, environment, key, "off")
    set_key(profile, environment, "approvals.timeout", "5")
    assert load_settings(profile, environment).approvals.timeout == 5


def test_a_linked_file_is_edited_where_it_lies(
    profile: Profile, environment: Environment, tmp_path: Path
) -> None:
    target = tmp_path / "dotfiles.yaml"
    target.write_text("timezone: UTC\n")
    profile.config_file.symlink_to(target)
    set_key(profile, environment, "timezone", "Europe/Oslo")
    assert profile.config_file.is_symlink()
    assert target.read_text() == "timezone: Europe/Oslo\n"


@given(value=st.text(st.characters(exclude_categories=["Cs", "Cc"])) | st.just("a\nb # c"))
def test_any_text_comes_back_as_it_was(value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    profile = Profile(name="default", home=home, root=home)
    environment = Environment({"HERMES_MANAGED_DIR": str(home / "managed")})
    profile.config_file.write_text(f"{FILE}display:\n  personality: 'quoted'\n")
    set_key(profile, environment, "agent.system_prompt", value)
    set_key(profile, environment, "display.personality", value)
    expected: Any = value
    assert get_key(profile, environment, "agent.system_prompt") == expected
    assert get_key(profile, environment, "display.personality") == expected


def test_what_the_environment_page_lists_can_be_set() -> None:
    """But for those that a terminal sets."""
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    table = page.partition("From the process environment, else from `.env`:")[2]
    names = re.findall(
        r"`([A-Z_]+)`", "\n".join(re.findall(r"^\| `[^|]*\||_BASE_URL`.*$", table, re.MULTILINE))
    )
    assert {"HERMES_API_TIMEOUT", *FLAG_VARIABLES} <= set(names)
    assert [name for name in names if not is_read_from_env_file(name)] == ["TERM"]
