"""`hermes sessions`."""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Serve
from tests.cli.test_one_shot import key
from tests.cli.test_resume import newest


@pytest.fixture
def two(run: Run) -> list[str]:
    """Two sessions, the older one first."""
    ids = []
    for prompt in ("remember the teapot", "date"):
        assert run("-z", prompt).returncode == 0
        ids.append(newest(run))
    return ids


def test_list_shows_the_newest_first_with_how_it_began(run: Run, two: list[str]) -> None:
    lines = run("sessions", "list").stdout.splitlines()
    assert lines[0].split() == ["ID", "WHEN", "MESSAGES", "SOURCE", "TITLE"]
    assert [line.split()[0] for line in lines[1:]] == two[::-1]
    assert lines[1].endswith("date")


def test_list_filters(run: Run, two: list[str]) -> None:
    run("sessions", "rename", two[0], "The Teapot")
    listed = json.loads(run("sessions", "list", "--title", "teapot", "--json").stdout)
    assert [session["id"] for session in listed] == [two[0]]
    assert json.loads(run("sessions", "list", "--source", "telegram", "--json").stdout) == []


def test_show_and_stats(run: Run, two: list[str]) -> None:
    shown = run("sessions", "show", two[0]).stdout
    assert two[0] in shown
    assert "❯ remember the teapot" in shown
    stats = json.loads(run("sessions", "stats", "--json").stdout)
    assert (stats["sessions"], stats["by_source"]) == (2, {"cli": 2})


def test_search(run: Run, two: list[str]) -> None:
    hits = json.loads(run("sessions", "search", "teapot", "--json").stdout)
    assert {hit["session_id"] for hit in hits} == {two[0]}
    nothing = run("sessions", "search", "zeppelin")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "zeppelin" in nothing.stderr


def test_a_call_is_found_by_its_arguments_and_shown_as_text(run: Run, serve: Serve) -> None:
    arguments = {"command": "echo 'a teapot'", "env": {"tags": ["x"]}}
    url = serve({"calls": [{"name": "terminal", "arguments": arguments}]}, {"text": "Done."})
    run("-z", "do it", **key(url))
    found = run("sessions", "search", "teapot").stdout
    assert found.rstrip().endswith("terminal echo 'a teapot' x")


@pytest.mark.parametrize(("name", "start"), [("out.jsonl", '{"type":"session"'), ("out.md", "# ")])
def test_export_by_the_name_of_the_file(run: Run, two: list[str], work: Path, name: str, start: str) -> None:
    assert run("sessions", "export", two[0], name).returncode == 0
    text = (work / name).read_text()
    assert text.startswith(start)
    assert "remember the teapot" in text
    again = run("sessions", "export", two[0], name)
    assert again.returncode == 1
    assert "exists already" in again.stderr
    assert (work / name).read_text() == text


def test_export_to_standard_output_is_whole_json_lines(run: Run, two: list[str]) -> None:
    lines = [json.loads(line) for line in run("sessions", "export", two[0]).stdout.splitlines()]
    assert [line["type"] for line in lines][:2] == ["session", "message"]
    assert lines[1]["content"] == "remember the teapot"


def test_archive_takes_a_session_out_of_the_list(run: Run, two: list[str]) -> None:
    run("sessions", "archive", two[1])
    assert newest(run) == two[0]
    assert two[1] in run("sessions", "list", "--all").stdout
    run("sessions", "archive", "--undo", two[1])
    assert newest(run) == two[1]


def test_delete_asks_and_removes(run: Run, two: list[str]) -> None:
    unasked = run("sessions", "delete", two[0])
    assert unasked.returncode == 2
    assert "--yes" in unasked.stderr
    assert run("sessions", "delete", two[0], "--yes").returncode == 0
    assert two[0] not in run("sessions", "list").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["delete", "nosuch", "--yes"],
        ["show", "nosuch"],
        ["export", "nosuch"],
        ["archive", "nosuch"],
        ["rename", "nosuch", "title"],
        ["import", "nosuch.db"],
    ],
)
def test_a_missing_session_exits_1(run: Run, arguments: list[str]) -> None:
    done = run("sessions", *arguments)
    assert done.returncode == 1
    assert "nosuch" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_delete_removes_none_when_one_of_them_is_missing(run: Run, two: list[str]) -> None:
    assert run("sessions", "delete", two[0], "nosuch", "--yes").returncode == 1
    assert two[0] in run("sessions", "list").stdout


def ends(run: Run) -> dict[str, str | None]:
    """Session -> why it ended, None when it has not."""
    listed = json.loads(run("sessions", "list", "--json").stdout)
    return {session["id"]: session["end_reason"] if session["ended_at"] else None for session in listed}


def test_what_nobody_is_in_has_ended_and_can_be_pruned(run: Run, two: list[str]) -> None:
    run(stdin="date\n/new\ndate\n/quit\n")
    assert sorted(filter(None, ends(run).values())) == ["left", "new_session", "oneshot", "oneshot"]
    assert run("--resume", two[0], stdin="/quit\n").returncode == 0
    assert run("chat", "-q", "date", "--resume", two[1]).returncode == 0
    assert (ends(run)[two[0]], ends(run)[two[1]]) == ("left", "oneshot")
    assert "No session that has ended" in run("sessions", "prune", "--older-than", "1", "--yes").stdout
    dry = run("sessions", "prune", "--older-than", "0", "--dry-run")
    assert len(dry.stdout.splitlines()) == 4
    assert run("sessions", "prune", "--older-than", "0").returncode == 2
    assert "4 sessions deleted" in run("sessions", "prune", "--older-than", "0", "--yes").stdout


def change_store(home: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(home / "hermes.db")) as connection, connection:
        connection.execute(statement, values)


@pytest.mark.parametrize("arguments", [["-z", "date"], ["chat", "-q", "date"], ["chat"]])
def test_the_daily_clean_up_takes_old_sessions_where_that_is_wanted(
    run: Run, home: Path, two: list[str], arguments: list[str]
) -> None:
    old = time.time() - 91 * 86_400
    change_store(home, "UPDATE sessions SET updated_at = ? WHERE id = ?", old, two[0])
    for wanted, left in (("false", True), ("true", False)):
        run("config", "set", "sessions.auto_prune", wanted)
        change_store(home, "DELETE FROM store_facts WHERE name = 'maintained_at'")
        assert run(*arguments, stdin="date\n").returncode == 0
        assert (two[0] in ends(run)) is left
    assert two[1] in ends(run)


def test_a_day_is_not_cleaned_up_twice(run: Run, home: Path, two: list[str]) -> None:
    change_store(home, "UPDATE sessions SET updated_at = 1 WHERE id = ?", two[0])
    run("config", "set", "sessions.auto_prune", "true")
    assert run("-z", "date").returncode == 0
    assert two[0] in ends(run)


def test_repair_builds_the_index_anew(run: Run, two: list[str], home: Path) -> None:
    (home / "search.db").write_bytes(b"no index at all")
    done = run("sessions", "repair")
    assert done.returncode == 0, done.stderr
    assert "sound" in done.stdout
    assert two[0] in run("sessions", "search", "teapot").stdout


def test_a_damaged_store_is_refused_and_left_alone(run: Run, home: Path) -> None:
    run("config", "path")
    (home / "hermes.db").write_bytes(b"this is no database" * 100)
    for arguments in (["sessions", "list"], ["-z", "hello"]):
        done = run(*arguments)
        assert done.returncode == 1
        assert "hermes.db" in done.stderr
        assert "Traceback" not in done.stderr
    assert (home / "hermes.db").read_bytes() == b"this is no database" * 100


def test_import_refuses_a_file_that_is_no_store(run: Run, work: Path) -> None:
    connection = sqlite3.connect(work / "other.db")
    connection.execute("CREATE TABLE things (id INTEGER)")
    connection.close()
    done = run("sessions", "import", "other.db")
    assert done.returncode == 1
    assert "other.db" in done.stderr
