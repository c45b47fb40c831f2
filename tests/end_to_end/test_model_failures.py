"""A model that fails, stalls or lies: classified, tried again, and in the end one clear sentence."""

import json
from pathlib import Path

import pytest

from hermes.testing.model_server import ModelServer
from hermes.testing.script import Break, Call, Reply

from .conftest import Command, Finished

pytestmark = pytest.mark.anyio


def is_one_sentence(done: Finished) -> bool:
    return "Traceback" not in done.err and done.out == "" and done.err.startswith("hermes: ")


async def test_a_rate_limit_is_waited_out(command: Command) -> None:
    script = [Reply(status=429, error="slow down", headers={"Retry-After": "0"}), Reply(text="Here.")]
    async with ModelServer(script) as server:
        done = await command("-z", "hello", environment={"OPENAI_BASE_URL": server.base_url})
    assert (done.exit_code, done.out) == (0, "Here.\n")


async def test_a_stream_that_breaks_is_asked_for_again_and_shown_once(command: Command) -> None:
    script = [Reply(text="The answer is forty-two.", breaks=Break(after="text")), Reply(text="It is 42.")]
    async with ModelServer(script) as server:
        done = await command("-z", "hello", environment={"OPENAI_BASE_URL": server.base_url})
    assert (done.exit_code, done.out) == (0, "It is 42.\n")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=401, error="invalid api key", repeat="forever"),
        Reply(status=404, error="model not found", repeat="forever"),
        Reply(raw="\x00\x01 not a stream", repeat="forever"),
    ],
    ids=["wrong key", "unknown model", "garbage"],
)
async def test_what_can_not_be_mended_is_one_sentence_and_exit_1(command: Command, reply: Reply) -> None:
    async with ModelServer([reply]) as server:
        environment = {"OPENAI_BASE_URL": server.base_url, "HERMES_INFERENCE_MODEL": "m"}
        await command("config", "set", "agent.api_max_retries", "1")
        done = await command("-z", "hello", environment=environment)
    assert done.exit_code == 1
    assert is_one_sentence(done), done.err


async def test_a_server_that_is_not_there_is_named(command: Command) -> None:
    await command("config", "set", "agent.api_max_retries", "1")
    environment = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "HERMES_INFERENCE_MODEL": "m"}
    done = await command("-z", "hello", environment=environment)
    assert done.exit_code == 1
    assert is_one_sentence(done), done.err
    assert "127.0.0.1:9" in done.err


async def test_the_fallback_answers_when_the_first_model_can_not(
    command: Command, plain_environment: dict[str, str]
) -> None:
    async with (
        ModelServer([Reply(status=401, repeat="forever")]) as broken,
        ModelServer([Reply(text="From the second.")]) as healthy,
    ):
        home = Path(plain_environment["HERMES_HOME"])
        home.mkdir()
        entry = {"provider": "custom", "model": "second", "base_url": healthy.base_url}
        (home / "config.yaml").write_text(json.dumps({"fallback_providers": [entry]}))
        environment = {"OPENAI_BASE_URL": broken.base_url, "HERMES_INFERENCE_MODEL": "first"}
        done = await command("-z", "hello", environment=environment)
    assert (done.exit_code, done.out) == (0, "From the second.\n")


async def test_a_full_context_is_compacted_and_the_run_goes_on(command: Command) -> None:
    overflow = Reply(
        status=400, error="This model's maximum context length is 8192 tokens. Please reduce the length."
    )
    script = [
        *[
            Reply(calls=(Call(name="terminal", arguments={"command": f"seq {n} {n + 300}"}),))
            for n in range(1, 12)
        ],
        overflow,
        Reply(text="Goal: count. Done: eleven sequences were printed. Remaining: nothing."),
        Reply(text="All counted."),
    ]
    async with ModelServer(script) as server:
        done = await command("-z", "count", environment={"OPENAI_BASE_URL": server.base_url})
        assert (done.exit_code, done.out) == (0, "All counted.\n"), done.err
        last = json.dumps(server.requests[-1].json["messages"])
    assert "eleven sequences" in last
    assert "count" in server.requests[-1].json["messages"][1]["content"]
