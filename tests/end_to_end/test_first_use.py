"""The first minute on a fresh machine, without a key and without a network."""

import json
from pathlib import Path

import pytest

from hermes.testing.model_server import ModelServer
from hermes.testing.script import Call, Reply

from .conftest import Command

pytestmark = pytest.mark.anyio
REQUEST = "list the files here and remember that I like tea"


async def test_the_demo_model_does_two_real_calls_and_says_what_it_is(
    command: Command, tmp_path: Path, plain_environment: dict[str, str]
) -> None:
    (tmp_path / "work" / "shopping.txt").write_text("milk\n")
    done = await command("chat", "-q", REQUEST)
    assert done.exit_code == 0
    assert "shopping.txt" in done.out
    assert "demo" in done.out.lower()
    memories = Path(plain_environment["HERMES_HOME"]) / "memories"
    assert any("tea" in file.read_text() for file in memories.glob("*.md"))


async def test_what_was_remembered_is_in_the_next_sessions_prompt(command: Command) -> None:
    await command("-z", "remember that I like tea")
    async with ModelServer([Reply(text="You like tea.")]) as server:
        done = await command("-z", "what do I like?", environment={"OPENAI_BASE_URL": server.base_url})
        assert done == (0, "You like tea.\n", done.err)
        (asked,) = [request for request in server.requests if request.method == "POST"]
        assert "tea" in asked.json["messages"][0]["content"]


async def test_a_server_named_by_openai_base_url_answers(command: Command, tmp_path: Path) -> None:
    (tmp_path / "work" / "shopping.txt").write_text("milk\n")
    script = [
        Reply(
            calls=(
                Call(name="terminal", arguments={"command": "ls"}),
                Call(name="memory", arguments={"target": "user", "action": "add", "content": "Likes tea."}),
            )
        ),
        Reply(text="One file; and I will remember the tea."),
    ]
    async with ModelServer(script) as server:
        done = await command("chat", "-q", REQUEST, "-Q", environment={"OPENAI_BASE_URL": server.base_url})
        assert done.exit_code == 0
        assert done.out == "One file; and I will remember the tea.\n"
        assert "session_id:" in done.err
        results = [row["content"] for row in server.requests[-1].json["messages"] if row["role"] == "tool"]
    assert "shopping.txt" in results[0]
    assert json.loads(results[1])["success"] is True


async def test_a_configured_model_that_fails_is_an_error_and_never_the_demo(command: Command) -> None:
    async with ModelServer([Reply(status=401, error="bad key", repeat="forever")]) as server:
        done = await command("-z", "hello", environment={"OPENAI_BASE_URL": server.base_url})
    assert done.exit_code == 1
    assert done.out == ""
    assert "demo" not in done.err.lower()
    assert "Traceback" not in done.err


async def test_anything_the_demo_does_not_know_says_how_to_connect_a_model(command: Command) -> None:
    done = await command("-z", "write me a poem about the sea")
    assert "no language model is connected" in done.out.lower()
    assert len(done.out.strip().splitlines()) == 1
