"""Search: finds what was said, follows the transcript, and can lose its file at any time."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hermes.store.database import Store
from hermes.store.records import Message, Scope, Session, ToolCall
from hermes.store.search_index import Entry, Progress, SearchIndex
from hermes.store.search_query import parse
from hermes.store.snippets import WIDTH, snippet
from tests.store.conftest import Clock

pytestmark = pytest.mark.anyio


async def say(store: Store, scope: Scope, session: Session, *texts: str, role: str = "user") -> list[int]:
    rows = [Message(role=role, content=text) for text in texts]  # type: ignore[arg-type]
    return [row.id for row in await store.messages.append(scope, session.id, rows)]


async def found(store: Store, scope: Scope, query: str, **options: object) -> list[int]:
    hits = await store.search.search(scope, query, **options)  # type: ignore[arg-type]
    return [hit.message_id for hit in hits]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tea", {1, 2}),
        ("green tea", {1}),
        ('"tea green"', set()),
        ('"green tea"', {1}),
        ('"green tea', {1}),
        ("run", {3}),
        ("runs", {3}),
        ("COFFEE OR green", {1, 3}),
        ("tea -green", {2}),
        ("tea NOT green", {2}),
        ("tea AND black", {2}),
        ("cof*", {3}),
        ("cof", set()),
        ("Cafe", {3}),
        ("東京", {4}),
        ("京タ", {4}),
        ("東タ", set()),
        ("한국", {4}),
        ("store/database.py", {5}),
        ("docker", {6}),
    ],
)
async def test_what_a_query_means(
    store: Store, scope: Scope, session: Session, query: str, expected: set[int]
) -> None:
    await say(
        store,
        scope,
        session,
        "I like green tea.",
        "Black tea, no sugar",
        "He was running to the café for coffee",
        "東京タワーと한국어",
        "see src/store/database.py:12",
    )
    call = Message(role="assistant", tool_calls=(ToolCall("1", "terminal", '{"command":"docker ps"}'),))
    await store.messages.append(scope, session.id, [call])
    assert set(await found(store, scope, query)) == expected


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchIndex]:
    """An index that holds one row, so that queries reach the words."""
    opened = SearchIndex(tmp_path_factory.mktemp("index") / "search.db", "some-store")
    entry = Entry(
        message_id=1, session_id="s", profile="p", person="", role="user", created_at=1.0, text="needle"
    )
    assert opened.advance(Progress(0, 0), Progress(1, 0), [entry], [])
    assert opened.find(parse("needle").match, "p", None, ("user",), "relevance", 1)
    yield opened
    opened.close()


@settings(max_examples=300, deadline=None)
@given(text=st.text())
@example(text='"')
@example(text="-")
@example(text='a" OR')
@example(text="NEAR(a b, 2) col:x ^b {a b}: c + d")
@example(text="* OR * NOT -\x00")
@example(text='""* -""')
def test_no_query_is_an_error(index: SearchIndex, text: str) -> None:
    """Whatever is typed, the index understands what is made of it."""
    ask(index, text)


@settings(max_examples=200, deadline=None)
@given(
    pieces=st.lists(
        st.sampled_from(['"', "-", "*", "OR", "NOT", "AND", "(", ")", "a", "é", "東", ":", "^", "\x00"])
    )
)
def test_no_mix_of_operators_is_an_error(index: SearchIndex, pieces: list[str]) -> None:
    ask(index, " ".join(pieces))
    ask(index, "".join(pieces))


def ask(index: SearchIndex, text: str) -> None:
    match = parse(text).match
    if match:
        found = index.find(match, "p", None, ("user",), "relevance", 1)
        assert len(found) <= 1


async def test_a_hit_says_where_it_is(store: Store, scope: Scope, session: Session, clock: Clock) -> None:
    text = "word " * 200 + "the needle is here " + "word " * 200
    (number,) = await say(store, scope, session, text)
    (hit,) = await store.search.search(scope, "needles")
    assert (hit.session_id, hit.message_id, hit.role) == (session.id, number, "user")
    assert (hit.session_title, hit.source, hit.created_at) == ("Tea", "cli", clock.now)
    assert "the needle is here" in hit.snippet
    assert hit.snippet.startswith("…")
    assert hit.snippet.endswith("…")
    assert len(hit.snippet) <= WIDTH + 2


async def test_tool_results_are_found_when_asked_for_and_come_last(
    store: Store, scope: Scope, session: Session
) -> None:
    (tool,) = await say(store, scope, session, "error", role="tool")
    (user,) = await say(store, scope, session, "what does this long question about an error mean for me")
    assert await found(store, scope, "error") == [user]
    assert await found(store, scope, "error", roles=("user", "assistant", "tool")) == [user, tool]
    assert await found(store, scope, "error", roles=("tool",)) == [tool]
    assert await found(store, scope, "error", roles=()) == []


async def test_order_and_limit(store: Store, scope: Scope, session: Session, clock: Clock) -> None:
    numbers = []
    for text in ("tea", "tea tea tea", "tea and much else that is not of interest here"):
        clock.now += 1
        numbers += await say(store, scope, session, text)
    assert (await found(store, scope, "tea"))[0] == numbers[1]
    assert await found(store, scope, "tea", sort="newest") == numbers[::-1]
    assert await found(store, scope, "tea", sort="oldest", limit=2) == numbers[:2]
    assert await found(store, scope, "tea", limit=0) == []


async def test_undone_rows_are_not_found_and_compacted_ones_are(
    store: Store, scope: Scope, session: Session
) -> None:
    a, b = await say(store, scope, session, "cinnamon first", "cinnamon second")
    await store.search.catch_up()
    await store.messages.mark(scope, session.id, first_id=a, last_id=a, state="compacted")
    await store.messages.undo_exchanges(scope, session.id, 1)
    assert await found(store, scope, "cinnamon") == [a]
    assert b not in await found(store, scope, "second")


async def test_the_index_file_is_made_when_needed_and_then_followed(
    store: Store, scope: Scope, session: Session, tmp_path: Path
) -> None:
    await say(store, scope, session, "one")
    await store.search.follow()
    assert not (tmp_path / "search.db").exists()
    assert len(await found(store, scope, "one")) == 1
    assert (tmp_path / "search.db").stat().st_mode & 0o777 == 0o600
    await say(store, scope, session, *["two"] * 700)
    await store.search.follow()
    assert await store.search.catch_up() == 200  # a bounded batch was taken
    assert await store.search.catch_up() == 0


async def test_a_damaged_index_is_made_anew(
    store: Store, scope: Scope, session: Session, tmp_path: Path
) -> None:
    numbers = await say(store, scope, session, *[f"tea {number}" for number in range(300)])
    index = tmp_path / "search.db"
    await store.search.catch_up()
    await store.search.close()
    for damage in (b"", b"rubbish" * 5000, index.read_bytes()[: index.stat().st_size // 2]):
        for extra in ("-wal", "-shm"):
            index.with_name(index.name + extra).unlink(missing_ok=True)
        index.write_bytes(damage)
        again = Store(store.file, index)
        assert await found(again, scope, "299") == [numbers[-1]]
        assert len(await found(again, scope, "tea", limit=500)) == 300
        await again.close()


async def test_an_index_of_another_store_is_made_anew(tmp_path: Path, scope: Scope) -> None:
    index = tmp_path / "search.db"
    for name, word in (("a", "apple"), ("b", "banana")):
        store = Store(tmp_path / f"{name}.db", index)
        session = await store.sessions.create(scope, Session(id=name))
        await say(store, scope, session, word)
        assert [hit.session_id for hit in await store.search.search(scope, "apple OR banana")] == [name]
        await store.close()


async def test_a_file_that_was_put_back_is_noticed(tmp_path: Path, scope: Scope) -> None:
    """Copied by hand, the older store has the same identity; its newest message tells."""
    store = Store(tmp_path / "hermes.db", tmp_path / "search.db")
    session = await store.sessions.create(scope, Session(id="s"))
    await say(store, scope, session, "first")
    await store.close()
    older = store.file.read_bytes()
    store = Store(tmp_path / "hermes.db", tmp_path / "search.db")
    await say(store, scope, session, "second", "third")
    assert await found(store, scope, "third") == [3]
    await store.close()
    store.file.write_bytes(older)
    store = Store(tmp_path / "hermes.db", tmp_path / "search.db")
    await say(store, scope, session, "other")
    assert await found(store, scope, "second OR other") == [2]
    await store.close()


async def test_another_process_may_throw_the_index_away(
    store: Store, scope: Scope, session: Session, tmp_path: Path
) -> None:
    await say(store, scope, session, "tea")
    assert len(await found(store, scope, "tea")) == 1
    for suffix in ("", "-wal", "-shm"):
        os.unlink(tmp_path / f"search.db{suffix}")
    await say(store, scope, session, "tea")
    assert len(await found(store, scope, "tea")) == 2


async def test_two_stores_share_one_index(store: Store, scope: Scope, session: Session) -> None:
    other = Store(store.file, store.file.with_name("search.db"))
    for number in range(20):
        await say(store, scope, session, f"tea {number}")
        assert len(await found(other if number % 2 else store, scope, "tea", limit=99)) == number + 1
    await other.close()


@pytest.mark.parametrize("text", ["", "word", "東京" * 300, "x" * 1000, "a\n\n b\t" * 200])
def test_a_snippet_is_short_and_of_the_text(text: str) -> None:
    piece = snippet(text, ("word", "京", "b"))
    assert len(piece) <= WIDTH + 2
    assert piece.strip("…") in " ".join(text.split())


@pytest.mark.slow
async def test_a_hundred_thousand_messages_are_searched_in_fifty_milliseconds(
    store: Store, scope: Scope
) -> None:
    await store.sessions.create(scope, Session(id="s"))
    for start in range(0, 100_000, 10_000):
        rows = [
            Message(
                role="user", content=f"the message w{number % 997} about w{number % 89} and more {number}"
            )
            for number in range(start, start + 10_000)
        ]
        await store.messages.append(scope, "s", rows)
    await store.search.catch_up()
    seconds = []
    for query in ("the", "w5", "w5 w6", '"about w7"', "w*", "the -w5", "w1 OR w2", "99999"):
        for _ in range(5):
            started = time.perf_counter()
            await store.search.search(scope, query)
            seconds.append(time.perf_counter() - started)
    assert sorted(seconds)[int(len(seconds) * 0.95)] < 0.05
