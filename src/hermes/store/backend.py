"""What a repository needs of a database, whichever it is.

A repository hands a function to `read` or `write`; the function gets a transaction and runs synchronously
inside it, away from the event loop. Statements use named parameters (`:name`) and words that SQLite and
PostgreSQL share, so that another database is one more implementation of these two protocols.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

Value = str | int | float | None
"""What a column holds. Flags are integers, structures are JSON text, times are Unix seconds."""

T = TypeVar("T")


class Row(Protocol):
    """One row of a result, by column name."""

    def __getitem__(self, column: str, /) -> Any: ...


class Transaction(Protocol):
    """An open transaction. It commits when the function returns and rolls back when it raises."""

    def all(self, statement: str, /, **values: Value) -> list[Row]: ...

    def one(self, statement: str, /, **values: Value) -> Row | None: ...

    def change(self, statement: str, /, **values: Value) -> int:
        """Run a statement that changes rows; how many it changed."""
        ...


class Backend(Protocol):
    """A database that runs transactions for an event loop."""

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on one consistent snapshot."""
        ...

    async def write(self, work: Callable[[Transaction], T], *, durable: bool = False) -> T:
        """Run `work` in one transaction. `durable`: on disk when this returns, power cut included;
        otherwise it survives the death of the process, and a power cut may take the last steps."""
        ...

    async def close(self) -> None: ...


def count(transaction: Transaction, statement: str, /, **values: Value) -> int:
    """The one number that `statement` selects as `n`; 0 when there is none."""
    row = transaction.one(statement, **values)
    return int(row["n"] or 0) if row else 0
