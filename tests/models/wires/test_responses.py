"""What only Responses has: sealed reasoning, items and their order."""

from typing import Any

import pytest

from hermes.models.contract import Endpoint, ModelError, ModelRequest, Replied, ToolSpec
from hermes.models.wires.responses_request import request_body
from hermes.store.records import Image, Message, ToolCall
from hermes.testing.dialects.dialect import event
from hermes.testing.script import Call, Reply

pytestmark = pytest.mark.anyio

THINKS = {"reasoning_style": "effort", "model": "gpt-5.1"}
GO = Message(role="user", content="Go")


def said(kind: str, **fields: Any) -> str:
    return event(kind, {"type": kind, **fields}).decode()


async def test_reasoning_goes_back_sealed_and_in_place(ask: Any, body_of: Any) -> None:
    script = [Reply(text="Now.", reasoning="Hm.", calls=(Call(name="f", id="c1"),))]
    reply = (await ask("responses", script, **THINKS))[-1].reply
    row = Message(role="assistant", content="Now.", tool_calls=reply.tool_calls, replay=reply.replay)
    result = Message(role="tool", content="Done", tool_call_id="c1")
    body = await body_of("responses", ModelRequest(system="", messages=(GO, row, result)), **THINKS)
    assert body["input"][1:] == [
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "encrypted_content": "sealed-0",
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Now."}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "Done"},
    ]


async def test_reasoning_between_calls_keeps_its_place(ask: Any, body_of: Any) -> None:
    items: list[dict[str, Any]] = [
        {"type": "reasoning", "id": "r1", "summary": [], "encrypted_content": "one"},
        {"type": "function_call", "id": "f1", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "reasoning", "id": "r2", "summary": [], "encrypted_content": "two"},
        {"type": "function_call", "id": "f2", "call_id": "c2", "name": "g", "arguments": "{}"},
    ]
    raw = said("response.completed", response={"status": "completed", "output": items})
    reply = (await ask("responses", [Reply(raw=raw)], **THINKS))[-1].reply
    row = Message(role="assistant", tool_calls=reply.tool_calls, replay=reply.replay)
    body = await body_of("responses", ModelRequest(system="", messages=(row,)), **THINKS)
    kinds = [item.get("encrypted_content") or item.get("call_id") for item in body["input"]]
    assert kinds[:4] == ["one", "c1", "two", "c2"]


async def test_the_phase_of_a_message_goes_back(ask: Any, body_of: Any) -> None:
    content = [{"type": "output_text", "text": "Looking."}]
    item = {"type": "message", "role": "assistant", "phase": "commentary", "content": content}
    raw = said("response.completed", response={"status": "completed", "output": [item]})
    reply = (await ask("responses", [Reply(raw=raw)], **THINKS))[-1].reply
    row = Message(role="assistant", content=reply.text, replay=reply.replay)
    body = await body_of("responses", ModelRequest(system="", messages=(GO, row)), **THINKS)
    assert body["input"][1] == {
        "type": "message",
        "role": "assistant",
        "content": content,
        "phase": "commentary",
    }


async def test_items_that_come_only_whole(ask: Any) -> None:
    """Some servers send no deltas."""
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a":1}'}
    text = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    raw = (
        said("response.output_item.done", output_index=0, item=text)
        + said("response.output_item.done", output_index=1, item=call)
        + said("response.completed", response={"status": "completed", "output": [text, call]})
    )
    events = await ask("responses", [Reply(raw=raw)])
    assert isinstance(events[-1], Replied)
    reply = events[-1].reply
    assert reply.text == "Hi"
    assert [one.arguments for one in reply.tool_calls] == ['{"a":1}']
    assert reply.stop == "tool_calls"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("rate_limit_exceeded", "rate_limit"),
        ("server_error", "server_error"),
        ("context_length_exceeded", "context_overflow"),
    ],
)
async def test_a_failed_response_is_classified(ask: Any, code: str, reason: str) -> None:
    failed = {"status": "failed", "error": {"code": code, "message": "It went wrong."}}
    with pytest.raises(ModelError, match="It went wrong") as caught:
        await ask("responses", [Reply(raw=said("response.failed", response=failed))])
    assert caught.value.failure.reason == reason


async def test_the_request_in_full(body_of: Any) -> None:
    tool = ToolSpec("f", "Does it.", {"type": "object", "properties": {}})
    request = ModelRequest(
        system="Be brief.",
        messages=(
            Message(role="user", content="Look", images=(Image("https://example.org/a.png"),)),
            Message(role="assistant", content="Hm", tool_calls=(ToolCall("c1", "f", '{"b":1,"a":2}'),)),
        ),
        tools=(tool,),
        max_output_tokens=500,
        reasoning_effort="high",
    )
    assert await body_of("responses", request, **THINKS) == {
        "model": "gpt-5.1",
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "high", "summary": "auto"},
        "max_output_tokens": 500,
        "tools": [
            {
                "type": "function",
                "name": "f",
                "description": "Does it.",
                "parameters": tool.parameters,
                "strict": False,
            }
        ],
        "instructions": "Be brief.",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Look"},
                    {"type": "input_image", "image_url": "https://example.org/a.png"},
                ],
            },
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hm"}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":2,"b":1}'},
            {
                "type": "function_call_output",
                "call_id": "c1",
                "output": "[The result of this call is missing: it was not stored. "
                "Do not assume that the call ran.]",
            },
        ],
    }


def test_models_that_do_not_reason_are_not_asked_to() -> None:
    request = ModelRequest(system="", messages=(GO,), session_id="s1", reasoning_effort="low")
    own = "https://api.openai.com/v1"
    old = Endpoint(
        provider="openai", model="gpt-4o", wire="responses", base_url=own, reasoning_style="effort"
    )
    body = request_body(old, request)
    assert "include" not in body
    assert "reasoning" not in body
    assert body["prompt_cache_key"] == "s1"
