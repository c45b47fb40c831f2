"""`-z` and `chat -q`: streams, exit codes, the usage report."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Serve

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


def test_a_usage_file_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    done = run("-z", "hello", "--usage-file", str(tmp_path / "nowhere" / "usage.json"))
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


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
    done = run("chat", "-q", "loop", **key(url))
    assert done.returncode == 1
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
