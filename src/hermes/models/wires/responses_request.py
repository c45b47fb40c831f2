"""OpenAI Responses: the request. The server stores nothing; what it needs back is sent back sealed."""

from collections.abc import Iterator
from typing import Any

from hermes.models.contract import Endpoint, ModelRequest
from hermes.models.provider import host_of
from hermes.models.wires.chat_request import OPENAI_HOST, output_limit
from hermes.models.wires.conversation import presentable, replayable, woven
from hermes.models.wires.effort import openai_level, reasons
from hermes.store.records import Message


def request_body(endpoint: Endpoint, request: ModelRequest) -> dict[str, Any]:
    body: dict[str, Any] = {"model": endpoint.model, "stream": True, "store": False}
    if reasons(endpoint.model) and endpoint.reasoning_style != "none":
        body["include"] = ["reasoning.encrypted_content"]
        level = request.reasoning_effort
        effort = {"effort": openai_level(endpoint, level)} if level else {}
        body["reasoning"] = {**effort, "summary": "auto"}
    if limit := output_limit(endpoint, request):
        body["max_output_tokens"] = limit
    if host_of(endpoint.base_url) == OPENAI_HOST and request.session_id:
        body["prompt_cache_key"] = request.session_id
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                "strict": False,
            }
            for tool in request.tools
        ]
    body |= endpoint.extra_body
    if request.system:
        body["instructions"] = request.system
    body["input"] = [item for row in presentable(request.messages) for item in _items(endpoint, row)]
    return body


def _items(endpoint: Endpoint, row: Message) -> Iterator[dict[str, Any]]:
    if row.role == "tool":
        yield {"type": "function_call_output", "call_id": row.tool_call_id, "output": row.sent}
    elif row.role == "user":
        text = [{"type": "input_text", "text": row.sent}] if row.sent.strip() else []
        images = [{"type": "input_image", "image_url": image.url} for image in row.images]
        yield {"type": "message", "role": "user", "content": [*text, *images]}
    else:
        yield from _assistant_items(endpoint, row)


def _assistant_items(endpoint: Endpoint, row: Message) -> Iterator[dict[str, Any]]:
    replay = replayable(row, endpoint, "responses")
    slots: list[dict[str, Any]] = []
    if row.sent.strip():
        said = {"type": "output_text", "text": row.sent}
        phase = next((item.item for item in replay if "phase" in item.item), {})
        slots.append({"type": "message", "role": "assistant", "content": [said], **phase})
    slots.extend(
        {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
        for call in row.tool_calls
    )
    yield from woven([item for item in replay if "phase" not in item.item], slots)
