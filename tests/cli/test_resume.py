"""Going on with earlier sessions."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from tests.cli.conftest import Run, Serve
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


def test_a_run_that_died_is_finished_before_new_input_is_used(
    hermes: list[str], plain_environment: dict[str, str], work: Path, run: Run, serve: Serve
) -> None:
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
    session = newest(run)
    done = run("--resume", session, stdin="the second task\n", **key(url))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Finished late.\nAnd the next.\n"
    assert "the first task" in done.stderr
    assert (work / "count").read_text() == "x\n", "a started call is never run a second time"


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
