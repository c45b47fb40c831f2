"""The transcript is append-only: rows are marked and never changed, and a summary stands where it belongs."""

import contextlib
import shutil
import tempfile
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes.store.database import Store, StoreError
from hermes.store.owners import this_process
from hermes.store.records import Image, Message, Scope, Session, ToolCall
from hermes.store.runs import Compaction

pytestmark = pytest.mark.anyio


def said(text: str) -> Message:
    return Message(role="user", content=text)


def answered(text: str) -> Message:
    return Message(role="assistant", content=text)


async def test_a_message_comes_back_as_it_was_stored(store: Store, scope: Scope, session: Session) -> None:
    rich = Message(
        role="assistant",
        content="text",
        wire_content="text for the model",
        images=(Image("data:image/png;base64,AA=="),),
        tool_calls=(ToolCall("c1", "terminal", '{"command":"ls"}'),),
        reasoning="hm",
        replay=({"wire": "messages", "model": "m", "block": {"signature": "x"}},),
        finish_reason="tool_calls",
        model="m",
        created_at=3.0,
    )
    tool = Message(role="tool", content="out", tool_call_id="c1", tool_name="terminal", ok=False, display="d")
    stored = await store.messages.append(scope, session.id, [rich, tool])
    assert [row.id for row in stored] == [1, 2]
    assert await store.messages.all(scope, session.id) == stored
    assert stored[0].replay == rich.replay
    assert (await store.sessions.get(scope, session.id)).tool_call_count == 1  # type: ignore[union-attr]


async def test_text_that_no_database_holds_is_stored_readable(
    store: Store, scope: Scope, session: Session
) -> None:
    odd = Message(role="tool", content="a\x00b\udcffc", tool_calls=(ToolCall("1", "x", '"\udc00"'),))
    (stored,) = await store.messages.append(scope, session.id, [odd])
    (read,) = await store.messages.all(scope, session.id)
    assert read.content == "a\ufffdb?c"
    assert read.id == stored.id


async def test_undo_marks_the_last_exchanges_and_returns_them(
    store: Store, scope: Scope, session: Session
) -> None:
    steer = Message(role="user", content="faster", kind="steer")
    rows = [said("one"), answered("1"), said("two"), answered("2"), steer, answered("2b"), said("three")]
    stored = await store.messages.append(scope, session.id, rows)
    assert await store.messages.undo_exchanges(scope, session.id, 0) == []
    assert await store.messages.undo_exchanges(scope, session.id, 2) == stored[2:]
    assert await store.messages.active(scope, session.id) == stored[:2]
    assert [row.state for row in await store.messages.all(scope, session.id)] == ["active"] * 2 + [
        "undone"
    ] * 5
    assert len(await store.messages.undo_exchanges(scope, session.id, 99)) == 2
    assert await store.messages.undo_exchanges(scope, session.id, 1) == []


async def test_a_summary_stands_where_the_rows_were(store: Store, scope: Scope, session: Session) -> None:
    old = await store.messages.append(scope, session.id, [said(str(number)) for number in range(8)])
    run, _ = await store.runs.accept(scope, session.id, said("go"), source="cli")
    lease = await store.runs.claim(scope, run.id, this_process(), lease_seconds=60)
    assert lease is not None

    async def compact(ids: list[int], text: str) -> None:
        summary = Message(role="user", kind="summary", content=text)
        assert lease is not None
        await store.runs.record(lease, messages=[summary, answered("after")], compact=Compaction(tuple(ids)))

    async def contents() -> list[str]:
        return [row.content for row in await store.messages.active(scope, session.id)]

    await compact([row.id for row in old[1:4]], "S1")
    assert await contents() == ["0", "S1", "4", "5", "6", "7", "after"]
    first_summary = (await store.messages.active(scope, session.id))[1]
    # A row in the middle may be kept: it stays, in front of the summary.
    await compact([first_summary.id, old[4].id, old[6].id], "S2")
    assert await contents() == ["0", "5", "S2", "7", "after", "after"]
    with pytest.raises(StoreError, match="undone or compacted meanwhile"):
        await compact([old[2].id], "S3")
    assert await contents() == ["0", "5", "S2", "7", "after", "after"]
    everything = await store.messages.all(scope, session.id)
    assert [row.content for row in everything if row.kind == "normal"][:8] == list("01234567")


async def test_all_is_paged_in_transcript_order(store: Store, scope: Scope, session: Session) -> None:
    stored = await store.messages.append(scope, session.id, [said(str(number)) for number in range(5)])
    assert await store.messages.all(scope, session.id, limit=2) == stored[:2]
    assert await store.messages.all(scope, session.id, after_id=stored[1].id, limit=2) == stored[2:4]
    assert await store.messages.all(scope, session.id, after_id=stored[4].id) == []


async def test_marking_wants_rows_of_the_session(store: Store, scope: Scope, session: Session) -> None:
    stored = await store.messages.append(scope, session.id, [said("a"), said("b")])
    with pytest.raises(StoreError, match="has no message 77"):
        await store.messages.mark(scope, session.id, first_id=stored[0].id, last_id=77, state="undone")
    marked = await store.messages.mark(
        scope, session.id, first_id=stored[0].id, last_id=stored[1].id, state="compacted"
    )
    assert marked == 2
    assert await store.messages.active(scope, session.id) == []


actions = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 4), st.just(0)),
        st.tuples(st.just("undo"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("compact"), st.integers(0, 5), st.integers(0, 5)),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(actions)
def test_whatever_is_done_rows_are_only_added_and_marked(steps: list[tuple[str, int, int]]) -> None:
    """Against a model: a list of (text, state) in transcript order."""
    anyio.run(check_against_a_list, steps)


async def check_against_a_list(steps: list[tuple[str, int, int]]) -> None:
    folder = Path(tempfile.mkdtemp())
    store, scope = Store(folder / "hermes.db", folder / "search.db"), Scope()
    try:
        await store.sessions.create(scope, Session(id="s"))
        run, _ = await store.runs.accept(scope, "s", said("go"), source="cli")
        lease = await store.runs.claim(scope, run.id, this_process(), lease_seconds=60)
        assert lease is not None
        expected: list[tuple[str, str]] = []
        seen: dict[int, str] = {}
        for number, (action, a, b) in enumerate(steps):
            active = [index for index, (_, state) in enumerate(expected) if state == "active"]
            rows = await store.messages.active(scope, "s")
            if action == "append":
                texts = [f"{number}.{index}" for index in range(a)]
                await store.messages.append(scope, "s", [said(text) for text in texts])
                expected += [(text, "active") for text in texts]
            elif action == "undo":
                starts = [index for index in active if not expected[index][0].startswith("S")]
                if a and starts:
                    first = starts[max(0, len(starts) - a)]
                    for index in active:
                        if index >= first:
                            expected[index] = (expected[index][0], "undone")
                await store.messages.undo_exchanges(scope, "s", a)
            elif rows[a : a + b + 1]:
                chosen = rows[a : a + b + 1]
                summary = Message(role="user", kind="summary", content=f"S{number}")
                await store.runs.record(
                    lease, messages=[summary], compact=Compaction(tuple(row.id for row in chosen))
                )
                for index in active[a : a + b + 1]:
                    expected[index] = (expected[index][0], "compacted")
                # Behind the last compacted row, and behind summaries that took its place before.
                expected.insert(active[min(a + b, len(active) - 1)] + 1, (f"S{number}", "active"))
            everything = await store.messages.all(scope, "s")
            assert [(row.content, row.state) for row in everything] == expected
            assert seen.items() <= {row.id: row.content for row in everything}.items()
            seen = {row.id: row.content for row in everything}
    finally:
        await store.close()
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
