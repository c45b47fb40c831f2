"""One call over a real socket, and what came of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from types import ModuleType
from typing import Any

import aiohttp
import msgspec
import pytest

from hermes.models.contract import Endpoint, ModelEvent, ModelRequest, Replied
from hermes.models.wires import chat_completions, messages, responses
from hermes.store.records import Message
from hermes.testing.model_server import ModelServer
from hermes.testing.script import Reply

WIRES: dict[str, ModuleType] = {
    "chat_completions": chat_completions,
    "responses": responses,
    "messages": messages,
}
HELLO = ModelRequest(system="Be brief.", messages=(Message(role="user", content="Hello"),))

Ask = Callable[..., Awaitable[list[ModelEvent]]]


@pytest.fixture
async def http(anyio_backend: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def hello() -> ModelRequest:
    return HELLO


@pytest.fixture
def ask() -> Ask:
    """Asks a wire once of a server that plays `script`, or of `server`; returns every event."""

    async def ask_once(
        wire: str,
        script: Sequence[Reply] = (),
        request: ModelRequest = HELLO,
        server: ModelServer | None = None,
        **fields: Any,
    ) -> list[ModelEvent]:
        if server is None:
            async with ModelServer(script) as own:
                return await ask_once(wire, request=request, server=own, **fields)
        fields = {"provider": "custom", "model": "m", "base_url": server.base_url, "wire": wire, **fields}
        endpoint = Endpoint(**fields)
        async with (
            aiohttp.ClientSession() as session,
            aclosing(WIRES[wire].stream(session, endpoint, request)) as events,
        ):
            return [event async for event in events]

    return ask_once


@pytest.fixture
def body_of() -> Callable[..., Awaitable[dict[str, Any]]]:
    """The JSON body that a wire sends for a request."""

    async def body(wire: str, request: ModelRequest, **fields: Any) -> dict[str, Any]:
        async with ModelServer([Reply(text="ok")]) as server:
            fields = {"provider": "custom", "model": "m", "wire": wire, "base_url": server.base_url, **fields}
            async with aiohttp.ClientSession() as session:
                async for event in WIRES[wire].stream(session, Endpoint(**fields), request):
                    assert not isinstance(event, Replied) or event.reply.text == "ok"
        parsed = msgspec.json.decode(server.requests[0].body)
        assert isinstance(parsed, dict)
        return parsed

    return body
