"""What a run writes down: every step is one transaction, and every event has its number.

Deltas are shown as they arrive and stored coalesced: with the next step, or after `FLUSH_CHARACTERS` or
`FLUSH_SECONDS`, whichever comes first.

Numbers are given to what is stored and shown in one order, without gaps: one step is written at a time, it is
written to its end, and what arrives meanwhile comes after it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import msgspec

from hermes.store.database import Store
from hermes.store.events import Event, EventRecord, MessageDelta, MessageStored, ReasoningDelta, ToolOutput
from hermes.store.records import Compaction, Lease, Message, RunStatus, ToolCallRecord, Usage

FLUSH_CHARACTERS = 4_096
FLUSH_SECONDS = 2.0
STORED_OUTPUT_CHARACTERS = 16_384
"""Live output of one call that is kept for replay; the tool's result has the rest."""

log = logging.getLogger("hermes.agent.journal")

T = TypeVar("T")
Listener = Callable[[EventRecord], None]
Delta = MessageDelta | ReasoningDelta | ToolOutput


class Journal:
    """The writing side of one run, held by whoever holds its lease."""

    def __init__(
        self, store: Store, lease: Lease, listen: Listener, clock: Callable[[], float] = time.time
    ) -> None:
        self.lease = lease
        self.clock = clock
        self._runs = store.runs
        self._listen = listen
        self._seq = lease.last_event_seq
        self._waiting: list[EventRecord] = []
        """Numbered, shown, not yet stored. The last may still grow."""
        self._waiting_characters = 0
        self._flushed_at = clock()
        self._output_stored: dict[str, int] = {}
        self._writing = asyncio.Lock()
        self._held: list[Delta] | None = None
        """Deltas that arrived while a step is written; None while none is."""

    # Deltas ---------------------------------------------------------------------------------------------

    def text(self, text: str, offset: int) -> None:
        """A piece of the answer. `offset` counts the characters of this message before it."""
        self._delta(MessageDelta(text=text, offset=offset))

    def reasoning(self, text: str, offset: int) -> None:
        self._delta(ReasoningDelta(text=text, offset=offset))

    def output(self, call_id: str, text: str) -> None:
        """Live output of a tool. Shown whole, stored up to a bound."""
        self._delta(ToolOutput(call_id=call_id, text=text))

    @property
    def due(self) -> bool:
        """Whether the deltas that wait should be stored now."""
        return bool(self._waiting) and (
            self._waiting_characters >= FLUSH_CHARACTERS or self.clock() - self._flushed_at >= FLUSH_SECONDS
        )

    def _delta(self, delta: Delta) -> None:
        if self._held is not None:
            self._held.append(delta)
            return
        last = self._waiting[-1] if self._waiting else None
        grows = last is not None and _continues(last.event, delta)
        if not grows:
            self._seq += 1
        record = EventRecord(run_id=self.lease.run_id, seq=self._seq, at=self.clock(), event=delta)
        self._tell(record)
        kept = self._bounded(delta)
        if grows and last is not None:
            self._waiting[-1] = msgspec.structs.replace(last, event=_joined(last.event, kept))
        else:
            self._waiting.append(msgspec.structs.replace(record, event=kept))
        self._waiting_characters += len(kept.text)

    def _bounded(self, delta: Delta) -> Delta:
        if not isinstance(delta, ToolOutput):
            return delta
        stored = self._output_stored.get(delta.call_id, 0)
        text = delta.text[: max(0, STORED_OUTPUT_CHARACTERS - stored)]
        self._output_stored[delta.call_id] = stored + len(text)
        return ToolOutput(call_id=delta.call_id, text=text)

    # Steps ----------------------------------------------------------------------------------------------

    async def record(
        self,
        *,
        messages: Sequence[Message] = (),
        events: Sequence[Event] = (),
        started: Sequence[ToolCallRecord] = (),
        finished: Sequence[ToolCallRecord] = (),
        usage: Usage | None = None,
        compact: Compaction | None = None,
        status: RunStatus | None = None,
    ) -> list[Message]:
        """Store one step, then show its events. Raises LeaseLost when another has taken the run over."""
        return await self._store(
            messages,
            events,
            lambda records: self._runs.record(
                self.lease,
                messages=messages,
                tools_started=started,
                tools_finished=finished,
                compact=compact,
                events=records,
                usage=usage,
                status=status,
            ),
        )

    async def flush(self) -> None:
        """Store the deltas that wait."""
        if self._waiting:
            await self.record()

    async def finish(
        self,
        *,
        status: RunStatus,
        reason: str,
        usage: Usage,
        messages: Sequence[Message] = (),
        events: Sequence[Event] = (),
        answer: str | None = None,
        error: str | None = None,
    ) -> None:
        """End the run: the last messages, the usage and the end in one durable transaction."""
        await self._store(
            messages,
            events,
            lambda records: self._runs.finish(
                self.lease,
                status=status,
                reason=reason,
                answer=answer,
                error=error,
                usage=usage,
                messages=messages,
                events=records,
            ),
        )

    async def _store(
        self,
        messages: Sequence[Message],
        events: Sequence[Event],
        write: Callable[[Sequence[EventRecord]], Awaitable[list[Message]]],
    ) -> list[Message]:
        async with self._writing:
            return await _to_its_end(self._step(messages, events, write))

    async def _step(
        self,
        messages: Sequence[Message],
        events: Sequence[Event],
        write: Callable[[Sequence[EventRecord]], Awaitable[list[Message]]],
    ) -> list[Message]:
        records = self._numbered([*(MessageStored(message=message) for message in messages), *events])
        self._held = []
        try:
            stored = await write([*self._waiting, *records])
        except Exception:
            self._seq -= len(records)  # nothing was stored, so the next step has these numbers
            raise
        else:
            self._waiting = []
            self._waiting_characters, self._flushed_at = 0, self.clock()
            for record in _with_stored(records, stored):
                self._tell(record)
        finally:
            held, self._held = self._held, None
            for delta in held:
                self._delta(delta)
        return stored

    def _numbered(self, events: Sequence[Event]) -> list[EventRecord]:
        records = []
        for event in events:
            self._seq += 1
            records.append(EventRecord(run_id=self.lease.run_id, seq=self._seq, at=self.clock(), event=event))
        return records

    def _tell(self, record: EventRecord) -> None:
        try:
            self._listen(record)
        except Exception:  # the border to a viewer: a run does not depend on who watches it
            log.exception("a viewer of run %s failed; it is shown nothing more", record.run_id)
            self._listen = _nobody


def _nobody(record: EventRecord) -> None:
    """Shown to nobody; it is stored all the same."""


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`. A cancellation is obeyed when it is done: half a step would leave a gap."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _with_stored(records: Sequence[EventRecord], stored: Sequence[Message]) -> list[EventRecord]:
    """The records with the messages as they are in the transcript, with their ids."""
    rows = iter(stored)
    return [
        msgspec.structs.replace(record, event=MessageStored(message=next(rows)))
        if isinstance(record.event, MessageStored)
        else record
        for record in records
    ]


def _continues(last: Event, delta: Delta) -> bool:
    if type(last) is not type(delta):
        return False
    return not isinstance(delta, ToolOutput) or (
        isinstance(last, ToolOutput) and last.call_id == delta.call_id
    )


def _joined(last: Event, delta: Delta) -> Delta:
    assert isinstance(last, MessageDelta | ReasoningDelta | ToolOutput)
    return msgspec.structs.replace(last, text=last.text + delta.text)
