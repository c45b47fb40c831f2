"""OpenAI Responses."""

import itertools
from collections.abc import Iterator

from hermes.testing.dialects.dialect import Dialect, Frame, Json, Turn, event, last_user_text


class _Numbered:
    """Gives each event its sequence number."""

    def __init__(self) -> None:
        self._next = itertools.count()

    def __call__(self, name: str, /, **fields: object) -> bytes:
        return event(name, {"type": name, "sequence_number": next(self._next), **fields})


def frames(turn: Turn) -> Iterator[Frame]:
    say = _Numbered()
    yield Frame("other", say("response.created", response=_response(turn, "in_progress", [])))
    yield Frame("other", say("response.in_progress", response=_response(turn, "in_progress", [])))
    for index, item in enumerate(_items(turn)):
        yield Frame("other", say("response.output_item.added", output_index=index, item=_opened(item)))
        where = {"item_id": item["id"], "output_index": index}
        if item["type"] == "reasoning":
            yield from _reasoning_frames(turn, say, where)
        elif item["type"] == "message":
            yield from _text_frames(turn, say, where)
        else:
            for part in turn.parts(item["arguments"]):
                name = "response.function_call_arguments.delta"
                yield Frame("arguments", say(name, **where, delta=part))
            name = "response.function_call_arguments.done"
            yield Frame("other", say(name, **where, name=item["name"], arguments=item["arguments"]))
        yield Frame("other", say("response.output_item.done", output_index=index, item=item))
    if turn.finish != "none":
        final = document(turn)
        yield Frame("other", say(f"response.{final['status']}", response=final))


def document(turn: Turn) -> Json:
    incomplete = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(turn.finish)
    body = _response(turn, "incomplete" if incomplete else "completed", list(_items(turn)))
    if incomplete:
        body["incomplete_details"] = {"reason": incomplete}
    body["usage"] = _usage(turn)
    return body


def error(status: int, message: str) -> Json:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def error_frame(detail: Json) -> bytes:
    body = {"type": "error", "sequence_number": 0, "code": detail.get("code") or detail.get("type")}
    return event("error", {**body, "message": detail.get("message", ""), "param": None})


def assistant_turns(request: Json) -> int:
    """Runs of items that the model made; the protocol has no other mark of a turn."""
    rows = request.get("input")
    turns, inside = 0, False
    for row in rows if isinstance(rows, list) else []:
        by_model = row.get("role") == "assistant" or row.get("type") in ("reasoning", "function_call")
        turns += by_model and not inside
        inside = by_model
    return turns


def _echo_text(request: Json) -> str:
    rows = request.get("input")
    return rows if isinstance(rows, str) else last_user_text(rows)


def _items(turn: Turn) -> Iterator[Json]:
    if turn.reply.reasoning:
        yield {
            "id": f"rs_{turn.number}",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": turn.reply.reasoning}],
            "encrypted_content": f"sealed-{turn.number}",
        }
    if turn.reply.text or not turn.calls:
        part = {"type": "output_text", "text": turn.reply.text, "annotations": []}
        yield {
            "id": f"msg_{turn.number}",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [part],
        }
    for index, call in enumerate(turn.calls):
        yield {
            "id": f"fc_{turn.number}_{index}",
            "type": "function_call",
            "status": "completed",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }


def _opened(item: Json) -> Json:
    """The item as it is announced: nothing in it yet."""
    empty: dict[str, Json] = {
        "reasoning": {"summary": [], "encrypted_content": ""},
        "message": {"content": [], "status": "in_progress"},
        "function_call": {"arguments": "", "status": "in_progress"},
    }
    return {**item, **empty[item["type"]]}


def _reasoning_frames(turn: Turn, say: _Numbered, where: Json) -> Iterator[Frame]:
    where = {**where, "summary_index": 0}
    blank = {"type": "summary_text", "text": ""}
    yield Frame("other", say("response.reasoning_summary_part.added", **where, part=blank))
    for part in turn.parts(turn.reply.reasoning):
        yield Frame("reasoning", say("response.reasoning_summary_text.delta", **where, delta=part))
    text = turn.reply.reasoning
    yield Frame("other", say("response.reasoning_summary_text.done", **where, text=text))
    whole = {"type": "summary_text", "text": text}
    yield Frame("other", say("response.reasoning_summary_part.done", **where, part=whole))


def _text_frames(turn: Turn, say: _Numbered, where: Json) -> Iterator[Frame]:
    where = {**where, "content_index": 0}
    part: Json = {"type": "output_text", "text": "", "annotations": []}
    yield Frame("other", say("response.content_part.added", **where, part=part))
    for piece in turn.parts(turn.reply.text):
        yield Frame("text", say("response.output_text.delta", **where, delta=piece, logprobs=[]))
    text = turn.reply.text
    yield Frame("other", say("response.output_text.done", **where, text=text, logprobs=[]))
    yield Frame("other", say("response.content_part.done", **where, part={**part, "text": text}))


def _response(turn: Turn, status: str, output: list[Json]) -> Json:
    return {
        "id": f"resp_{turn.number}",
        "object": "response",
        "created_at": 1_700_000_000 + turn.number,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": turn.model,
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": None,
    }


def _usage(turn: Turn) -> Json | None:
    tokens = turn.reply.usage
    if tokens is None:
        return None
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {
            "cached_tokens": tokens.cached,
            "cache_write_tokens": tokens.cache_write,
        },
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
    }


RESPONSES = Dialect(
    path="/v1/responses",
    frames=frames,
    document=document,
    error=error,
    error_frame=error_frame,
    assistant_turns=assistant_turns,
    last_user_text=_echo_text,
)
