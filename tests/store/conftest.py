"""A store in a folder of its own, with a clock that tests can turn."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hermes.store.database import Store
from hermes.store.ids import new_session_id
from hermes.store.records import Scope, Session


class Clock:
    """Time as the store sees it. It stands still until it is turned."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scope() -> Scope:
    return Scope()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    opened = Store(tmp_path / "hermes.db", tmp_path / "search.db", clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
async def session(store: Store, scope: Scope) -> Session:
    return await store.sessions.create(scope, Session(id=new_session_id(), title="Tea"))
