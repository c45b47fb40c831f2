"""The network fails in its many ways; people get one sentence with host and port."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from hermes.models.contract import ModelError, ModelFailure
from hermes.testing.model_server import ModelServer
from hermes.testing.script import Reply

pytestmark = pytest.mark.anyio


async def failure_at(ask: Any, base_url: str, **fields: Any) -> ModelFailure:
    async with ModelServer([Reply(text="never asked")]) as server:
        with pytest.raises(ModelError) as caught:
            await ask("chat_completions", server=server, **{"base_url": base_url, **fields})
    failure = caught.value.failure
    assert "\n" not in failure.message
    assert failure.message.endswith(".")
    return failure


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def listening(answer: Any = None, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that does with each connection what `answer` says."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if answer is not None:
                await answer(reader, writer)
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_nothing_listens(ask: Any) -> None:
    port = free_port()
    failure = await failure_at(ask, f"http://127.0.0.1:{port}/v1")
    assert (failure.reason, failure.retryable, failure.fall_back) == ("connection", True, True)
    assert f"Nothing listens at custom at 127.0.0.1:{port}" in failure.message


async def test_a_name_that_does_not_exist(ask: Any) -> None:
    failure = await failure_at(ask, "https://no-such-host.invalid/v1")
    assert failure.reason == "connection"
    assert "no-such-host.invalid:443 can't be resolved" in failure.message


async def test_a_connection_that_is_never_accepted(ask: Any) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        failure = await failure_at(ask, f"http://127.0.0.1:{port}/v1", connect_timeout=0.3)
        for one in waiting:
            one.close()
    assert (failure.reason, failure.retryable) == ("timeout", True)
    assert f"127.0.0.1:{port} did not accept a connection within 0.3 seconds" in failure.message


async def test_a_connection_closed_without_a_word(ask: Any) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)

    async with listening(hang_up) as port:
        failure = await failure_at(ask, f"http://127.0.0.1:{port}/v1")
    assert (failure.reason, failure.retryable) == ("connection", True)
    assert f"127.0.0.1:{port} closed the connection" in failure.message


async def test_a_server_that_does_not_speak_http(ask: Any) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"220 mail.example.org ESMTP\r\n")
        await writer.drain()

    async with listening(babble) as port:
        failure = await failure_at(ask, f"http://127.0.0.1:{port}/v1")
    assert failure.reason in ("bad_response", "connection")
    assert f"127.0.0.1:{port}" in failure.message


async def test_tls_to_a_server_without_it(ask: Any) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with listening(babble) as port:
        failure = await failure_at(ask, f"https://127.0.0.1:{port}/v1")
    assert (failure.reason, failure.retryable) == ("tls", False)
    assert f"127.0.0.1:{port}" in failure.message


async def test_a_certificate_that_nobody_signed(ask: Any, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=x"]
    await anyio.run_process([*command, "-keyout", str(key), "-out", str(certificate)])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with listening(context=context) as port:
        failure = await failure_at(ask, f"https://127.0.0.1:{port}/v1")
    assert (failure.reason, failure.retryable, failure.fall_back) == ("tls", False, False)
    assert f"certificate of custom at 127.0.0.1:{port} can't be trusted" in failure.message


async def test_an_address_that_is_none(ask: Any) -> None:
    for address in ("ftp://host/v1", "http://", "not an address"):
        failure = await failure_at(ask, address)
        assert (failure.reason, failure.retryable) == ("bad_request", False)
        assert f"'{address}' is no http(s) address" in failure.message


async def test_the_whole_request_has_a_time_limit(ask: Any) -> None:
    drip = Reply(text="word " * 100, chunk_chars=5, delay=0.05)
    async with ModelServer([drip]) as server:
        with pytest.raises(ModelError, match=r"did not finish its reply within 0.4 seconds") as caught:
            await ask("chat_completions", server=server, request_timeout=0.4)
    assert caught.value.failure.reason == "timeout"
    assert caught.value.partial is not None
    assert caught.value.partial.text.startswith("word word")


async def test_a_key_that_no_header_can_carry(ask: Any) -> None:
    async with ModelServer([]) as server:
        with pytest.raises(ModelError, match=r"characters that no key has") as caught:
            await ask("chat_completions", server=server, api_key="sk-1\nX-Evil: 1")
    assert caught.value.failure.reason == "auth"
    assert server.requests == []
