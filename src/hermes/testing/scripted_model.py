"""A model as a value: it says what it is told to, in memory, without a server.

model = ScriptedModel([calls(ToolCall("c1", "terminal", '{"command":"ls"}')), says("Two files.")])
"""

from collections.abc import AsyncGenerator, Callable, Sequence

import msgspec

from hermes.models.contract import (
    Endpoint,
    Failed,
    FailureReason,
    ModelEvent,
    ModelFailure,
    ModelReply,
    ModelRequest,
    Replied,
    TextDelta,
    ThinkingDelta,
)
from hermes.store.records import ToolCall, Usage

ENDPOINT = Endpoint(
    provider="scripted", model="scripted-model", wire="chat_completions", context_length=128_000
)

Step = ModelReply | Failed | Callable[[ModelRequest], ModelReply | Failed]
"""A reply, a failure, or a function of what was asked."""


def says(text: str, **more: object) -> ModelReply:
    """A reply of plain text."""
    return msgspec.convert({"text": text, **more}, ModelReply)


def calls(*tool_calls: ToolCall, text: str = "") -> ModelReply:
    """A reply that asks for tools."""
    return ModelReply(text=text, tool_calls=tool_calls, stop="tool_calls")


def fails(reason: FailureReason, message: str = "The model failed.", **more: object) -> Failed:
    """A failure after every retry."""
    failure = msgspec.convert({"reason": reason, "message": message, **more}, ModelFailure)
    return Failed(failure, None, Usage(model_calls=1, calls_without_usage=1))


class ScriptedModel:
    """Implements `Model`. Each step answers one call; text arrives in two pieces."""

    def __init__(self, steps: Sequence[Step], endpoint: Endpoint = ENDPOINT) -> None:
        self.requests: list[ModelRequest] = []
        """What was asked, in order."""
        self._steps = list(steps)
        self.endpoint = endpoint

    def begin_turn(self) -> None:
        pass

    def learn_window(self, tokens: int) -> None:
        self.endpoint = msgspec.structs.replace(self.endpoint, context_length=tokens)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.requests.append(request)
        if not self._steps:
            raise AssertionError(f"the script has no step for request {len(self.requests)}")
        step = self._steps.pop(0)
        outcome = step(request) if callable(step) else step
        if isinstance(outcome, Failed):
            yield outcome
            return
        if outcome.reasoning:
            yield ThinkingDelta(outcome.reasoning)
        middle = len(outcome.text) // 2
        for piece in (outcome.text[:middle], outcome.text[middle:]):
            if piece:
                yield TextDelta(piece)
        usage = outcome.usage if outcome.usage.model_calls else Usage(model_calls=1, calls_without_usage=1)
        yield Replied(msgspec.structs.replace(outcome, usage=usage), self.endpoint)

    async def close(self) -> None:
        pass
