"""The vendors' own clients understand what the scripted server says."""

import json
from pathlib import Path

import anthropic
import openai
import pytest

from hermes.testing.model_server import ModelServer
from hermes.testing.script import Call, Reply, Tokens

pytestmark = pytest.mark.anyio

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
REPLY = Reply(
    text="Let me look: ☂.",
    reasoning="They ask for two cities.",
    calls=(
        Call(name="weather", arguments={"city": "Zürich"}),
        Call(name="weather", arguments={"city": "Bruxelles"}),
    ),
    usage=Tokens(input=100, cached=60, cache_write=10, output=30, reasoning=12),
    chunk_chars=3,
)
CITIES = [{"city": "Zürich"}, {"city": "Bruxelles"}]


async def test_openai_chat_stream() -> None:
    async with (
        ModelServer([REPLY]) as server,
        openai.AsyncOpenAI(api_key="k", base_url=server.base_url) as client,
        client.chat.completions.stream(
            model="m",
            messages=[{"role": "user", "content": "Weather?"}],
            tools=[{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}],
            stream_options={"include_usage": True},
        ) as stream,
    ):
        completion = await stream.get_final_completion()
    message = completion.choices[0].message
    assert message.content == REPLY.text
    assert [json.loads(call.function.arguments) for call in message.tool_calls or ()] == CITIES
    assert completion.choices[0].finish_reason == "tool_calls"
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 100
    assert completion.usage.prompt_tokens_details is not None
    assert completion.usage.prompt_tokens_details.cached_tokens == 60


async def test_openai_chat_whole() -> None:
    async with (
        ModelServer([REPLY]) as server,
        openai.AsyncOpenAI(api_key="k", base_url=server.base_url) as client,
    ):
        completion = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Weather?"}]
        )
    assert completion.choices[0].message.content == REPLY.text
    assert len(completion.choices[0].message.tool_calls or ()) == 2


async def test_openai_responses_stream() -> None:
    async with (
        ModelServer([REPLY]) as server,
        openai.AsyncOpenAI(api_key="k", base_url=server.base_url) as client,
        client.responses.stream(model="m", input="Weather?") as stream,
    ):
        kinds = {event.type async for event in stream}
        response = await stream.get_final_response()
    assert {"response.output_text.delta", "response.function_call_arguments.delta"} <= kinds
    assert response.output_text == REPLY.text
    assert [item.type for item in response.output] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]
    calls = [json.loads(item.arguments) for item in response.output if item.type == "function_call"]
    assert calls == CITIES
    assert response.usage is not None
    assert response.usage.input_tokens_details.cached_tokens == 60


async def test_openai_responses_whole() -> None:
    async with (
        ModelServer([Reply(text="Too long", finish="length")]) as server,
        openai.AsyncOpenAI(api_key="k", base_url=server.base_url) as client,
    ):
        response = await client.responses.create(model="m", input="Weather?")
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output_text == "Too long"


async def test_anthropic_messages_stream() -> None:
    async with (
        ModelServer([REPLY]) as server,
        anthropic.AsyncAnthropic(api_key="k", base_url=server.origin) as client,
        client.messages.stream(
            model="m", max_tokens=100, messages=[{"role": "user", "content": "Weather?"}]
        ) as stream,
    ):
        message = await stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "tool_use"]
    thinking = message.content[0]
    assert thinking.type == "thinking"
    assert (thinking.thinking, thinking.signature) == (REPLY.reasoning, "signed-0")
    assert [block.input for block in message.content if block.type == "tool_use"] == CITIES
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (30, 60)
    assert message.usage.output_tokens == 30


async def test_anthropic_messages_whole() -> None:
    async with (
        ModelServer([REPLY]) as server,
        anthropic.AsyncAnthropic(api_key="k", base_url=server.origin) as client,
    ):
        message = await client.messages.create(
            model="m", max_tokens=100, messages=[{"role": "user", "content": "Weather?"}]
        )
    assert [block.input for block in message.content if block.type == "tool_use"] == CITIES


async def test_status_errors_become_the_sdks_own_exceptions(tmp_path: Path) -> None:
    limited = Reply(status=429, error="Slow down.", headers={"Retry-After": "7"})
    async with ModelServer([limited, limited]) as server:
        async with openai.AsyncOpenAI(api_key="k", base_url=server.base_url, max_retries=0) as client:
            with pytest.raises(openai.RateLimitError, match="Slow down") as chat:
                await client.chat.completions.create(model="m", messages=[])
        async with anthropic.AsyncAnthropic(
            api_key="k", base_url=server.origin, max_retries=0
        ) as anthropic_client:
            with pytest.raises(anthropic.RateLimitError, match="Slow down"):
                await anthropic_client.messages.create(model="m", max_tokens=1, messages=[])
    assert chat.value.response.headers["retry-after"] == "7"


async def test_models_are_listed() -> None:
    async with (
        ModelServer([]) as server,
        openai.AsyncOpenAI(api_key="k", base_url=server.base_url) as client,
    ):
        assert [model.id async for model in client.models.list()] == ["scripted-model"]
