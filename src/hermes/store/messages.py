"""Messages: the transcript of a session."""

from collections.abc import Callable, Sequence

from hermes.store import transcript
from hermes.store.backend import Backend, Row, Transaction
from hermes.store.errors import StoreError
from hermes.store.records import Message, MessageState, Scope
from hermes.store.rows import message_from
from hermes.store.scoping import in_scope, scope_values

OWNED = f"SELECT s.id FROM sessions s WHERE s.id = :session_id AND {in_scope('s')}"
ACTIVE = f"""
SELECT m.* FROM messages m
WHERE m.session_id = ({OWNED}) AND m.state = 'active'
ORDER BY m.position, m.id
"""
ALL_AFTER = f"""
SELECT m.* FROM messages m
WHERE m.session_id = ({OWNED}) AND (m.position, m.id) > (:position, :after_id)
ORDER BY m.position, m.id
LIMIT :limit
"""
EXCHANGE_STARTS = """
SELECT id FROM messages
WHERE session_id = :session_id AND state = 'active' AND role = 'user' AND kind = 'normal'
ORDER BY position DESC, id DESC
LIMIT :count
"""
ACTIVE_FROM = """
SELECT * FROM messages
WHERE session_id = :session_id AND state = 'active' AND (position, id) >= (:position, :id)
ORDER BY position, id
"""
NO_LIMIT = 2**62


class Messages:
    """The rows of a session's transcript. Their order is the transcript's, not that of their ids: a summary
    stands where the rows were that it stands in for."""

    def __init__(self, backend: Backend, clock: Callable[[], float]) -> None:
        self._backend = backend
        self._clock = clock

    async def active(self, scope: Scope, session_id: str) -> list[Message]:
        """What a model is sent."""
        values = scope_values(scope)
        rows = await self._backend.read(lambda t: t.all(ACTIVE, session_id=session_id, **values))
        return [message_from(row) for row in rows]

    async def all(
        self, scope: Scope, session_id: str, *, after_id: int = 0, limit: int | None = None
    ) -> list[Message]:
        """Every row, whatever its state, after the row `after_id` (0: from the start) in transcript order."""

        def read(transaction: Transaction) -> list[Row]:
            place = transaction.one(transcript.PLACE_OF, session_id=session_id, id=after_id)
            return transaction.all(
                ALL_AFTER,
                session_id=session_id,
                position=place["position"] if place else 0,
                after_id=after_id,
                limit=NO_LIMIT if limit is None else limit,
                **scope_values(scope),
            )

        return [message_from(row) for row in await self._backend.read(read)]

    async def append(self, scope: Scope, session_id: str, messages: Sequence[Message]) -> list[Message]:
        """Store rows outside of a run (an import, a branch); returns them with their ids."""

        def write(transaction: Transaction) -> list[Message]:
            require_session(transaction, scope, session_id)
            return transcript.append(transaction, session_id, messages, now=self._clock())

        return await self._backend.write(write)

    async def mark(
        self, scope: Scope, session_id: str, *, first_id: int, last_id: int, state: MessageState
    ) -> int:
        """Mark the active rows from one to another, both included; how many there were."""

        def write(transaction: Transaction) -> int:
            require_session(transaction, scope, session_id)
            return transcript.mark(transaction, session_id, first_id, last_id, state)

        return await self._backend.write(write)

    async def undo_exchanges(self, scope: Scope, session_id: str, count: int) -> list[Message]:
        """Mark the last `count` exchanges as undone: everything active from the `count`-th last thing a
        person said (steering is no exchange of its own; what a summary stands in for is out of reach).
        Returns the rows as they were."""

        def write(transaction: Transaction) -> list[Message]:
            require_session(transaction, scope, session_id)
            starts = transaction.all(EXCHANGE_STARTS, session_id=session_id, count=max(count, 0))
            if not starts:
                return []
            place = transaction.one(transcript.PLACE_OF, session_id=session_id, id=starts[-1]["id"])
            if place is None:
                return []
            rows = transaction.all(
                ACTIVE_FROM, session_id=session_id, position=place["position"], id=place["id"]
            )
            transcript.mark(transaction, session_id, rows[0]["id"], rows[-1]["id"], "undone")
            return [message_from(row) for row in rows]

        return await self._backend.write(write)


def require_session(transaction: Transaction, scope: Scope, session_id: str) -> None:
    """Raise StoreError when the scope has no such session."""
    if transaction.one(OWNED, session_id=session_id, **scope_values(scope)) is None:
        raise StoreError(
            f"There is no session {session_id} here; `hermes sessions list` shows those there are."
        )
