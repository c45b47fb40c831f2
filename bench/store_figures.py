"""Search over 100,000 messages and the list of 50,000 sessions, in a store made for it."""

import asyncio
import random
import statistics
import time
from pathlib import Path
from typing import NamedTuple

from hermes.home.profile import Profile
from hermes.store.database import Store
from hermes.store.records import Message, Scope, Session

MESSAGES = 100_000
SESSIONS = 50_000
MESSAGES_IN_ONE_SESSION = 20
WORDS = 4_000
QUERIES = 200


class StoreFigures(NamedTuple):
    search_p95_ms: float
    list_median_ms: float


def measure_store(home: Path) -> StoreFigures:
    return asyncio.run(_measure(home))


async def _measure(home: Path) -> StoreFigures:
    home.mkdir(parents=True)
    store = Store.open(Profile(name="default", home=home, root=home))
    scope = Scope()
    chance = random.Random(1)
    words = [f"{chance.choice('bcdfglmnprst')}{chance.choice('aeiou')}{number:x}" for number in range(WORDS)]
    await _fill(store, scope, chance, words)
    await store.search.search(scope, words[0])
    searches = []
    for _ in range(QUERIES):
        query = " ".join(chance.choices(words, k=chance.choice((1, 2))))
        began = time.perf_counter()
        await store.search.search(scope, query, limit=10)
        searches.append((time.perf_counter() - began) * 1000)
    lists = []
    for _ in range(50):
        began = time.perf_counter()
        await store.sessions.list(scope, limit=50)
        lists.append((time.perf_counter() - began) * 1000)
    await store.close()
    return StoreFigures(statistics.quantiles(searches, n=20)[18], statistics.median(lists))


async def _fill(store: Store, scope: Scope, chance: random.Random, words: list[str]) -> None:
    filled = MESSAGES // MESSAGES_IN_ONE_SESSION
    for number in range(SESSIONS):
        session_id = f"20260101_000000_{number:06x}"
        await store.sessions.create(
            scope, Session(id=session_id, title=f"Session {number}", created_at=float(number))
        )
        if number < filled:
            rows = [
                Message(
                    role="user" if row % 2 == 0 else "assistant",
                    content=" ".join(chance.choices(words, k=40)),
                    created_at=float(number),
                )
                for row in range(MESSAGES_IN_ONE_SESSION)
            ]
            await store.messages.append(scope, session_id, rows)
