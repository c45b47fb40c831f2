"""The store: one object through which everything durable is read and written."""

import asyncio
import datetime
import time
from collections.abc import Callable
from pathlib import Path

from hermes.home.profile import Profile
from hermes.store.backend import Backend
from hermes.store.disk import Measure, check_space, measure_space
from hermes.store.errors import LeaseLost, StoreError
from hermes.store.event_log import Events
from hermes.store.messages import Messages
from hermes.store.opening import open_file
from hermes.store.records import Scope
from hermes.store.runs import Runs
from hermes.store.search import Search
from hermes.store.sessions import Sessions
from hermes.store.spend import Spend
from hermes.store.sqlite import SqliteBackend

__all__ = ["LeaseLost", "Runs", "Store", "StoreError"]


class Store:
    """The durable facts of one home: `hermes.db`, and `search.db` beside it."""

    def __init__(
        self,
        file: Path,
        index: Path,
        *,
        clock: Callable[[], float] = time.time,
        measure: Measure = measure_space,
        zone: datetime.tzinfo | None = None,
        backend: Backend | None = None,
    ) -> None:
        """`zone`: whose days spending is counted by; None: the machine's. `backend`: the database to use in
        place of SQLite on `file`."""
        self.file = file
        self._clock = clock
        self._folder_to_remove: Path | None = None
        self._backend = backend or SqliteBackend(file, open_file(file))
        self.sessions = Sessions(self._backend, clock, zone)
        self.messages = Messages(self._backend, clock)
        self.runs = Runs(self._backend, clock, lambda: check_space(file.parent, measure), zone)
        self.events = Events(self._backend)
        self.spend = Spend(self._backend, zone)
        self.search = Search(self._backend, index)

    @classmethod
    def open(
        cls,
        profile: Profile,
        *,
        clock: Callable[[], float] = time.time,
        measure: Measure = measure_space,
        zone: datetime.tzinfo | None = None,
    ) -> "Store":
        """Open the profile's store; a missing one is made. Raises StoreError, one sentence, when the file is
        damaged or of a newer version."""
        return cls(profile.database, profile.search_index, clock=clock, measure=measure, zone=zone)

    @classmethod
    def in_memory(cls, *, clock: Callable[[], float] = time.time) -> "Store":
        """A real store in a temporary folder that goes when it is closed; for tests."""
        import tempfile

        folder = Path(tempfile.mkdtemp(prefix="hermes-store-"))
        store = cls(folder / "hermes.db", folder / "search.db", clock=clock)
        store._folder_to_remove = folder
        return store

    async def close(self) -> None:
        """Finish what was handed in, then let go of the files."""
        await self.search.close()
        await self._backend.close()
        if self._folder_to_remove is not None:
            import shutil

            shutil.rmtree(self._folder_to_remove, ignore_errors=True)

    def check(self) -> list[str]:
        """Read the whole file and name what is wrong with it; an empty list when nothing is. Takes seconds
        for large stores."""
        from hermes.store.backup import findings

        return findings(self.file)

    async def backup(self, target: Path) -> None:
        """Copy the store to `target` while it is used; the copy is checked before it takes that name."""
        from hermes.store.backup import copy

        await asyncio.to_thread(copy, self.file, target)

    async def maintain(self, now: float | None = None) -> dict[str, int]:
        """Remove what is older than its retention or above its cap: table -> rows. Messages are never
        touched."""
        from hermes.store.maintenance import maintain

        return await maintain(self._backend, self._clock() if now is None else now)

    async def maintain_if_due(
        self, scope: Scope, *, ended_session_days: int | None = None
    ) -> dict[str, int] | None:
        """`maintain`, once a day whoever asks; None, after one read, when it is not due.
        `ended_session_days`: sessions that have ended go, too, that long after their last activity."""
        from hermes.store.maintenance import DAY, take_turn

        now = self._clock()
        if not await take_turn(self._backend, now):
            return None
        removed = await self.maintain(now)
        if ended_session_days is not None:
            before = now - ended_session_days * DAY
            removed["sessions"] = await self.sessions.prune(scope, last_used_before=before)
        return removed
