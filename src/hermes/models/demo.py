"""The offline demo model: a wire protocol without a wire.

It reads the transcript as any model does, makes the tool calls that the request needs, stage by stage, and
at last reports the results that came back. Deterministic: equal requests give equal events.
"""

import json
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

import msgspec

from hermes.models.contract import (
    Endpoint,
    ModelEvent,
    ModelReply,
    ModelRequest,
    Replied,
    TextDelta,
    ToolCallDelta,
)
from hermes.models.demo_requests import Stage, Step, understand
from hermes.store.records import Message, ToolCall, Usage

LABEL = "(demo model)"

NOT_UNDERSTOOD = (
    f"{LABEL} No language model is connected, and this is not one of the requests I know (say `help`): "
    "connect one with `hermes model`, with OPENAI_BASE_URL, or with a provider's key such "
    "as OPENROUTER_API_KEY."
)

_CHUNK = 48
"""Characters of text in one delta."""

_LONGEST_RESULT = 8_000
"""Characters of a tool's result that an answer repeats."""


async def stream(endpoint: Endpoint, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
    """Answer like a wire protocol: deltas, then the whole reply. Costs nothing and counts no tokens."""
    reply = _next_reply(request)
    reply.model, reply.provider = endpoint.model, endpoint.provider
    reply.usage = Usage(model_calls=1, cost_usd=0.0, cost_status="included")
    for start in range(0, len(reply.text), _CHUNK):
        yield TextDelta(reply.text[start : start + _CHUNK])
    for index, call in enumerate(reply.tool_calls):
        half = len(call.arguments) // 2
        yield ToolCallDelta(index, call.name, call.arguments[:half])
        yield ToolCallDelta(index, call.name, call.arguments[half:])
    yield Replied(reply, endpoint)


class _Turn(msgspec.Struct):
    """What has happened since the person's last word."""

    key: str
    """Tells this turn's calls from those of other turns."""
    stages: tuple[Stage, ...]
    results: dict[str, Message]
    """Call id -> the tool's answer."""
    tools: frozenset[str]

    def steps(self) -> Iterator[tuple[int, Step]]:
        yield from enumerate(step for stage in self.stages for step in stage.steps)

    def answers(self, number: int, step: Step) -> list[Message]:
        """The results of a step's calls so far, in order."""
        ids = [self.call_id(number, attempt) for attempt in range(len(step.tries))]
        return [self.results[call_id] for call_id in ids if call_id in self.results]

    def call_id(self, number: int, attempt: int) -> str:
        return f"demo_{self.key}_{number}_{attempt}"

    def pending(self, number: int, step: Step) -> ToolCall | None:
        """The call that a step needs now; None when it is done, has failed for good, or lacks its tool."""
        answers = self.answers(number, step)
        if len(answers) == len(step.tries) or (answers and _succeeded(answers[-1])):
            return None
        call = step.tries[len(answers)]
        if call.tool not in self.tools:
            return None
        arguments = msgspec.json.encode(call.arguments).decode()
        return ToolCall(self.call_id(number, len(answers)), call.tool, arguments)


def _next_reply(request: ModelRequest) -> ModelReply:
    turn = _read_turn(request)
    if turn is None:
        return ModelReply(text=NOT_UNDERSTOOD)
    number = 0
    for stage in turn.stages:
        numbered = list(enumerate(stage.steps, start=number))
        calls = [call for place, step in numbered if (call := turn.pending(place, step)) is not None]
        if calls:
            return ModelReply(tool_calls=tuple(calls), stop="tool_calls")
        number += len(stage.steps)
    return ModelReply(text=_report(turn))


def _read_turn(request: ModelRequest) -> _Turn | None:
    """The present turn, from the last thing a person asked. None when it is not understood."""
    asked = [
        place
        for place, message in enumerate(request.messages)
        if message.role == "user" and message.kind == "normal"
    ]
    if not asked:
        return None
    question = request.messages[asked[-1]]
    stages = understand(question.content)
    if stages is None:
        return None
    return _Turn(
        key=str(question.id or len(asked)),
        stages=stages,
        results=_results(request.messages[asked[-1] :]),
        tools=frozenset(tool.name for tool in request.tools),
    )


def _results(messages: Sequence[Message]) -> dict[str, Message]:
    return {
        message.tool_call_id: message
        for message in messages
        if message.role == "tool" and message.tool_call_id is not None
    }


def _report(turn: _Turn) -> str:
    paragraphs = [_paragraph(step, turn.answers(number, step)) for number, step in turn.steps()]
    return f"{LABEL} " + "\n\n".join(paragraphs)


def _paragraph(step: Step, answers: list[Message]) -> str:
    if not step.tries:
        return step.heading
    if not answers:
        tool = step.tries[0].tool
        return f'I can\'t do "{step.said}": the tool `{tool}` is not available in this session.'
    answer = answers[-1]
    fields, rest = _fields(answer.content)
    code = fields.get("exit_code")
    body = _body(fields, rest)
    # Below zero is no exit code of a command: it was refused, or never started.
    if isinstance(code, int) and code > 0:
        said = "\n".join(filter(None, [body, str(fields.get("error") or "")]))
        return _with_body(f"{step.heading}; it ended with exit code {code}", said)
    if not _succeeded(answer):
        return f'"{step.said}" did not succeed: {_reason(fields, rest)}'
    if step.tries[0].tool == "memory":
        return f"{step.heading}."
    return _with_body(step.heading, body)


def _with_body(heading: str, body: str) -> str:
    if not body:
        return f"{heading}. It printed nothing."
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{heading}:\n\n{fence}\n{body}\n{fence}"


def _succeeded(answer: Message) -> bool:
    """By the tool's own mark, and where an old transcript has none, by its words."""
    if answer.ok is not None:
        return answer.ok
    fields, _ = _fields(answer.content)
    return not fields.get("error") and fields.get("success") is not False


def _fields(content: str) -> tuple[dict[str, Any], str]:
    """A result as an object, and what stands behind it: tools answer in JSON, others may add a word."""
    try:
        value, end = json.JSONDecoder().raw_decode(content)
    except ValueError:
        return {}, content.strip()
    return (value, content[end:].strip()) if isinstance(value, dict) else ({}, content.strip())


def _body(fields: dict[str, Any], rest: str) -> str:
    """The part of a result that people asked for."""
    text = next((text for name in _BODIES if (text := _text(fields.get(name)))), "")
    if not text and fields.get("total_count") == 0:
        text = "nothing found"
    text = (text or ("" if fields else rest)).strip("\n")
    if len(text) > _LONGEST_RESULT:
        return text[:_LONGEST_RESULT] + f"\n[{len(text) - _LONGEST_RESULT} more characters]"
    return text


_BODIES = ("output", "content", "matches_text", "matches", "files", "message")


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(_line(item) for item in value)
    return ""


def _line(item: object) -> str:
    if isinstance(item, dict) and {"path", "line", "content"} <= set(item):
        return f"{item['path']}:{item['line']}: {item['content']}"
    return str(item)


def _reason(fields: dict[str, Any], rest: str) -> str:
    reason = fields.get("error") or fields.get("message") or fields.get("output") or rest
    return str(reason).strip() or "the tool gave no reason."
