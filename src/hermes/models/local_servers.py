"""Finding a model server on this machine.

Four servers are known, each with a usual port, but any of them may live on any of the four: they are told
apart by what they reply. All ports are asked at once; nothing listening costs a refused connection each.
Only 127.0.0.1 is asked, and nothing a stranger on such a port may answer raises.
"""

import asyncio
from collections.abc import Sequence
from typing import Literal, TypeVar

import msgspec

PORTS = (11434, 1234, 8080, 8000)
"""Where Ollama, LM Studio, llama.cpp and vLLM usually listen."""

DEADLINE = 0.3
"""Seconds for the whole search."""

_LARGEST_REPLY = 1024 * 1024

_NOT_FOR_CHAT = ("embed", "bge-", "e5-", "minilm", "rerank", "whisper", "clip")

_Shape = TypeVar("_Shape", bound=msgspec.Struct)


class LocalServer(msgspec.Struct, frozen=True, kw_only=True):
    """A model server on this machine and the model to ask it for."""

    provider: Literal["ollama", "lmstudio", "llamacpp", "vllm"]
    base_url: str
    model: str
    context_length: int | None = None
    """Tokens, if the server told."""
    loaded: bool = False
    """The model is in memory already."""


async def find_local_server(
    ports: Sequence[int] = PORTS, *, deadline: float = DEADLINE
) -> LocalServer | None:
    """The first server, in the order of `ports`, with a loaded chat model, else with any chat model."""
    searches = [asyncio.ensure_future(_identify(port)) for port in ports]
    done, late = await asyncio.wait(searches, timeout=deadline)
    for search in late:
        search.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    found = [server for search in searches if search in done and (server := search.result()) is not None]
    return next((server for server in found if server.loaded), found[0] if found else None)


async def _identify(port: int) -> LocalServer | None:
    """What listens at `port`, if it is one of the four and has a model to chat with."""
    if not await _listens(port):
        return None
    found = await asyncio.gather(_lm_studio(port), _llama_cpp(port), _ollama(port), _vllm(port))
    return next((server for server in found if server is not None), None)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


class _OllamaModel(msgspec.Struct):
    name: str
    context_length: int | None = None


class _OllamaModels(msgspec.Struct):
    models: list[_OllamaModel]


class _Version(msgspec.Struct):
    version: str


async def _ollama(port: int) -> LocalServer | None:
    version, installed, running = await asyncio.gather(
        _get(port, "/api/version", _Version),
        _get(port, "/api/tags", _OllamaModels),
        _get(port, "/api/ps", _OllamaModels),
    )
    if version is None or installed is None:
        return None
    loaded = [model for model in (running.models if running else []) if chats(model.name)]
    models = loaded or [model for model in installed.models if chats(model.name)]
    if not models:
        return None
    return LocalServer(
        provider="ollama",
        base_url=_base_url(port),
        model=models[0].name,
        context_length=models[0].context_length,
        loaded=bool(loaded),
    )


class _StudioModel(msgspec.Struct):
    id: str
    type: str
    state: str
    max_context_length: int | None = None
    loaded_context_length: int | None = None


class _StudioModels(msgspec.Struct):
    data: list[_StudioModel]


async def _lm_studio(port: int) -> LocalServer | None:
    reply = await _get(port, "/api/v0/models", _StudioModels)
    models = (
        [model for model in reply.data if model.type != "embeddings" and chats(model.id)] if reply else []
    )
    if not models:
        return None
    model = next((model for model in models if model.state == "loaded"), models[0])
    loaded = model.state == "loaded"
    return LocalServer(
        provider="lmstudio",
        base_url=_base_url(port),
        model=model.id,
        context_length=model.loaded_context_length or (model.max_context_length if loaded else None),
        loaded=loaded,
    )


class _LlamaSettings(msgspec.Struct):
    n_ctx: int | None = None


class _LlamaProperties(msgspec.Struct):
    default_generation_settings: _LlamaSettings
    model_path: str = ""


class _ListedModel(msgspec.Struct):
    id: str
    owned_by: str = ""
    max_model_len: int | None = None


class _ListedModels(msgspec.Struct):
    data: list[_ListedModel]


async def _llama_cpp(port: int) -> LocalServer | None:
    properties, listed, health = await asyncio.gather(
        _get(port, "/props", _LlamaProperties),
        _get(port, "/v1/models", _ListedModels),
        _get(port, "/health", _Health),
    )
    if properties is None:
        return None
    names = [model.id for model in listed.data] if listed else [properties.model_path.rpartition("/")[2]]
    models = [name for name in names if name and chats(name)]
    if not models:
        return None
    return LocalServer(
        provider="llamacpp",
        base_url=_base_url(port),
        model=models[0],
        context_length=properties.default_generation_settings.n_ctx or None,
        loaded=health is not None and health.status == "ok",
    )


class _Health(msgspec.Struct):
    status: str


async def _vllm(port: int) -> LocalServer | None:
    version, listed = await asyncio.gather(
        _get(port, "/version", _Version), _get(port, "/v1/models", _ListedModels)
    )
    models = [model for model in listed.data if chats(model.id)] if version and listed else []
    if not models or not (models[0].owned_by == "vllm" or models[0].max_model_len):
        return None
    return LocalServer(
        provider="vllm",
        base_url=_base_url(port),
        model=models[0].id,
        context_length=models[0].max_model_len,
        loaded=True,
    )


def chats(model: str) -> bool:
    """Not one of the models that only embed, rank or listen."""
    return not any(word in model.lower() for word in _NOT_FOR_CHAT)


def _base_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


async def _get(port: int, path: str, shape: type[_Shape]) -> _Shape | None:
    """The JSON at `path` if it has the shape; None for anything else a port may answer."""
    try:
        body = await _fetch(port, path)
        return msgspec.json.decode(body, type=shape) if body else None
    except (OSError, ValueError, msgspec.MsgspecError):
        return None


async def _fetch(port: int, path: str) -> bytes:
    """The body of a 200 reply. Plain HTTP/1.0, so that it comes whole and the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        request = f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n\r\n"
        writer.write(request.encode())
        await writer.drain()
        reply = await _read_all(reader)
    finally:
        writer.close()
    head, _, body = reply.partition(b"\r\n\r\n")
    return body if head.split(b"\r\n", 1)[0].split(b" ")[1:2] == [b"200"] else b""


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    """Everything up to the end; an endless reply counts as none."""
    reply = bytearray()
    while chunk := await reader.read(65536):
        reply += chunk
        if len(reply) > _LARGEST_REPLY:
            return b""
    return bytes(reply)
