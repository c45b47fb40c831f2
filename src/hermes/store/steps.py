"""What the holder of a run writes: steps, the end, and giving it back. Every write is fenced."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from hermes.store import event_log, spend, transcript
from hermes.store.backend import Transaction, Value
from hermes.store.errors import LeaseLost
from hermes.store.events import EventRecord, MessageStored
from hermes.store.records import Compaction, Lease, Message, RunStatus, ToolCallRecord, Usage
from hermes.store.rows import clean
from hermes.store.usage import not_yet_counted, usage_from

FENCE = """
UPDATE runs SET status = COALESCE(:status, status), lease_until = COALESCE(:lease_until, lease_until)
WHERE id = :run_id AND epoch = :epoch AND owner = :owner AND finished_at IS NULL
"""
UPSERT_TOOL_CALL = """
INSERT INTO tool_calls (run_id, call_id, name, arguments, state, started_at, finished_at, ok, exit_code)
VALUES (:run_id, :call_id, :name, :arguments, :state, :started_at, :finished_at, :ok, :exit_code)
ON CONFLICT (run_id, call_id) DO UPDATE SET name = excluded.name, arguments = excluded.arguments,
    state = excluded.state, started_at = excluded.started_at, finished_at = excluded.finished_at,
    ok = excluded.ok, exit_code = excluded.exit_code
"""
FORGET_STARTED_CALLS = """
UPDATE tool_calls SET state = 'unknown' WHERE run_id = :run_id AND state = 'started'
"""
RUN_USAGE = "SELECT * FROM runs WHERE id = :run_id"
FINISH = """
UPDATE runs SET status = :status, reason = :reason, answer = :answer, error = :error, finished_at = :now,
    lease_until = NULL, owner = NULL
WHERE id = :run_id
"""
RELEASE = "UPDATE runs SET status = 'interrupted', owner = NULL, lease_until = NULL WHERE id = :run_id"


class Now(NamedTuple):
    """The time of a write."""

    at: float
    day: str
    """The local day whose spending it is."""


class Step(msgspec.Struct, kw_only=True, frozen=True):
    """What one step of a run leaves behind."""

    messages: Sequence[Message] = ()
    tool_calls: Sequence[ToolCallRecord] = ()
    compact: Compaction | None = None
    events: Sequence[EventRecord] = ()
    usage: Usage | None = None
    status: RunStatus | None = None


class End(msgspec.Struct, kw_only=True, frozen=True):
    """How a run ended."""

    status: RunStatus
    reason: str
    usage: Usage
    """Of the whole run."""
    answer: str | None = None
    error: str | None = None


def fence(
    transaction: Transaction,
    lease: Lease,
    *,
    status: RunStatus | None = None,
    lease_until: float | None = None,
) -> None:
    """Raise LeaseLost unless the lease is the run's newest and the run goes on."""
    held = transaction.change(
        FENCE,
        run_id=lease.run_id,
        epoch=lease.epoch,
        owner=lease.owner,
        status=status,
        lease_until=lease_until,
    )
    if not held:
        raise LeaseLost(
            f"Run {lease.run_id} is no longer held by this process: it was taken over, released, finished or "
            "deleted; nothing of this step was stored."
        )


def record(transaction: Transaction, lease: Lease, step: Step, now: Now) -> list[Message]:
    """Store a step; the messages with their ids."""
    fence(transaction, lease, status=step.status)
    summary_position = None
    if step.compact is not None:
        summary_position = transcript.compact(transaction, lease.session_id, step.compact)
    stored = transcript.append(
        transaction,
        lease.session_id,
        step.messages,
        now=now.at,
        run_id=lease.run_id,
        summary_position=summary_position,
    )
    for call in step.tool_calls:
        transaction.change(UPSERT_TOOL_CALL, **_tool_call_values(lease.run_id, call))
    event_log.append(transaction, lease.run_id, _with_stored(step.events, step.messages, stored))
    if step.usage is not None:
        _count(transaction, lease, step.usage, step.messages, now.day)
    return stored


def finish(transaction: Transaction, lease: Lease, step: Step, end: End, now: Now) -> list[Message]:
    """Store the last step and the end; the messages with their ids. Calls that are still open have an unknown
    outcome."""
    stored = record(transaction, lease, step, now)
    counted = usage_from(transaction.all(RUN_USAGE, run_id=lease.run_id)[0])
    _count(transaction, lease, not_yet_counted(end.usage, counted), step.messages, now.day)
    transaction.change(FORGET_STARTED_CALLS, run_id=lease.run_id)
    transaction.change(
        FINISH,
        run_id=lease.run_id,
        status=end.status,
        reason=end.reason,
        answer=None if end.answer is None else clean(end.answer),
        error=None if end.error is None else clean(end.error),
        now=now.at,
    )
    return stored


def release(transaction: Transaction, lease: Lease) -> None:
    """Give the run back. Calls that are still open have an unknown outcome; the next claim says so."""
    fence(transaction, lease)
    transaction.change(RELEASE, run_id=lease.run_id)


def _count(
    transaction: Transaction, lease: Lease, usage: Usage, messages: Sequence[Message], day: str
) -> None:
    """The model that was used stands in the assistant's row; where there is none, it is the session's."""
    model = next((message.model for message in messages if message.role == "assistant"), None)
    spend.add(
        transaction, spend.Item(usage, model=model), session_id=lease.session_id, run_id=lease.run_id, day=day
    )


def _with_stored(
    events: Sequence[EventRecord], given: Sequence[Message], stored: Sequence[Message]
) -> list[EventRecord]:
    """The events, with messages as they were stored in place of those that were handed in."""
    by_identity = {id(message): kept for message, kept in zip(given, stored, strict=True)}
    result = []
    for entry in events:
        if isinstance(entry.event, MessageStored) and id(entry.event.message) in by_identity:
            event = MessageStored(message=by_identity[id(entry.event.message)])
            result.append(EventRecord(entry.run_id, entry.seq, entry.at, event))
        else:
            result.append(entry)
    return result


def _tool_call_values(run_id: str, call: ToolCallRecord) -> dict[str, Value]:
    return {
        "run_id": run_id,
        "call_id": call.call_id,
        "name": call.name,
        "arguments": clean(call.arguments),
        "state": call.state,
        "started_at": call.started_at,
        "finished_at": call.finished_at,
        "ok": None if call.ok is None else int(call.ok),
        "exit_code": call.exit_code,
    }
