"""Spend: what was consumed, by day, model, provider and task; the memory of daily budgets."""

import datetime

import msgspec

from hermes.store.backend import Backend, Transaction
from hermes.store.records import Scope, Usage
from hermes.store.scoping import in_scope, scope_values
from hermes.store.usage import COLUMNS, PARAMETERS, SUMS, adding, usage_from, usage_values

ADD_TO_SESSION = f"UPDATE sessions SET {adding('sessions')} WHERE id = :session_id"
ADD_TO_RUN = f"UPDATE runs SET {adding('runs')} WHERE id = :run_id AND session_id = :session_id"
ADD_TO_DAY = f"""
INSERT INTO spend (profile, person, day, provider, model, task, {COLUMNS})
SELECT s.profile, s.person, :day, COALESCE(:provider, s.provider, ''), COALESCE(:model, s.model, ''), :task,
    {PARAMETERS}
FROM sessions s WHERE s.id = :session_id
ON CONFLICT (profile, person, day, provider, model, task) DO UPDATE SET {adding("spend")}
"""
SINCE = f"SELECT {SUMS} FROM spend p WHERE {in_scope('p')} AND p.day >= :day"
BY_DAY = f"""
SELECT p.day AS day, p.provider AS provider, p.model AS model, p.task AS task, {SUMS}
FROM spend p WHERE {in_scope("p")} AND p.day >= :day
GROUP BY p.day, p.provider, p.model, p.task ORDER BY p.day, p.provider, p.model, p.task
"""


class Item(msgspec.Struct, frozen=True):
    """Something consumed, and by what. Without a model or provider, the session's are meant."""

    usage: Usage
    model: str | None = None
    provider: str | None = None
    task: str = "main"


class DaySpend(msgspec.Struct, kw_only=True, frozen=True):
    """What one model consumed for one task on one local day (`YYYY-MM-DD`)."""

    day: str
    provider: str
    model: str
    task: str
    usage: Usage


class Spend:
    """What was consumed, by whole local days."""

    def __init__(self, backend: Backend, zone: datetime.tzinfo | None = None) -> None:
        """`zone`: whose days are counted; None: the machine's."""
        self._backend = backend
        self._zone = zone

    async def since(self, scope: Scope, timestamp: float) -> Usage:
        """Everything from the start of the local day that holds `timestamp`."""
        values = scope_values(scope) | {"day": local_day(timestamp, self._zone)}
        row = await self._backend.read(lambda t: t.one(SINCE, **values))
        return usage_from(row) if row else Usage()

    async def by_day(self, scope: Scope, timestamp: float) -> list[DaySpend]:
        """The same in detail, oldest day first."""
        values = scope_values(scope) | {"day": local_day(timestamp, self._zone)}
        rows = await self._backend.read(lambda t: t.all(BY_DAY, **values))
        return [
            DaySpend(
                day=row["day"],
                provider=row["provider"],
                model=row["model"],
                task=row["task"],
                usage=usage_from(row),
            )
            for row in rows
        ]


def add(transaction: Transaction, item: Item, *, session_id: str, run_id: str | None, day: str) -> None:
    """Count an item in its session, its day and its run."""
    if item.usage == Usage():
        return
    values = usage_values(item.usage)
    transaction.change(ADD_TO_SESSION, session_id=session_id, **values)
    if run_id is not None:
        transaction.change(ADD_TO_RUN, run_id=run_id, session_id=session_id, **values)
    transaction.change(
        ADD_TO_DAY,
        session_id=session_id,
        day=day,
        provider=item.provider,
        model=item.model,
        task=item.task,
        **values,
    )


def local_day(timestamp: float, zone: datetime.tzinfo | None) -> str:
    """The date in a time zone, the machine's when that is None."""
    return str(datetime.datetime.fromtimestamp(timestamp, zone).date())
