"""One HTTP request to a model and the bytes that come back, the same for every protocol."""

import json
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from typing import Any, Protocol

import aiohttp
import msgspec

from hermes import __version__
from hermes.models import failures
from hermes.models.contract import Endpoint, ModelError, ModelEvent, ModelReply, Replied, StopReason
from hermes.models.wires.conversation import encode_body, without_lone_surrogates
from hermes.models.wires.reply import ReplyInProgress
from hermes.models.wires.sse import EventReader, EventTooLargeError, ServerEvent
from hermes.models.wires.transport import transport_failure

MAX_ERROR_BYTES = 256 * 1024
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
DONE = b"[DONE]"


class Decoder(Protocol):
    """One protocol's reading of what a server says. Raises ModelError for an error it says."""

    reply: ReplyInProgress
    over: bool
    """Nothing that matters can follow."""

    def event(self, name: str, data: dict[str, Any]) -> Iterator[ModelEvent]: ...

    def document(self, data: dict[str, Any]) -> Iterator[ModelEvent]:
        """The whole reply as one JSON document."""
        ...

    def end(self) -> None:
        """The reply is whole."""
        ...


async def converse(
    http: aiohttp.ClientSession,
    endpoint: Endpoint,
    path: str,
    body: dict[str, Any],
    decoder: Decoder,
    protocol_headers: dict[str, str] | None = None,
) -> AsyncGenerator[ModelEvent, None]:
    """Sends `body`, yields what comes back, and `Replied` at the end. Raises ModelError."""
    exchange = _Exchange(http, endpoint, decoder)
    try:
        async with aclosing(exchange.events(path, encode_body(body), protocol_headers or {})) as events:
            async for event in events:
                yield event
    except ModelError as error:
        error.partial = exchange.partial()
        raise
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ModelError(transport_failure(error, endpoint), exchange.partial()) from error
    except EventTooLargeError as error:
        failure = failures.unreadable(endpoint, "one event is larger than 16 MiB")
        raise ModelError(failure, exchange.partial()) from error


def request_headers(endpoint: Endpoint, protocol_headers: dict[str, str]) -> dict[str, str]:
    """The endpoint's own headers go before ours. Raises ModelError for a key that no header can carry."""
    key = endpoint.api_key.strip()
    if not key.isprintable() or not key.isascii():
        raise ModelError(failures.unusable_key(endpoint))
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream, application/json",
        "User-Agent": f"hermes-agent/{__version__}",
        **protocol_headers,
    }
    if key and endpoint.auth_header == "bearer":
        headers["Authorization"] = f"Bearer {key}"
    elif key and endpoint.auth_header == "x-api-key":
        headers["x-api-key"] = key
    return {**headers, **endpoint.headers}


class _Exchange:
    def __init__(self, http: aiohttp.ClientSession, endpoint: Endpoint, decoder: Decoder) -> None:
        self._http = http
        self._endpoint = endpoint
        self._decoder = decoder
        self._understood = False
        """At least one event was read."""

    async def events(
        self, path: str, body: bytes, headers: dict[str, str]
    ) -> AsyncGenerator[ModelEvent, None]:
        endpoint = self._endpoint
        async with self._http.post(
            endpoint.base_url + path,
            data=body,
            headers=request_headers(endpoint, headers),
            timeout=aiohttp.ClientTimeout(
                total=endpoint.request_timeout,
                sock_connect=endpoint.connect_timeout,
                sock_read=endpoint.stall_timeout,
            ),
            # A redirect would carry the key to another host, or turn the POST into a GET.
            allow_redirects=False,
        ) as response:
            if response.status != 200:
                detail = await _up_to(MAX_ERROR_BYTES, response, b"")
                raise ModelError(failures.classify(response.status, response.headers, detail, endpoint))
            async with aclosing(self._read(response)) as events:
                async for event in events:
                    yield event
        for event in self._decoder.reply.finish():
            yield event
        self._decoder.end()
        yield Replied(self._decoder.reply.reply(self._stop()), endpoint)

    def partial(self) -> ModelReply | None:
        """What came before it broke."""
        reply = self._decoder.reply
        for _ in reply.finish():
            pass
        return None if reply.empty and reply.usage is None else reply.reply("cut")

    async def _read(self, response: aiohttp.ClientResponse) -> AsyncGenerator[ModelEvent, None]:
        beginning = b""
        async for chunk in response.content.iter_any():
            beginning += chunk
            if beginning.strip():
                break
        # Some servers answer with a document although a stream was asked for.
        if beginning.lstrip()[:1] in (b"{", b"[", b"<"):
            for event in self._document(await _up_to(MAX_DOCUMENT_BYTES, response, beginning)):
                yield event
            return
        async with aclosing(self._stream(response, beginning)) as events:
            async for event in events:
                yield event

    async def _stream(
        self, response: aiohttp.ClientResponse, beginning: bytes
    ) -> AsyncGenerator[ModelEvent, None]:
        reader, decoder = EventReader(), self._decoder
        for event in self._decoded(reader.feed(beginning)):
            yield event
        try:
            while not decoder.over and (chunk := await response.content.readany()):
                for event in self._decoded(reader.feed(chunk)):
                    yield event
        except (aiohttp.ClientError, TimeoutError, OSError):
            # If the model was done, only the close of the stream is missing.
            if decoder.reply.stop is None:
                raise
        for event in self._decoded(reader.finish(), at_end=True):
            yield event
        if decoder.over or decoder.reply.stop is not None:
            return
        if beginning and not self._understood:
            raise ModelError(failures.unreadable(self._endpoint, "it is no stream of events"))
        raise ModelError(failures.cut(self._endpoint, nothing_came=decoder.reply.empty))

    def _decoded(self, events: Iterable[ServerEvent], at_end: bool = False) -> Iterator[ModelEvent]:
        for event in events:
            data = event.data.strip()
            if self._decoder.over or not data:
                continue
            if data == DONE:
                self._decoder.over = True
                continue
            parsed = _json(data)
            if isinstance(parsed, dict):
                self._understood = True
                yield from self._well_formed(self._decoder.event(event.name, parsed))
            elif parsed is None and not at_end:
                raise ModelError(failures.unreadable(self._endpoint, "an event in it is not valid JSON"))

    def _document(self, data: bytes) -> Iterator[ModelEvent]:
        parsed = _json(data)
        if isinstance(parsed, list) and parsed:
            parsed = parsed[0]
        if not isinstance(parsed, dict):
            raise ModelError(failures.no_reply(self._endpoint, data))
        yield from self._well_formed(self._decoder.document(parsed))

    def _well_formed(self, events: Iterator[ModelEvent]) -> Iterator[ModelEvent]:
        """A decoder reads what it needs as the protocol has it; here is where anything else shows."""
        try:
            yield from events
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            failure = failures.unreadable(self._endpoint, "its fields are not those of the protocol")
            raise ModelError(failure) from error

    def _stop(self) -> StopReason:
        """Servers disagree on what they say after tool calls; having some is what counts."""
        reply = self._decoder.reply
        stop = reply.stop or "end"
        if stop in ("end", "tool_calls"):
            return "tool_calls" if reply.calls else "end"
        return stop


async def _up_to(limit: int, response: aiohttp.ClientResponse, beginning: bytes) -> bytes:
    parts, size = [beginning], len(beginning)
    while size < limit and (chunk := await response.content.readany()):
        parts.append(chunk)
        size += len(chunk)
    return b"".join(parts)


def _json(data: bytes) -> Any:
    """The parsed value; None for what is no JSON."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:  # Half of a surrogate pair, or NaN: not JSON to the letter, but said by real servers.
        return without_lone_surrogates(json.loads(data))
    except (ValueError, RecursionError):
        return None
