"""Sessions: conversations, found, listed, renamed, counted and, when a person asks for it, removed."""

import datetime
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from hermes.store import spend, transcript
from hermes.store.backend import Backend, Row, Transaction, Value
from hermes.store.errors import Conflict, StoreError
from hermes.store.messages import require_session
from hermes.store.records import Message, Scope, Session, SessionStats, Usage
from hermes.store.rows import clean, session_from
from hermes.store.scoping import in_scope, scope_values
from hermes.store.usage import SUMS, usage_from, usage_values

T = TypeVar("T")

TITLE_LENGTH = 100
UNLISTED_SOURCES = ("tool", "subagent")
"""Sessions that work for another one; shown only when asked for by source."""

INSERT_SESSION = """
INSERT INTO sessions (id, profile, person, source, title, title_folded, model, provider, system_prompt, cwd,
    parent_session_id, created_at, updated_at, ended_at, end_reason, archived)
VALUES (:id, :profile, :person, :source, :title, :title_folded, :model, :provider, :system_prompt, :cwd,
    :parent_session_id, :created_at, :updated_at, :ended_at, :end_reason, :archived)
"""
SCOPED = f"SELECT s.* FROM sessions s WHERE {in_scope('s')}"
GET = f"{SCOPED} AND s.id = :id"
FIND_TITLE = f"{SCOPED} AND s.title = :text"
# Ids alone can be read from an index; the rows of the few that match are fetched one by one.
FIND_PREFIX = f"""
SELECT s.id AS id FROM sessions s WHERE {in_scope("s")} AND s.id LIKE :pattern ESCAPE '!' LIMIT 50
"""
FIND_FOLDED = f"{SCOPED} AND s.title_folded = :folded"

AND_NOT_ARCHIVED = " AND s.archived = 0"
# Says again what the scope says, in a form that an index can serve.
AND_PERSON = " AND s.person = :person"
AND_SOURCE = " AND s.source = :source"
AND_LISTED = " AND s.source NOT IN (:unlisted_0, :unlisted_1)"
AND_BEFORE = " AND (s.updated_at, s.id) < (:before_at, :before_id)"
AND_TITLE_LIKE = " AND s.title_folded LIKE :pattern ESCAPE '!'"
NEWEST_FIRST = " ORDER BY s.updated_at DESC, s.id DESC LIMIT :limit"

DELETE = f"DELETE FROM sessions WHERE id = (SELECT s.id FROM sessions s WHERE s.id = :id AND {in_scope('s')})"
REMEMBER_DELETED = "INSERT INTO deleted_sessions (session_id, deleted_at) VALUES (:session_id, :now)"
END = f"""
UPDATE sessions SET ended_at = :now, end_reason = :reason
WHERE id = (SELECT s.id FROM sessions s WHERE s.id = :id AND {in_scope("s")}
    AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.session_id = s.id AND r.finished_at IS NULL))
"""
PRUNABLE = f"{SCOPED} AND s.ended_at IS NOT NULL AND s.updated_at < :last_used_before"
OLDEST_FIRST = " ORDER BY s.updated_at, s.id"

TAKEN_ID = "SELECT id FROM sessions WHERE id = :id"
TAKEN_TITLE = "SELECT id FROM sessions WHERE profile = :profile AND person = :person AND title = :title"

STATS = f"""
SELECT COUNT(*) AS sessions, COALESCE(SUM(archived), 0) AS archived,
    COALESCE(SUM(message_count), 0) AS messages, COALESCE(SUM(tool_call_count), 0) AS tool_calls,
    MIN(created_at) AS oldest, MAX(updated_at) AS newest, {SUMS}
FROM sessions s WHERE {in_scope("s")}
"""
STATS_BY_SOURCE = f"""
SELECT s.source AS source, COUNT(*) AS n FROM sessions s WHERE {in_scope("s")}
GROUP BY s.source ORDER BY n DESC, s.source
"""

CHANGEABLE = ("title", "model", "provider", "system_prompt", "cwd", "archived", "ended_at", "end_reason")


class Sessions:
    """The sessions of a store."""

    def __init__(
        self, backend: Backend, clock: Callable[[], float], zone: datetime.tzinfo | None = None
    ) -> None:
        self._backend = backend
        self._clock = clock
        self._zone = zone

    async def create(self, scope: Scope, session: Session) -> Session:
        """Store a new session. Times that are not set become now."""
        now = self._clock()
        created_at = session.created_at or now
        session = msgspec.structs.replace(
            session,
            title=clean_title(session.title),
            created_at=created_at,
            updated_at=session.updated_at or created_at,
        )
        await self._guard_title(session.title, lambda t: insert(t, scope, session))
        return session

    async def get(self, scope: Scope, session_id: str) -> Session | None:
        values = scope_values(scope)
        row = await self._backend.read(lambda t: t.one(GET, id=session_id, **values))
        return session_from(row) if row else None

    async def find(self, scope: Scope, text: str) -> list[Session]:
        """Whom a person means: by exact id, exact title, start of the id, or title in any case; the first of
        these that finds something, newest activity first. More than one: it was ambiguous."""
        values = scope_values(scope)
        text = text.strip()
        if not text:
            return []

        def read(transaction: Transaction) -> list[Row]:
            pattern = escape_like(text) + "%"
            return (
                transaction.all(GET, id=text, **values)
                or transaction.all(FIND_TITLE, text=text, **values)
                or [
                    transaction.all(GET, id=row["id"], **values)[0]
                    for row in transaction.all(FIND_PREFIX, pattern=pattern, **values)
                ]
                or transaction.all(FIND_FOLDED, folded=text.casefold(), **values)
            )

        found = [session_from(row) for row in await self._backend.read(read)]
        return sorted(found, key=lambda session: session.updated_at, reverse=True)

    async def latest(self, scope: Scope, source: str | None = None) -> Session | None:
        """The one with the newest activity."""
        sessions = await self.list(scope, limit=1, source=source)
        return sessions[0] if sessions else None

    async def update(self, scope: Scope, session_id: str, **fields: Value) -> Session:
        """Change title, model, provider, system_prompt, cwd, archived, ended_at or end_reason; returns the
        session as it is now."""
        wrong = [name for name in fields if name not in CHANGEABLE]
        if wrong:
            raise ValueError(f"A session's {wrong[0]} cannot be changed; these can: {', '.join(CHANGEABLE)}.")
        if "title" in fields:
            title = clean_title(None if fields["title"] is None else str(fields["title"]))
            fields.update(title=title, title_folded=folded(title))
        if "archived" in fields:
            fields["archived"] = int(bool(fields["archived"]))
        settings = ", ".join(f"{name} = :{name}" for name in fields)

        def write(transaction: Transaction) -> Row | None:
            require_session(transaction, scope, session_id)
            if fields:
                transaction.change(f"UPDATE sessions SET {settings} WHERE id = :id", id=session_id, **fields)
            return transaction.one(GET, id=session_id, **scope_values(scope))

        row = await self._guard_title(fields.get("title"), write)
        if row is None:
            raise StoreError(f"Session {session_id} is gone; nothing was changed.")
        return session_from(row)

    async def end(self, scope: Scope, session_id: str, reason: str) -> None:
        """Note that nobody is in a session any more. One with a run that is not finished goes on; the next
        input takes the note away."""
        values = scope_values(scope) | {"id": session_id, "reason": reason, "now": self._clock()}
        await self._backend.write(lambda t: t.change(END, **values))

    async def add_usage(
        self,
        scope: Scope,
        session_id: str,
        usage: Usage,
        *,
        model: str,
        provider: str,
        task: str = "main",
        run_id: str | None = None,
    ) -> None:
        """Count what was consumed: in the session, in the day's spend and, where given, in the run."""

        def write(transaction: Transaction) -> None:
            require_session(transaction, scope, session_id)
            item = spend.Item(usage, model=model, provider=provider, task=task)
            day = spend.local_day(self._clock(), self._zone)
            spend.add(transaction, item, session_id=session_id, run_id=run_id, day=day)

        await self._backend.write(write)

    async def delete(self, scope: Scope, session_id: str) -> bool:
        """Remove a session with all its messages, runs and events. The one place that really removes, and
        only a person asks for it. False when there is none."""
        return await self._backend.write(lambda t: delete(t, scope, session_id, self._clock()), durable=True)

    async def adopt(self, scope: Scope, session: Session, messages: Sequence[Message]) -> Session | None:
        """Store a whole conversation as it was elsewhere: id, times, usage and rows, in one transaction. A
        title that is taken here is dropped. None, and nothing is changed, when the id is taken."""

        def write(transaction: Transaction) -> Session | None:
            if transaction.one(TAKEN_ID, id=session.id):
                return None
            values = {"title": session.title, "profile": scope.profile, "person": scope.person or ""}
            taken = session.title is not None and transaction.one(TAKEN_TITLE, **values)
            adopted = msgspec.structs.replace(session, title=None) if taken else session
            insert(transaction, scope, adopted)
            transcript.append(transaction, session.id, messages, now=session.updated_at)
            transaction.change(spend.ADD_TO_SESSION, session_id=session.id, **usage_values(session.usage))
            return adopted

        return await self._backend.write(write)

    async def prunable(
        self, scope: Scope, *, last_used_before: float, source: str | None = None
    ) -> list[Session]:
        """What `prune` with the same arguments would remove, oldest activity first."""
        statement, values = _prunable(scope, last_used_before, source)
        rows = await self._backend.read(lambda t: t.all(statement, **values))
        return [session_from(row) for row in rows]

    async def prune(self, scope: Scope, *, last_used_before: float, source: str | None = None) -> int:
        """Remove sessions that have ended and in which nothing happened since a time; how many."""
        statement, values = _prunable(scope, last_used_before, source)

        def write(transaction: Transaction) -> int:
            rows = transaction.all(statement, **values)
            return sum(delete(transaction, scope, row["id"], self._clock()) for row in rows)

        return await self._backend.write(write, durable=True)

    async def stats(self, scope: Scope) -> SessionStats:
        values = scope_values(scope)
        total, by_source = await self._backend.read(
            lambda t: (t.all(STATS, **values)[0], t.all(STATS_BY_SOURCE, **values))
        )
        return SessionStats(
            sessions=total["sessions"],
            archived=total["archived"],
            messages=total["messages"],
            tool_calls=total["tool_calls"],
            by_source={row["source"]: row["n"] for row in by_source},
            oldest=total["oldest"],
            newest=total["newest"],
            usage=usage_from(total),
        )

    async def _guard_title(self, title: Value, write: Callable[[Transaction], T]) -> T:
        try:
            return await self._backend.write(write)
        except Conflict as error:
            if title is None or "title" not in str(error):
                raise
            raise StoreError(
                f"Another session is already called '{title}'; choose a different title."
            ) from error

    # Last, because its name hides the type in the annotations that follow.
    async def list(
        self,
        scope: Scope,
        *,
        limit: int = 20,
        before: tuple[float, str] | None = None,
        source: str | None = None,
        include_archived: bool = False,
        search_title: str | None = None,
    ) -> list[Session]:
        """Newest activity first. `before` is (updated_at, id) of the last one seen. Without a source,
        sessions that work for another one are left out."""
        statement, values = SCOPED, scope_values(scope)
        if not include_archived:
            statement += AND_NOT_ARCHIVED
        if scope.person is not None:
            statement += AND_PERSON
        if source is not None:
            statement += AND_SOURCE
            values["source"] = source
        else:
            statement += AND_LISTED
            values.update({f"unlisted_{index}": name for index, name in enumerate(UNLISTED_SOURCES)})
        if before is not None:
            statement += AND_BEFORE
            values["before_at"], values["before_id"] = before
        if search_title:
            statement += AND_TITLE_LIKE
            values["pattern"] = f"%{escape_like(search_title.casefold())}%"
        statement += NEWEST_FIRST
        rows = await self._backend.read(lambda t: t.all(statement, limit=limit, **values))
        return [session_from(row) for row in rows]


def insert(transaction: Transaction, scope: Scope, session: Session) -> None:
    """Store a session as it is; its title must be clean."""
    values = {name: getattr(session, name) for name in INSERTED}
    values |= {"archived": int(session.archived), "title_folded": folded(session.title)}
    transaction.change(INSERT_SESSION, profile=scope.profile, person=scope.person or "", **values)


INSERTED = (
    "id", "source", "title", "model", "provider", "system_prompt", "cwd",
    "parent_session_id", "created_at", "updated_at", "ended_at", "end_reason",
)  # fmt: skip


def delete(transaction: Transaction, scope: Scope, session_id: str, now: float) -> bool:
    """Remove a session and note that it is gone, for the search index."""
    if not transaction.change(DELETE, id=session_id, **scope_values(scope)):
        return False
    transaction.change(REMEMBER_DELETED, session_id=session_id, now=now)
    return True


def clean_title(title: str | None) -> str | None:
    """A title as it is stored: one line, no control characters, at most 100 characters; None when nothing is
    left."""
    if title is None:
        return None
    visible = "".join(
        " " if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") else char for char in title
    )
    title = clean(" ".join(visible.split()))
    if len(title) > TITLE_LENGTH:
        raise StoreError(
            f"A title has at most {TITLE_LENGTH} characters, and this one has {len(title)}; shorten it."
        )
    return title or None


def folded(title: str | None) -> str | None:
    return None if title is None else title.casefold()


def escape_like(text: str) -> str:
    """Text to be found as it is by LIKE with ESCAPE '!'."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _prunable(scope: Scope, last_used_before: float, source: str | None) -> tuple[str, dict[str, Value]]:
    values = scope_values(scope) | {"last_used_before": last_used_before}
    if source is None:
        return PRUNABLE + OLDEST_FIRST, values
    return PRUNABLE + AND_SOURCE + OLDEST_FIRST, values | {"source": source}
