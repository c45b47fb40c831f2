"""`hermes config`."""

import json
import re
from pathlib import Path

from tests.cli.conftest import Run


def test_paths(run: Run, home: Path) -> None:
    assert run("config", "path").stdout == f"{home / 'config.yaml'}\n"
    assert run("config", "env-path").stdout == f"{home / '.env'}\n"


def test_set_get_and_unset(run: Run, home: Path) -> None:
    assert run("config", "get", "agent.max_turns").stdout == "90\n"
    done = run("config", "set", "agent.max_turns", "12")
    assert (done.returncode, done.stdout) == (0, f"✓ agent.max_turns = 12  ({home / 'config.yaml'})\n")
    assert run("config", "get", "agent.max_turns").stdout == "12\n"
    assert json.loads(run("config", "get", "agent", "--json").stdout)["max_turns"] == 12
    assert run("config", "unset", "agent.max_turns").returncode == 0
    assert run("config", "get", "agent.max_turns").stdout == "90\n"
    assert run("config", "unset", "agent.max_turns").returncode == 1


def test_secrets_go_to_the_env_file_and_are_not_shown(run: Run, home: Path) -> None:
    done = run("config", "set", "OPENROUTER_API_KEY", "sk-or-secret-value")
    assert "sk-or-secret-value" not in done.stdout + done.stderr
    assert "sk-or-secret-value" in (home / ".env").read_text()
    assert (home / ".env").stat().st_mode & 0o777 == 0o600
    shown = run("config", "show").stdout
    assert "OPENROUTER_API_KEY" in shown
    assert "sk-or-secret-value" not in shown


def test_get_masks_secrets_and_says_where_they_are(run: Run, home: Path) -> None:
    run("config", "set", "OPENROUTER_API_KEY", "sk-or-secret-value")
    run("config", "set", "providers.mine.api_key", "hidden-thing")
    for arguments, holder in (
        (["OPENROUTER_API_KEY"], home / ".env"),
        (["OPENROUTER_API_KEY", "--json"], home / ".env"),
        (["providers.mine.api_key"], home / "config.yaml"),
        (["providers", "--json"], home / "config.yaml"),
    ):
        done = run("config", "get", *arguments)
        assert done.returncode == 0
        assert "********" in done.stdout
        assert not any(secret in done.stdout for secret in ("sk-or-secret-value", "hidden-thing"))
        assert done.stderr == f"hermes: the secret is masked here; {holder} holds it.\n"
    given = run("config", "get", "GROQ_API_KEY", GROQ_API_KEY="gsk-secret")
    assert (given.stdout, "the environment of this shell holds it" in given.stderr) == ("********\n", True)


def test_variables_that_are_read_go_to_the_env_file(run: Run, home: Path) -> None:
    url = "http://127.0.0.1:8000/v1"
    done = run("config", "set", "OPENAI_BASE_URL", url)
    assert (done.returncode, done.stdout) == (0, f"✓ OPENAI_BASE_URL = {url}  ({home / '.env'})\n")
    got = run("config", "get", "OPENAI_BASE_URL")
    assert (got.stdout, got.stderr) == (f"{url}\n", "")
    refused = run("config", "set", "HERMES_HOME", "/elsewhere")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"HERMES_HOME is not read from {home / '.env'}" in refused.stderr
    assert run("config", "set", "MY_HOST", "a", "--force").returncode == 0
    assert (home / ".env").read_text() == f"OPENAI_BASE_URL={url}\nMY_HOST=a\n"
    assert run("config", "unset", "MY_HOST").returncode == 0


def test_a_variable_that_stands_for_a_setting_has_its_type(run: Run, home: Path) -> None:
    refused = run("config", "set", "TERMINAL_TIMEOUT", "soon")
    assert refused.returncode == 1
    assert "TERMINAL_TIMEOUT" in refused.stderr
    assert not (home / ".env").exists()
    assert run("config", "set", "TERMINAL_TIMEOUT", "5").returncode == 0
    assert run("config", "get", "terminal.timeout").stdout == "5\n"


def test_show_indents_what_stands_in_a_section(run: Run, home: Path) -> None:
    lines = run("config", "show").stdout.splitlines()
    assert lines[:2] == ["Paths", f"  home     {home}"]
    assert any(re.fullmatch("  max_turns +90", line) for line in lines)


def test_show_masks_secrets_of_the_file(run: Run, home: Path) -> None:
    run("config", "path")
    (home / "config.yaml").write_text(
        "providers:\n  mine:\n    base_url: http://localhost\n    api_key: hidden-thing\n"
    )
    for arguments in (["config", "show"], ["config", "show", "--json"]):
        assert "hidden-thing" not in run(*arguments).stdout
    assert json.loads(run("config", "show", "--json").stdout)["providers"]["mine"]["api_key"] == "********"


def test_what_is_wrong_is_named(run: Run) -> None:
    for arguments, sentence in (
        (["get", "agent.max_turn"], "did you mean `agent.max_turns`?"),
        (["set", "agent.max_turn", "3"], "did you mean `agent.max_turns`?"),
        (["set", "agent.max_turns", "many"], "agent.max_turns"),
        (["get", "NOSUCH_API_KEY"], "NOSUCH_API_KEY is not set"),
    ):
        done = run("config", *arguments)
        assert done.returncode == 1
        assert sentence in done.stderr
        assert done.stdout == ""


def test_check_tells_unknown_keys_from_kept_ones(run: Run, home: Path) -> None:
    assert run("config", "check").returncode == 0
    (home / "config.yaml").write_text("kanban:\n  auto_decompose: true\n")
    kept = run("config", "check")
    assert kept.returncode == 0
    assert "has no effect here yet" in kept.stdout
    (home / "config.yaml").write_text("agent:\n  max_turn: 3\n")
    wrong = run("config", "check")
    assert wrong.returncode == 1
    assert "line 2" in wrong.stdout


def test_edit_checks_what_was_written(run: Run, work: Path) -> None:
    editor = work / "editor"
    editor.write_text('#!/bin/sh\nprintf "agent:\\n  max_turns: lots\\n" > "$1"\n')
    editor.chmod(0o755)
    done = run("config", "edit", EDITOR=str(editor))
    assert done.returncode == 1
    assert "agent.max_turns" in done.stderr


def test_migrate_changes_nothing(run: Run, home: Path) -> None:
    run("config", "path")
    text = "max_turns: 7  # an old name\n"
    (home / "config.yaml").write_text(text)
    done = run("config", "migrate")
    assert done.returncode == 0
    assert "→ agent.max_turns" in done.stdout
    assert (home / "config.yaml").read_text() == text
    assert run("config", "get", "agent.max_turns").stdout == "7\n"
