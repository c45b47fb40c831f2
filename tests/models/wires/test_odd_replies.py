"""Whatever a server says, it becomes a reply or a failure in words, on every wire."""

import json
import re
from typing import Any

import aiohttp
import anyio
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes.models.contract import Endpoint, ModelError, ModelRequest, Replied
from hermes.models.wires import chat_completions, messages, responses
from hermes.store.records import Message
from hermes.testing.model_server import ModelServer
from hermes.testing.script import Reply

WIRES = {"chat_completions": chat_completions, "responses": responses, "messages": messages}
KEYS = """
    choices delta message content tool_calls function arguments index id name finish_reason usage error type
    item output_index response output status summary content_block thinking text data code model
    reasoning_details prompt_tokens metadata raw stop_reason input
"""
KINDS = """
    content_block_start content_block_delta message_start message_delta error function_call text tool_use
    response.output_item.added response.output_item.done response.completed response.failed reasoning
    response.output_text.delta message thinking input_json_delta signature_delta
"""


def words(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from(re.findall(r"\S+", text))


ODD_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | words(KINDS) | st.just(""),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words(KEYS), inner, max_size=4),
    max_leaves=12,
)
ODD_EVENTS = st.lists(st.dictionaries(words(KEYS), ODD_JSON, max_size=5), min_size=1, max_size=4)


@pytest.mark.parametrize("wire", list(WIRES))
@settings(max_examples=60, deadline=None)
@given(events=ODD_EVENTS, whole=st.booleans())
def test_no_reply_is_too_odd(wire: str, events: list[dict[str, Any]], whole: bool) -> None:
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    reply = Reply(body=events[0]) if whole else Reply(raw=stream)
    outcome = anyio.run(outcome_of, wire, reply)
    if isinstance(outcome, ModelError):
        assert outcome.failure.message.endswith(".")
        msgspec.json.encode(outcome.partial)
    else:
        msgspec.json.encode(outcome)


async def outcome_of(wire: str, reply: Reply) -> Replied | ModelError:
    async with ModelServer([reply]) as server, aiohttp.ClientSession() as http:
        endpoint = Endpoint(provider="custom", model="m", wire=wire, base_url=server.base_url)  # type: ignore[arg-type]
        request = ModelRequest(system="", messages=(Message(role="user", content="Go"),))
        try:
            events = [event async for event in WIRES[wire].stream(http, endpoint, request)]
        except ModelError as error:
            return error
    assert isinstance(events[-1], Replied)
    return events[-1]
