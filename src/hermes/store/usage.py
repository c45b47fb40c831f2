"""Usage as columns: the same nine in sessions, runs and spend, added up by the database."""

from hermes.store.backend import Row, Value
from hermes.store.records import CostStatus, Usage

COUNTERS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "model_calls",
    "calls_without_usage",
)
COLUMNS = ", ".join((*COUNTERS, "cost_usd", "cost_certainty"))
PARAMETERS = ", ".join(f":{name}" for name in (*COUNTERS, "cost_usd", "cost_certainty"))

CERTAINTY: tuple[CostStatus, ...] = ("actual", "included", "estimated", "unknown")
"""A sum is as certain as its least certain part; the column holds the place in this list."""

SUMS = ", ".join(f"COALESCE(SUM({name}), 0) AS {name}" for name in COUNTERS) + (
    ", SUM(cost_usd) AS cost_usd, MAX(CASE WHEN model_calls > 0 THEN cost_certainty END) AS cost_certainty"
)


def adding(table: str) -> str:
    """The SET clause that adds a usage to a row of `table`."""
    counters = ", ".join(f"{name} = {table}.{name} + :{name}" for name in COUNTERS)
    return f"""{counters},
        cost_usd = COALESCE({table}.cost_usd + :cost_usd, {table}.cost_usd, :cost_usd),
        cost_certainty = CASE WHEN {table}.model_calls = 0 THEN :cost_certainty
            WHEN {table}.cost_certainty > :cost_certainty THEN {table}.cost_certainty
            ELSE :cost_certainty END"""


def usage_values(usage: Usage) -> dict[str, Value]:
    """The columns of a usage."""
    values: dict[str, Value] = {name: getattr(usage, name) for name in COUNTERS}
    return {**values, "cost_usd": usage.cost_usd, "cost_certainty": CERTAINTY.index(usage.cost_status)}


def usage_from(row: Row) -> Usage:
    """The usage in a row that has its columns."""
    certainty = row["cost_certainty"]
    return Usage(
        **{name: int(row[name]) for name in COUNTERS},
        cost_usd=row["cost_usd"],
        cost_status="unknown" if certainty is None else CERTAINTY[certainty],
    )


def not_yet_counted(total: Usage, counted: Usage) -> Usage:
    """What `total` holds beyond `counted`; never negative."""
    cost = None if total.cost_usd is None else max(0.0, total.cost_usd - (counted.cost_usd or 0.0))
    rest = {name: max(0, getattr(total, name) - getattr(counted, name)) for name in COUNTERS}
    return Usage(**rest, cost_usd=cost, cost_status=total.cost_status)
