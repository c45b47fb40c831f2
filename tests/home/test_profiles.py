"""Which profile is meant, and what making, choosing, renaming and removing one does."""

import stat
from pathlib import Path

import pytest

from hermes.home.errors import HomeError
from hermes.home.profiles import (
    active_name,
    create_profile,
    delete_profile,
    describe_profile,
    find_profile,
    list_profiles,
    prepare_home,
    rename_profile,
    root_home,
    split_profile_argument,
    use_profile,
)


@pytest.mark.parametrize(
    ("environ", "root", "name"),
    [
        ({"HOME": "/h"}, "/h/.hermes", "default"),
        ({"HOME": "/h", "HERMES_HOME": ""}, "/h/.hermes", "default"),
        ({"HOME": "/h", "HERMES_HOME": "~/data"}, "/h/data", "default"),
        ({"HERMES_HOME": "/opt/data"}, "/opt/data", "default"),
    ],
)
def test_where_the_root_home_is(environ: dict[str, str], root: str, name: str) -> None:
    assert root_home(environ) == Path(root)
    found = find_profile(None, environ)
    assert (found.name, found.home, found.root) == (name, Path(root), Path(root))


def test_a_home_that_is_a_profiles_folder_means_that_profile(tmp_path: Path) -> None:
    work = create_profile(tmp_path, "work")
    create_profile(tmp_path, "other")
    use_profile(tmp_path, "other")
    environ = {"HERMES_HOME": str(work.home)}
    assert find_profile(None, environ) == work
    assert find_profile("default", environ).home == tmp_path
    assert root_home(environ) == tmp_path


def test_the_profile_in_use_is_meant_when_none_is_named(tmp_path: Path) -> None:
    environ = {"HERMES_HOME": str(tmp_path)}
    work = create_profile(tmp_path, "Work")
    assert find_profile(None, environ).name == "default"
    assert use_profile(tmp_path, "WORK") == work
    assert find_profile(None, environ) == work
    assert find_profile("default", environ).home == tmp_path


def test_an_unknown_profile_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="hermes profile create work"):
        find_profile("work", {"HERMES_HOME": str(tmp_path)})
    with pytest.raises(HomeError, match="hermes profile create work"):
        use_profile(tmp_path, "work")


def test_a_profile_in_use_that_is_gone_is_said(tmp_path: Path) -> None:
    (tmp_path / "active_profile").write_text("gone\n")
    with pytest.raises(HomeError, match="'gone', does not exist any more"):
        find_profile(None, {"HERMES_HOME": str(tmp_path)})


@pytest.mark.parametrize("name", ["", "../x", "a/b", "-a", "_a", "a b", "a" * 65, "ä", "."])
def test_names_that_can_not_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(HomeError, match="name of a profile"):
        create_profile(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_new_profile_is_private_and_ready(tmp_path: Path) -> None:
    profile = create_profile(tmp_path, "work", description="Mail and calendar")
    assert profile.home == tmp_path / "profiles" / "work"
    assert stat.S_IMODE(profile.home.stat().st_mode) == 0o700
    assert stat.S_IMODE(profile.env_file.stat().st_mode) == 0o600
    assert profile.persona_file.exists()
    assert not profile.config_file.exists()
    assert describe_profile(profile) == "Mail and calendar"
    with pytest.raises(HomeError, match="exists already"):
        create_profile(tmp_path, "work")
    with pytest.raises(HomeError, match="default profile is there already"):
        create_profile(tmp_path, "default")


def test_the_list_starts_with_default_and_leaves_out_what_is_no_profile(tmp_path: Path) -> None:
    for name in ("b", "a"):
        create_profile(tmp_path, name)
    (tmp_path / "profiles" / ".deleted-x").mkdir()
    (tmp_path / "profiles" / "file").write_text("")
    assert [profile.name for profile in list_profiles(tmp_path)] == ["default", "a", "b"]


def test_deleting_removes_everything_and_falls_back_to_default(tmp_path: Path) -> None:
    profile = create_profile(tmp_path, "work")
    use_profile(tmp_path, "work")
    delete_profile(tmp_path, "work")
    assert not profile.home.exists()
    assert list(profile.home.parent.iterdir()) == []
    assert active_name(tmp_path) == "default"
    with pytest.raises(HomeError, match="can't be deleted"):
        delete_profile(tmp_path, "default")


def test_deleting_a_linked_profile_leaves_what_it_leads_to(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "SOUL.md").write_text("me")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "work").symlink_to(elsewhere)
    delete_profile(tmp_path, "work")
    assert (elsewhere / "SOUL.md").read_text() == "me"
    assert not (tmp_path / "profiles" / "work").is_symlink()


def test_renaming_keeps_the_content_and_the_choice(tmp_path: Path) -> None:
    profile = create_profile(tmp_path, "work")
    (profile.home / "config.yaml").write_text("timezone: UTC\n")
    create_profile(tmp_path, "taken")
    use_profile(tmp_path, "work")
    with pytest.raises(HomeError, match="exists already"):
        rename_profile(tmp_path, "work", "taken")
    renamed = rename_profile(tmp_path, "work", "Job")
    assert renamed.config_file.read_text() == "timezone: UTC\n"
    assert active_name(tmp_path) == "job"
    with pytest.raises(HomeError, match="can't be renamed"):
        rename_profile(tmp_path, "default", "x")


def test_a_description_can_be_changed_and_has_a_limit(tmp_path: Path) -> None:
    profile = create_profile(tmp_path, "work")
    assert describe_profile(profile) == ""
    assert describe_profile(profile, " new ") == "new"
    with pytest.raises(HomeError, match="2000 are the most"):
        describe_profile(profile, "x" * 2001)
    assert describe_profile(profile) == "new"


def test_a_home_is_made_private(tmp_path: Path) -> None:
    environ = {"HERMES_HOME": str(tmp_path / "new" / "home")}
    profile = find_profile(None, environ)
    prepare_home(profile, environ)
    for folder in (profile.home, profile.logs, profile.skills, profile.cache, profile.memory_file.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_mode_of_a_home_can_be_set(tmp_path: Path) -> None:
    environ = {"HERMES_HOME": str(tmp_path / "home"), "HERMES_HOME_MODE": "0750"}
    profile = find_profile(None, environ)
    prepare_home(profile, environ)
    assert stat.S_IMODE(profile.home.stat().st_mode) == 0o750
    prepare_home(profile, {**environ, "HERMES_HOME_MODE": "711"})
    assert stat.S_IMODE(profile.home.stat().st_mode) == 0o711


@pytest.mark.parametrize("mode", ["rwx", "0800", "077", "7", "-700"])
def test_a_mode_that_is_none_or_locks_us_out_is_refused(tmp_path: Path, mode: str) -> None:
    environ = {"HERMES_HOME": str(tmp_path / "home"), "HERMES_HOME_MODE": mode}
    with pytest.raises(HomeError, match="HERMES_HOME_MODE"):
        prepare_home(find_profile(None, environ), environ)


@pytest.mark.parametrize(
    ("words", "name", "rest"),
    [
        ("", None, ""),
        ("-p work", "work", ""),
        ("chat -q hi -p work", "work", "chat -q hi"),
        ("--profile work config show", "work", "config show"),
        ("config --profile=work show", "work", "config show"),
        ("-p a -p b", "b", ""),
        ("-q -p work", None, "-q -p work"),
        ("-z --profile=x", None, "-z --profile=x"),
        ("chat -Qq -p", None, "chat -Qq -p"),
        ("run -- -p work", None, "run -- -p work"),
        ("-p work -- -p other", "work", "-- -p other"),
        ("-q", None, "-q"),
        ("-pwork", None, "-pwork"),
        ("-q=-p -p work", "work", "-q=-p"),
    ],
)
def test_the_profile_is_taken_out_of_the_command_line(words: str, name: str | None, rest: str) -> None:
    assert split_profile_argument(words.split()) == (name, rest.split())


@pytest.mark.parametrize("words", ["-p", "chat --profile", "--profile=", "-p --yolo"])
def test_a_missing_name_is_said(words: str) -> None:
    with pytest.raises(HomeError, match="needs the name of a profile"):
        split_profile_argument(words.split())
