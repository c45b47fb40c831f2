"""Equal questions become equal bytes, and one request's bytes begin the next one's."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest

from hermes.models.contract import ModelRequest, ToolSpec
from hermes.models.wires.conversation import encode_body
from hermes.store.records import Message
from hermes.testing.model_server import ModelServer
from hermes.testing.script import Call, Reply, Script

pytestmark = pytest.mark.anyio

WIRES = ["chat_completions", "responses", "messages"]
TOOLS = (ToolSpec("terminal", "Runs a command.", {"type": "object", "properties": {"b": {}, "a": {}}}),)
SCRIPT = Script(
    replies=(
        Reply(
            text="Step {n} ☂.",
            reasoning="Hm {n}.",
            calls=(Call(name="terminal", arguments='{ "z": {n},  "a": "ü" }'), Call(name="terminal")),
            repeat="forever",
        ),
    )
)


async def ten_turns(ask: Any, wire: str, **fields: Any) -> list[bytes]:
    """The bodies of ten requests of one conversation, as they arrived."""
    rows: list[Message] = [Message(role="user", content="Go")]
    async with ModelServer(SCRIPT) as server:
        for turn in range(10):
            request = ModelRequest(system="Be brief.", messages=tuple(rows), tools=TOOLS, session_id="s")
            events = await ask(wire, request=request, server=server, **fields)
            reply = events[-1].reply
            assert len(reply.tool_calls) == 2
            rows.append(
                Message(
                    role="assistant", content=reply.text, tool_calls=reply.tool_calls, replay=reply.replay
                )
            )
            rows.extend(
                Message(role="tool", content=f"Result {turn}", tool_call_id=call.id)
                for call in reply.tool_calls
            )
            # As the store gives them back, not as they were made.
            rows = msgspec.json.decode(msgspec.json.encode(rows), type=list[Message])
    return [request.body for request in server.requests]


@pytest.mark.parametrize("wire", WIRES)
async def test_each_request_begins_with_the_one_before(ask: Any, wire: str) -> None:
    bodies = await ten_turns(ask, wire, model="deepseek-x", reasoning_style="effort")
    for earlier, later in pairwise(bodies):
        assert earlier.endswith(b"]}")
        assert later.startswith(earlier.removesuffix(b"]}") + b",")


@pytest.mark.parametrize("wire", ["chat_completions", "messages"])
async def test_cache_markers_change_nothing_but_themselves(ask: Any, wire: str) -> None:
    bodies = await ten_turns(ask, wire, cache="blocks" if wire == "messages" else "envelope")
    marker = b',"cache_control":{"type":"ephemeral"}'
    assert [body.count(b'"cache_control"') for body in bodies[2:]] == [4] * 8
    plain = [body.replace(marker, b"") for body in bodies]
    assert all(b"cache_control" not in body for body in plain)
    for earlier, later in pairwise(plain):
        assert later.startswith(earlier.removesuffix(b"]}") + b",")


@pytest.mark.parametrize("wire", WIRES)
async def test_the_bytes_are_compact_and_in_a_fixed_order(ask: Any, wire: str) -> None:
    body = (await ten_turns(ask, wire))[0]
    assert body == encode_body(msgspec.json.decode(body))
    assert body.startswith(b'{"model":"m",')


async def test_a_marker_of_an_hour_and_where_the_markers_are(body_of: Any) -> None:
    rows = tuple(
        Message(role="user" if index % 2 == 0 else "assistant", content=f"Row {index}") for index in range(5)
    )
    request = ModelRequest(system="Be brief.", messages=rows)
    hour = {"type": "ephemeral", "ttl": "1h"}
    chat = (await body_of("chat_completions", request, cache="envelope", cache_ttl="1h"))["messages"]
    assert [message["content"][-1].get("cache_control") for message in chat] == [
        hour,
        None,
        None,
        hour,
        hour,
        hour,
    ]
    body = await body_of("messages", request, cache="blocks", cache_ttl="1h")
    assert body["system"][0]["cache_control"] == hour
    assert [message["content"][-1].get("cache_control") for message in body["messages"]] == [
        None,
        None,
        hour,
        hour,
        hour,
    ]
    assert "cache_control" not in encode_body(await body_of("messages", request)).decode()
