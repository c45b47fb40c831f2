"""Going on with earlier sessions."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Serve
from tests.cli.terminal import Terminal
from tests.cli.test_one_shot import key


def newest(run: Run) -> str:
    session_id: str = json.loads(run("sessions", "list", "-n", "1", "--json").stdout)[0]["id"]
    return session_id


def test_by_id_prefix_and_title(run: Run, serve: Serve) -> None:
    url = serve({"text": "One."}, {"text": "Two.", "repeat": "forever"})
    run("-z", "first", **key(url))
    session = newest(run)
    run("sessions", "rename", session, "My tea")
    for name in (session, session[:-2], "My tea", "my TEA"):
        assert run("-z", "next", "--resume", name, **key(url)).stdout == "Two.\n"
    assert run("-z", "next", "-c", "My tea", **key(url)).stdout == "Two.\n"
    assert run("-z", "next", "--continue", **key(url)).returncode == 0
    assert newest(run) == session


def test_a_command_behind_continue_is_no_title(run: Run, serve: Serve) -> None:
    url = serve({"text": "One."}, {"text": "Two.", "repeat": "forever"})
    run("-z", "first", **key(url))
    session = newest(run)
    for option in ("--continue", "-c"):
        assert run(option, "chat", "-q", "next", **key(url)).stdout == "Two.\n"
        assert newest(run) == session
        assert session in run(option, "sessions", "list").stdout
    for arguments in (["--continue=chat"], ["-cchat"], ["-m", "m", "-c", "tea"]):
        refused = run(*arguments, "-z", "next", **key(url))
        assert refused.returncode == 1
        assert "There is no session" in refused.stderr
    assert run("-z", "-c", "chat", **key(url)).returncode == 2, (
        "here -c is the prompt, and -z takes no command"
    )
    assert run("-z", "chat", "-c", **key(url)).stdout == "Two.\n"
    assert "not served" in run("-c", "gateway").stderr


def test_what_cannot_be_found_is_named(run: Run) -> None:
    for arguments in (["--resume", "nosuch"], ["-c", "nosuch"], ["-c"]):
        done = run("-z", "x", *arguments)
        assert done.returncode == 1
        assert done.stdout == ""
        assert "There is no session" in done.stderr


def test_an_ambiguous_name_lists_what_it_fits(run: Run) -> None:
    run("-z", "one")
    run("-z", "two")
    done = run("-z", "x", "--resume", newest(run)[:8])
    assert done.returncode == 1
    assert "fits 2 sessions" in done.stderr


def test_the_directory_comes_back_unless_told_otherwise(
    run: Run, serve: Serve, work: Path, tmp_path: Path
) -> None:
    url = serve(
        {"text": "One."},
        {"calls": [{"name": "terminal", "arguments": {"command": "pwd > seen"}}]},
        {"text": "."},
    )
    run("-z", "first", **key(url))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run("-z", "next", "--resume", newest(run), cwd=elsewhere, **key(url))
    assert (work / "seen").read_text().strip() == str(work)
    (work / "seen").unlink()
    run("-z", "first", **key(url))
    run("-z", "next", "--resume", newest(run), "--no-restore-cwd", cwd=elsewhere, **key(url))
    assert (elsewhere / "seen").read_text().strip() == str(elsewhere)


@pytest.fixture
def died(
    hermes: list[str], plain_environment: dict[str, str], work: Path, run: Run, serve: Serve
) -> tuple[str, str]:
    """A session whose run was killed in the middle of a call, and its model server."""
    url = serve(
        {
            "calls": [
                {"name": "terminal", "arguments": {"command": "echo x >> count; touch started; sleep 30"}}
            ]
        },
        {"text": "Finished late."},
        {"text": "And the next."},
    )
    process = subprocess.Popen(
        [*hermes, "-z", "the first task"],
        env={**plain_environment, **key(url)},
        cwd=work,
        start_new_session=True,
    )
    until = time.monotonic() + 20
    while not (work / "started").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return newest(run), url


def test_a_run_that_died_is_finished_before_new_input_is_used(
    died: tuple[str, str], work: Path, run: Run
) -> None:
    session, url = died
    done = run("--resume", session, stdin="the second task\n", **key(url))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Finished late.\nAnd the next.\n"
    assert "the first task" in done.stderr
    assert (work / "count").read_text() == "x\n", "a started call is never run a second time"


@pytest.mark.parametrize("arguments", [["-z"], ["chat", "-Qq"], ["chat", "-q"]])
def test_a_one_shot_shows_the_answer_of_the_run_that_died_beside_its_own(
    died: tuple[str, str], run: Run, arguments: list[str]
) -> None:
    session, url = died
    done = run(*arguments, "the second task", "--resume", session, **key(url))
    assert (done.returncode, done.stdout) == (0, "And the next.\n")
    lines = done.stderr.splitlines()
    assert lines[0] == 'Finishing what was interrupted first: "the first task"'
    assert lines[lines.index("Its answer:") + 1] == "  Finished late."


def test_on_a_terminal_too_only_the_own_answer_is_on_standard_output(
    died: tuple[str, str], terminal: Callable[..., Terminal], work: Path
) -> None:
    session, url = died
    shown = terminal("chat", "-q", "the second task", "--resume", session, **key(url))
    lines = shown.wait_for("session_id").splitlines()
    assert "  Finished late." in lines
    assert "And the next." in lines
    assert "Finished late." not in lines


def test_a_pipe_is_taken_line_by_line(run: Run, serve: Serve) -> None:
    url = serve({"echo": True, "repeat": "forever"})
    done = run(stdin="one\n\ntwo\n", **key(url))
    assert (done.returncode, done.stdout) == (0, "one\ntwo\n")
    assert "session_id: " in done.stderr


def test_a_pipe_whose_last_line_fails_exits_1(run: Run, serve: Serve) -> None:
    url = serve({"status": 400, "error": "never", "repeat": "forever"})
    done = run(stdin="one\n", **key(url))
    assert done.returncode == 1
    assert done.stdout == ""
