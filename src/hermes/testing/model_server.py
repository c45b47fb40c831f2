"""A scripted language model on a real socket.

It speaks OpenAI Chat Completions, OpenAI Responses and Anthropic Messages, streamed and whole, and
misbehaves as the script says. `docs/testing.md` describes the script.

    script = [Reply(calls=(Call(name="terminal", arguments={"command": "ls"}),)), Reply(text="Done.")]
    async with ModelServer(script) as server:
        ...  # talk to server.base_url, then look at server.requests
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import msgspec
from aiohttp import web

from hermes.testing.dialects.chat_completions import CHAT_COMPLETIONS
from hermes.testing.dialects.dialect import Dialect, Turn, prepare
from hermes.testing.dialects.messages import MESSAGES
from hermes.testing.dialects.responses import RESPONSES
from hermes.testing.script import (
    Answer,
    Break,
    Player,
    RecordedRequest,
    Reply,
    Script,
    ScriptError,
    ScriptExhaustedError,
    load_script,
)
from hermes.testing.streaming import GARBAGE, send_stream

MAX_REQUEST_BYTES = 64 * 1024 * 1024


class ModelServer:
    """Serves a script from `async with` until its end. Every request is kept in `requests`."""

    def __init__(
        self,
        script: Script | Sequence[Reply] | Answer,
        *,
        port: int = 0,
        record_to: Path | None = None,
    ) -> None:
        if not callable(script) and not isinstance(script, Script):
            script = Script(replies=tuple(script))
        self.requests: list[RecordedRequest] = []
        self._models = script.models if isinstance(script, Script) else ("scripted-model",)
        self._player = Player(script)
        self._port = port
        self._record_to = record_to
        self._record: IO[bytes] | None = None
        self._runner: web.AppRunner | None = None

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:<port>`, as the Anthropic SDK wants it."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """The origin with `/v1`, as `OPENAI_BASE_URL` wants it."""
        return f"{self.origin}/v1"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_get("/v1/models", self._list_models)
        for dialect in (CHAT_COMPLETIONS, RESPONSES, MESSAGES):
            app.router.add_post(dialect.path, self._handler(dialect))
        app.router.add_route("*", "/{path:.*}", self._unknown_path)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        if self._record_to is not None:
            self._record = self._record_to.open("ab", buffering=0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._record is not None:
            self._record.close()

    def _handler(self, dialect: Dialect) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._answer(dialect, request)

        return handle

    async def _answer(self, dialect: Dialect, request: web.Request) -> web.StreamResponse:
        recorded = await self._remember(request)
        if not isinstance(recorded.json, dict):
            return _json(400, dialect.error(400, "The request body is not a JSON object."))
        try:
            reply, number = await self._player.reply_to(recorded, dialect.assistant_turns(recorded.json))
        except ScriptExhaustedError as error:
            return _json(500, dialect.error(500, str(error)))
        turn = prepare(reply, recorded.json, number, dialect.last_user_text(recorded.json))
        await asyncio.sleep(reply.wait)
        if reply.status != 200 or reply.body is not None:
            return _plain_answer(dialect, turn.reply)
        if recorded.json.get("stream") and not reply.ignore_stream:
            return await send_stream(request, dialect, turn)
        return await _whole(request, dialect, turn)

    async def _remember(self, request: web.Request) -> RecordedRequest:
        body = await request.read()
        try:
            parsed = json.loads(body)
        except ValueError:
            parsed = None
        recorded = RecordedRequest(
            method=request.method,
            path=request.path_qs,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            json=parsed,
            at=time.monotonic(),
        )
        self.requests.append(recorded)
        if self._record is not None:
            line = {"method": recorded.method, "path": recorded.path, "headers": recorded.headers}
            self._record.write(msgspec.json.encode({**line, "json": parsed, "at": recorded.at}) + b"\n")
        return recorded

    async def _list_models(self, request: web.Request) -> web.Response:
        await self._remember(request)
        entries = [
            {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "hermes.testing"}
            for name in self._models
        ]
        return _json(200, {"object": "list", "data": entries})

    async def _unknown_path(self, request: web.Request) -> web.Response:
        await self._remember(request)
        known = "/v1/chat/completions, /v1/responses, /v1/messages and /v1/models"
        message = f"The scripted model server has no {request.method} {request.path}; it serves {known}."
        return _json(404, {"error": {"message": message, "type": "not_found"}})


def _json(status: int, body: Any, headers: dict[str, str] | None = None) -> web.Response:
    encoded = msgspec.json.encode(body)
    return web.Response(status=status, body=encoded, content_type="application/json", headers=headers)


def _plain_answer(dialect: Dialect, reply: Reply) -> web.Response:
    if isinstance(reply.body, str):
        return web.Response(status=reply.status, text=reply.body, headers=reply.headers)
    if reply.body is not None:
        return _json(reply.status, reply.body, reply.headers)
    message = reply.error or f"Scripted status {reply.status}."
    return _json(reply.status, dialect.error(reply.status, message), reply.headers)


async def _whole(request: web.Request, dialect: Dialect, turn: Turn) -> web.StreamResponse:
    """One JSON document. A scripted break cuts it in half."""
    reply = turn.reply
    body = reply.raw_bytes or msgspec.json.encode(dialect.document(turn))
    if reply.breaks is None:
        return web.Response(body=body, content_type="application/json", headers=reply.headers)
    response = web.StreamResponse(headers={"Content-Type": "application/json", **reply.headers})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(_damaged(body, reply.breaks))
    if reply.breaks.how == "stall":
        await asyncio.sleep(reply.breaks.seconds)
    if request.transport is not None:
        request.transport.close()
    return response


def _damaged(body: bytes, damage: Break) -> bytes:
    half = body[: len(body) // 2]
    return half + GARBAGE[: len(body) - len(half)] if damage.how == "garbage" else half


async def _serve(arguments: argparse.Namespace) -> None:
    script = load_script(arguments.script)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with ModelServer(script, port=arguments.port, record_to=arguments.record) as server:
        print(server.base_url, flush=True)
        if arguments.ready_fd is not None:
            with os.fdopen(arguments.ready_fd, "w") as ready:
                ready.write(f"{server.base_url}\n")
        await stop.wait()


def main(argv: Sequence[str] | None = None) -> int:
    """Serves a script file until SIGINT or SIGTERM. Prints the base URL when it listens."""
    parser = argparse.ArgumentParser(prog="python -m hermes.testing.model_server", description=main.__doc__)
    parser.add_argument("--script", type=Path, required=True, help="JSON file; see docs/testing.md")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--ready-fd", type=int, help="write the base URL to this file descriptor too")
    parser.add_argument("--record", type=Path, help="append each request to this file as a JSON line")
    arguments = parser.parse_args(argv)
    try:
        asyncio.run(_serve(arguments))
    except (ScriptError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
