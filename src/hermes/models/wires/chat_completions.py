"""OpenAI Chat Completions, and the many servers that speak it in their own way: the reply.

`chat_request.py` is the other half.
"""

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import aiohttp

from hermes.models import failures
from hermes.models.contract import Endpoint, ModelError, ModelEvent, ModelRequest, StopReason
from hermes.models.wires.chat_request import request_body
from hermes.models.wires.exchange import converse
from hermes.models.wires.reasoning_details import ReasoningDetails
from hermes.models.wires.reply import CallInProgress, ReplyInProgress
from hermes.models.wires.usage import openai_usage

STOPS: dict[str, StopReason] = {
    "stop": "end",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "refusal",
    "refusal": "refusal",
    "safety": "refusal",
}
"""By `finish_reason` in lower case; what is not here ends like `stop`."""
REASONING_FIELDS = ("reasoning_content", "reasoning")


async def stream(
    http: aiohttp.ClientSession, endpoint: Endpoint, request: ModelRequest
) -> AsyncGenerator[ModelEvent, None]:
    """Asks the model; the last event is `Replied`. Raises ModelError."""
    body = request_body(endpoint, request)
    reply = converse(http, endpoint, "/chat/completions", body, _Decoder(endpoint))
    async with aclosing(reply) as events:
        async for event in events:
            yield event


class _Decoder:
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.reply = ReplyInProgress(endpoint)
        self.over = False
        self._by_index: dict[int, CallInProgress] = {}
        self._reasoning: dict[str, list[str]] = {}
        """What came in each field, to be sent back in the same one."""
        self._details = ReasoningDetails()

    def event(self, name: str, data: dict[str, Any]) -> Iterator[ModelEvent]:
        self._check(data)
        self.reply.model = str(data.get("model") or self.reply.model)
        for choice in data.get("choices") or ():
            yield from self._message(choice.get("delta") or choice.get("message") or {})
            if finish := choice.get("finish_reason"):
                self._finish(str(finish))
            self._take_usage(choice.get("usage"))
        self._take_usage(data.get("usage") or (data.get("x_groq") or {}).get("usage"))

    def document(self, data: dict[str, Any]) -> Iterator[ModelEvent]:
        if "choices" not in data:
            self._check(data)
            raise ModelError(failures.no_reply(self._endpoint, json.dumps(data).encode()))
        yield from self.event("", data)
        self.over = True

    def _check(self, data: dict[str, Any]) -> None:
        if data.get("error"):
            raise ModelError(failures.said_in_reply(data, self._endpoint))

    def _take_usage(self, reported: Any) -> None:
        self.reply.usage = openai_usage(reported) or self.reply.usage

    def _finish(self, finish: str) -> None:
        if finish == "error":
            said = {"error": {"message": "the reply ended in an error", "code": 500}}
            raise ModelError(failures.said_in_reply(said, self._endpoint))
        self.reply.stop = STOPS.get(finish.lower(), "end")

    def _message(self, delta: dict[str, Any]) -> Iterator[ModelEvent]:
        yield from self._reasoning_of(delta)
        content = delta.get("content")
        if isinstance(content, str):
            yield from self.reply.text(content)
        elif isinstance(content, list):
            yield from self._parts(content)
        if isinstance(refusal := delta.get("refusal"), str) and refusal:
            yield from self.reply.text(refusal)
        for call in delta.get("tool_calls") or ():
            yield from self._call(call)
        if legacy := delta.get("function_call"):
            yield from self._call({"function": legacy})

    def _reasoning_of(self, delta: dict[str, Any]) -> Iterator[ModelEvent]:
        details = delta.get("reasoning_details")
        said = self._details.add(details) if isinstance(details, list) else ""
        for field in REASONING_FIELDS:
            if isinstance(piece := delta.get(field), str) and piece:
                self._reasoning.setdefault(field, []).append(piece)
                yield from self.reply.reasoning(piece)
                return
        yield from self.reply.reasoning(said)

    def _parts(self, parts: list[Any]) -> Iterator[ModelEvent]:
        """Content as a list, in which Mistral says its thinking."""
        for part in parts:
            if not isinstance(part, dict):
                continue
            if part.get("type") == "thinking":
                inner = part.get("thinking")
                texts = inner if isinstance(inner, list) else [{"text": inner}]
                for text in texts:
                    yield from self.reply.reasoning(str(text.get("text") or ""))
            elif isinstance(part.get("text"), str):
                yield from self.reply.text(part["text"])

    def _call(self, delta: dict[str, Any]) -> Iterator[ModelEvent]:
        function = delta.get("function") or {}
        call_id, name = str(delta.get("id") or ""), str(function.get("name") or "")
        index = delta.get("index")
        call = self._continued(index, call_id, name)
        if call is None:
            call = self.reply.open_call(call_id, name)
            if isinstance(index, int):
                self._by_index[index] = call
        elif name and name != call.name and not call.pieces:
            call.name += name
        call.id = call.id or call_id
        arguments = function.get("arguments")
        if arguments is not None and not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        yield self.reply.arguments(call, arguments or "")

    def _continued(self, index: Any, call_id: str, name: str) -> CallInProgress | None:
        """The call that a delta belongs to; None if it opens another one.

        Servers leave out the index, the id, or both, or number every call 0.
        """
        known = next((call for call in self.reply.calls if call_id and call.id == call_id), None)
        if isinstance(index, int):
            call = self._by_index.get(index)
            another = call is not None and call_id and call.id and call_id != call.id
            return known if another else call
        last = self.reply.calls[-1] if self.reply.calls else None
        if known or last is None or (call_id and last.id):
            return known
        return None if name and last.name and last.looks_whole() else last

    def end(self) -> None:
        """Keeps the reasoning in the field that it came in."""
        if self._details.items:
            self.reply.keep_for_replay({"reasoning_details": self._details.items})
            return
        for field in REASONING_FIELDS:
            if field in self._reasoning:
                self.reply.keep_for_replay({field: "".join(self._reasoning[field])})
                return
