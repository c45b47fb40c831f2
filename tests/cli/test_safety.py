"""What holds whatever the model does, seen from outside: real processes, a scripted model server."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from tests.cli.conftest import Run, Serve
from tests.cli.terminal import Terminal


def key(base_url: str) -> dict[str, str]:
    return {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "test-key"}


def writing(path: Path | str, content: str = "x") -> dict[str, object]:
    return {"calls": [{"name": "write_file", "arguments": {"path": str(path), "content": content}}]}


# Where the file tools write


def test_the_safe_roots_confine_the_file_tools(run: Run, serve: Serve, work: Path, tmp_path: Path) -> None:
    inside, also, outside = work / "in", tmp_path / "also", work / "out"
    roots = f"{inside}:{also}"
    url = serve(
        writing(inside / "a"),
        writing(also / "b"),
        writing(outside / "c"),
        writing(inside / ".." / "out" / "d"),
        {"text": "Done."},
    )
    done = run("chat", "-q", "write", HERMES_WRITE_SAFE_ROOT=roots, **key(url))
    assert ((inside / "a").exists(), (also / "b").exists(), outside.exists()) == (True, True, False)
    assert done.stderr.count("can't be") == 2


def test_the_safe_roots_may_stand_in_the_env_file(run: Run, serve: Serve, work: Path, home: Path) -> None:
    home.mkdir()
    (home / ".env").write_text(f"HERMES_WRITE_SAFE_ROOT={work / 'in'}\n")
    run("-z", "write", **key(serve(writing(work / "out"), {"text": "Done."})))
    assert not (work / "out").exists()


@pytest.mark.parametrize("value", ["here", "/a:there", ":"])
def test_safe_roots_that_mean_nothing_are_refused(run: Run, value: str) -> None:
    done = run("-z", "hello", HERMES_WRITE_SAFE_ROOT=value)
    assert done.returncode != 0
    assert done.stderr.startswith(f"hermes: HERMES_WRITE_SAFE_ROOT is '{value}'; it must be absolute")


# The administrator's overlay

MANAGED = """
approvals: {mode: manual}
model: {default: managed-model, provider: custom}
agent: {max_turns: 2, system_prompt: Managed words.}
toolsets: [file]
"""


@pytest.fixture
def managed(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "managed"
    folder.mkdir()
    (folder / "config.yaml").write_text(MANAGED)
    return {"HERMES_MANAGED_DIR": str(folder)}


def last_session(run: Run, **variables: str) -> dict[str, Any]:
    listed = json.loads(run("sessions", "list", "-n", "1", "--json", **variables).stdout)
    return cast(dict[str, Any], listed[0])


def held(option: str, key: str, managed: dict[str, str]) -> str:
    file = f"{managed['HERMES_MANAGED_DIR']}/config.yaml"
    why = f"`{key}` is set by this machine's administrator in {file} and can't be changed here."
    return f"hermes: {option} has no effect: {why}"


DELETE = {"calls": [{"name": "terminal", "arguments": {"command": "rm -rf build"}}]}


@pytest.mark.parametrize("ignoring", [[], ["--ignore-user-config"]])
def test_no_option_beats_the_overlay(
    run: Run, serve: Serve, work: Path, home: Path, managed: dict[str, str], ignoring: list[str]
) -> None:
    (work / "build").mkdir()
    home.mkdir()
    (home / "config.yaml").write_text(
        "display: {personality: pirate}\npersonalities: {pirate: Say arr.}\nagent: {max_turns: 50}\n"
    )
    variables = {**key(serve(DELETE, DELETE, {"text": "Done."})), **managed}
    asked = ["--yolo", "-m", "mine", "--provider", "anthropic", "--max-turns", "9", "-t", "terminal"]
    done = run("chat", "-q", "delete it", *asked, *ignoring, HERMES_INFERENCE_MODEL="other", **variables)
    assert done.stderr.splitlines()[:5] == [
        held("--yolo", "approvals.mode", managed),
        held("-m", "model.default", managed),
        held("--provider", "model.provider", managed),
        held("--max-turns", "agent.max_turns", managed),
        held("-t", "toolsets", managed),
    ]
    assert (work / "build").exists()
    session = last_session(run, **managed)
    assert session["model"] == "managed-model"
    assert "Managed words." in session["system_prompt"]
    assert "Say arr." not in session["system_prompt"]


def test_the_yolo_variable_does_not_beat_the_overlay(
    run: Run, serve: Serve, work: Path, tmp_path: Path
) -> None:
    (work / "build").mkdir()
    folder = tmp_path / "managed"
    folder.mkdir()
    (folder / "config.yaml").write_text("approvals: {mode: manual}\n")
    managed = {"HERMES_MANAGED_DIR": str(folder)}
    variables = {**key(serve(DELETE, {"text": "Done."})), **managed}
    done = run("chat", "-q", "delete it", HERMES_YOLO_MODE="1", **variables)
    assert (work / "build").exists()
    assert done.stderr.splitlines()[0] == held("HERMES_YOLO_MODE", "approvals.mode", managed)


@pytest.mark.parametrize("line", ["/yolo", "/model mine", "/model --provider demo", "/personality none"])
def test_no_slash_command_beats_the_overlay(
    run: Run, serve: Serve, work: Path, managed: dict[str, str], line: str
) -> None:
    done = run("chat", stdin=f"{line}\n", **{**key(serve({"text": "Done."})), **managed})
    assert "is set by this machine's administrator in" in done.stderr


def test_no_env_file_names_another_overlay(run: Run, home: Path, tmp_path: Path) -> None:
    home.mkdir()
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.yaml").write_text("agent: {max_turns: 7}\n")
    (home / ".env").write_text(f"HERMES_MANAGED_DIR={folder}\n")
    assert run("config", "get", "agent.max_turns").stdout == "90\n"
    named = run("config", "get", "agent.max_turns", HERMES_MANAGED_DIR=str(folder))
    assert named.stdout == "7\n"


# Secrets in what the model writes

SECRET = "sk-aB3dE5gH7jK9mN1pQ3sT5vW7yZ"
KNOWN = "swordfish-please"
ANSWER = f"The key is {SECRET} and the word {KNOWN}."
SHOWN = "The key is sk-aB3...W7yZ and the word ***."


def replies() -> list[dict[str, object]]:
    command = f"true {KNOWN} {SECRET}"
    return [
        {"text": f"I use {KNOWN}.", "calls": [{"name": "terminal", "arguments": {"command": command}}]},
        {"text": ANSWER},
    ]


def test_the_models_words_are_masked_wherever_they_are_shown(
    run: Run, serve: Serve, work: Path, home: Path
) -> None:
    variables = {**key(serve(*replies())), "MY_TOKEN": KNOWN}
    chat = run("chat", stdin="tell me\n/save said.md\n", **variables)
    assert SHOWN in chat.stdout
    session = last_session(run, **variables)["id"]
    outputs = [
        chat.stdout,
        chat.stderr,
        (work / "said.md").read_text(),
        *(
            run(*command.split(), **variables).stdout
            for command in (
                f"sessions show {session}",
                f"sessions export {session}",
                f"sessions export --format md {session}",
                "sessions search word",
                "sessions search --json word",
            )
        ),
    ]
    assert all("sk-aB3...W7yZ" in text or "sk-aB3" not in text for text in outputs)
    for text in outputs:
        assert SECRET not in text
        assert KNOWN not in text
    assert sum("sk-aB3...W7yZ" in text for text in outputs) >= 6


def test_the_transcript_keeps_the_models_exact_words(run: Run, serve: Serve, home: Path) -> None:
    variables = {**key(serve(*replies())), "MY_TOKEN": KNOWN}
    run("-z", "tell me", **variables)
    with sqlite3.connect(home / "hermes.db") as store:
        rows = store.execute("SELECT content FROM messages WHERE role = 'assistant' ORDER BY id").fetchall()
    assert rows == [(f"I use {KNOWN}.",), (ANSWER,)]


def test_the_chat_on_a_terminal_masks_what_streams(
    terminal: Callable[..., Terminal], serve: Serve, plain_environment: dict[str, str]
) -> None:
    chat = terminal("chat", MY_TOKEN=KNOWN, **key(serve({"text": ANSWER})))
    chat.wait_for("❯")
    chat.type("tell me\r")
    chat.wait_for("the word ***")
    assert "sk-aB3...W7yZ" in chat.text()
