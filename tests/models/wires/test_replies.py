"""What every wire does alike: each test runs on all three, over a real socket."""

import asyncio
import time
from typing import Any

import aiohttp
import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes.models.contract import (
    Endpoint,
    ModelError,
    ModelReply,
    ModelRequest,
    Replied,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
)
from hermes.models.wires import chat_completions, messages, responses
from hermes.store.records import Message
from hermes.testing.model_server import ModelServer
from hermes.testing.script import Break, Call, Reply, Tokens

WIRES = {"chat_completions": chat_completions, "responses": responses, "messages": messages}

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("wire", list(WIRES))]

TWO_CALLS = (
    Call(name="terminal", arguments={"command": "echo Zürich ☂", "timeout": 5}, id="call_a"),
    Call(name="read_file", arguments={"path": "/etc/hosts"}, id="call_b"),
)
FULL = Reply(
    text="Let me look: 名前 ☂.",
    reasoning="They want two things.",
    calls=TWO_CALLS,
    usage=Tokens(input=1000, cached=600, cache_write=100, output=50, reasoning=20),
    chunk_chars=4,
)


def replied(events: list[Any]) -> ModelReply:
    assert isinstance(events[-1], Replied)
    assert sum(isinstance(event, Replied) for event in events) == 1
    return events[-1].reply


async def test_a_full_reply_arrives_whole(wire: str, ask: Any) -> None:
    events = await ask(wire, [FULL])
    reply = replied(events)
    assert reply.text == FULL.text
    assert reply.reasoning == FULL.reasoning
    assert [(call.id, call.name) for call in reply.tool_calls] == [
        ("call_a", "terminal"),
        ("call_b", "read_file"),
    ]
    assert reply.tool_calls[0].arguments == '{"command":"echo Zürich ☂","timeout":5}'
    assert (reply.stop, reply.model, reply.provider) == ("tool_calls", "m", "custom")


async def test_deltas_add_up_to_the_reply(wire: str, ask: Any) -> None:
    events = await ask(wire, [FULL])
    reply = replied(events)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == reply.text
    assert "".join(event.text for event in events if isinstance(event, ThinkingDelta)) == reply.reasoning
    for index, call in enumerate(reply.tool_calls):
        deltas = [event for event in events if isinstance(event, ToolCallDelta) and event.index == index]
        assert "".join(delta.arguments for delta in deltas) == call.arguments
        assert {delta.name for delta in deltas} == {call.name}
    assert len([event for event in events if isinstance(event, TextDelta)]) > 1


async def test_usage_counts_cached_tokens_as_input(wire: str, ask: Any) -> None:
    usage = replied(await ask(wire, [FULL])).usage
    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens) == (1000, 600, 100)
    assert (usage.output_tokens, usage.model_calls, usage.calls_without_usage) == (50, 1, 0)


async def test_a_reply_without_usage_says_so(wire: str, ask: Any) -> None:
    usage = replied(await ask(wire, [Reply(text="Hi", usage=None)])).usage
    assert (usage.model_calls, usage.calls_without_usage, usage.input_tokens) == (1, 1, 0)


@pytest.mark.parametrize(
    ("finish", "stop"), [("stop", "end"), ("length", "length"), ("content_filter", "refusal")]
)
async def test_finish_reasons(wire: str, ask: Any, finish: Any, stop: str) -> None:
    assert replied(await ask(wire, [Reply(text="Hi", finish=finish)])).stop == stop


async def test_a_document_instead_of_a_stream_is_the_same_reply(wire: str, ask: Any) -> None:
    streamed = replied(await ask(wire, [FULL]))
    whole = replied(await ask(wire, [Reply(**{**_fields(FULL), "ignore_stream": True})]))
    assert (whole.text, whole.reasoning, whole.stop) == (streamed.text, streamed.reasoning, streamed.stop)
    assert [call.id for call in whole.tool_calls] == [call.id for call in streamed.tool_calls]
    assert whole.usage == streamed.usage
    assert whole.replay == streamed.replay


async def test_an_empty_answer_is_a_reply_without_text(wire: str, ask: Any) -> None:
    reply = replied(await ask(wire, [Reply()]))
    assert (reply.text, reply.tool_calls, reply.stop) == ("", (), "end")


async def test_malformed_arguments_are_kept_as_written(wire: str, ask: Any) -> None:
    reply = replied(await ask(wire, [Reply(calls=(Call(name="terminal", arguments='{"command": "ls'),))]))
    assert reply.tool_calls[0].arguments == '{"command": "ls'


async def test_calls_without_arguments_get_an_empty_object(wire: str, ask: Any) -> None:
    reply = replied(await ask(wire, [Reply(calls=(Call(name="todo"),))]))
    assert reply.tool_calls[0].arguments == "{}"


async def test_thinking_tags_are_taken_out_of_the_text(wire: str, ask: Any) -> None:
    events = await ask(
        wire, [Reply(text="<think>\nTea or coffee?\n</think>\n\nTea, `<think>` aside.", chunk_chars=3)]
    )
    reply = replied(events)
    assert reply.text == "Tea, `<think>` aside."
    assert reply.reasoning.strip() == "Tea or coffee?"
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == reply.text


@pytest.mark.parametrize("how", ["drop", "end"])
async def test_a_cut_in_the_text_gives_what_came(wire: str, ask: Any, how: Any) -> None:
    text = "A sentence that is cut before its end."
    with pytest.raises(ModelError) as caught:
        await ask(wire, [Reply(text=text, chunk_chars=5, breaks=Break(after="text", how=how))])
    failure, partial = caught.value.failure, caught.value.partial
    assert (failure.reason, failure.retryable) == ("connection", True)
    assert partial is not None
    assert partial.stop == "cut"
    assert partial.text == text[: len(partial.text)] != text
    assert partial.text


@pytest.mark.parametrize("how", ["drop", "end"])
async def test_a_cut_in_the_arguments_keeps_them_unfinished(wire: str, ask: Any, how: Any) -> None:
    with pytest.raises(ModelError) as caught:
        await ask(
            wire,
            [Reply(text="Now.", calls=TWO_CALLS, chunk_chars=6, breaks=Break(after="arguments", how=how))],
        )
    partial = caught.value.partial
    assert partial is not None
    assert partial.tool_calls[0].arguments.startswith('{"comm')
    assert not partial.tool_calls[0].arguments.endswith("}")
    assert partial.usage.model_calls == 1


async def test_a_connection_that_ends_before_anything_came(wire: str, ask: Any) -> None:
    with pytest.raises(ModelError) as caught:
        await ask(wire, [Reply(text="Hi", breaks=Break(after=0, how="end"))])
    assert caught.value.failure.reason == "connection"
    assert caught.value.partial is None


async def test_a_stall_is_a_timeout_with_what_came(wire: str, ask: Any) -> None:
    began = time.monotonic()
    with pytest.raises(ModelError) as caught:
        await ask(
            wire,
            [Reply(text="Never said in full.", chunk_chars=4, breaks=Break(after="text", how="stall"))],
            stall_timeout=0.3,
        )
    assert time.monotonic() - began < 3
    assert (caught.value.failure.reason, caught.value.failure.retryable) == ("timeout", True)
    assert "sent nothing for 0.3 seconds" in caught.value.failure.message
    assert caught.value.partial is not None
    assert caught.value.partial.text.startswith("Neve")


async def test_a_pause_shorter_than_the_stall_limit_is_none(wire: str, ask: Any) -> None:
    pause = Break(after="text", how="stall", seconds=0.2)
    reply = replied(await ask(wire, [Reply(text="Slow but sure.", breaks=pause)], stall_timeout=2.0))
    assert reply.text == "Slow but sure."


async def test_a_server_that_does_not_answer_is_a_timeout(wire: str, ask: Any) -> None:
    with pytest.raises(ModelError) as caught:
        await ask(wire, [Reply(text="Late.", wait=30)], stall_timeout=0.2)
    assert caught.value.failure.reason == "timeout"


async def test_an_error_object_inside_the_stream(wire: str, ask: Any) -> None:
    overloaded = {"type": "overloaded_error", "code": "overloaded_error", "message": "Overloaded"}
    breaks = Break(after="text", how="error", error=overloaded)
    with pytest.raises(ModelError) as caught:
        await ask(wire, [Reply(text="Some text here.", chunk_chars=4, breaks=breaks)])
    assert caught.value.failure.reason == "overloaded"
    assert "Overloaded" in caught.value.failure.message
    assert caught.value.partial is not None
    assert caught.value.partial.text.startswith("Some")


@pytest.mark.parametrize("how", ["garbage", "invalid_json"])
async def test_garbage_in_the_stream_is_a_failure_not_a_traceback(wire: str, ask: Any, how: Any) -> None:
    with pytest.raises(ModelError) as caught:
        await ask(wire, [Reply(text="Some text.", chunk_chars=4, breaks=Break(after="text", how=how))])
    assert caught.value.failure.reason in ("bad_response", "connection")
    assert caught.value.failure.retryable
    assert caught.value.partial is not None


@pytest.mark.parametrize("raw", [b"\x00\xff\xfe\x9c" * 40, b"hello there", b"data: {broken\n\n", b'{"a": '])
async def test_nothing_but_garbage(wire: str, ask: Any, raw: bytes) -> None:
    with pytest.raises(ModelError) as caught:
        await ask(wire, [Reply(raw_base64=raw)])
    assert caught.value.failure.reason == "bad_response"
    assert caught.value.partial is None


async def test_a_web_page_names_the_base_url(wire: str, ask: Any) -> None:
    with pytest.raises(
        ModelError, match=r"web page titled 'Sign in' .* check its base_url http://127"
    ) as caught:
        await ask(wire, [Reply(raw="<!doctype html><title>Sign in</title><p>Hello")])
    assert not caught.value.failure.retryable


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "auth"), (402, "billing"), (404, "model_not_found"), (429, "rate_limit"), (500, "server_error")],
)
async def test_statuses(wire: str, ask: Any, status: int, reason: str) -> None:
    with pytest.raises(ModelError, match="Because I say so") as caught:
        await ask(wire, [Reply(status=status, error="Because I say so.", headers={"Retry-After": "7"})])
    failure = caught.value.failure
    assert (failure.reason, failure.status, failure.retry_after) == (reason, status, 7.0)


async def test_a_redirect_is_not_followed(wire: str, ask: Any) -> None:
    with pytest.raises(ModelError, match=r"redirects to https://example\.org/v1; set its base_url"):
        await ask(wire, [Reply(status=308, headers={"Location": "https://example.org/v1"}, body="moved")])


async def test_surrogates_and_nan_in_a_reply_do_no_harm(wire: str, ask: Any) -> None:
    reply = replied(await ask(wire, [Reply(raw=_with_half_pair(wire))]))
    assert reply.text == "half \ufffd pair"


async def test_lone_surrogates_in_a_request_do_no_harm(wire: str, ask: Any) -> None:
    request = ModelRequest(system="s", messages=(Message(role="user", content="half \udc80 pair"),))
    assert replied(await ask(wire, [Reply(echo=True)], request)).text == "half \ufffd pair"


async def test_leaving_early_closes_the_connection(wire: str, http: aiohttp.ClientSession) -> None:
    slow = Reply(text="word " * 200, delay=0.05)
    async with ModelServer([slow]) as server:
        endpoint = Endpoint(provider="custom", model="m", wire=wire, base_url=server.base_url)  # type: ignore[arg-type]
        request = ModelRequest(system="", messages=(Message(role="user", content="Go"),))
        events = WIRES[wire].stream(http, endpoint, request)
        await anext(events)
        await events.aclose()
        assert http.connector is not None
        await asyncio.sleep(0.05)
        assert not http.connector._acquired  # type: ignore[attr-defined]


@settings(max_examples=25, deadline=None)
@given(pieces=st.lists(st.integers(1, 4000), max_size=12))
def test_any_split_of_the_bytes_gives_the_same_reply(wire: str, pieces: list[int]) -> None:
    """Each piece is a write of its own; the reply must not depend on where they end."""
    text = "<think>先に。</think>\n\nNow ☂, then <think>hidden</think> more."
    reply = {**_fields(FULL), "text": text, "chunk_chars": 7}

    async def both() -> None:
        async with (
            ModelServer([Reply(**reply), Reply(**{**reply, "pieces": tuple(pieces)})]) as server,
            aiohttp.ClientSession() as http,
        ):
            endpoint = Endpoint(provider="custom", model="m", wire=wire, base_url=server.base_url)  # type: ignore[arg-type]
            request = ModelRequest(system="", messages=(Message(role="user", content="Go"),))
            replies = []
            for _ in range(2):
                events = [event async for event in WIRES[wire].stream(http, endpoint, request)]
                replies.append(replied(events))
        for one in replies:  # The server numbers what it seals.
            for record in one.replay:
                record["item"] = {
                    key: value for key, value in record["item"].items() if key in ("type", "thinking")
                }
        assert replies[0] == replies[1]
        assert replies[0].text == "Now ☂, then  more."

    anyio.run(both)


def _fields(reply: Reply) -> dict[str, Any]:
    return {name: getattr(reply, name) for name in reply.__struct_fields__}


def _with_half_pair(wire: str) -> str:
    text = r"half \ud83d pair"
    if wire == "chat_completions":
        return f'data: {{"choices":[{{"delta":{{"content":"{text}"}},"finish_reason":"stop"}}]}}\n\n'
    if wire == "responses":
        return (
            f'data: {{"type":"response.output_text.delta","output_index":0,"delta":"{text}"}}\n\n'
            'data: {"type":"response.completed","response":{"status":"completed"}}\n\n'
        )
    return (
        'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
        'data: {"type":"content_block_delta","index":0,'
        f'"delta":{{"type":"text_delta","text":"{text}"}}}}\n\n'
        'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n'
        'data: {"type":"message_stop"}\n\n'
    )
