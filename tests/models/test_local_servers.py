"""Finding model servers on this machine, by what they reply and not by their port."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import pytest

from hermes.models.local_servers import find_local_server

pytestmark = pytest.mark.anyio

OLLAMA = {
    "/api/version": {"version": "0.12.3"},
    "/api/tags": {"models": [{"name": "nomic-embed-text:latest"}, {"name": "qwen3:8b"}]},
    "/api/ps": {"models": []},
    "/v1/models": {"data": [{"id": "nomic-embed-text:latest"}, {"id": "qwen3:8b"}]},
}
LM_STUDIO = {
    "/api/v0/models": {
        "data": [
            {"id": "text-embedding-nomic", "type": "embeddings", "state": "loaded"},
            {"id": "big-vision", "type": "vlm", "state": "not-loaded", "max_context_length": 131072},
            {"id": "small-chat", "type": "llm", "state": "loaded", "loaded_context_length": 4096},
        ]
    },
    "/v1/models": {"data": [{"id": "big-vision"}, {"id": "small-chat"}]},
}
LLAMA_CPP = {
    "/props": {"default_generation_settings": {"n_ctx": 16384}, "model_path": "/models/gemma.gguf"},
    "/health": {"status": "ok"},
    "/v1/models": {"data": [{"id": "gemma.gguf", "owned_by": "llamacpp"}]},
    "/api/tags": {"models": [{"name": "gemma.gguf"}]},
}
VLLM = {
    "/version": {"version": "0.11.0"},
    "/v1/models": {"data": [{"id": "Qwen/Qwen3-32B", "owned_by": "vllm", "max_model_len": 40960}]},
}


@asynccontextmanager
async def server(replies: Mapping[str, Any], *, delay: float = 0.0) -> AsyncIterator[int]:
    """A server that answers the given paths with JSON, or with bytes as they are, and 404 to the rest."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(delay)
            body = replies.get(request.split(b" ")[1].decode())
            if isinstance(body, bytes):
                writer.write(body)
            else:
                status = b"404 Not Found" if body is None else b"200 OK"
                writer.write(b"HTTP/1.1 " + status + b"\r\n\r\n" + msgspec.json.encode(body))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("replies", "provider", "model", "context_length", "loaded"),
    [
        (OLLAMA, "ollama", "qwen3:8b", None, False),
        (LM_STUDIO, "lmstudio", "small-chat", 4096, True),
        (LLAMA_CPP, "llamacpp", "gemma.gguf", 16384, True),
        (VLLM, "vllm", "Qwen/Qwen3-32B", 40960, True),
    ],
)
async def test_each_server_is_known_by_its_replies_on_any_port(
    replies: Mapping[str, Any], provider: str, model: str, context_length: int | None, loaded: bool
) -> None:
    async with server(replies) as port:
        found = await find_local_server([port], deadline=5)
    assert found is not None
    assert (found.provider, found.model) == (provider, model)
    assert (found.context_length, found.loaded) == (context_length, loaded)
    assert found.base_url == f"http://127.0.0.1:{port}/v1"


async def test_the_model_that_ollama_has_in_memory_is_taken_with_its_window() -> None:
    running = {**OLLAMA, "/api/ps": {"models": [{"name": "llama3.2:3b", "context_length": 8192}]}}
    async with server(running) as port:
        found = await find_local_server([port], deadline=5)
    assert found is not None
    assert (found.model, found.context_length, found.loaded) == ("llama3.2:3b", 8192, True)


async def test_a_server_with_a_loaded_model_goes_before_one_without() -> None:
    async with server(OLLAMA) as first, server(VLLM) as second:
        found = await find_local_server([first, second], deadline=5)
    assert found is not None
    assert found.provider == "vllm"


async def test_a_server_that_only_embeds_is_none_to_chat_with() -> None:
    only = {**OLLAMA, "/api/tags": {"models": [{"name": "mxbai-embed-large"}]}}
    async with server(only) as port:
        assert await find_local_server([port], deadline=5) is None


@pytest.mark.parametrize(
    "garbage",
    [
        {},
        dict.fromkeys((*OLLAMA, *LM_STUDIO, *LLAMA_CPP, *VLLM), b"\x00\xff\xfe garbage"),
        dict.fromkeys((*OLLAMA, *LM_STUDIO, *LLAMA_CPP, *VLLM), b"HTTP/1.1 200 OK\r\n\r\n{not json"),
        {path: [1, 2, 3] for path in (*OLLAMA, *LM_STUDIO, *LLAMA_CPP, *VLLM)},
        {path: {"error": "Unexpected endpoint"} for path in (*OLLAMA, *LM_STUDIO, *LLAMA_CPP, *VLLM)},
        dict.fromkeys((*OLLAMA, *LM_STUDIO, *LLAMA_CPP, *VLLM), b""),
        {path: {"data": [], "models": [], "version": "1"} for path in (*OLLAMA, *LM_STUDIO, *VLLM)},
        dict.fromkeys((*OLLAMA, *VLLM), b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 3000000),
    ],
    ids=["404", "bytes", "no-json", "wrong-shape", "errors", "silence", "empty", "endless"],
)
async def test_a_stranger_on_a_port_is_ignored(garbage: Mapping[str, Any]) -> None:
    async with server(garbage) as port:
        assert await find_local_server([port], deadline=5) is None


async def test_a_server_that_hangs_costs_the_deadline_and_hides_no_other() -> None:
    async with AsyncExitStack() as stack:
        ports = [
            await stack.enter_async_context(server(OLLAMA, delay=30)),
            await stack.enter_async_context(server(VLLM)),
        ]
        started = time.monotonic()
        found = await find_local_server(ports, deadline=0.5)
        took = time.monotonic() - started
    assert found is not None
    assert found.provider == "vllm"
    assert took < 5


async def test_with_nothing_listening_the_search_is_over_at_once() -> None:
    listening = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    started = time.monotonic()
    assert await find_local_server([port] * 4, deadline=5) is None
    assert time.monotonic() - started < 1
