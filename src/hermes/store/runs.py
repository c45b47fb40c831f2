"""Runs: accepted once, claimed by one process at a time, taken over when it dies.

A claim is a fence, not only a lease: it raises the run's epoch, and every later write names the epoch it
belongs to. A process that was thought dead and comes back can no longer write.
"""

import datetime
from collections.abc import Callable, Sequence

from hermes.store import event_log, owners, steps
from hermes.store.backend import Backend, Row, Transaction, count
from hermes.store.errors import StoreError
from hermes.store.events import EventRecord, RunQueued
from hermes.store.ids import new_run_id
from hermes.store.messages import require_session
from hermes.store.records import (
    FINISHED,
    Compaction,
    Lease,
    Message,
    Run,
    RunStatus,
    Scope,
    ToolCallRecord,
    Usage,
)
from hermes.store.rows import json_text, run_from, tool_call_from
from hermes.store.scoping import in_scope, scope_values
from hermes.store.spend import local_day

__all__ = ["Compaction", "Runs"]

GET = f"SELECT r.* FROM runs r WHERE r.id = :run_id AND {in_scope('r')}"
BY_ID = "SELECT * FROM runs WHERE id = :run_id"
BY_EXTERNAL_ID = f"""
SELECT r.* FROM runs r WHERE r.source = :source AND r.external_id = :external_id AND {in_scope("r")}
"""
LAST_PLACE = "SELECT MAX(place) AS n FROM runs WHERE session_id = :session_id"
INSERT_RUN = """
INSERT INTO runs (id, session_id, profile, person, source, external_id, place, status, input, attended,
    created_at)
SELECT :run_id, s.id, s.profile, s.person, :source, :external_id, :place, 'queued', :input, :attended, :now
FROM sessions s WHERE s.id = :session_id
ON CONFLICT (profile, source, external_id) DO NOTHING
RETURNING id
"""
WAKE_SESSION = """
UPDATE sessions SET updated_at = :now, ended_at = NULL, end_reason = NULL WHERE id = :session_id
"""
LOCK_SESSION = "UPDATE sessions SET updated_at = updated_at WHERE id = :session_id"
UNFINISHED_BEFORE = """
SELECT COUNT(*) AS n FROM runs WHERE session_id = :session_id AND place < :place AND finished_at IS NULL
"""
CLAIM = """
UPDATE runs SET status = 'running', owner = :owner, epoch = epoch + 1, lease_until = :lease_until,
    started_at = COALESCE(started_at, :now)
WHERE id = :run_id
RETURNING epoch
"""
UNFINISHED = f"""
SELECT r.* FROM runs r WHERE {in_scope("r")} AND r.finished_at IS NULL ORDER BY r.created_at, r.place
"""
UNFINISHED_OF_SESSION = f"""
SELECT r.* FROM runs r WHERE {in_scope("r")} AND r.session_id = :session_id AND r.finished_at IS NULL
ORDER BY r.place
"""
TOOL_CALLS = f"""
SELECT c.* FROM tool_calls c JOIN runs r ON r.id = c.run_id
WHERE c.run_id = :run_id AND {in_scope("r")}
ORDER BY c.started_at, c.call_id
"""
CANCEL_QUEUED = f"""
UPDATE runs SET status = 'cancelled', reason = 'cancelled', finished_at = :now
WHERE status = 'queued' AND id = (SELECT r.id FROM runs r WHERE r.id = :run_id AND {in_scope("r")})
"""


class Runs:
    """The runs of a store."""

    def __init__(
        self,
        backend: Backend,
        clock: Callable[[], float],
        check_space: Callable[[], None],
        zone: datetime.tzinfo | None = None,
    ) -> None:
        self._backend = backend
        self._clock = clock
        self._zone = zone
        self._check_space = check_space

    async def accept(
        self,
        scope: Scope,
        session_id: str,
        input: Message,
        *,
        source: str,
        external_id: str | None = None,
        attended: bool = False,
    ) -> tuple[Run, bool]:
        """Store an input and its queued run; on disk when this returns. An external id that the source has
        sent before gives the first run and False. Raises StoreError when the disk is nearly full."""
        self._check_space()

        def write(transaction: Transaction) -> tuple[Row, bool]:
            require_session(transaction, scope, session_id)
            now = self._clock()
            transaction.change(WAKE_SESSION, session_id=session_id, now=now)
            inserted = transaction.one(
                INSERT_RUN,
                run_id=new_run_id(),
                session_id=session_id,
                source=source,
                external_id=external_id,
                place=count(transaction, LAST_PLACE, session_id=session_id) + 1,
                input=json_text(input),
                attended=int(attended),
                now=now,
            )
            if inserted is None:
                return _first_delivery(transaction, scope, source, external_id), False
            queued = RunQueued(session_id=session_id, source=source)
            event_log.append(transaction, inserted["id"], [EventRecord(inserted["id"], 1, now, queued)])
            return transaction.all(BY_ID, run_id=inserted["id"])[0], True

        row, is_new = await self._backend.write(write, durable=True)
        return run_from(row), is_new

    async def claim(self, scope: Scope, run_id: str, owner: str, *, lease_seconds: float) -> Lease | None:
        """Take a run that is queued, released, or whose holder is dead or overdue. None when it cannot be had
        now: it is finished, held, unknown, or an earlier run of its session is not finished. Tool calls that
        the holder before had started become `unknown`. The input becomes a row when the holder records it."""

        def write(transaction: Transaction) -> Lease | None:
            row = transaction.one(GET, run_id=run_id, **scope_values(scope))
            if row is None:
                return None
            session_id = row["session_id"]
            # One claim a session at a time, also where writers run side by side.
            transaction.change(LOCK_SESSION, session_id=session_id)
            row = transaction.all(BY_ID, run_id=run_id)[0]
            now = self._clock()
            if not is_free(row, now):
                return None
            if count(transaction, UNFINISHED_BEFORE, session_id=session_id, place=row["place"]):
                return None
            claimed = transaction.one(
                CLAIM, run_id=run_id, owner=owner, lease_until=now + lease_seconds, now=now
            )
            if claimed is None:
                return None
            transaction.change(steps.FORGET_STARTED_CALLS, run_id=run_id)
            last_seq = count(transaction, event_log.LAST_SEQ, run_id=run_id)
            return Lease(run_id, session_id, owner, claimed["epoch"], last_seq)

        return await self._backend.write(write)

    async def renew(self, lease: Lease, lease_seconds: float) -> None:
        """Hold the run for that long from now. Raises LeaseLost."""
        until = self._clock() + lease_seconds
        await self._backend.write(lambda t: steps.fence(t, lease, lease_until=until))

    async def record(
        self,
        lease: Lease,
        *,
        messages: Sequence[Message] = (),
        tools_started: Sequence[ToolCallRecord] = (),
        tools_finished: Sequence[ToolCallRecord] = (),
        compact: Compaction | None = None,
        events: Sequence[EventRecord] = (),
        usage: Usage | None = None,
        status: RunStatus | None = None,
    ) -> list[Message]:
        """Store one step in one transaction; the messages as stored. Raises LeaseLost, and then nothing is
        kept.

        `compact` marks rows, and messages of kind `summary` take their place. `usage` is what this step
        consumed. A `message.stored` event whose message is one of `messages` (the same object) is stored with
        the ids given here."""
        step = steps.Step(
            messages=messages,
            tool_calls=(*tools_started, *tools_finished),
            compact=compact,
            events=events,
            usage=usage,
            status=status,
        )
        return await self._backend.write(lambda t: steps.record(t, lease, step, self._now()))

    async def finish(
        self,
        lease: Lease,
        *,
        status: RunStatus,
        reason: str,
        usage: Usage,
        answer: str | None = None,
        error: str | None = None,
        messages: Sequence[Message] = (),
        events: Sequence[EventRecord] = (),
    ) -> list[Message]:
        """End a run, on disk when this returns; the messages as stored. Raises LeaseLost.

        `usage` is the whole run's, earlier holders' included; what `record` and `add_usage` have not
        counted of it is counted now. Status is `completed`, `failed` or `cancelled`; `release` is for the
        rest."""
        if status not in FINISHED:
            raise ValueError(f"A run cannot finish as '{status}'; use one of {', '.join(sorted(FINISHED))}.")
        end = steps.End(status=status, reason=reason, usage=usage, answer=answer, error=error)
        step = steps.Step(messages=messages, events=events)
        return await self._backend.write(
            lambda t: steps.finish(t, lease, step, end, self._now()), durable=True
        )

    def _now(self) -> steps.Now:
        at = self._clock()
        return steps.Now(at, local_day(at, self._zone))

    async def release(self, lease: Lease) -> None:
        """Give a run back unfinished: it is `interrupted` and free at once. Raises LeaseLost."""
        await self._backend.write(lambda t: steps.release(t, lease))

    async def get(self, scope: Scope, run_id: str) -> Run | None:
        values = scope_values(scope)
        row = await self._backend.read(lambda t: t.one(GET, run_id=run_id, **values))
        return run_from(row) if row else None

    async def unfinished(
        self, scope: Scope, session_id: str | None = None, *, now: float | None = None
    ) -> list[Run]:
        """Runs that wait for a process: queued, released, or held by one that is dead or overdue; oldest
        first. Of one session, or of all."""
        values = scope_values(scope)
        if session_id is None:
            rows = await self._backend.read(lambda t: t.all(UNFINISHED, **values))
        else:
            rows = await self._backend.read(
                lambda t: t.all(UNFINISHED_OF_SESSION, session_id=session_id, **values)
            )
        at = self._clock() if now is None else now
        return [run_from(row) for row in rows if is_free(row, at)]

    async def tool_calls(self, scope: Scope, run_id: str) -> list[ToolCallRecord]:
        """The calls of a run and what is known of each, in the order they were started."""
        values = scope_values(scope)
        rows = await self._backend.read(lambda t: t.all(TOOL_CALLS, run_id=run_id, **values))
        return [tool_call_from(row) for row in rows]

    async def cancel(self, scope: Scope, run_id: str) -> bool:
        """Cancel a run that nobody has claimed yet; False when it is too late or there is none."""

        def write(transaction: Transaction) -> bool:
            now = self._clock()
            if not transaction.change(CANCEL_QUEUED, run_id=run_id, now=now, **scope_values(scope)):
                return False
            event_log.append_finished(transaction, run_id, "cancelled", now)
            return True

        return await self._backend.write(write, durable=True)


def is_free(row: Row, now: float) -> bool:
    """Whether a run waits for a process to take it."""
    if row["finished_at"] is not None:
        return False
    if row["status"] in ("queued", "interrupted") or row["lease_until"] is None:
        return True
    return bool(row["lease_until"] <= now) or owners.is_dead(row["owner"])


def _first_delivery(transaction: Transaction, scope: Scope, source: str, external_id: str | None) -> Row:
    row = transaction.one(BY_EXTERNAL_ID, source=source, external_id=external_id, **scope_values(scope))
    if row is None:
        raise StoreError(
            f"The id '{external_id}' was already used on {source} by someone else; send a new one."
        )
    return row
