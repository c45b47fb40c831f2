"""OpenAI Chat Completions."""

from collections.abc import Iterator

from hermes.testing.dialects.dialect import Dialect, Frame, Json, Turn, last_user_text, unnamed_event


def frames(turn: Turn) -> Iterator[Frame]:
    yield Frame("other", _chunk(turn, {"role": "assistant", "content": ""}))
    for part in turn.parts(turn.reply.reasoning):
        yield Frame("reasoning", _chunk(turn, {turn.reply.reasoning_field: part}))
    for part in turn.parts(turn.reply.text):
        yield Frame("text", _chunk(turn, {"content": part}))
    for index, call in enumerate(turn.calls):
        opening = {
            "index": index,
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": ""},
        }
        yield Frame("other", _chunk(turn, {"tool_calls": [opening]}))
        for part in turn.parts(call.arguments):
            delta = {"index": index, "function": {"arguments": part}}
            yield Frame("arguments", _chunk(turn, {"tool_calls": [delta]}))
    if turn.finish != "none":
        yield Frame("other", _chunk(turn, {}, finish=turn.finish))
    if turn.include_usage and (usage := _usage(turn)):
        yield Frame("other", unnamed_event({**_head(turn), "choices": [], "usage": usage}))
    yield Frame("other", b"data: [DONE]\n\n")


def document(turn: Turn) -> Json:
    message: Json = {"role": "assistant", "content": turn.reply.text or None}
    if turn.reply.reasoning:
        message[turn.reply.reasoning_field] = turn.reply.reasoning
    if turn.calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in turn.calls
        ]
    finish = None if turn.finish == "none" else turn.finish
    body: Json = {**_head(turn), "object": "chat.completion"}
    body["choices"] = [{"index": 0, "message": message, "finish_reason": finish}]
    if usage := _usage(turn):
        body["usage"] = usage
    return body


def error(status: int, message: str) -> Json:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def error_frame(detail: Json) -> bytes:
    return unnamed_event({"error": detail})


def assistant_turns(request: Json) -> int:
    return sum(1 for row in request.get("messages", []) if row.get("role") == "assistant")


def _head(turn: Turn) -> Json:
    return {
        "id": f"chatcmpl-{turn.number}",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000 + turn.number,
        "model": turn.model,
    }


def _chunk(turn: Turn, delta: Json, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return unnamed_event({**_head(turn), "choices": [choice]})


def _usage(turn: Turn) -> Json | None:
    tokens = turn.reply.usage
    if tokens is None:
        return None
    usage: Json = {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.cache_write},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }
    if tokens.cost is not None:
        usage["cost"] = tokens.cost
    return usage


CHAT_COMPLETIONS = Dialect(
    path="/v1/chat/completions",
    frames=frames,
    document=document,
    error=error,
    error_frame=error_frame,
    assistant_turns=assistant_turns,
    last_user_text=lambda request: last_user_text(request.get("messages")),
)
