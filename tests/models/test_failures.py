"""What servers say when they refuse, and what it means."""

import json
from typing import Any

import pytest

from hermes.models import failures
from hermes.models.contract import Endpoint, ModelFailure

ENDPOINT = Endpoint(
    provider="openrouter",
    model="vendor/model",
    wire="chat_completions",
    base_url="https://openrouter.ai/api/v1",
    api_key="sk-or-v1-0123456789abcdef0123456789abcdef",
)


def failed(status: int, body: Any = "", headers: dict[str, str] | None = None, **more: Any) -> ModelFailure:
    data = body if isinstance(body, str) else json.dumps(body)
    return failures.classify(status, headers or {}, data.encode(), ENDPOINT, **more)


def says(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


FLAGS = {
    "auth": (False, True, True),
    "billing": (False, True, True),
    "rate_limit": (True, True, True),
    "upstream_rate_limit": (True, False, True),
    "overloaded": (True, False, True),
    "server_error": (True, False, True),
    "timeout": (True, False, True),
    "context_overflow": (False, False, False),
    "output_limit": (True, False, False),
    "payload_too_large": (False, False, False),
    "image_rejected": (False, False, True),
    "model_not_found": (False, False, True),
    "policy_blocked": (False, False, False),
    "content_refused": (False, False, True),
    "bad_request": (False, False, True),
}
"""Retryable, rotates the key, falls back."""

TABLE = [
    (401, says("No auth credentials found"), "auth"),
    (402, says("Insufficient credits"), "billing"),
    (402, says("Daily limit reached; it resets at midnight"), "rate_limit"),
    (403, says("You have exceeded your spending limit"), "billing"),
    (403, says("Your input was flagged by moderation"), "content_refused"),
    (404, says("No endpoints found matching your data policy"), "policy_blocked"),
    (404, says("model 'x' not found, try pulling it first"), "model_not_found"),
    (405, "", "bad_request"),
    (408, "", "timeout"),
    (409, "", "server_error"),
    (413, "", "payload_too_large"),
    (422, {"detail": [{"msg": "field required", "loc": ["body"]}]}, "bad_request"),
    (429, says("Rate limit reached for requests"), "rate_limit"),
    (429, says("The engine is currently overloaded"), "overloaded"),
    (429, says("You exceeded your current quota", code="insufficient_quota"), "billing"),
    (
        429,
        says("x is temporarily rate-limited upstream", metadata={"provider_name": "X"}),
        "upstream_rate_limit",
    ),
    (429, says("Rate limited on input tokens per minute: too many tokens per minute"), "rate_limit"),
    (500, says("Internal error"), "server_error"),
    (500, says("1 validation error for Request"), "bad_request"),
    (502, "<html><title>502 Bad Gateway</title></html>", "server_error"),
    (503, says("Loading model"), "overloaded"),
    (504, "", "timeout"),
    (524, "", "timeout"),
    (529, says("Overloaded", type="overloaded_error"), "overloaded"),
    (400, says("API key not valid. Please pass a valid API key."), "auth"),
    (400, says("Your credit balance is too low to access the API"), "billing"),
    (400, says("foo/bar is not a valid model ID"), "model_not_found"),
    (400, says("Image exceeds 5 MB maximum"), "image_rejected"),
    (400, says("image_url is only supported by certain models"), "image_rejected"),
    (400, says("The response was filtered due to our content management policy"), "content_refused"),
    (400, says("tools.0.name: unexpected value"), "bad_request"),
    (418, "", "bad_request"),
]


@pytest.mark.parametrize(("status", "body", "reason"), TABLE)
def test_the_table(status: int, body: Any, reason: str) -> None:
    failure = failed(status, body)
    assert (failure.reason, failure.status) == (reason, status)
    assert (failure.retryable, failure.rotate_credential, failure.fall_back) == FLAGS[reason]
    assert failure.message.startswith("openrouter (vendor/model) ")
    assert failure.message.endswith(".")
    assert "\n" not in failure.message


def test_a_forbidden_key_is_not_rotated() -> None:
    failure = failed(403, says("Forbidden"))
    assert (failure.reason, failure.rotate_credential, failure.fall_back) == ("auth", False, True)


OVERFLOWS = [
    (
        400,
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        8192,
    ),
    (400, "prompt is too long: 210000 tokens > 200000 maximum", 200_000),
    (
        400,
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        1_048_576,
    ),
    (400, "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it", 4096),
    (400, "Invalid request: Your request exceeded model token limit: 262144", 262_144),
    (400, "Range of input length should be [1, 98304]", 98_304),
    (400, "This model's maximum prompt length is 131072 but the request contains 537812 tokens.", 131_072),
    (400, "This endpoint's maximum context length is 128,000 tokens.", 128_000),
    (400, "the model is loaded with context length of only 4096 tokens, when context the overflows", 4096),
    (413, "Prompt is too long", None),
    (429, "Extra usage is required for long context requests.", None),
    (500, "input is too long for the context window", None),
]


@pytest.mark.parametrize(("status", "message", "limit"), OVERFLOWS)
def test_overflows_and_the_window_they_state(status: int, message: str, limit: int | None) -> None:
    failure = failed(status, says(message))
    assert (failure.reason, failure.context_limit) == ("context_overflow", limit)
    assert "/compress" in failure.message


def test_llama_cpp_states_its_window_in_a_field() -> None:
    body = says(
        "the request exceeds the available context size", type="exceed_context_size_error", n_ctx=4096
    )
    failure = failed(400, body)
    assert (failure.reason, failure.context_limit) == ("context_overflow", 4096)


OUTPUTS = [
    ("max_tokens is too large: 100000. This model supports at most 16384 completion tokens", 16_384, None),
    (
        "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for claude-x",
        64_000,
        None,
    ),
    ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", 8192, None),
    (
        "`max_tokens` must be less than or equal to `32768`, the maximum value for `max_tokens` is less than "
        "the `context_window` for this model",
        32_768,
        None,
    ),
    (
        "Invalid 'max_output_tokens': integer above maximum value. "
        "Expected a value <= 128000, but got 200000",
        128_000,
        None,
    ),
    ("Range of max_tokens should be [1, 8192]", 8192, None),
    ("input length and `max_tokens` exceed context limit: 195000 + 20000 > 200000", 5000, 200_000),
    (
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens "
        "(5000 in the messages, 4000 in the completion). Please reduce the length.",
        3192,
        8192,
    ),
    (
        "'max_tokens' or 'max_completion_tokens' is too large: 40000. This model's maximum context length is "
        "32768 tokens and your request has 1000 input tokens (40000 > 32768 - 1000).",
        31_768,
        32_768,
    ),
]


@pytest.mark.parametrize(("message", "output", "window"), OUTPUTS)
def test_output_limits_are_told_from_overflows(message: str, output: int, window: int | None) -> None:
    failure = failed(400, says(message))
    assert (failure.reason, failure.output_limit, failure.context_limit) == ("output_limit", output, window)


def test_messages_that_alone_exceed_the_window_are_an_overflow() -> None:
    message = (
        "This model's maximum context length is 8192 tokens. However, you requested 13000 tokens "
        "(9000 in the messages, 4000 in the completion)."
    )
    failure = failed(400, says(message))
    assert (failure.reason, failure.context_limit, failure.output_limit) == ("context_overflow", 8192, None)


NOW = 1_445_412_400.0


@pytest.mark.parametrize(
    ("headers", "body", "wait"),
    [
        ({"Retry-After": "7"}, "", 7.0),
        ({"retry-after": "1.5"}, "", 1.5),
        ({"Retry-After": "-3"}, "", 0.0),
        ({"Retry-After": "86400"}, "", 600.0),
        ({"retry-after-ms": "250", "Retry-After": "9"}, "", 0.25),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, "", 1_445_412_480.0 - NOW),
        ({"Retry-After": "Wed, 21 Oct 2009 07:28:00 GMT"}, "", 0.0),
        ({"Retry-After": "soon"}, "", None),
        ({}, "", None),
        ({}, "Please try again in 20s.", 20.0),
        ({}, "Please retry in 34.5 seconds", 34.5),
        ({}, "try again in 500ms", 0.5),
        ({}, '{"error":{"details":[{"retryDelay": "34s"}]}}', 34.0),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], body: str, wait: float | None) -> None:
    assert failed(429, body, headers, now=NOW).retry_after == wait


def test_a_refused_key_names_the_variable_and_the_command() -> None:
    message = failed(401, says("Invalid key")).message
    assert message == (
        "openrouter (vendor/model) refused the key, status 401 (Invalid key); "
        "set OPENROUTER_API_KEY with `hermes config set OPENROUTER_API_KEY <key>`."
    )


def test_a_named_provider_is_told_where_its_key_is_configured() -> None:
    own = Endpoint(provider="lab", model="m", wire="messages", base_url="https://lab.example.org/v1")
    message = failures.classify(401, {}, b"", own).message
    assert "set api_key or key_env of providers.lab in config.yaml" in message


def test_secrets_that_a_server_repeats_are_masked() -> None:
    message = failed(401, says(f"Incorrect API key provided: {ENDPOINT.api_key}")).message
    assert ENDPOINT.api_key not in message
    assert "Incorrect API key provided" in message


def test_what_an_upstream_said_is_found_inside() -> None:
    raw = json.dumps({"error": {"message": "prompt is too long: 5000 tokens > 4096 maximum"}})
    body = says("Provider returned error", code=400, metadata={"raw": raw, "provider_name": "X"})
    failure = failed(400, body)
    assert (failure.reason, failure.context_limit) == ("context_overflow", 4096)
    assert "prompt is too long" in failure.message


def test_a_long_answer_is_shortened() -> None:
    message = failed(500, "word\n" * 5000).message
    assert len(message) < 500


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "[1]", "3", '"text"', "{", "\udcff", '{"error": null}', "[" * 99_999]
)
@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_no_body_is_too_odd(status: int, body: str) -> None:
    failure = failures.classify(status, {}, body.encode("utf-8", "surrogateescape"), ENDPOINT)
    assert failure.message.endswith(".")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "overloaded"),
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "Slow"}}, "rate_limit"),
        ({"type": "error", "error": {"type": "api_error", "message": "Oops"}}, "server_error"),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "Slow"}, "rate_limit"),
        ({"error": {"code": 502, "message": "Bad gateway"}}, "server_error"),
        ({"error": {"code": "invalid_api_key", "message": "No"}}, "auth"),
        ({"error": {"code": "context_length_exceeded", "message": "Too much"}}, "context_overflow"),
        ({"error": "something broke"}, "server_error"),
    ],
)
def test_errors_inside_a_reply(said: dict[str, Any], reason: str) -> None:
    assert failures.said_in_reply(said, ENDPOINT).reason == reason
