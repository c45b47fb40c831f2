"""OpenAI Chat Completions: the request.

Messages come last, so that the bytes of one request are the beginning of the next one's.
"""

import hashlib
from typing import Any

from hermes.models.contract import Endpoint, ModelRequest, ToolSpec
from hermes.models.provider import host_of
from hermes.models.wires.caching import cache_marker, mark_last_parts
from hermes.models.wires.conversation import presentable, replayable
from hermes.models.wires.effort import chat_effort
from hermes.store.records import Message

OPENAI_HOST = "api.openai.com"
WANTS_REASONING_BACK = ("deepseek", "kimi", "kimi-coding", "kimi-coding-cn", "moonshot")
"""Providers that refuse a call that was made without reasoning when thinking is on; and an empty one too."""
MISTRAL_ID_LENGTH = 9


def request_body(endpoint: Endpoint, request: ModelRequest) -> dict[str, Any]:
    own_host = host_of(endpoint.base_url) == OPENAI_HOST
    body: dict[str, Any] = {"model": endpoint.model}
    if limit := output_limit(endpoint, request):
        body["max_completion_tokens" if own_host else "max_tokens"] = limit
    body["stream"] = True
    body["stream_options"] = {"include_usage": True}
    if own_host and request.session_id:
        body["prompt_cache_key"] = request.session_id
    body |= chat_effort(endpoint, request)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    body |= endpoint.extra_body
    body["messages"] = _messages(endpoint, request)
    return body


def output_limit(endpoint: Endpoint, request: ModelRequest) -> int | None:
    """What was asked for, within what the model can do. None: the provider's default."""
    asked, most = request.max_output_tokens, endpoint.max_output_tokens
    return min(asked, most) if asked and most else asked


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _messages(endpoint: Endpoint, request: ModelRequest) -> list[dict[str, Any]]:
    rows = [_message(endpoint, row) for row in presentable(request.messages)]
    system: list[dict[str, Any]] = []
    if request.system:
        system = [{"role": "system", "content": request.system}]
    if endpoint.cache == "none":
        return system + rows
    # Everything in parts, marked or not, so that a mark which moves on changes no other byte.
    for message in system + rows:
        if isinstance(message["content"], str):
            text = message["content"]
            message["content"] = [{"type": "text", "text": text}] if text else text
    for message in system:
        message["content"][-1]["cache_control"] = cache_marker(endpoint)
    mark_last_parts(rows, endpoint)
    return system + rows


def _message(endpoint: Endpoint, row: Message) -> dict[str, Any]:
    if row.role == "tool":
        call_id = _call_id(endpoint, row.tool_call_id or "")
        return {"role": "tool", "tool_call_id": call_id, "content": row.sent}
    if row.role == "user":
        return {"role": "user", "content": _user_content(row)}
    message: dict[str, Any] = {"role": "assistant", "content": row.sent}
    for replay in replayable(row, endpoint, "chat_completions"):
        message |= replay.item
    if row.tool_calls:
        if endpoint.provider in WANTS_REASONING_BACK:
            message.setdefault("reasoning_content", " ")
        message["tool_calls"] = [
            {
                "id": _call_id(endpoint, call.id),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in row.tool_calls
        ]
    return message


def _user_content(row: Message) -> str | list[dict[str, Any]]:
    if not row.images:
        return row.sent
    text = [{"type": "text", "text": row.sent}] if row.sent.strip() else []
    return [*text, *({"type": "image_url", "image_url": {"url": image.url}} for image in row.images)]


def _call_id(endpoint: Endpoint, call_id: str) -> str:
    """Mistral takes only ids of its own form, also for calls that another model made."""
    if endpoint.provider != "mistral":
        return call_id
    if len(call_id) == MISTRAL_ID_LENGTH and call_id.isalnum():
        return call_id
    return hashlib.sha256(call_id.encode()).hexdigest()[:MISTRAL_ID_LENGTH]
