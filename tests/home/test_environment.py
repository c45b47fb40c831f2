"""`.env`: what wins, what is refused, what an edit touches."""

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.home.environment import Environment, load_environment, set_env_value, unset_env_value
from hermes.home.errors import ConfigError, HomeError
from hermes.home.profile import Profile


def test_the_process_wins_over_the_file_unless_it_is_empty(profile: Profile) -> None:
    profile.env_file.write_text("A=file\nB=file\nC=file\n")
    environment = load_environment(profile, {"A": "process", "B": "", "D": ""})
    assert dict(environment) == {"A": "process", "B": "file", "C": "file", "D": ""}
    assert (len(environment), "C" in environment, environment.get("E")) == (4, True, None)
    assert environment.is_from_file("B")
    assert not environment.is_from_file("A")


def test_values_are_taken_as_they_are_written(profile: Profile) -> None:
    profile.env_file.write_text("export A='x y'\nB=\"${HOME}/$A\" # note\nC=pa#ss\n# D=1\n\nE=\n")
    assert load_environment(profile, {}).file_names() == {"A", "B", "C", "E"}
    environment = load_environment(profile, {})
    assert (environment["A"], environment["B"], environment["C"]) == ("x y", "${HOME}/$A", "pa#ss")


@pytest.mark.parametrize(
    ("text", "line"), [("A=1\n\nnot a variable\n", 3), ("A=1\nB='open\n", 2), ("# c\nLONELY\n", 2)]
)
def test_a_broken_line_is_refused_by_number(profile: Profile, text: str, line: int) -> None:
    profile.env_file.write_text(text)
    with pytest.raises(ConfigError, match="NAME=value") as caught:
        load_environment(profile, {})
    assert (caught.value.file, caught.value.line) == (profile.env_file, line)


def test_a_file_that_is_not_utf_8_is_refused(profile: Profile) -> None:
    profile.env_file.write_bytes(b"A=1\nB=\xff\n")
    with pytest.raises(ConfigError, match="UTF-8") as caught:
        load_environment(profile, {})
    assert caught.value.line == 2


def test_setting_touches_one_line_and_makes_the_file_private(profile: Profile) -> None:
    profile.env_file.write_text("# keys\nexport A=1 # one\n\n  B=2\nC='3'")
    profile.env_file.chmod(0o644)
    set_env_value(profile, "A", "it's new")
    set_env_value(profile, "D", "4")
    assert profile.env_file.read_text() == "# keys\nexport A='it\\'s new'\n\n  B=2\nC='3'\nD=4\n"
    assert stat.S_IMODE(profile.env_file.stat().st_mode) == 0o600


def test_unsetting_takes_every_line_of_the_name(profile: Profile) -> None:
    profile.env_file.write_text("A=1\nB=2\nA=3\n")
    assert unset_env_value(profile, "A")
    assert not unset_env_value(profile, "A")
    assert profile.env_file.read_text() == "B=2\n"


def test_a_broken_file_is_not_written_over(profile: Profile) -> None:
    profile.env_file.write_text("so broken\n")
    with pytest.raises(ConfigError):
        set_env_value(profile, "A", "1")
    assert profile.env_file.read_text() == "so broken\n"


@pytest.mark.parametrize(("name", "value"), [("1A", "x"), ("A B", "x"), ("", "x"), ("A", "\x00")])
def test_what_can_not_be_a_variable_is_refused(profile: Profile, name: str, value: str) -> None:
    with pytest.raises(HomeError):
        set_env_value(profile, name, value)
    assert not profile.env_file.exists()


@given(value=st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]) | st.just("\n")))
def test_any_value_comes_back_as_it_was(value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    profile = Profile(name="default", home=home, root=home)
    set_env_value(profile, "A", value)
    assert load_environment(profile, {})["A"] == value


def test_secrets_are_known_by_name() -> None:
    environment = Environment({"OPENAI_API_KEY": "x", "PATH": "/", "HF_TOKEN": "y"}, {"DB_PASSWORD": "z"})
    assert environment.secret_names() == {"OPENAI_API_KEY", "HF_TOKEN", "DB_PASSWORD"}
