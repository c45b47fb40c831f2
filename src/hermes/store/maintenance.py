"""What the store forgets, and when. Messages and sessions are not in this table: they go when a person says
so, for once or by `sessions.auto_prune`."""

from collections.abc import Sequence

import msgspec

from hermes.store.backend import Backend, Row, Transaction, Value, count
from hermes.store.spend import local_day

DAY = 86_400.0
BATCH = 200
"""Runs a transaction, so that a long clean-up never keeps others from writing for long."""
EVENTS_CAP = 5_000_000
"""Rows; beyond it the events of the runs that finished first go before their time."""


class Retention(msgspec.Struct, frozen=True):
    """How long the rows of one table are kept, counted from the end of the run they belong to."""

    table: str
    days: int
    due: str
    """Selects the runs (`id`) that have such rows and finished before `:before`, at most `:limit`."""
    remove: str


FINISHED_WITH = """
SELECT r.id AS id FROM runs r
WHERE r.finished_at < :before AND EXISTS (SELECT 1 FROM {table} x WHERE x.run_id = r.id)
ORDER BY r.finished_at LIMIT :limit
"""
RETENTION = (
    Retention(
        "events", 30, FINISHED_WITH.format(table="events"), "DELETE FROM events WHERE run_id = :run_id"
    ),
    Retention(
        "tool_calls",
        90,
        FINISHED_WITH.format(table="tool_calls"),
        "DELETE FROM tool_calls WHERE run_id = :run_id",
    ),
    Retention(
        "runs",
        365,
        "SELECT r.id AS id FROM runs r WHERE r.finished_at < :before ORDER BY r.finished_at LIMIT :limit",
        "DELETE FROM runs WHERE id = :run_id",
    ),
)
SPEND_DAYS = 730
DELETED_SESSIONS_DAYS = 365

REMOVE_SPEND = "DELETE FROM spend WHERE day < :day"
REMOVE_DELETED_SESSIONS = "DELETE FROM deleted_sessions WHERE deleted_at < :before"
COUNT_EVENTS = "SELECT COUNT(*) AS n FROM events"
OLDEST_EVENTS = """
SELECT r.id AS id, COUNT(*) AS n FROM runs r JOIN events e ON e.run_id = r.id
WHERE r.finished_at IS NOT NULL
GROUP BY r.id, r.finished_at ORDER BY r.finished_at LIMIT :limit
"""
REMOVE_EVENTS = "DELETE FROM events WHERE run_id = :run_id"

LAST_TIME = "SELECT value FROM store_facts WHERE name = 'maintained_at'"
NOTE_TIME = """
INSERT INTO store_facts (name, value) VALUES ('maintained_at', :now)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""


async def take_turn(backend: Backend, now: float) -> bool:
    """Whether the last time was a day ago or never; then this is the next one, for one process alone."""

    def take(transaction: Transaction) -> bool:
        return _is_due(transaction, now) and bool(transaction.change(NOTE_TIME, now=str(now)))

    return await backend.read(lambda t: _is_due(t, now)) and await backend.write(take)


def _is_due(transaction: Transaction, now: float) -> bool:
    row = transaction.one(LAST_TIME)
    return row is None or not 0 <= now - float(row["value"]) < DAY


async def maintain(backend: Backend, now: float, *, events_cap: int = EVENTS_CAP) -> dict[str, int]:
    """Remove what is past its time or above its cap. Table -> rows removed; a removed run takes its events
    and calls along, which are not counted."""
    removed = {rule.table: await _remove_due(backend, rule, now) for rule in RETENTION}
    removed["events"] += await _remove_above_cap(backend, events_cap)
    removed["spend"] = await backend.write(
        lambda t: t.change(REMOVE_SPEND, day=local_day(now - SPEND_DAYS * DAY, None))
    )
    removed["deleted_sessions"] = await backend.write(
        lambda t: t.change(REMOVE_DELETED_SESSIONS, before=now - DELETED_SESSIONS_DAYS * DAY)
    )
    return removed


async def _remove_due(backend: Backend, rule: Retention, now: float) -> int:
    removed = 0
    values: dict[str, Value] = {"before": now - rule.days * DAY, "limit": BATCH}
    while due := await backend.read(lambda t: t.all(rule.due, **values)):
        removed += await _remove(backend, rule.remove, due)
    return removed


async def _remove_above_cap(backend: Backend, cap: int) -> int:
    excess = await backend.read(lambda t: count(t, COUNT_EVENTS)) - cap
    removed = 0
    while removed < excess:
        oldest = await backend.read(lambda t: t.all(OLDEST_EVENTS, limit=BATCH))
        if not oldest:
            break
        total, chosen = removed, []
        for row in oldest:
            if total >= excess:
                break
            total += row["n"]
            chosen.append(row)
        removed += await _remove(backend, REMOVE_EVENTS, chosen)
    return removed


async def _remove(backend: Backend, statement: str, runs: Sequence[Row]) -> int:
    def write(transaction: Transaction) -> int:
        return sum(transaction.change(statement, run_id=row["id"]) for row in runs)

    return await backend.write(write)
