"""Anthropic Messages: the request.

User and assistant alternate, so tool results and what the user says after them share a message.
"""

import re
from typing import Any

from hermes.models.contract import Endpoint, ModelRequest
from hermes.models.wires.caching import cache_marker, mark_last_parts
from hermes.models.wires.conversation import (
    NOT_IN_A_NAME,
    parse_arguments,
    presentable,
    replayable,
    woven,
)
from hermes.models.wires.effort import messages_effort
from hermes.store.records import Image, Message

DEFAULT_MAX_TOKENS = 32_000
DATA_URL = re.compile(r"data:(?P<type>[^;,]+);base64,(?P<data>.*)", re.DOTALL)
OPENING = "(The conversation goes on from here.)"
"""The protocol wants a user first; after a compaction there may be none."""


def request_body(endpoint: Endpoint, request: ModelRequest) -> dict[str, Any]:
    asked = request.max_output_tokens or DEFAULT_MAX_TOKENS
    max_tokens = min(asked, endpoint.max_output_tokens or asked)
    body: dict[str, Any] = {"model": endpoint.model, "max_tokens": max_tokens, "stream": True}
    body |= messages_effort(endpoint, request, max_tokens)
    if request.tools:
        body["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
            for tool in request.tools
        ]
    body |= endpoint.extra_body
    if request.system:
        system: dict[str, Any] = {"type": "text", "text": request.system}
        if endpoint.cache != "none":
            system["cache_control"] = cache_marker(endpoint)
        body["system"] = [system]
    messages = _messages(endpoint, request)
    if endpoint.cache != "none":
        mark_last_parts(messages, endpoint)
    body["messages"] = messages
    return body


def _messages(endpoint: Endpoint, request: ModelRequest) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for row in presentable(request.messages):
        role = "assistant" if row.role == "assistant" else "user"
        blocks = _blocks(endpoint, row)
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"].extend(blocks)
        else:
            messages.append({"role": role, "content": blocks})
    if messages and messages[0]["role"] == "assistant":
        messages.insert(0, {"role": "user", "content": [{"type": "text", "text": OPENING}]})
    return messages


def _blocks(endpoint: Endpoint, row: Message) -> list[dict[str, Any]]:
    if row.role == "tool":
        result: dict[str, Any] = {"type": "tool_result", "tool_use_id": _call_id(row.tool_call_id or "")}
        result["content"] = row.sent
        if row.ok is False:
            result["is_error"] = True
        return [result]
    blocks: list[dict[str, Any]] = [{"type": "text", "text": row.sent}] if row.sent.strip() else []
    if row.role == "user":
        return [*blocks, *map(_image, row.images)]
    blocks.extend(
        {
            "type": "tool_use",
            "id": _call_id(call.id),
            "name": call.name,
            "input": parse_arguments(call.arguments),
        }
        for call in row.tool_calls
    )
    return list(woven(replayable(row, endpoint, "messages"), blocks))


def _image(image: Image) -> dict[str, Any]:
    if data := DATA_URL.fullmatch(image.url):
        source = {"type": "base64", "media_type": data["type"], "data": data["data"]}
    else:
        source = {"type": "url", "url": image.url}
    return {"type": "image", "source": source}


def _call_id(call_id: str) -> str:
    """Ids that other models' servers gave may hold characters that this protocol refuses."""
    return NOT_IN_A_NAME.sub("_", call_id) or "unnamed_call"
