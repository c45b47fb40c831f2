"""Sessions: found by what a person types, listed by activity, renamed, counted, removed."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hermes.store.database import Store, StoreError
from hermes.store.ids import new_session_id
from hermes.store.records import Message, Scope, Session, Usage
from tests.store.conftest import Clock

pytestmark = pytest.mark.anyio


async def make(store: Store, scope: Scope, name: str, **fields: object) -> Session:
    return await store.sessions.create(scope, Session(id=name, **fields))  # type: ignore[arg-type]


async def test_a_session_comes_back_as_it_was_stored(store: Store, scope: Scope) -> None:
    given = Session(
        id=new_session_id(),
        source="telegram",
        title="Plans",
        model="m",
        provider="p",
        system_prompt="You are…",
        cwd="/tmp",
        parent_session_id="older",
        created_at=5.0,
        updated_at=6.0,
    )
    await store.sessions.create(scope, given)
    assert await store.sessions.get(scope, given.id) == given
    assert await store.sessions.get(scope, "nobody") is None


async def test_find_takes_id_title_start_of_id_and_title_in_any_case(store: Store, scope: Scope) -> None:
    a = await make(store, scope, "20260101_100000_aaaaaa", title="Über Tee")
    b = await make(store, scope, "20260101_110000_bbbbbb", title="20260101_100000_aaaaaa")
    assert await store.sessions.find(scope, a.id) == [a]
    assert await store.sessions.find(scope, "Über Tee") == [a]
    assert await store.sessions.find(scope, "ÜBER tee") == [a]
    assert await store.sessions.find(scope, "20260101_11") == [b]
    assert {found.id for found in await store.sessions.find(scope, "2026")} == {a.id, b.id}
    for nothing in ("%", "_", "!", "", "  ", "xyz"):
        assert await store.sessions.find(scope, nothing) == []


async def test_titles_are_one_line_unique_and_bounded(store: Store, scope: Scope, session: Session) -> None:
    other = await make(store, scope, "other", title="  green\n\ttea\x07 ")
    assert other.title == "green tea"
    with pytest.raises(StoreError, match="already called 'Tea'"):
        await store.sessions.update(scope, other.id, title="Tea")
    with pytest.raises(StoreError, match="already called 'Tea'"):
        await make(store, scope, "third", title="Tea")
    with pytest.raises(StoreError, match="at most 100 characters, and this one has 101"):
        await store.sessions.update(scope, other.id, title="x" * 101)
    assert (await store.sessions.update(scope, other.id, title=" ")).title is None
    assert (await store.sessions.update(scope, session.id, title="Tea", archived=True)).archived


async def test_update_refuses_what_never_changes(store: Store, scope: Scope, session: Session) -> None:
    with pytest.raises(ValueError, match="created_at cannot be changed"):
        await store.sessions.update(scope, session.id, created_at=1.0)
    with pytest.raises(StoreError, match="There is no session nobody"):
        await store.sessions.update(scope, "nobody", title="x")


async def test_the_list_is_paged_by_activity(store: Store, scope: Scope, clock: Clock) -> None:
    for number in range(7):
        clock.now += 1 if number % 3 else 0  # some share a time
        await make(store, scope, f"s{number}", source="cli" if number % 2 else "cron")
    await make(store, scope, "hidden", source="tool")
    everything = [found.id for found in await store.sessions.list(scope)]
    pages: list[str] = []
    before = None
    while page := await store.sessions.list(scope, limit=2, before=before):
        pages += [found.id for found in page]
        before = (page[-1].updated_at, page[-1].id)
    assert pages == everything
    assert len(everything) == 7
    assert {found.id for found in await store.sessions.list(scope, source="cli")} == {"s1", "s3", "s5"}
    assert [found.id for found in await store.sessions.list(scope, source="tool")] == ["hidden"]
    await store.sessions.update(scope, everything[0], archived=True)
    assert len(await store.sessions.list(scope)) == 6
    assert len(await store.sessions.list(scope, include_archived=True)) == 7


async def test_the_list_is_searched_by_title_without_wildcards(store: Store, scope: Scope) -> None:
    await make(store, scope, "a", title="100% Grün")
    await make(store, scope, "b", title="1000 things")
    assert [found.id for found in await store.sessions.list(scope, search_title="GRÜN")] == ["a"]
    assert [found.id for found in await store.sessions.list(scope, search_title="0%")] == ["a"]


async def test_latest_is_the_one_with_the_newest_activity(store: Store, scope: Scope, clock: Clock) -> None:
    assert await store.sessions.latest(scope) is None
    await make(store, scope, "first")
    clock.now += 1
    await make(store, scope, "second", source="cron")
    clock.now += 1
    await store.messages.append(scope, "first", [Message(role="user", content="hi")])
    latest = await store.sessions.latest(scope)
    assert latest is not None
    assert latest.id == "first"
    of_cron = await store.sessions.latest(scope, "cron")
    assert of_cron is not None
    assert of_cron.id == "second"


async def test_a_person_sees_only_their_own_and_the_owner_sees_all(store: Store) -> None:
    owner, ann, ben = Scope(), Scope(person="ann"), Scope(person="ben")
    elsewhere = Scope(profile="work")
    for number, scope in enumerate((owner, ann, ben, elsewhere)):
        await make(store, scope, f"s{number}", title="Same title")
        await store.messages.append(scope, f"s{number}", [Message(role="user", content="secret word")])

    async def seen(scope: Scope) -> set[str]:
        return {found.id for found in await store.sessions.list(scope)}

    assert await seen(ann) == {"s1"}
    assert await seen(ben) == {"s2"}
    assert await seen(owner) == {"s0", "s1", "s2"}
    assert await seen(elsewhere) == {"s3"}
    assert await store.sessions.get(ann, "s2") is None
    assert await store.messages.active(ann, "s2") == []
    assert await store.messages.all(elsewhere, "s2") == []
    assert not await store.sessions.delete(ann, "s2")
    with pytest.raises(StoreError, match="There is no session s2"):
        await store.messages.append(ann, "s2", [Message(role="user", content="mine now")])
    for scope, visible in ((ann, {"s1"}), (owner, {"s0", "s1", "s2"}), (elsewhere, {"s3"})):
        assert {hit.session_id for hit in await store.search.search(scope, "secret")} == visible


async def test_usage_adds_up_in_the_session_and_the_day(store: Store, scope: Scope, session: Session) -> None:
    first = Usage(model_calls=1, input_tokens=10, output_tokens=2, cost_usd=0.5, cost_status="actual")
    second = Usage(model_calls=2, input_tokens=5, calls_without_usage=1, cost_status="unknown")
    await store.sessions.add_usage(scope, session.id, first, model="m", provider="p")
    await store.sessions.add_usage(scope, session.id, second, model="n", provider="p", task="title")
    stored = await store.sessions.get(scope, session.id)
    assert stored is not None
    assert stored.usage == first.plus(second)
    assert await store.spend.since(scope, 1_800_000_000.0) == first.plus(second)
    rows = await store.spend.by_day(scope, 1_800_000_000.0)
    assert [(row.model, row.task, row.usage) for row in rows] == [
        ("m", "main", first),
        ("n", "title", second),
    ]
    assert await store.spend.since(scope, 1_800_000_000.0 + 3 * 86_400) == Usage()


async def test_deleting_removes_everything_of_the_session(
    store: Store, scope: Scope, session: Session
) -> None:
    kept = await make(store, scope, "kept")
    for name in (session.id, kept.id):
        await store.messages.append(scope, name, [Message(role="user", content=f"cinnamon {name}")])
        await store.runs.accept(scope, name, Message(role="user", content="go"), source="cli")
    assert len(await store.search.search(scope, "cinnamon")) == 2
    assert await store.sessions.delete(scope, session.id)
    assert not await store.sessions.delete(scope, session.id)
    assert await store.messages.all(scope, session.id) == []
    assert await store.runs.unfinished(scope, session.id) == []
    assert [hit.session_id for hit in await store.search.search(scope, "cinnamon")] == ["kept"]
    assert store.check() == []
    await store.close()
    for file in (store.file, store.file.with_name("search.db")):
        assert f"cinnamon {session.id}".encode() not in file.read_bytes()
        assert b"cinnamon kept" in file.read_bytes()


async def test_prune_takes_what_ended_and_was_last_used_before(store: Store, scope: Scope) -> None:
    await make(store, scope, "open", created_at=10.0)
    await make(store, scope, "old", created_at=10.0, ended_at=900.0)
    await make(store, scope, "old-cron", created_at=20.0, ended_at=20.0, source="cron")
    await make(store, scope, "new", created_at=10.0, updated_at=900.0, ended_at=900.0)
    found = await store.sessions.prunable(scope, last_used_before=100.0)
    assert [one.id for one in found] == ["old", "old-cron"]
    assert await store.sessions.prune(scope, last_used_before=100.0, source="cron") == 1
    assert await store.sessions.prune(scope, last_used_before=100.0) == 1
    assert {one.id for one in await store.sessions.list(scope)} == {"open", "new"}


async def test_a_session_ends_once_nothing_is_left_to_do_in_it(
    store: Store, scope: Scope, session: Session, clock: Clock
) -> None:
    async def ended() -> tuple[float | None, str | None]:
        found = await store.sessions.get(scope, session.id)
        assert found is not None
        return found.ended_at, found.end_reason

    run, _ = await store.runs.accept(scope, session.id, Message(role="user", content="go"), source="cli")
    await store.sessions.end(scope, session.id, "left")
    assert await ended() == (None, None)
    await store.runs.cancel(scope, run.id)
    await store.sessions.end(Scope(profile="other"), session.id, "left")
    assert await ended() == (None, None)
    await store.sessions.end(scope, session.id, "left")
    assert await ended() == (clock.now, "left")
    await store.runs.accept(scope, session.id, Message(role="user", content="on"), source="cli")
    assert await ended() == (None, None)


async def test_stats_count_what_is_there(store: Store, scope: Scope, session: Session) -> None:
    await make(store, scope, "b", source="cron", archived=True)
    await store.messages.append(scope, session.id, [Message(role="user", content="hi")] * 3)
    stats = await store.sessions.stats(scope)
    assert (stats.sessions, stats.archived, stats.messages) == (2, 1, 3)
    assert stats.by_source == {"cli": 1, "cron": 1}
    empty = await store.sessions.stats(Scope(profile="other"))
    assert (empty.sessions, empty.oldest, empty.usage) == (0, None, Usage())


@pytest.mark.parametrize(
    ("zone", "day", "hours_left"),
    [("Pacific/Kiritimati", "2027-01-15", 2), ("Pacific/Niue", "2027-01-14", 3)],
)
async def test_a_day_is_that_of_the_stores_time_zone(
    tmp_path: Path, scope: Scope, zone: str, day: str, hours_left: int
) -> None:
    clock = Clock(1_800_000_000.0)  # 2027-01-15 08:00 UTC
    store = Store(tmp_path / "hermes.db", tmp_path / "search.db", clock=clock, zone=ZoneInfo(zone))
    session = await make(store, scope, "a")
    used = Usage(model_calls=1, input_tokens=10)
    await store.sessions.add_usage(scope, session.id, used, model="m", provider="p")
    run, _ = await store.runs.accept(scope, session.id, Message(role="user", content="go"), source="cli")
    lease = await store.runs.claim(scope, run.id, "me", lease_seconds=60)
    assert lease is not None
    await store.runs.finish(lease, status="completed", reason="answered", usage=used)
    assert {row.day for row in await store.spend.by_day(scope, 0)} == {day}
    midnight = clock.now + hours_left * 3_600
    assert (await store.spend.since(scope, midnight - 1)).input_tokens == 20
    assert (await store.spend.since(scope, midnight)).input_tokens == 0
    await store.close()
