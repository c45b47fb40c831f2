"""The store as a whole: the throw-away one for tests, and the usage that the database adds up."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes.home.profile import Profile
from hermes.store.database import Store
from hermes.store.ids import new_run_id, new_session_id
from hermes.store.records import CostStatus, Scope, Session, Usage
from hermes.store.usage import CERTAINTY, not_yet_counted

pytestmark = pytest.mark.anyio


async def test_a_throw_away_store_leaves_nothing_behind(scope: Scope) -> None:
    store = Store.in_memory()
    await store.sessions.create(scope, Session(id="s"))
    assert store.file.exists()
    await store.close()
    assert not store.file.parent.exists()


async def test_a_profile_has_its_store_in_its_home(tmp_path: Path, scope: Scope) -> None:
    profile = Profile(name="default", home=tmp_path, root=tmp_path)
    store = Store.open(profile)
    await store.sessions.create(scope, Session(id="s"))
    await store.close()
    store = Store.open(profile)
    assert profile.database.exists()
    assert await store.sessions.get(scope, "s") is not None
    await store.close()


def test_ids() -> None:
    assert new_session_id(0.0)[:6] in ("197001", "196912")
    assert len({new_session_id(0.0) for _ in range(50)}) > 45
    assert new_run_id().startswith("run_")
    assert len(new_run_id()) == 36


counts = st.integers(0, 10**9)
statuses: st.SearchStrategy[CostStatus] = st.sampled_from(CERTAINTY)
usages = st.builds(
    Usage,
    input_tokens=counts,
    output_tokens=counts,
    cache_read_tokens=counts,
    model_calls=st.integers(1, 5),
    cost_usd=st.none() | st.integers(0, 1000).map(float),
    cost_status=statuses,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(usages, min_size=1, max_size=6))
def test_the_database_adds_usage_as_records_do(parts: list[Usage]) -> None:
    import anyio

    async def check() -> None:
        store, scope = Store.in_memory(), Scope()
        await store.sessions.create(scope, Session(id="s"))
        expected = Usage()
        for part in parts:
            await store.sessions.add_usage(scope, "s", part, model="m", provider="p")
            expected = expected.plus(part)
        session = await store.sessions.get(scope, "s")
        assert session is not None
        assert session.usage == expected
        assert await store.spend.since(scope, 0.0) == expected
        await store.close()

    anyio.run(check)


@given(usages, usages)
def test_what_is_counted_is_not_counted_again(first: Usage, second: Usage) -> None:
    total = first.plus(second)
    rest = not_yet_counted(total, first)
    assert rest.input_tokens == second.input_tokens
    assert rest.model_calls == second.model_calls
    assert not_yet_counted(first, total).model_calls == 0
