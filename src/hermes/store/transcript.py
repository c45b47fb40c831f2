"""The transcript's rules, inside a transaction: rows are added at the end, a summary takes the place of
what it stands in for, and rows are marked but never changed or removed."""

from collections.abc import Sequence

import msgspec

from hermes.store.backend import Transaction, count
from hermes.store.errors import StoreError
from hermes.store.records import Compaction, Message, MessageState
from hermes.store.rows import message_values

LAST_POSITION = "SELECT MAX(position) AS n FROM messages WHERE session_id = :session_id"
PLACE_OF = "SELECT position, id FROM messages WHERE session_id = :session_id AND id = :id"
INSERT_MESSAGE = """
INSERT INTO messages (session_id, run_id, position, role, kind, state, content, wire_content, images,
    tool_calls, tool_call_id, tool_name, ok, display, reasoning, replay, finish_reason, model, created_at)
VALUES (:session_id, :run_id, :position, :role, :kind, :state, :content, :wire_content, :images, :tool_calls,
    :tool_call_id, :tool_name, :ok, :display, :reasoning, :replay, :finish_reason, :model, :created_at)
RETURNING id
"""
COUNT_IN_SESSION = """
UPDATE sessions SET message_count = message_count + :messages,
    tool_call_count = tool_call_count + :tool_calls, updated_at = :now
WHERE id = :session_id
"""
MARK_BETWEEN = """
UPDATE messages SET state = :state
WHERE session_id = :session_id AND state = 'active'
    AND (position, id) >= (:first_position, :first_id) AND (position, id) <= (:last_position, :last_id)
"""
MARK_COMPACTED = """
UPDATE messages SET state = 'compacted' WHERE session_id = :session_id AND id = :id AND state = 'active'
"""


def append(
    transaction: Transaction,
    session_id: str,
    messages: Sequence[Message],
    *,
    now: float,
    run_id: str | None = None,
    summary_position: int | None = None,
) -> list[Message]:
    """Store rows and return them with their ids. With `summary_position`, rows of kind `summary` go there,
    behind the rows that hold that position already; all others go to the end."""
    if not messages:
        return []
    end = count(transaction, LAST_POSITION, session_id=session_id)
    stored = []
    for message in messages:
        if message.kind == "summary" and summary_position is not None:
            position = summary_position
        else:
            end += 1
            position = end
        belongs_to = message.run_id or run_id
        created_at = message.created_at or now
        values = message_values(message) | {
            "session_id": session_id,
            "run_id": belongs_to,
            "position": position,
            "created_at": created_at,
        }
        new_id = transaction.all(INSERT_MESSAGE, **values)[0]["id"]
        stored.append(
            msgspec.structs.replace(
                message, id=new_id, session_id=session_id, run_id=belongs_to, created_at=created_at
            )
        )
    transaction.change(
        COUNT_IN_SESSION,
        session_id=session_id,
        messages=len(messages),
        tool_calls=sum(len(message.tool_calls) for message in messages),
        now=now,
    )
    return stored


def mark(transaction: Transaction, session_id: str, first_id: int, last_id: int, state: MessageState) -> int:
    """Mark the active rows from one to another, both included, in transcript order; how many there were.
    Raises StoreError when an end is no row of the session."""
    first = _place(transaction, session_id, first_id)
    last = _place(transaction, session_id, last_id)
    return transaction.change(
        MARK_BETWEEN,
        session_id=session_id,
        state=state,
        first_position=first[0],
        first_id=first[1],
        last_position=last[0],
        last_id=last[1],
    )


def compact(transaction: Transaction, session_id: str, compaction: Compaction) -> int:
    """Mark the rows that a summary stands in for; the position that the summary takes. Raises StoreError when
    a row is not active any more: the summary was made from another transcript."""
    position = 0
    for message_id in compaction.ids:
        position = max(position, _place(transaction, session_id, message_id)[0])
        if not transaction.change(MARK_COMPACTED, session_id=session_id, id=message_id):
            raise StoreError(
                f"Message {message_id} of session {session_id} was undone or compacted meanwhile; "
                "the summary was not stored."
            )
    return position


def _place(transaction: Transaction, session_id: str, message_id: int) -> tuple[int, int]:
    row = transaction.one(PLACE_OF, session_id=session_id, id=message_id)
    if row is None:
        raise StoreError(f"Session {session_id} has no message {message_id}; read the transcript again.")
    return int(row["position"]), int(row["id"])
