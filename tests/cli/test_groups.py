"""`hermes model`, `tools`, `memory` and `logs`."""

import json
import os
import subprocess
import time
from pathlib import Path

from tests.cli.conftest import Run, Serve
from tests.cli.test_one_shot import key


def test_model_show_says_when_no_model_is_connected(run: Run) -> None:
    done = run("model", "show")
    assert done.returncode == 0
    assert "offline demo model" in done.stdout
    assert json.loads(run("model", "show", "--json").stdout)["provider"] == "demo"
    assert run("model").stdout == done.stdout, "without a terminal nothing is asked"


def test_model_set_holds_from_then_on(run: Run) -> None:
    run("config", "set", "OPENROUTER_API_KEY", "sk-or-x")
    done = run("model", "set", "vendor/model-1", "--provider", "openrouter")
    assert done.returncode == 0, done.stderr
    shown = json.loads(run("model", "show", "--json").stdout)
    assert (shown["model"], shown["provider"]) == ("vendor/model-1", "openrouter")


def test_model_set_refuses_what_cannot_be_called(run: Run, home: Path) -> None:
    for arguments in (
        ["m", "--provider", "nosuch"],
        ["m", "--provider", "openrouter"],
        ["nobody-serves-this"],
    ):
        done = run("model", "set", *arguments)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
    assert not (home / "config.yaml").exists()


def test_model_list_marks_what_can_be_used(run: Run) -> None:
    rows = {
        row["provider"]: row for row in json.loads(run("model", "list", "--json", GROQ_API_KEY="x").stdout)
    }
    assert rows["groq"]["usable"] is True
    assert rows["openrouter"]["usable"] is False
    assert rows["openrouter"]["needs"] == "OPENROUTER_API_KEY"


def test_toolsets_are_switched_off_and_on(run: Run) -> None:
    def on() -> set[str]:
        listed = json.loads(run("tools", "list", "--json").stdout)
        return {row["toolset"] for row in listed if row["enabled"]}

    before = on()
    assert {"terminal", "file", "memory"} <= before
    assert run("tools", "disable", "terminal", "memory").returncode == 0
    assert on() == before - {"terminal", "memory"}
    assert "terminal" not in run("tools", "--summary").stdout
    assert run("tools", "enable", "terminal", "memory").returncode == 0
    assert on() == before


def test_an_unknown_toolset_is_named(run: Run) -> None:
    done = run("tools", "disable", "termnial")
    assert done.returncode == 1
    assert "did you mean 'terminal'?" in done.stderr
    assert run("-z", "hello", "-t", "nosuch").returncode == 1


def test_memory_is_shown_and_reset(run: Run, home: Path) -> None:
    run("-z", "remember that I like tea")
    assert "tea" in run("memory", "show").stdout
    status = {row["target"]: row for row in json.loads(run("memory", "status", "--json").stdout)}
    assert sum(row["entries"] for row in status.values()) == 1
    assert run("memory", "reset").returncode == 2
    assert run("memory", "reset", "--yes").returncode == 0
    assert "tea" not in run("memory", "show").stdout
    backups = list((home / "memories").glob("*.bak"))
    assert any("tea" in file.read_text() for file in backups)
    assert run("memory", "reset", "--yes").returncode == 0


def write_log(home: Path, name: str, *lines: str) -> None:
    (home / "logs").mkdir(parents=True, exist_ok=True)
    (home / "logs" / name).write_text("".join(f"{line}\n" for line in lines))


def stamp(age: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S,000", time.localtime(time.time() - age))


def test_logs_filter_whole_records(run: Run, home: Path) -> None:
    write_log(
        home,
        "agent.log",
        f"{stamp(7200)} INFO hermes.agent.loop: old",
        f"{stamp(60)} INFO [20260101_000000_abcdef] hermes.agent.loop: said",
        f"{stamp(50)} ERROR hermes.tools.terminal: broke",
        "Traceback (most recent call last):",
        "ValueError: x",
        f"{stamp(40)} WARNING hermes.cli.chat: careful",
    )

    def shown(*arguments: str) -> str:
        done = run("logs", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert shown("-n", "1").endswith("careful\n")
    assert "old" not in shown("--since", "1h")
    assert shown("--level", "error").splitlines()[1:] == [
        "Traceback (most recent call last):",
        "ValueError: x",
    ]
    assert len(shown("--session", "abcdef").splitlines()) == 1
    assert "broke" in shown("--component", "tools")
    assert "said" not in shown("--component", "tools")
    assert "agent.log" in run("logs").stderr


def test_logs_names(run: Run, home: Path) -> None:
    write_log(home, "odd.log", "no head at all")
    assert "odd.log" in run("logs", "list").stdout
    assert run("logs", "odd").stdout == "no head at all\n"
    done = run("logs", "nosuch")
    assert done.returncode == 1
    assert "agent, errors" in done.stderr
    assert run("logs", "../config").returncode == 1


def test_logs_are_followed_over_a_rotation(
    hermes: list[str], plain_environment: dict[str, str], home: Path, run: Run
) -> None:
    write_log(home, "agent.log", f"{stamp(5)} INFO hermes.agent: first")
    process = subprocess.Popen(
        [*hermes, "logs", "-f"],
        env=plain_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().endswith("first\n")
        time.sleep(0.5)
        file = home / "logs" / "agent.log"
        with file.open("a") as stream:
            stream.write(f"{stamp(0)} INFO hermes.agent: second\n")
        assert process.stdout.readline().endswith("second\n")
        os.replace(file, file.with_suffix(".log.1"))
        write_log(home, "agent.log", f"{stamp(0)} INFO hermes.agent: third")
        assert process.stdout.readline().endswith("third\n")
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def test_what_a_run_logs_can_be_read(run: Run, serve: Serve) -> None:
    url = serve({"status": 401, "error": "no", "repeat": "forever"})
    run("-z", "hello", **key(url))
    assert run("logs", "agent").returncode == 0
