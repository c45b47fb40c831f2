"""What a request costs: a small prompt, and a prefix that never changes within a session."""

import itertools
import json

import pytest

from hermes.testing.model_server import ModelServer
from hermes.testing.script import Call, Reply

from .conftest import Command

pytestmark = pytest.mark.anyio
BASE_BYTES = 16_000


async def test_hello_is_a_small_request(command: Command) -> None:
    async with ModelServer([Reply(text="Hello.")]) as server:
        done = await command("-z", "hello", environment={"OPENAI_BASE_URL": server.base_url})
        assert done.exit_code == 0
        (asked,) = [request for request in server.requests if request.method == "POST"]
    assert {tool["function"]["name"] for tool in asked.json["tools"]} >= {
        "terminal", "process", "read_file", "write_file", "patch", "search_files", "todo", "memory",
        "session_search", "clarify",
    }  # fmt: skip
    assert len(asked.body) < BASE_BYTES


async def test_the_prefix_is_byte_stable_over_ten_turns(command: Command) -> None:
    replies = []
    for turn in range(10):
        replies.append(Reply(calls=(Call(name="terminal", arguments={"command": f"echo {turn}"}),)))
        replies.append(Reply(text=f"Turn {turn}."))
    async with ModelServer(replies) as server:
        environment = {"OPENAI_BASE_URL": server.base_url, "HERMES_INFERENCE_MODEL": "scripted-model"}
        first = await command("chat", "-q", "turn 0", "-Q", environment=environment)
        session = first.err.split("session_id:")[1].split()[0]
        for turn in range(1, 10):
            done = await command(
                "chat", "-q", f"turn {turn}", "-Q", "--resume", session, environment=environment
            )
            assert done.exit_code == 0, done.err
        bodies = [request.body for request in server.requests if request.method == "POST"]
    assert len(bodies) == 20
    for before, after in itertools.pairwise(bodies):
        assert after.startswith(_up_to_the_last_message(before))
        assert json.loads(before)["tools"] == json.loads(after)["tools"]


def _up_to_the_last_message(body: bytes) -> bytes:
    """The bytes from the start through the last message of a request."""
    messages = json.loads(body)["messages"]
    last = json.dumps(messages[-1], separators=(",", ":"), ensure_ascii=False).encode()
    return body[: body.index(last) + len(last)]
