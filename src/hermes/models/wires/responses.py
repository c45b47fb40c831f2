"""OpenAI Responses: the reply. `responses_request.py` is the other half."""

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import aiohttp

from hermes.models import failures
from hermes.models.contract import Endpoint, ModelError, ModelEvent, ModelRequest
from hermes.models.wires.exchange import converse
from hermes.models.wires.reply import CallInProgress, ReplyInProgress
from hermes.models.wires.responses_request import request_body
from hermes.models.wires.usage import openai_usage

TEXT_DELTAS = ("response.output_text.delta", "response.refusal.delta")
REASONING_DELTAS = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
NEW_PARAGRAPH = "response.reasoning_summary_part.added"
ARGUMENTS = "response.function_call_arguments.delta"
ENDINGS = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")


async def stream(
    http: aiohttp.ClientSession, endpoint: Endpoint, request: ModelRequest
) -> AsyncGenerator[ModelEvent, None]:
    """Asks the model; the last event is `Replied`. Raises ModelError."""
    body = request_body(endpoint, request)
    async with aclosing(converse(http, endpoint, "/responses", body, _Decoder(endpoint))) as events:
        async for event in events:
            yield event


class _Decoder:
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.reply = ReplyInProgress(endpoint)
        self.over = False
        self._calls: dict[int, CallInProgress] = {}
        """By output index."""
        self._said: set[int] = set()
        """Output indexes of which text or reasoning came in deltas."""
        self._done: set[int] = set()

    def event(self, name: str, data: dict[str, Any]) -> Iterator[ModelEvent]:
        kind = str(data.get("type") or name)
        index = data.get("output_index")
        index = index if isinstance(index, int) else -1
        if kind in TEXT_DELTAS or kind in REASONING_DELTAS:
            self._said.add(index)
            piece = str(data.get("delta") or "")
            yield from self.reply.text(piece) if kind in TEXT_DELTAS else self.reply.reasoning(piece)
        elif kind == NEW_PARAGRAPH:
            yield from self.reply.reasoning_paragraph()
        elif kind == ARGUMENTS and index in self._calls:
            yield self.reply.arguments(self._calls[index], str(data.get("delta") or ""))
        elif kind == "response.output_item.added":
            yield from self._opened(index, data.get("item") or {})
        elif kind == "response.output_item.done":
            yield from self._item(index, data.get("item") or {})
        elif kind in ENDINGS:
            yield from self._ended(data.get("response") or {})
        elif kind == "error" or data.get("error"):
            raise ModelError(failures.said_in_reply(data, self._endpoint))

    def document(self, data: dict[str, Any]) -> Iterator[ModelEvent]:
        if "output" not in data:
            if data.get("error"):
                raise ModelError(failures.said_in_reply(data, self._endpoint))
            raise ModelError(failures.no_reply(self._endpoint, json.dumps(data).encode()))
        yield from self._ended(data)

    def end(self) -> None:
        """Nothing is left to do."""

    def _opened(self, index: int, item: dict[str, Any]) -> Iterator[ModelEvent]:
        if item.get("type") == "function_call":
            call = self.reply.open_call(str(item.get("call_id") or ""), str(item.get("name") or ""))
            self._calls[index] = call
            yield self.reply.arguments(call, str(item.get("arguments") or ""))

    def _item(self, index: int, item: dict[str, Any]) -> Iterator[ModelEvent]:
        """A whole item: what its deltas left out, and what has to be sent back."""
        if index in self._done:
            return
        self._done.add(index)
        kind = item.get("type")
        if kind == "function_call":
            if index not in self._calls:
                yield from self._opened(index, item | {"arguments": ""})
            call = self._calls[index]
            if not call.pieces:
                yield self.reply.arguments(call, str(item.get("arguments") or ""))
        elif kind == "message":
            position = self.reply.slots
            if index not in self._said:
                yield from self.reply.text(_texts(item.get("content")))
            if item.get("phase"):
                self.reply.keep_for_replay({"phase": item["phase"]}, position)
        elif kind == "reasoning":
            if index not in self._said:
                yield from self.reply.reasoning(_texts(item.get("summary")) or _texts(item.get("content")))
            if item.get("encrypted_content"):
                kept = {"type": "reasoning", "summary": item.get("summary") or []}
                kept["encrypted_content"] = item["encrypted_content"]
                self.reply.keep_for_replay(kept, self.reply.slots)

    def _ended(self, response: dict[str, Any]) -> Iterator[ModelEvent]:
        self.reply.model = str(response.get("model") or "")
        self.reply.usage = openai_usage(response.get("usage"))
        if response.get("status") in ("failed", "cancelled") or response.get("error"):
            raise ModelError(failures.said_in_reply(response, self._endpoint))
        for index, item in enumerate(response.get("output") or ()):
            yield from self._item(index, item)
        self.reply.stop = "end"
        if response.get("status") == "incomplete":
            why = (response.get("incomplete_details") or {}).get("reason")
            self.reply.stop = "refusal" if why == "content_filter" else "length"
        self.over = True


def _texts(parts: Any) -> str:
    """The texts of content or summary parts, each a paragraph."""
    found = [
        str(part.get("text") or part.get("refusal") or "")
        for part in (parts if isinstance(parts, list) else [])
        if isinstance(part, dict)
    ]
    return "\n\n".join(text for text in found if text)
