"""The command as a whole: what it imports, how it fails, what it prints where."""

import subprocess
import sys
from pathlib import Path

import pytest

import hermes
from hermes.cli.errors import write_traceback
from tests.cli.conftest import Run


def imported(arguments: list[str], environment: dict[str, str], cwd: Path) -> set[str]:
    """The modules that a run of the command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "hermes.cli.main", *arguments],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


def test_version_imports_next_to_nothing(plain_environment: dict[str, str], work: Path) -> None:
    modules = imported(["--version"], plain_environment, work)
    assert "hermes.cli" in modules
    for unwanted in ("click", "yaml", "sqlite3", "aiohttp", "msgspec", "asyncio", "pathlib"):
        assert unwanted not in modules


def test_help_loads_no_command(plain_environment: dict[str, str], work: Path) -> None:
    modules = imported(["--help"], plain_environment, work)
    assert "hermes.cli.root" in modules
    assert not [name for name in modules if name.startswith("hermes.cli.groups")]
    assert not modules & {"hermes.cli.chat", "sqlite3", "aiohttp", "yaml"}


def test_a_one_shot_imports_nothing_of_the_interactive_chat(
    plain_environment: dict[str, str], work: Path
) -> None:
    modules = imported(["-z", "hello"], plain_environment, work)
    assert "hermes.runs.runtime" in modules
    for unwanted in ("rich", "prompt_toolkit", "ruamel.yaml", "pygments", "markdown_it"):
        assert unwanted not in modules


@pytest.mark.parametrize("arguments", [["--version"], ["-V"], ["version"], ["-p", "default", "version"]])
def test_version(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (0, f"hermes {hermes.__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nosuch"], "There is no command 'nosuch'."),
        (["sesions"], "Did you mean 'sessions'?"),
        (["gateway"], "not served by this version yet"),
        (["--nosuch"], "No such option '--nosuch'."),
        (["-z", "  "], "The prompt is empty"),
        (["-z", "hi", "sessions"], "-z does not go with the command 'sessions'"),
        (["chat", "-Q"], "-Q goes with -q"),
        (["chat", "-q", "x", "--max-turns", "0"], "0 is not in the range"),
        (["sessions", "list", "-n", "many"], "'many' is not a valid integer"),
        (["logs", "--since", "yesterday"], "is not an age"),
    ],
)
def test_wrong_usage_is_named_and_exits_2(run: Run, arguments: list[str], sentence: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_unknown_profile_names_the_create_command(run: Run) -> None:
    done = run("-z", "hello", "--profile", "nobody")
    assert done.returncode == 1
    assert "hermes profile create nobody" in done.stderr


def test_the_profile_can_be_named_anywhere_on_the_line(run: Run) -> None:
    assert run("profile", "create", "work", "--no-alias").returncode == 0
    for arguments in (["-p", "work", "config", "path"], ["config", "path", "--profile=work"]):
        assert run(*arguments).stdout.strip().endswith("/profiles/work/config.yaml")


def test_a_broken_config_is_refused_with_file_line_and_key(run: Run, home: Path) -> None:
    run("config", "path")
    (home / "config.yaml").write_text("agent:\n  max_turns: many\n")
    done = run("-z", "hello")
    assert done.returncode == 1
    assert f"{home / 'config.yaml'}:2" in done.stderr
    assert "agent.max_turns" in done.stderr
    assert done.stdout == ""


def test_an_unknown_key_is_a_warning_on_stderr(run: Run, home: Path) -> None:
    run("config", "path")
    (home / "config.yaml").write_text("agent:\n  max_turn: 3\n")
    done = run("-z", "hello")
    assert done.returncode == 0
    assert "did you mean `agent.max_turns`?" in done.stderr
    assert "max_turn" not in done.stdout
    assert run("-z", "hello", "--ignore-user-config").stderr == ""


def test_a_reader_that_goes_away_is_no_error(hermes: list[str], plain_environment: dict[str, str]) -> None:
    command = f"{hermes[0]} config show | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env=plain_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "Paths\n"
    assert done.stderr == ""


def test_a_fault_of_ours_is_one_sentence_and_a_logged_traceback(tmp_path: Path) -> None:
    def fail() -> None:
        raise ValueError("bad thing with sk-abcdefghijklmnopqrstuvwxyz0123456789")

    with pytest.raises(ValueError, match="bad thing") as caught:
        fail()
    sentence = write_traceback(caught.value, tmp_path / "logs")
    logged = (tmp_path / "logs" / "errors.log").read_text()
    assert str(tmp_path / "logs" / "errors.log") in sentence
    assert "\n" not in sentence
    assert "Traceback" in logged
    assert "sk-abcdefghijklmnopqrstuvwxyz0123456789" not in sentence + logged


def test_completion_scripts(run: Run) -> None:
    for shell in ("bash", "zsh", "fish"):
        done = run("completion", shell)
        assert done.returncode == 0
        assert "_HERMES_COMPLETE" in done.stdout
    assert run("completion", "nosuch").returncode == 2


def test_completion_offers_commands_and_their_subcommands(run: Run) -> None:
    top = run(_HERMES_COMPLETE="bash_complete", COMP_WORDS="hermes se", COMP_CWORD="1")
    assert "sessions" in top.stdout
    below = run(_HERMES_COMPLETE="bash_complete", COMP_WORDS="hermes sessions re", COMP_CWORD="2")
    assert "rename" in below.stdout
    assert "repair" in below.stdout
