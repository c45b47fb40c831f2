"""`-z` and `chat -q`: streams, exit codes, the usage report."""

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

USAGE_FIELDS = {
    "estimated_cost_usd", "cost_status", "cost_source", "input_tokens", "output_tokens", "cache_read_tokens",
    "cache_write_tokens", "reasoning_tokens", "total_tokens", "api_calls", "model", "provider", "session_id",
    "completed", "failed", "service_tier", "failure",
}  # fmt: skip


def key(base_url: str) -> dict[str, str]:
    return {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "test-key"}


def test_z_prints_the_final_text_and_nothing_else(run: Run, serve: Serve) -> None:
    url = serve(
        {"text": "I look.", "calls": [{"name": "terminal", "arguments": {"command": "true"}}]},
        {"text": "Done."},
    )
    done = run("-z", "do it", **key(url))
    assert (done.returncode, done.stdout, done.stderr) == (0, "Done.\n", "")


def test_q_shows_what_is_done_on_stderr_and_the_answer_on_stdout(run: Run, serve: Serve) -> None:
    url = serve({"calls": [{"name": "terminal", "arguments": {"command": "echo hi"}}]}, {"text": "Done."})
    done = run("chat", "-q", "do it", **key(url))
    assert (done.returncode, done.stdout) == (0, "Done.\n")
    assert "$ terminal echo hi  ✓" in done.stderr
    assert "session_id: " in done.stderr


def test_q_quiet_leaves_only_the_session_id_on_stderr(run: Run, serve: Serve) -> None:
    done = run("chat", "-Qq", "hello", **key(serve({"text": "Hi."})))
    assert (done.returncode, done.stdout) == (0, "Hi.\n")
    assert done.stderr.startswith("session_id: ")
    assert len(done.stderr.splitlines()) == 1


def test_the_prompt_can_come_from_standard_input(run: Run, serve: Serve) -> None:
    url = serve({"echo": True})
    assert run("-z", "-", stdin="from a pipe\n", **key(url)).stdout == "from a pipe\n"
    assert run("chat", "-Qq", "-", stdin="again", **key(url)).stdout == "again\n"
    assert run("-z", "-", stdin="").returncode == 2


def test_options_mean_the_same_before_and_after_the_command(run: Run, serve: Serve) -> None:
    url = serve({"text": "Hi."})
    for arguments in (["-m", "special", "chat", "-q", "x"], ["chat", "-q", "x", "-m", "special"]):
        run(*arguments, **key(url))
        listed = json.loads(run("sessions", "list", "-n", "1", "--json").stdout)
        assert listed[0]["model"] == "special"


def test_a_failing_model_is_a_failure_with_a_sentence(run: Run, serve: Serve, tmp_path: Path) -> None:
    url = serve({"status": 401, "error": "no such key", "repeat": "forever"})
    report = tmp_path / "usage.json"
    done = run("-z", "hello", "--usage-file", str(report), **key(url))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("hermes: ")
    assert "Traceback" not in done.stderr
    usage = json.loads(report.read_text())
    assert set(usage) == USAGE_FIELDS
    assert (usage["completed"], usage["failed"]) == (False, True)
    assert usage["failure"]
    assert usage["session_id"]


def test_the_usage_report_of_a_success(run: Run, serve: Serve, tmp_path: Path) -> None:
    url = serve({"text": "Hi.", "usage": {"input": 1000, "cached": 400, "output": 50, "reasoning": 7}})
    report = tmp_path / "usage.json"
    assert run("-z", "hello", "-m", "m1", "--usage-file", str(report), **key(url)).returncode == 0
    usage = json.loads(report.read_text())
    assert set(usage) == USAGE_FIELDS
    assert usage["completed"] is True
    assert usage["failed"] is False
    assert usage["failure"] is None
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (1000, 50, 1050)
    assert (usage["cache_read_tokens"], usage["reasoning_tokens"], usage["api_calls"]) == (400, 7, 1)
    assert (usage["model"], usage["provider"]) == ("m1", "custom")


def test_the_usage_report_is_written_when_nothing_could_start(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "usage.json"
    done = run("-z", "hello", "--provider", "nosuch", "--usage-file", str(report))
    assert done.returncode == 1
    usage = json.loads(report.read_text())
    assert set(usage) == USAGE_FIELDS
    assert "nosuch" in usage["failure"]


@pytest.mark.parametrize("place", ["nowhere/usage.json", "file/usage.json", "/proc/usage.json", "folder"])
@pytest.mark.parametrize("arguments", [["-z", "hello"], ["chat", "-q", "hello"]])
def test_a_usage_file_that_cannot_be_written_is_refused_before_anything_is_done(
    run: Run, home: Path, tmp_path: Path, place: str, arguments: list[str]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    report = tmp_path / place
    done = run(*arguments, "--usage-file", str(report))
    assert (done.returncode, done.stdout) == (2, "")
    assert str(report) in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "hermes.db").exists()


def test_the_usage_report_can_go_to_a_pipe_or_a_device(run: Run) -> None:
    assert run("-z", "date", "--usage-file", "/dev/null").returncode == 0
    assert '"completed": true' in run("chat", "-Qq", "date", "--usage-file", "/dev/stderr").stderr


def test_dangerous_commands_are_denied_unless_yolo(run: Run, serve: Serve, work: Path) -> None:
    victim = work / "build"
    victim.mkdir()
    url = serve({"calls": [{"name": "terminal", "arguments": {"command": "rm -rf build"}}]}, {"text": "End."})
    done = run("chat", "-q", "clean", **key(url))
    assert victim.exists()
    assert "⊘ denied: nobody can be asked here" in done.stderr
    run("-z", "clean", "--yolo", **key(url))
    assert not victim.exists()


def test_a_guardrail_stop_is_a_failure(run: Run, serve: Serve) -> None:
    url = serve(
        {"calls": [{"name": "terminal", "arguments": {"command": "false"}}], "repeat": "forever"},
        follow="arrival",
    )
    for arguments in (["chat", "-q"], ["chat", "-Qq"], ["-z"]):
        done = run(*arguments, "loop", **key(url))
        assert done.returncode == 1
        assert done.stdout.startswith("I stopped using terminal")
        assert "I stopped using terminal" not in done.stderr, "once is enough"
        assert "Traceback" not in done.stderr


def test_max_turns_bounds_the_model_calls(run: Run, serve: Serve, tmp_path: Path) -> None:
    call = {"calls": [{"name": "terminal", "arguments": {"command": "echo {n}"}}], "repeat": "forever"}
    report = tmp_path / "usage.json"
    url = serve(call, follow="arrival")
    done = run("chat", "-q", "go on", "--max-turns", "3", "--usage-file", str(report), **key(url))
    assert done.returncode == 1
    assert 3 <= json.loads(report.read_text())["api_calls"] <= 4


def test_ctrl_c_cancels_the_run_and_exits_130(
    hermes: list[str], plain_environment: dict[str, str], work: Path, run: Run, serve: Serve
) -> None:
    url = serve(
        {"calls": [{"name": "terminal", "arguments": {"command": "touch started; sleep 60"}}]}, {"text": "?"}
    )
    process = subprocess.Popen(
        [*hermes, "chat", "-q", "wait"],
        env={**plain_environment, **key(url)},
        cwd=work,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 20
    while not (work / "started").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert stdout == ""
    assert "interrupted" in stderr
    assert "Traceback" not in stderr
    session = json.loads(run("sessions", "list", "--json").stdout)[0]["id"]
    resumed = run("--resume", session, stdin="", **key(url))
    assert "finishing" not in resumed.stderr, "a cancelled run is finished; it is not taken up again"


@pytest.mark.parametrize("arguments", [["-z", "hello"], ["chat", "-q", "hello"]])
def test_without_any_model_the_demo_answers_and_says_so(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 0
    assert "demo" in done.stdout


def test_a_full_disk_under_the_answer_is_a_failure(
    hermes: list[str], plain_environment: dict[str, str], work: Path
) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*hermes, "-z", "date"],
            env=plain_environment,
            cwd=work,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"hermes: the result could not be written: No space left on device.\n"


def test_an_input_that_was_refused_is_not_run_later(
    run: Run, hermes: list[str], work: Path, home: Path
) -> None:
    first = run("chat", "-q", "date", "-Q")
    session = first.stderr.split("session_id:")[1].split()[0]
    environment = {"HERMES_HOME": str(home), "HOME": str(work), "PATH": os.environ["PATH"]}
    busy = subprocess.Popen([*hermes, "--resume", session, "-z", "run sleep 3"], env=environment, cwd=work)
    time.sleep(1.5)
    refused = run("--resume", session, "-z", "run touch late.txt")
    assert refused.returncode == 1
    assert "was not taken" in refused.stderr
    assert busy.wait(20) == 0
    assert run("--resume", session, "-z", "date").returncode == 0
    assert not (work / "late.txt").exists()


def test_an_answer_can_not_drive_the_terminal(terminal: Callable[..., Terminal], serve: Serve) -> None:
    url = serve({"text": "\u001b[2J\u001b]0;title\u0007The answer."})
    shown = terminal("-z", "hello", **key(url))
    assert "The answer." in shown.wait_for("The answer.")
    assert shown.wait() == 0
    assert "]0;title" in shown.text()


def test_an_empty_query_is_a_mistake(run: Run) -> None:
    for arguments in (("chat", "-q", ""), ("-z", "")):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "empty" in done.stderr
