"""The many ways in which servers speak Chat Completions."""

import json
from typing import Any

import pytest

from hermes.models.contract import Endpoint, ModelError, ModelReply, ModelRequest, Replied, ToolSpec
from hermes.models.wires.chat_request import request_body
from hermes.store.records import Image, Message, ToolCall
from hermes.testing.script import Break, Reply, Tokens

pytestmark = pytest.mark.anyio

CHAT = "chat_completions"
WEATHER = ToolSpec("weather", "Says the weather.", {"type": "object", "properties": {}})


def sse(*chunks: dict[str, Any] | str) -> str:
    return "".join(f"data: {chunk if isinstance(chunk, str) else json.dumps(chunk)}\n\n" for chunk in chunks)


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def call(arguments: Any = None, **fields: Any) -> dict[str, Any]:
    function = {key: fields.pop(key) for key in ("name",) if key in fields}
    return {**fields, "function": function if arguments is None else {**function, "arguments": arguments}}


async def answer(ask: Any, raw: str, **fields: Any) -> ModelReply:
    events = await ask(CHAT, [Reply(raw=raw)], **fields)
    assert isinstance(events[-1], Replied)
    return events[-1].reply


def calls_of(reply: ModelReply) -> list[tuple[str, str]]:
    return [(one.name, one.arguments) for one in reply.tool_calls]


TOLERATED = {
    "no DONE at the end": sse(delta(content="Hi"), delta("stop")),
    "DONE without a finish reason": sse(delta(content="Hi"), "[DONE]"),
    "CRLF": sse(delta(content="Hi"), delta("stop"), "[DONE]").replace("\n", "\r\n"),
    "CR": sse(delta(content="Hi"), delta("stop"), "[DONE]").replace("\n", "\r"),
    "comments": ": PROCESSING\n\n" + sse(delta(content="Hi"), delta("stop")) + ": bye\n\n",
    "no blank line at the end": sse(delta(content="Hi"), delta("stop")).rstrip("\n"),
    "no space after the colon": sse(delta(content="Hi"), delta("stop")).replace("data: ", "data:"),
    "byte order mark": "\ufeff" + sse(delta(content="Hi"), delta("stop")),
    "empty choices and nulls": sse({"choices": []}, delta(content=None), delta(content="Hi"), delta("stop")),
    "upper case reason": sse(delta(content="Hi"), delta("STOP")),
    "unknown reason": sse(delta(content="Hi"), delta("eos")),
    "text in a message": sse({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}),
    "text in parts": sse(delta(content=[{"type": "text", "text": "Hi"}]), delta("stop")),
    "a half event after the end": sse(delta(content="Hi"), delta("stop")) + 'data: {"cho',
}


@pytest.mark.parametrize("raw", TOLERATED.values(), ids=TOLERATED.keys())
async def test_variants_of_the_stream_are_one_reply(ask: Any, raw: str) -> None:
    reply = await answer(ask, raw)
    assert (reply.text, reply.stop) == ("Hi", "end")


@pytest.mark.parametrize("how", ["drop", "stall"])
async def test_a_fault_after_the_finish_reason_does_no_harm(ask: Any, how: Any) -> None:
    """Frames: role, text, finish reason; then nothing more that matters."""
    events = await ask(CHAT, [Reply(text="Hi", breaks=Break(after=3, how=how))], stall_timeout=0.2)
    reply = events[-1].reply
    assert (reply.text, reply.stop, reply.usage.calls_without_usage) == ("Hi", "end", 1)


A, B = '{"a":1}', '{"b":2}'
CALLS = {
    "no index": [call(id="x", name="f", arguments='{"a"'), call(":1}"), call(id="y", name="g", arguments=B)],
    "neither index nor id": [call(name="f", arguments=A), call(name="g", arguments=B)],
    "every index is 0": [
        call(index=0, id="x", name="f", arguments=A),
        call(index=0, id="y", name="g", arguments=B),
    ],
    "the same id twice": [
        call(index=0, id="c", name="f", arguments=A),
        call(index=1, id="c", name="g", arguments=B),
    ],
    "interleaved": [
        call(index=0, id="x", name="f", arguments='{"a"'),
        call(index=1, id="y", name="g", arguments='{"b"'),
        call(index=0, arguments=":1}"),
        call(index=1, arguments=":2}"),
    ],
    "name and id repeated": [
        call(index=0, id="x", name="f", arguments='{"a"'),
        call(index=0, id="x", name="f", arguments=":1}"),
        call(index=1, id="y", name="g", arguments=B),
    ],
    "id comes late": [
        call(index=0, name="f", arguments='{"a"'),
        call(index=0, id="x", arguments=":1}"),
        call(index=1, id="y", name="g", arguments=B),
    ],
    "index starts at 1": [
        call(index=1, id="x", name="f", arguments=A),
        call(index=2, id="y", name="g", arguments=B),
    ],
    "arguments as an object": [
        call(index=0, id="x", name="f", arguments={"a": 1}),
        call(index=1, id="y", name="g", arguments={"b": 2}),
    ],
}


@pytest.mark.parametrize("together", [True, False], ids=["in one chunk", "a chunk each"])
@pytest.mark.parametrize("deltas", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("finish", ["tool_calls", "stop"])
async def test_variants_of_tool_call_deltas(
    ask: Any, deltas: list[dict[str, Any]], together: bool, finish: str
) -> None:
    chunks = [delta(tool_calls=deltas)] if together else [delta(tool_calls=[one]) for one in deltas]
    reply = await answer(ask, sse(*chunks, delta(finish), "[DONE]"))
    assert [(name, json.loads(arguments)) for name, arguments in calls_of(reply)] == [
        ("f", {"a": 1}),
        ("g", {"b": 2}),
    ]
    assert reply.stop == "tool_calls"
    ids = [one.id for one in reply.tool_calls]
    assert all(ids)
    assert len(set(ids)) == 2


async def test_the_legacy_function_call(ask: Any) -> None:
    chunks = [
        delta(function_call={"name": "f", "arguments": '{"a"'}),
        delta(function_call={"arguments": ":1}"}),
    ]
    reply = await answer(ask, sse(*chunks, delta("function_call")))
    assert (calls_of(reply), reply.stop) == ([("f", A)], "tool_calls")


async def test_a_length_stop_stays_one_where_there_are_calls(ask: Any) -> None:
    reply = await answer(
        ask, sse(delta(tool_calls=[call(index=0, id="x", name="f", arguments="{")]), delta("length"))
    )
    assert reply.stop == "length"


async def test_a_finish_reason_error_is_a_failure(ask: Any) -> None:
    with pytest.raises(ModelError) as caught:
        await answer(ask, sse(delta(content="Hi"), delta("error")))
    assert caught.value.failure.reason == "server_error"


async def test_an_error_in_a_successful_document(ask: Any) -> None:
    with pytest.raises(ModelError, match="slow down") as caught:
        await answer(ask, json.dumps({"error": {"code": 429, "message": "slow down"}}))
    assert (caught.value.failure.reason, caught.value.failure.status) == ("rate_limit", 429)


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 5}}, 5),
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 6}, 6),
        ({"prompt_tokens": 9, "completion_tokens": 2, "cached_tokens": 4}, 4),
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": None}, 0),
    ],
)
async def test_usage_variants(ask: Any, usage: dict[str, Any], cached: int) -> None:
    last = {"choices": [], "usage": usage}
    found = (await answer(ask, sse(delta(content="Hi"), delta("stop"), last))).usage
    assert (found.input_tokens, found.output_tokens, found.cache_read_tokens) == (9, 2, cached)
    assert found.calls_without_usage == 0


@pytest.mark.parametrize("place", ["choice", "x_groq"])
async def test_usage_in_odd_places(ask: Any, place: str) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 2}
    last = delta("stop")
    if place == "choice":
        last["choices"][0]["usage"] = usage
    else:
        last["x_groq"] = {"usage": usage}
    assert (await answer(ask, sse(delta(content="Hi"), last))).usage.input_tokens == 9


async def test_openrouters_cost_is_actual(ask: Any) -> None:
    events = await ask(CHAT, [Reply(text="Hi", usage=Tokens(cost=0.0123))])
    usage = events[-1].reply.usage
    assert (usage.cost_usd, usage.cost_status) == (0.0123, "actual")
    assert (await ask(CHAT, [Reply(text="Hi")]))[-1].reply.usage.cost_status == "unknown"


async def replayed(ask: Any, body_of: Any, raw: str, **fields: Any) -> dict[str, Any]:
    """The assistant message that goes out after a reply came in."""
    reply = await answer(ask, raw, **fields)
    row = Message(
        role="assistant", content=reply.text, tool_calls=reply.tool_calls, replay=reply.replay, model="m"
    )
    request = ModelRequest(system="", messages=(Message(role="user", content="Go"), row))
    message = (await body_of(CHAT, request, **fields))["messages"][1]
    assert isinstance(message, dict)
    return message


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_goes_back_in_the_field_it_came_in(ask: Any, body_of: Any, field: str) -> None:
    raw = sse(delta(**{field: "Hm, "}), delta(**{field: "tea."}), delta(content="Tea."), delta("stop"))
    message = await replayed(ask, body_of, raw)
    assert message == {"role": "assistant", "content": "Tea.", field: "Hm, tea."}


async def test_reasoning_details_go_back_joined(ask: Any, body_of: Any) -> None:
    first = {"type": "reasoning.text", "index": 0, "text": "Hm, ", "signature": None, "format": "x-v1"}
    second = {"type": "reasoning.text", "index": 0, "text": "tea.", "signature": "sig"}
    sealed = {"type": "reasoning.encrypted", "index": 1, "data": "abc"}
    raw = sse(
        delta(reasoning="Hm, ", reasoning_details=[first]),
        delta(reasoning="tea.", reasoning_details=[second]),
        delta(reasoning_details=[sealed]),
        delta(content="Tea."),
        delta("stop"),
    )
    reply = await answer(ask, raw)
    assert reply.reasoning == "Hm, tea."
    joined = {"type": "reasoning.text", "index": 0, "text": "Hm, tea.", "signature": "sig", "format": "x-v1"}
    assert (await replayed(ask, body_of, raw))["reasoning_details"] == [joined, sealed]


async def test_mistrals_thinking_parts_are_reasoning(ask: Any) -> None:
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]
    reply = await answer(ask, sse(delta(content=thinking), delta(content="Tea."), delta("stop")))
    assert (reply.reasoning, reply.text) == ("Hm.", "Tea.")


async def test_another_family_or_provider_gets_no_foreign_reasoning(ask: Any, body_of: Any) -> None:
    raw = sse(delta(reasoning_content="Hm."), delta(content="Tea."), delta("stop"))
    reply = await answer(ask, raw, model="deepseek-chat")
    row = Message(role="assistant", content="Tea.", replay=reply.replay)
    request = ModelRequest(system="", messages=(row,))
    for fields, expected in (
        ({"model": "deepseek-reasoner"}, True),
        ({"model": "kimi-k2"}, False),
        ({"model": "deepseek-chat", "provider": "other"}, False),
    ):
        message = (await body_of(CHAT, request, **fields))["messages"][0]
        assert ("reasoning_content" in message) == expected


async def test_providers_that_insist_get_some_reasoning_with_calls(body_of: Any) -> None:
    calls = (ToolCall(id="c", name="weather", arguments="{}"),)
    request = ModelRequest(system="", messages=(Message(role="assistant", tool_calls=calls),))
    assert (await body_of(CHAT, request, provider="deepseek"))["messages"][0]["reasoning_content"] == " "
    assert "reasoning_content" not in (await body_of(CHAT, request))["messages"][0]


async def test_the_request_in_full(body_of: Any) -> None:
    request = ModelRequest(
        system="Be brief.",
        messages=(
            Message(role="user", content="Look", images=(Image("data:image/png;base64,AAAA"),)),
            Message(role="assistant", tool_calls=(ToolCall("c1", "weather", '{ "b": 1, "a": "ü" }'),)),
            Message(role="tool", content="Rain", tool_call_id="c1"),
        ),
        tools=(WEATHER,),
        max_output_tokens=9000,
        reasoning_effort="ultra",
        session_id="s",
    )
    fields = {"max_output_tokens": 4096, "reasoning_style": "effort", "extra_body": {"seed": 7}}
    assert await body_of(CHAT, request, **fields) == {
        "model": "m",
        "max_tokens": 4096,
        "stream": True,
        "stream_options": {"include_usage": True},
        "reasoning_effort": "high",
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "weather",
                    "description": "Says the weather.",
                    "parameters": WEATHER.parameters,
                },
            }
        ],
        "seed": 7,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                ],
            },
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"a":"ü","b":1}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "Rain"},
        ],
    }


def test_openais_own_host_has_names_of_its_own() -> None:
    request = ModelRequest(system="", messages=(), max_output_tokens=100, session_id="s1")
    own = Endpoint(
        provider="openai", model="gpt-5", wire="chat_completions", base_url="https://api.openai.com/v1"
    )
    body = request_body(own, request)
    assert (body["max_completion_tokens"], body["prompt_cache_key"]) == (100, "s1")
    assert "max_tokens" not in body
    other = request_body(
        Endpoint(provider="x", model="m", wire="chat_completions", base_url="http://h/v1"), request
    )
    assert other["max_tokens"] == 100
    assert "prompt_cache_key" not in other


@pytest.mark.parametrize(
    ("fields", "level", "said"),
    [
        ({"reasoning_style": "none"}, "high", {}),
        ({"reasoning_style": "effort"}, "", {}),
        ({"reasoning_style": "effort"}, "minimal", {"reasoning_effort": "low"}),
        ({"reasoning_style": "effort"}, "none", {"reasoning_effort": "none"}),
        ({"reasoning_style": "object", "provider": "openrouter"}, "max", {"reasoning": {"effort": "xhigh"}}),
        ({"reasoning_style": "object"}, "none", {"reasoning": {"enabled": False}}),
        ({"reasoning_style": "thinking"}, "low", {"thinking": {"type": "enabled"}}),
        ({"reasoning_style": "thinking"}, "none", {"thinking": {"type": "disabled"}}),
        ({"reasoning_style": "enable_thinking"}, "low", {"enable_thinking": True}),
        (
            {"reasoning_style": "enable_thinking", "local": True},
            "none",
            {"chat_template_kwargs": {"enable_thinking": False}},
        ),
    ],
)
async def test_effort_in_each_style(
    body_of: Any, fields: dict[str, Any], level: str, said: dict[str, Any]
) -> None:
    request = ModelRequest(system="", messages=(Message(role="user", content="Go"),), reasoning_effort=level)
    body = await body_of(CHAT, request, **fields)
    names = ("reasoning_effort", "reasoning", "thinking", "enable_thinking", "chat_template_kwargs")
    assert {name: body[name] for name in names if name in body} == said


async def test_mistral_gets_ids_of_its_own_form(body_of: Any) -> None:
    request = ModelRequest(
        system="",
        messages=(
            Message(role="assistant", tool_calls=(ToolCall("functions.weather:0", "weather", "{}"),)),
            Message(role="tool", content="Rain", tool_call_id="functions.weather:0"),
        ),
    )
    made, answered = (await body_of(CHAT, request, provider="mistral"))["messages"]
    assert made["tool_calls"][0]["id"] == answered["tool_call_id"]
    assert len(answered["tool_call_id"]) == 9
    assert answered["tool_call_id"].isalnum()
