"""A reply while it arrives, the same for every protocol."""

import uuid
from collections.abc import Iterator
from typing import Any

import msgspec

from hermes.models.contract import (
    Endpoint,
    ModelEvent,
    ModelReply,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
)
from hermes.models.wires.conversation import replay_record
from hermes.models.wires.thinking_tags import Piece, ThinkingTags, split_unopened
from hermes.store.records import ToolCall, Usage


class CallInProgress:
    """A tool call of which pieces may still come."""

    def __init__(self, index: int, call_id: str, name: str) -> None:
        self.index = index
        self.id = call_id
        self.name = name
        self.pieces: list[str] = []

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    def looks_whole(self) -> bool:
        try:
            msgspec.json.decode(self.arguments)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return False
        return True


class ReplyInProgress:
    """Collects text, reasoning and calls, and says as events what is new."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._tags = ThinkingTags()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._replay: list[dict[str, Any]] = []
        self.calls: list[CallInProgress] = []
        self.model = ""
        self.usage: Usage | None = None
        self.stop: StopReason | None = None

    @property
    def empty(self) -> bool:
        return not (self._text or self._reasoning or self.calls)

    @property
    def slots(self) -> int:
        """Texts and calls so far, as replayed messages count them."""
        return (1 if "".join(self._text).strip() else 0) + len(self.calls)

    def text(self, piece: str) -> Iterator[ModelEvent]:
        return self._sorted(self._tags.feed(piece))

    def reasoning(self, piece: str) -> Iterator[ModelEvent]:
        if piece:
            self._reasoning.append(piece)
            yield ThinkingDelta(piece)

    def reasoning_paragraph(self) -> Iterator[ModelEvent]:
        """Begins a new paragraph where there is reasoning already."""
        if self._reasoning and not self._reasoning[-1].endswith("\n\n"):
            yield from self.reasoning("\n\n")

    def open_call(self, call_id: str, name: str) -> CallInProgress:
        call = CallInProgress(len(self.calls), call_id, name)
        self.calls.append(call)
        return call

    def arguments(self, call: CallInProgress, piece: str) -> ToolCallDelta:
        if piece:
            call.pieces.append(piece)
        return ToolCallDelta(call.index, call.name, piece)

    def keep_for_replay(self, item: dict[str, Any], position: int = 0) -> None:
        self._replay.append(replay_record(self._endpoint, item, position))

    def finish(self) -> Iterator[ModelEvent]:
        """No more text will come."""
        return self._sorted(self._tags.finish())

    def reply(self, stop: StopReason) -> ModelReply:
        reasoning, text = split_unopened("".join(self._text))
        self._reasoning.extend([reasoning] if reasoning else [])
        usage = self.usage or Usage(calls_without_usage=1)
        return ModelReply(
            text=text,
            reasoning="".join(self._reasoning),
            tool_calls=self._finished_calls(),
            stop=stop,
            usage=msgspec.structs.replace(usage, model_calls=1),
            model=self.model or self._endpoint.model,
            provider=self._endpoint.provider,
            replay=tuple(self._replay),
        )

    def _finished_calls(self) -> tuple[ToolCall, ...]:
        """Each with an id of its own, even if the server gave none or one twice."""
        taken: set[str] = set()
        finished = []
        for call in self.calls:
            if not call.id or call.id in taken:
                call.id = f"call_{uuid.uuid4().hex[:24]}"
            taken.add(call.id)
            finished.append(ToolCall(id=call.id, name=call.name, arguments=call.arguments))
        return tuple(finished)

    def _sorted(self, pieces: list[Piece]) -> Iterator[ModelEvent]:
        for kind, text in pieces:
            if kind == "text":
                self._text.append(text)
                yield TextDelta(text)
            else:
                yield from self.reasoning(text)
