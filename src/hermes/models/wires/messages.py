"""Anthropic Messages: the reply. `messages_request.py` is the other half."""

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import aiohttp

from hermes.models import failures
from hermes.models.contract import Endpoint, ModelError, ModelEvent, ModelRequest, StopReason
from hermes.models.wires.exchange import converse
from hermes.models.wires.messages_request import request_body
from hermes.models.wires.reply import CallInProgress, ReplyInProgress
from hermes.models.wires.usage import anthropic_usage

VERSION = "2023-06-01"
STOPS: dict[str, StopReason] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "pause_turn": "end",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}


async def stream(
    http: aiohttp.ClientSession, endpoint: Endpoint, request: ModelRequest
) -> AsyncGenerator[ModelEvent, None]:
    """Asks the model; the last event is `Replied`. Raises ModelError."""
    body = request_body(endpoint, request)
    headers = {"anthropic-version": VERSION}
    async with aclosing(converse(http, endpoint, "/messages", body, _Decoder(endpoint), headers)) as events:
        async for event in events:
            yield event


class _Decoder:
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.reply = ReplyInProgress(endpoint)
        self.over = False
        self._blocks: dict[int, dict[str, Any]] = {}
        """Open blocks by index; thinking ones grow here, to be sent back with their signature."""
        self._calls: dict[int, CallInProgress] = {}
        self._usage: dict[str, Any] = {}

    def event(self, name: str, data: dict[str, Any]) -> Iterator[ModelEvent]:
        index = data.get("index")
        index = index if isinstance(index, int) else 0
        match data.get("type") or name:
            case "message_start":
                message = data.get("message") or {}
                self.reply.model = str(message.get("model") or "")
                self._take_usage(message.get("usage"))
            case "content_block_start":
                yield from self._open(index, data.get("content_block") or {})
            case "content_block_delta":
                yield from self._grow(index, data.get("delta") or {})
            case "content_block_stop":
                self._close(index)
            case "message_delta":
                self._take_usage(data.get("usage"))
                self._take_stop((data.get("delta") or {}).get("stop_reason"))
            case "message_stop":
                self.over = True
            case "error":
                raise ModelError(failures.said_in_reply(data, self._endpoint))

    def document(self, data: dict[str, Any]) -> Iterator[ModelEvent]:
        if "content" not in data:
            if data.get("error"):
                raise ModelError(failures.said_in_reply(data, self._endpoint))
            raise ModelError(failures.no_reply(self._endpoint, json.dumps(data).encode()))
        self.reply.model = str(data.get("model") or "")
        for index, block in enumerate(data.get("content") or ()):
            yield from self._open(index, block)
            if index in self._calls:
                arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
                yield self.reply.arguments(self._calls[index], arguments)
            self._close(index)
        self._take_usage(data.get("usage"))
        self._take_stop(data.get("stop_reason"))
        self.over = True

    def end(self) -> None:
        """A call whose input is the empty object may come without a single piece of it."""
        for index, call in self._calls.items():
            if not call.pieces:
                given = self._blocks.get(index, {}).get("input") or {}
                call.pieces.append(json.dumps(given, ensure_ascii=False))

    def _open(self, index: int, block: dict[str, Any]) -> Iterator[ModelEvent]:
        self._blocks[index] = dict(block)
        match block.get("type"):
            case "text":
                yield from self.reply.text(str(block.get("text") or ""))
            case "thinking":
                yield from self.reply.reasoning_paragraph()
                yield from self.reply.reasoning(str(block.get("thinking") or ""))
            case "tool_use":
                call = self.reply.open_call(str(block.get("id") or ""), str(block.get("name") or ""))
                self._calls[index] = call
                yield self.reply.arguments(call, "")

    def _grow(self, index: int, delta: dict[str, Any]) -> Iterator[ModelEvent]:
        block = self._blocks.setdefault(index, {})
        match delta.get("type"):
            case "text_delta":
                yield from self.reply.text(str(delta.get("text") or ""))
            case "thinking_delta":
                piece = str(delta.get("thinking") or "")
                block["thinking"] = block.get("thinking", "") + piece
                yield from self.reply.reasoning(piece)
            case "signature_delta":
                block["signature"] = block.get("signature", "") + str(delta.get("signature") or "")
            case "input_json_delta" if index in self._calls:
                yield self.reply.arguments(self._calls[index], str(delta.get("partial_json") or ""))

    def _close(self, index: int) -> None:
        block = self._blocks.get(index, {})
        if block.get("type") == "redacted_thinking" or (
            block.get("type") == "thinking" and block.get("signature")
        ):
            self.reply.keep_for_replay(block, self.reply.slots)

    def _take_usage(self, reported: Any) -> None:
        """Later counts replace earlier ones; they are totals."""
        if isinstance(reported, dict):
            self._usage |= {key: value for key, value in reported.items() if value is not None}
            self.reply.usage = anthropic_usage(self._usage)

    def _take_stop(self, stop: Any) -> None:
        if stop:
            self.reply.stop = STOPS.get(str(stop), "end")
