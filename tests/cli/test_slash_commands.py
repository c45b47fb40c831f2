"""Slash commands, typed into a pipe."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run, Serve
from tests.cli.test_one_shot import key


def test_help_lists_every_command(run: Run) -> None:
    from hermes.cli.interactive.slash.table import COMMANDS

    shown = run(stdin="/help\n").stderr
    for command in COMMANDS:
        assert f"/{command.name}" in shown


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/verison", "There is no command /verison; did you mean /version?"),
        ("/rollback", "/rollback is not served by this version yet."),
        ("/undo many", "/undo takes how many exchanges to take back, not 'many'."),
        ("/busy never", "/busy takes interrupt, queue or steer, not 'never'."),
        ("/reasoning loud", "/reasoning takes none, minimal"),
        ("/resume nosuch", "There is no session 'nosuch'"),
        ("/personality nosuch", "There is no personality 'nosuch'."),
        ("/model x --provider nosuch", "There is no provider 'nosuch'"),
        ("/copy 0", "/copy takes which answer"),
        ("/quit now", "/quit takes nothing or --delete"),
    ],
)
def test_what_is_wrong_is_named(run: Run, line: str, answer: str) -> None:
    done = run(stdin=f"{line}\n/version\n")
    assert answer in done.stderr
    assert "hermes 0." in done.stderr, "the chat goes on"
    assert "Traceback" not in done.stderr


def test_retry_and_undo(run: Run, serve: Serve) -> None:
    url = serve({"text": "Number {n}.", "repeat": "forever"}, follow="arrival")
    done = run(stdin="ask\n/retry\n/history\n/undo\n/history\n", **key(url))
    assert done.stdout == "Number 1.\nNumber 2.\n"
    assert "Number 1." not in done.stderr
    assert "Taken back, from: ask" in done.stderr
    assert done.stderr.rstrip().splitlines()[-2] == "Nothing has been said yet."


def test_new_title_sessions_and_resume(run: Run) -> None:
    done = run(stdin="date\n/title First\n/new Second\ndate\n/sessions\n/resume first\n/title\n")
    assert "New session Second" in done.stderr
    assert "Resumed First" in done.stderr
    assert done.stderr.rstrip().splitlines()[-2] == "First"


def test_a_title_is_unique(run: Run) -> None:
    done = run(stdin="date\n/title First\n/new\ndate\n/title First\n")
    assert "already called 'First'" in done.stderr


def test_branch_leaves_the_parent_as_it_is(run: Run) -> None:
    done = run(
        stdin="date\n/title Trunk\n/branch Twig\ndate\n/resume Trunk\n/status\n/resume Twig\n/status\n"
    )
    counts = [int(line.split()[1]) for line in done.stderr.splitlines() if line.startswith("Messages ")]
    assert counts[0] < counts[1]


def test_save_never_overwrites(run: Run, work: Path) -> None:
    done = run(stdin="date\n/save talk.md\n/save talk.md\n/save talk.jsonl\n")
    assert (work / "talk.md").read_text().startswith("# ")
    assert (work / "talk.jsonl").read_text().startswith('{"type":"session"')
    assert "exists already" in done.stderr


def test_quick_commands(run: Run, home: Path) -> None:
    run("config", "path")
    (home / "config.yaml").write_text(
        "quick_commands:\n"
        "  greet: {type: exec, command: echo good day}\n"
        "  v2: {type: alias, target: version}\n"
        "  a: {type: alias, target: b}\n"
        "  b: {type: alias, target: a}\n"
    )
    done = run(stdin="/greet\n/v2\n/a\n")
    assert "good day" in done.stderr
    assert "hermes 0." in done.stderr
    assert "leads round in a circle" in done.stderr


def test_a_personality_reaches_the_model(run: Run, serve: Serve, home: Path) -> None:
    run("config", "path")
    (home / "config.yaml").write_text("personalities:\n  pirate: Talk like a pirate.\n")
    url = serve({"echo": True, "repeat": "forever"})
    done = run(stdin="/personality pirate\nhello\n/personality\n", **key(url))
    assert "Personality: pirate. There is: pirate." in done.stderr
    assert done.stdout == "hello\n"


def test_quit_delete_removes_the_session(run: Run) -> None:
    run(stdin="date\n/quit --delete\n")
    assert run("sessions", "list").stdout == ""


def test_a_session_in_which_nothing_was_said_leaves_no_trace(run: Run) -> None:
    run(stdin="/version\n")
    assert run("sessions", "list").stdout == ""


def test_settings_of_the_chat(run: Run) -> None:
    done = run(
        stdin="/verbose\n/yolo\n/yolo\n/reasoning high\n/reasoning hide\n/reasoning\n/busy steer\n/config\n"
    )
    assert "Tool lines: verbose." in done.stderr
    assert "Dangerous commands run without asking" in done.stderr
    assert "Dangerous commands are asked about again." in done.stderr
    assert "Effort: high; reasoning is hidden." in done.stderr
    rows = [line.split() for line in done.stderr.splitlines()]
    assert ["display.busy_input_mode", "steer"] in rows


def test_tools_memory_and_usage(run: Run) -> None:
    done = run(stdin="remember that I like tea\n/memory\n/tools\n/toolsets\n/usage\n/profile\n")
    assert "tea" in done.stderr
    assert "search_files" in done.stderr
    assert "Model calls" in done.stderr
    assert "Profile default in" in done.stderr


def test_a_path_is_not_a_command(run: Run, serve: Serve) -> None:
    url = serve({"echo": True, "repeat": "forever"})
    assert run(stdin="/etc/hosts is what?\n", **key(url)).stdout == "/etc/hosts is what?\n"
