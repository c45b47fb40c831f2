"""The interactive chat on a real pseudo-terminal, seen as a person sees it."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hermes.cli.interactive.dialog import GRACE_SECONDS
from tests.cli.conftest import Run, Serve
from tests.cli.terminal import Terminal
from tests.cli.test_one_shot import key

Open = Callable[..., Terminal]

SLOW = {"text": "word " * 30, "delay": 0.1, "chunk_chars": 5}


@pytest.mark.parametrize(("columns", "rows"), [(40, 20), (80, 24), (200, 50)])
def test_a_whole_conversation_at_every_size(terminal: Open, columns: int, rows: int) -> None:
    chat = terminal(columns=columns, rows=rows)
    chat.wait_for("DEMO MODEL (offline)")
    chat.line("run echo tea-$((1+1))")
    chat.wait_for("✓")
    text = chat.wait_for("tea-2")
    assert "❯ run echo tea" in text
    assert max(map(len, text.splitlines())) <= columns
    chat.type("\x04")
    assert chat.wait() == 0
    assert "hermes --resume" in chat.wait_for("To go on")


def test_no_color_has_no_colours(terminal: Open) -> None:
    chat = terminal(NO_COLOR="1")
    chat.line("run echo hi")
    chat.wait_for("✓")
    chat.type("\x04")
    chat.wait()
    codes = {
        code
        for part in chat.raw.split(b"\x1b[")[1:]
        for code in part.split(b"m")[0].split(b";")
        if b"m" in part
    }
    colours = {
        code
        for code in codes
        if code.isdigit() and (30 <= int(code) <= 38 or 40 <= int(code) <= 48 or int(code) >= 90)
    }
    assert colours == set()


def test_leaving_a_dumb_terminal_ends_the_line_of_the_prompt(terminal: Open) -> None:
    chat = terminal(TERM="dumb")
    chat.wait_for("\n>")
    chat.type("\x04")
    assert chat.wait() == 0
    lines = chat.text().splitlines()
    assert lines[-2].strip() == ">"
    assert lines[-1].startswith("session_id: ")


def test_a_dumb_terminal_gets_plain_lines(terminal: Open) -> None:
    chat = terminal(TERM="dumb")
    chat.wait_for("\n>")
    chat.type("run echo hi\n")
    chat.wait_for("✓")
    chat.type("/quit\n")
    assert chat.wait() == 0
    assert b"\x1b" not in chat.raw


def test_what_is_typed_while_output_streams_is_not_lost(terminal: Open, serve: Serve) -> None:
    chat = terminal(**key(serve(SLOW, {"echo": True})))
    chat.line("begin")
    chat.wait_for("word word")
    for letter in "typed meanwhile":
        chat.type(letter)
    chat.wait_for("❯ typed meanwhile")
    chat.wait_for("/help")
    chat.type("\r")
    chat.wait_for("typed meanwhile", times=2)


def test_ctrl_c_stops_the_run_and_twice_leaves(terminal: Open, serve: Serve, run: Run) -> None:
    chat = terminal(**key(serve(SLOW)))
    chat.line("begin")
    chat.wait_for("word word")
    chat.type("\x03")
    chat.wait_for("■ interrupted")
    chat.wait_for("/help")
    chat.type("\x03\x03")
    assert chat.wait() == 0
    assert len(json.loads(run("sessions", "list", "--json").stdout)) == 1


@pytest.mark.parametrize("mode", ["interrupt", "queue", "steer"])
def test_a_line_sent_while_a_run_works(terminal: Open, serve: Serve, run: Run, mode: str) -> None:
    run("config", "set", "display.busy_input_mode", mode)
    work = {"calls": [{"name": "terminal", "arguments": {"command": "sleep 2; echo slept"}}]}
    chat = terminal(**key(serve(work, {"text": "Answer {n}.", "repeat": "forever"}, follow="arrival")))
    chat.line("first")
    chat.wait_for("terminal sleep 2")
    chat.line("second thought")
    if mode == "steer":
        chat.wait_for("↪ second thought")
        assert "Answer 2." not in chat.wait_for("Answer 1.")
        return
    if mode == "queue":
        chat.wait_for("⧗ second thought")
        chat.wait_for("Answer 2.")
    else:
        chat.wait_for("■ interrupted")
        chat.wait_for("Answer 1.")
    text = chat.wait_for("❯ second thought")
    assert ("■ interrupted" in text) == (mode == "interrupt")


def ask_to_delete(terminal: Open, serve: Serve, work: Path) -> Terminal:
    (work / "build").mkdir()
    url = serve(
        {"calls": [{"name": "terminal", "arguments": {"command": "rm -rf build"}}]}, {"text": "That was it."}
    )
    chat = terminal(**key(url))
    chat.line("clean up")
    chat.wait_for("Always allow")
    return chat


def test_an_approval_shows_why_and_escape_denies(terminal: Open, serve: Serve, work: Path) -> None:
    chat = ask_to_delete(terminal, serve, work)
    assert "! recursive delete" in chat.text()
    chat.wait_for("❯ 4. Deny")
    time.sleep(GRACE_SECONDS + 0.1)
    chat.type("\x1b")
    chat.wait_for("denied: by you")
    chat.wait_for("That was it.")
    assert (work / "build").exists()


@pytest.mark.parametrize("columns", [40, 80])
def test_no_part_of_a_command_is_approved_unseen(
    terminal: Open, serve: Serve, work: Path, columns: int
) -> None:
    steps = " && ".join(f"echo step-{number}" for number in range(60))
    command = f"rm -rf build && {steps} && touch the-very-end"
    url = serve(
        {"calls": [{"name": "terminal", "arguments": {"command": command}}]}, {"text": "That was it."}
    )
    chat = terminal(columns=columns, rows=20, **key(url))
    chat.line("clean up")
    text = "".join(chat.wait_for("! recursive delete").split())
    assert "".join(command.split()) in text


def test_an_approval_can_be_given(terminal: Open, serve: Serve, work: Path) -> None:
    chat = ask_to_delete(terminal, serve, work)
    time.sleep(GRACE_SECONDS + 0.1)
    chat.type("1")
    chat.wait_for("❯ 1. Allow once")
    chat.type("\r")
    chat.wait_for("approved once")
    chat.wait_for("That was it.")
    assert not (work / "build").exists()


def test_no_answer_in_time_is_a_no(terminal: Open, serve: Serve, work: Path, run: Run) -> None:
    run("config", "set", "approvals.timeout", "1")
    chat = ask_to_delete(terminal, serve, work)
    chat.wait_for("denied: nobody answered in time")
    assert (work / "build").exists()
    chat.wait_until_gone("Always allow")


def test_a_question_of_the_model_is_answered(terminal: Open, serve: Serve) -> None:
    question = {"question": "Which colour?", "choices": ["red", "green"]}
    chat = terminal(
        **key(serve({"calls": [{"name": "clarify", "arguments": question}]}, {"text": "Thanks."}))
    )
    chat.line("paint it")
    chat.wait_for("Something else")
    time.sleep(GRACE_SECONDS + 0.1)
    chat.type("\r")
    chat.wait_for("? Which colour?")
    chat.type("blue as the sea")
    chat.wait_for("? blue as the sea")
    chat.type("\r")
    chat.wait_for("→ blue as the sea")
    chat.wait_for("Thanks.")


def test_a_long_paste_collapses_and_is_sent_in_full(terminal: Open, serve: Serve, run: Run) -> None:
    chat = terminal(**key(serve({"text": "Read.", "repeat": "forever"})))
    chat.wait_for("❯")
    chat.paste("\n".join(f"line {number}" for number in range(1, 13)))
    chat.wait_for("[pasted #1: 12 lines]")
    chat.type("\r")
    chat.wait_for("Read.")
    session = json.loads(run("sessions", "list", "--json").stdout)[0]["id"]
    assert "line 1\\nline 2" in run("sessions", "export", session).stdout


def test_enter_sends_and_alt_enter_breaks_the_line(terminal: Open, serve: Serve) -> None:
    chat = terminal(**key(serve({"text": "Read.", "repeat": "forever"})))
    chat.wait_for("❯")
    chat.type("one")
    chat.type("\x1b\r")
    chat.type("two")
    chat.wait_for("  two")
    assert "Read." not in chat.text()
    chat.type("\r")
    chat.wait_for("Read.")


def test_tab_completes_commands(terminal: Open) -> None:
    chat = terminal()
    chat.wait_for("❯")
    chat.type("/vers")
    chat.wait_for("Show the version.")
    chat.type("\t")
    chat.wait_for("❯ /version")
    chat.type("\r\r")
    chat.wait_for("hermes 0.", times=2)


def test_the_history_comes_back_and_is_private(terminal: Open, home: Path) -> None:
    chat = terminal()
    chat.line("run echo remembered")
    chat.wait_for("✓")
    chat.type("\x04")
    chat.wait()
    file = home / ".hermes_history"
    assert "run echo remembered" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    again = terminal()
    again.wait_for("❯")
    again.type("\x1b[A")
    again.wait_for("❯ run echo remembered")


def test_resuming_shows_what_it_was_about(terminal: Open, run: Run) -> None:
    run("-z", "remember that I like tea")
    chat = terminal("--continue")
    text = chat.wait_for("Resumed")
    assert "❯ remember that I like tea" in text


def test_destructive_commands_ask_first(terminal: Open) -> None:
    chat = terminal()
    chat.line("date")
    chat.wait_for("✓")
    chat.wait_for("/help")
    chat.line("/undo")
    chat.wait_for("Take back the last 1 exchange?")
    chat.type("\x03")
    chat.wait_until_gone("Take back the last")
    assert "Taken back" not in chat.text()


def test_an_edit_shows_its_diff(terminal: Open, serve: Serve, work: Path) -> None:
    (work / "a.txt").write_text("one\ntwo\n")
    edit = {"path": "a.txt", "old_string": "two", "new_string": "three"}
    calls = [{"name": "read_file", "arguments": {"path": "a.txt"}}]
    chat = terminal(
        **key(serve({"calls": calls}, {"calls": [{"name": "patch", "arguments": edit}]}, {"text": "Done."}))
    )
    chat.line("edit it")
    text = chat.wait_for("Done.")
    assert "  -two" in text
    assert "  +three" in text


def test_the_editor_brings_its_text_back(terminal: Open, serve: Serve, work: Path) -> None:
    editor = work / "editor"
    editor.write_text('#!/bin/sh\nprintf "from the editor" > "$1"\n')
    editor.chmod(0o755)
    chat = terminal(EDITOR=str(editor), **key(serve({"echo": True, "repeat": "forever"})))
    chat.wait_for("❯")
    chat.type("\x07")
    chat.wait_for("❯ from the editor")


def test_a_colour_sequence_that_is_typed_raises_nothing(terminal: Open, serve: Serve) -> None:
    chat = terminal(**key(serve({"echo": True})))
    chat.wait_for("❯")
    chat.type("\x1b[31mred\x1b[12;40R")
    chat.wait_for("❯ red")
    assert "Exception" not in chat.text()
