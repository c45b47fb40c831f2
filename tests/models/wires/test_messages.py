"""What only Messages has: alternation, signed thinking, cache markers on blocks."""

from typing import Any

import pytest

from hermes.models.contract import ModelRequest, ToolSpec
from hermes.store.records import Image, Message, ToolCall
from hermes.testing.dialects.dialect import event
from hermes.testing.model_server import ModelServer
from hermes.testing.script import Call, Reply

pytestmark = pytest.mark.anyio

CLAUDE = {"model": "claude-opus-4-5", "provider": "anthropic"}
GO = Message(role="user", content="Go")


async def test_signed_thinking_goes_back_before_its_call(ask: Any, body_of: Any) -> None:
    script = [Reply(text="Now.", reasoning="Hm.", calls=(Call(name="f", arguments={"a": 1}, id="c1"),))]
    reply = (await ask("messages", script, **CLAUDE))[-1].reply
    row = Message(role="assistant", content="Now.", tool_calls=reply.tool_calls, replay=reply.replay)
    result = Message(role="tool", content="No", tool_call_id="c1", ok=False)
    body = await body_of("messages", ModelRequest(system="", messages=(GO, row, result)), **CLAUDE)
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "signed-0"},
                {"type": "text", "text": "Now."},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "No", "is_error": True}],
        },
    ]


async def test_redacted_and_late_thinking_keep_their_places(ask: Any, body_of: Any) -> None:
    blocks: list[dict[str, Any]] = [
        {"type": "redacted_thinking", "data": "sealed"},
        {"type": "text", "text": "Hi"},
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
    ]
    document = {"type": "message", "content": blocks, "stop_reason": "tool_use"}
    reply = (await ask("messages", [Reply(body=document)], **CLAUDE))[-1].reply
    row = Message(role="assistant", content=reply.text, tool_calls=reply.tool_calls, replay=reply.replay)
    body = await body_of("messages", ModelRequest(system="", messages=(GO, row)), **CLAUDE)
    assert body["messages"][1]["content"] == blocks


async def test_thinking_never_ends_a_message(ask: Any, body_of: Any) -> None:
    blocks = [{"type": "text", "text": "Hi"}, {"type": "thinking", "thinking": "Hm.", "signature": "s"}]
    document = {"type": "message", "content": blocks, "stop_reason": "end_turn"}
    reply = (await ask("messages", [Reply(body=document)], **CLAUDE))[-1].reply
    row = Message(role="assistant", content=reply.text, replay=reply.replay)
    body = await body_of("messages", ModelRequest(system="", messages=(GO, row)), **CLAUDE)
    assert [block["type"] for block in body["messages"][1]["content"]] == ["thinking", "text"]


async def test_unsigned_thinking_is_not_sent_back(ask: Any) -> None:
    document = {"content": [{"type": "thinking", "thinking": "Hm."}], "stop_reason": "end_turn"}
    reply = (await ask("messages", [Reply(body=document)], **CLAUDE))[-1].reply
    assert (reply.reasoning, reply.replay) == ("Hm.", ())


async def test_results_and_what_the_user_says_then_share_a_message(body_of: Any) -> None:
    calls = (ToolCall("c:1", "f", '{"a": 1}'), ToolCall("c:2", "g", "not json"))
    request = ModelRequest(
        system="Be brief.",
        messages=(
            GO,
            Message(role="user", content="Quick"),
            Message(role="assistant", tool_calls=calls),
            Message(role="tool", content="One", tool_call_id="c:1"),
            Message(role="tool", content="Two", tool_call_id="c:2"),
            Message(role="user", content="And?", images=(Image("data:image/png;base64,AAAA"),)),
        ),
        tools=(ToolSpec("f", "Does it.", {"type": "object"}),),
        max_output_tokens=50_000,
    )
    assert await body_of("messages", request, max_output_tokens=8000, **CLAUDE) == {
        "model": "claude-opus-4-5",
        "max_tokens": 8000,
        "stream": True,
        "tools": [{"name": "f", "description": "Does it.", "input_schema": {"type": "object"}}],
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Go"}, {"type": "text", "text": "Quick"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "c_1", "name": "f", "input": {"a": 1}},
                    {"type": "tool_use", "id": "c_2", "name": "g", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "c_1", "content": "One"},
                    {"type": "tool_result", "tool_use_id": "c_2", "content": "Two"},
                    {"type": "text", "text": "And?"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
                    },
                ],
            },
        ],
    }


async def test_a_transcript_that_begins_with_the_assistant_gets_an_opening(body_of: Any) -> None:
    request = ModelRequest(system="", messages=(Message(role="assistant", content="Hi"), GO))
    body = await body_of("messages", request, **CLAUDE)
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert "system" not in body


@pytest.mark.parametrize(
    ("model", "level", "said"),
    [
        ("claude-opus-4-5", "", {}),
        ("claude-opus-4-5", "none", {"thinking": {"type": "disabled"}}),
        ("claude-opus-4-5", "low", {"thinking": {"type": "enabled", "budget_tokens": 4096}}),
        ("claude-sonnet-4-20250514", "max", {"thinking": {"type": "enabled", "budget_tokens": 30976}}),
        ("MiniMax-M2", "medium", {"thinking": {"type": "enabled", "budget_tokens": 8192}}),
        (
            "claude-opus-4-6",
            "xhigh",
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
        ),
        ("claude-sonnet-5", "ultra", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
    ],
)
async def test_effort(body_of: Any, model: str, level: str, said: dict[str, Any]) -> None:
    request = ModelRequest(system="", messages=(GO,), reasoning_effort=level)
    body = await body_of("messages", request, model=model, reasoning_style="thinking")
    assert {name: body[name] for name in ("thinking", "output_config") if name in body} == said
    assert body["max_tokens"] == 32_000


async def test_no_budget_fits_into_a_small_output(body_of: Any) -> None:
    request = ModelRequest(system="", messages=(GO,), reasoning_effort="high", max_output_tokens=1500)
    assert "thinking" not in await body_of("messages", request, reasoning_style="thinking", **CLAUDE)


async def test_headers(ask: Any) -> None:
    async with ModelServer([Reply(text="a"), Reply(text="b"), Reply(text="c")]) as server:
        await ask("messages", server=server, api_key=" key-1\n", auth_header="x-api-key")
        await ask("messages", server=server, api_key="key-2", headers={"anthropic-beta": "x"})
        await ask("messages", server=server, api_key="key-3", auth_header="none")
    first, second, third = (request.headers for request in server.requests)
    assert (first["x-api-key"], first["anthropic-version"]) == ("key-1", "2023-06-01")
    assert "authorization" not in first
    assert (second["authorization"], second["anthropic-beta"]) == ("Bearer key-2", "x")
    assert not {"authorization", "x-api-key"} & set(third)
    assert first["user-agent"].startswith("hermes-agent/")


async def test_input_in_the_start_of_a_block(ask: Any) -> None:
    """Some servers send a call whole, without deltas."""
    block = {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}}
    raw = b"".join(
        [
            event("content_block_start", {"type": "content_block_start", "index": 0, "content_block": block}),
            event("message_delta", {"type": "message_delta", "delta": {"stop_reason": "tool_use"}}),
            event("message_stop", {"type": "message_stop"}),
        ]
    ).decode()
    reply = (await ask("messages", [Reply(raw=raw)]))[-1].reply
    assert [call.arguments for call in reply.tool_calls] == ['{"a": 1}']
