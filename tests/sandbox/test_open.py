"""From settings to a sandbox."""

import stat
from pathlib import Path

import pytest

from hermes.home.environment import Environment
from hermes.home.errors import HomeError
from hermes.home.profile import Profile
from hermes.home.settings import Settings, TerminalSettings
from hermes.sandbox.open import open_sandbox

pytestmark = pytest.mark.anyio

PROCESS = {
    "PATH": "/usr/bin:/bin",
    "OPENAI_API_KEY": "k",
    "OPENAI_BASE_URL": "http://x",
    "GITHUB_TOKEN": "t",
    "MY_PASSWORD": "p",
    "VIRTUAL_ENV": "/venv",
    "PLAIN": "seen",
    "_HERMES_FORCE_NEEDED_TOKEN": "forced",
}


def home(tmp_path: Path) -> Profile:
    return Profile(name="default", home=tmp_path / "hermes", root=tmp_path / "hermes")


async def variables(
    tmp_path: Path, settings: TerminalSettings, file_values: dict[str, str]
) -> dict[str, str]:
    environment = Environment({**PROCESS, "HOME": str(tmp_path)}, file_values)
    sandbox = open_sandbox(Settings(terminal=settings), environment, home(tmp_path), str(tmp_path))
    try:
        result = await sandbox.run("env", session="a", timeout=10)
    finally:
        await sandbox.close()
    return dict(line.partition("=")[::2] for line in result.output.splitlines())


async def test_commands_do_not_see_secrets(tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text("export OPENAI_API_KEY=again\n")
    settings = TerminalSettings(home_mode="real")
    seen = await variables(tmp_path, settings, {"FROM_FILE": "x", "SECRET_TOKEN": "s"})
    hidden = {"OPENAI_API_KEY", "OPENAI_BASE_URL", "GITHUB_TOKEN", "MY_PASSWORD", "VIRTUAL_ENV"}
    assert not (hidden | {"FROM_FILE", "SECRET_TOKEN"}) & set(seen)
    assert seen["PLAIN"] == "seen"
    assert seen["NEEDED_TOKEN"] == "forced"
    assert seen["HERMES_REAL_HOME"] == seen["HOME"] == str(tmp_path)
    assert "/usr/local/sbin" in seen["PATH"].split(":")


async def test_what_is_passed_through_is_seen(tmp_path: Path) -> None:
    settings = TerminalSettings(env_passthrough=["GITHUB_TOKEN", "FROM_FILE", "HERMES_DATABASE_URL"])
    seen = await variables(tmp_path, settings, {"FROM_FILE": "x", "HERMES_DATABASE_URL": "never"})
    assert (seen["GITHUB_TOKEN"], seen["FROM_FILE"]) == ("t", "x")
    assert "HERMES_DATABASE_URL" not in seen


async def test_the_profiles_home_can_be_home(tmp_path: Path) -> None:
    seen = await variables(tmp_path, TerminalSettings(home_mode="profile"), {})
    assert seen["HOME"] == str(tmp_path / "hermes" / "home")
    assert seen["HERMES_REAL_HOME"] == str(tmp_path)


@pytest.mark.parametrize("backend", ["docker", "ssh", "modal", "dokcer", ""])
def test_another_backend_is_refused_and_never_run_here(tmp_path: Path, backend: str) -> None:
    settings = Settings(terminal=TerminalSettings(backend=backend))
    with pytest.raises(HomeError, match=rf"terminal\.backend is '{backend}'.* 'local'"):
        open_sandbox(settings, Environment({}), home(tmp_path), None)


@pytest.mark.parametrize(
    ("cwd", "starts"), [(".", "here"), ("sub", "here/sub"), ("~/x", "x"), ("/usr", "/usr")]
)
def test_where_a_session_starts(tmp_path: Path, cwd: str, starts: str) -> None:
    settings = Settings(terminal=TerminalSettings(cwd=cwd))
    environment = Environment({"HOME": str(tmp_path)})
    sandbox = open_sandbox(settings, environment, home(tmp_path), str(tmp_path / "here"))
    assert sandbox.cwd("any") == str(tmp_path / starts)


def test_the_home_of_commands_is_for_its_owner_only(tmp_path: Path) -> None:
    profile = home(tmp_path)
    open_sandbox(
        Settings(terminal=TerminalSettings(home_mode="profile")), Environment(PROCESS), profile, None
    )
    assert stat.S_IMODE((profile.home / "home").stat().st_mode) == 0o700
