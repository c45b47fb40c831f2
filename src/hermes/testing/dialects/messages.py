"""Anthropic Messages."""

import json
from collections.abc import Iterator
from typing import Any

from hermes.testing.dialects.dialect import Dialect, Frame, Json, Turn, event, last_user_text

STOP_REASONS = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "length": "max_tokens",
    "content_filter": "refusal",
}


def frames(turn: Turn) -> Iterator[Frame]:
    usage = _usage(turn)
    opening = {**_message(turn, []), "stop_reason": None}
    opening["usage"] = {**usage, "output_tokens": 1} if usage else {"input_tokens": 0, "output_tokens": 0}
    yield Frame("other", _say("message_start", message=opening))
    yield Frame("other", _say("ping"))
    for index, block in enumerate(_blocks(turn)):
        yield Frame("other", _say("content_block_start", index=index, content_block=_opened(block)))
        yield from _block_frames(turn, index, block)
        yield Frame("other", _say("content_block_stop", index=index))
    if turn.finish == "none":
        return
    delta = {"stop_reason": STOP_REASONS[turn.finish], "stop_sequence": None}
    counts = {"output_tokens": usage["output_tokens"]} if usage else {"output_tokens": 0}
    yield Frame("other", _say("message_delta", delta=delta, usage=counts))
    yield Frame("other", _say("message_stop"))


def document(turn: Turn) -> Json:
    blocks = [_whole(block) for block in _blocks(turn)]
    body = _message(turn, blocks)
    body["stop_reason"] = STOP_REASONS.get(turn.finish)
    body["usage"] = _usage(turn) or {"input_tokens": 0, "output_tokens": 0}
    return body


def error(status: int, message: str) -> Json:
    kinds = {
        400: "invalid_request_error",
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        529: "overloaded_error",
    }
    return {"type": "error", "error": {"type": kinds.get(status, "api_error"), "message": message}}


def error_frame(detail: Json) -> bytes:
    return _say("error", error=detail)


def assistant_turns(request: Json) -> int:
    return sum(1 for row in request.get("messages", []) if row.get("role") == "assistant")


def _say(name: str, **fields: Any) -> bytes:
    return event(name, {"type": name, **fields})


def _blocks(turn: Turn) -> Iterator[Json]:
    """Whole blocks; a call's `input` still as the text that the script wrote."""
    if turn.reply.reasoning:
        signature = f"signed-{turn.number}"
        yield {"type": "thinking", "thinking": turn.reply.reasoning, "signature": signature}
    if turn.reply.text:
        yield {"type": "text", "text": turn.reply.text}
    for call in turn.calls:
        yield {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}


def _opened(block: Json) -> Json:
    empty: dict[str, Json] = {
        "thinking": {"thinking": "", "signature": ""},
        "text": {"text": ""},
        "tool_use": {"input": {}},
    }
    return {**block, **empty[block["type"]]}


def _block_frames(turn: Turn, index: int, block: Json) -> Iterator[Frame]:
    if block["type"] == "thinking":
        for part in turn.parts(block["thinking"]):
            yield Frame("reasoning", _delta(index, type="thinking_delta", thinking=part))
        yield Frame("other", _delta(index, type="signature_delta", signature=block["signature"]))
    elif block["type"] == "text":
        for part in turn.parts(block["text"]):
            yield Frame("text", _delta(index, type="text_delta", text=part))
    else:
        for part in turn.parts(block["input"]):
            yield Frame("arguments", _delta(index, type="input_json_delta", partial_json=part))


def _delta(index: int, **fields: str) -> bytes:
    return _say("content_block_delta", index=index, delta=fields)


def _whole(block: Json) -> Json:
    if block["type"] != "tool_use":
        return block
    try:
        return {**block, "input": json.loads(block["input"])}
    except ValueError:
        return {**block, "input": {}}


def _message(turn: Turn, content: list[Json]) -> Json:
    return {
        "id": f"msg_{turn.number}",
        "type": "message",
        "role": "assistant",
        "model": turn.model,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
    }


def _usage(turn: Turn) -> Json | None:
    """This protocol counts cached tokens apart from the other input."""
    tokens = turn.reply.usage
    if tokens is None:
        return None
    return {
        "input_tokens": tokens.input - tokens.cached - tokens.cache_write,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.output,
    }


MESSAGES = Dialect(
    path="/v1/messages",
    frames=frames,
    document=document,
    error=error,
    error_frame=error_frame,
    assistant_turns=assistant_turns,
    last_user_text=lambda request: last_user_text(request.get("messages")),
)
