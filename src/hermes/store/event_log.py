"""Events as stored, so that a viewer can leave, come back and replay from any number."""

from collections.abc import Sequence

from hermes.store.backend import Backend, Transaction, count
from hermes.store.events import EventRecord, RunFinished
from hermes.store.records import RunStatus, Scope, Usage
from hermes.store.rows import event_from, event_values
from hermes.store.scoping import in_scope, scope_values

INSERT_EVENT = "INSERT INTO events (run_id, seq, at, name, body) VALUES (:run_id, :seq, :at, :name, :body)"
LAST_SEQ = "SELECT MAX(seq) AS n FROM events WHERE run_id = :run_id"
SINCE = f"""
SELECT e.* FROM events e JOIN runs r ON r.id = e.run_id
WHERE e.run_id = :run_id AND e.seq > :seq AND {in_scope("r")}
ORDER BY e.seq LIMIT :limit
"""


class Events:
    """The events of runs."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def since(self, scope: Scope, run_id: str, seq: int = 0, limit: int = 1000) -> list[EventRecord]:
        """The events after number `seq`, in order. Fewer than `limit`: there are no more for now."""
        values = scope_values(scope)
        rows = await self._backend.read(lambda t: t.all(SINCE, run_id=run_id, seq=seq, limit=limit, **values))
        return [event_from(row) for row in rows]


def append(transaction: Transaction, run_id: str, events: Sequence[EventRecord]) -> None:
    """Store events under their own numbers. A number that is taken raises Conflict."""
    for record in events:
        transaction.change(INSERT_EVENT, run_id=run_id, **event_values(record))


def append_finished(transaction: Transaction, run_id: str, status: RunStatus, now: float) -> None:
    """Store the end of a run that no process holds."""
    seq = count(transaction, LAST_SEQ, run_id=run_id) + 1
    end = RunFinished(status=status, reason=status, usage=Usage())
    append(transaction, run_id, [EventRecord(run_id, seq, now, end)])
