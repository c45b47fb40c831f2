"""`hermes profile`."""

import json
import os
import subprocess
from pathlib import Path

from tests.cli.conftest import Run


def test_create_use_and_list(run: Run, home: Path) -> None:
    made = run("profile", "create", "Work", "--description", "for the job")
    assert made.returncode == 0, made.stderr
    assert (home / "profiles" / "work").is_dir()
    run("profile", "use", "work")
    listed = {row["profile"]: row for row in json.loads(run("profile", "list", "--json").stdout)}
    assert listed["work"]["active"] is True
    assert listed["work"]["description"] == "for the job"
    assert listed["default"]["active"] is False
    assert run("config", "path").stdout.strip().endswith("profiles/work/config.yaml")
    table = run("profile", "list").stdout.splitlines()
    assert [line.split()[0] for line in table] == ["PROFILE", "default", "❯"]


def test_the_alias_is_a_command_that_means_the_profile(
    run: Run, plain_environment: dict[str, str], hermes: list[str]
) -> None:
    run("profile", "create", "work")
    alias = Path(plain_environment["HOME"]) / ".local" / "bin" / "work"
    path = f"{Path(hermes[0]).parent}{os.pathsep}{plain_environment['PATH']}"
    done = subprocess.run(
        [alias, "config", "path"],
        env={**plain_environment, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().endswith("profiles/work/config.yaml")
    assert run("profile", "rename", "work", "play").returncode == 0
    assert not alias.exists()
    assert alias.with_name("play").exists()
    assert run("profile", "alias", "play", "--remove").returncode == 0
    assert run("profile", "alias", "play", "--remove").returncode == 1


def test_an_alias_never_takes_the_place_of_another_command(
    run: Run, plain_environment: dict[str, str]
) -> None:
    made = run("profile", "create", "ls")
    assert made.returncode == 0
    assert "There is a command ls already" in made.stderr
    folder = Path(plain_environment["HOME"]) / ".local" / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine").write_text("#!/bin/sh\n")
    assert run("profile", "alias", "ls", "--name", "mine").returncode == 1
    assert (folder / "mine").read_text() == "#!/bin/sh\n"


def test_clone_takes_settings_and_persona(run: Run, home: Path) -> None:
    run("config", "set", "agent.max_turns", "12")
    (home / "SOUL.md").write_text("Be brief.")
    assert run("profile", "create", "twin", "--clone", "--no-alias").returncode == 0
    assert run("-p", "twin", "config", "get", "agent.max_turns").stdout == "12\n"
    assert (home / "profiles" / "twin" / "SOUL.md").read_text() == "Be brief."


def test_export_and_import(run: Run, work: Path) -> None:
    run("profile", "create", "work", "--no-alias")
    run("-p", "work", "config", "set", "agent.max_turns", "12")
    assert run("profile", "export", "work", "work.tar.gz").returncode == 0
    assert run("profile", "import", "work.tar.gz", "--name", "copy").returncode == 0
    assert run("-p", "copy", "config", "get", "agent.max_turns").stdout == "12\n"


def test_delete(run: Run, home: Path) -> None:
    run("profile", "create", "work")
    assert run("profile", "delete", "work").returncode == 2
    assert run("profile", "delete", "work", "--yes").returncode == 0
    assert not (home / "profiles" / "work").exists()


def test_what_is_wrong_is_named(run: Run) -> None:
    run("profile", "create", "work", "--no-alias")
    for arguments in (
        ["create", "work"],
        ["create", "default"],
        ["create", "not/a/name"],
        ["delete", "default", "--yes"],
        ["delete", "nosuch", "--yes"],
        ["use", "nosuch"],
        ["show", "nosuch"],
        ["rename", "nosuch", "other"],
        ["export", "nosuch"],
        ["import", "nosuch.tar.gz"],
    ):
        done = run("profile", *arguments)
        assert done.returncode == 1, arguments
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert done.stdout == ""


def test_what_is_not_set_is_said_so(run: Run) -> None:
    shown = dict(line.split(maxsplit=1) for line in run("profile", "show").stdout.splitlines())
    assert (shown["model"], shown["alias"], shown["description"]) == ("not set",) * 3
    assert run("profile", "list").stdout.splitlines()[1].split() == ["❯", "default", "not", "set", "-"]
    assert json.loads(run("profile", "show", "--json").stdout)["model"] == ""
