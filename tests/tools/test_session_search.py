"""Looking into past conversations, over a real store."""

import pytest

from hermes.store.records import Message, Session
from hermes.tools.session_search import session_search
from tests.tools.conftest import Workplace

pytestmark = pytest.mark.anyio


async def conversation(
    workplace: Workplace, session_id: str, *texts: str, source: str = "cli", parent: str | None = None
) -> list[Message]:
    context = workplace.context
    session = Session(id=session_id, source=source, title=f"about {session_id}", parent_session_id=parent)
    await context.store.sessions.create(context.scope, session)
    rows = [
        Message(role="user" if number % 2 == 0 else "assistant", content=text)
        for number, text in enumerate(texts)
    ]
    return await context.store.messages.append(context.scope, session_id, rows)


async def test_discovery_shows_the_hit_in_its_place(workplace: Workplace) -> None:
    texts = [f"line {number}" for number in range(30)]
    texts[15] = "the teapot is blue"
    rows = await conversation(workplace, "s1", *texts)
    (found,) = (await workplace.ask(session_search, query="teapot"))["results"]
    assert (found["session_id"], found["title"], found["source"]) == ("s1", "about s1", "cli")
    assert found["match_message_id"] == rows[15].id
    assert [row["content"] for row in found["bookend_start"]] == ["line 0", "line 1", "line 2"]
    assert [row["content"] for row in found["bookend_end"]] == ["line 27", "line 28", "line 29"]
    assert [row["id"] for row in found["messages"]] == [row.id for row in rows[10:21]]
    assert [row["id"] for row in found["messages"] if row.get("anchor")] == [rows[15].id]
    assert (found["messages_before"], found["messages_after"]) == (10, 9)
    assert "teapot" in found["snippet"]


async def test_discovery_leaves_out_this_session_and_its_family(workplace: Workplace) -> None:
    here = workplace.context.session_id
    await conversation(workplace, "root", "teapot")
    await conversation(workplace, here, "teapot", parent="root")
    await conversation(workplace, "other", "teapot")
    await conversation(workplace, "branch", "teapot", parent="other")
    await conversation(workplace, "child", "teapot", source="subagent")
    await conversation(workplace, "timer", "teapot teapot teapot", source="cron")
    found = (await workplace.ask(session_search, query="teapot", limit=10))["results"]
    assert len(found) == 2
    assert found[0]["session_id"] in {"other", "branch"}
    assert found[1]["session_id"] == "timer"


async def test_order_limit_and_roles(workplace: Workplace) -> None:
    for name in ("a", "b", "c"):
        await conversation(workplace, name, f"teapot {name}", "an answer without")
    newest = await workplace.ask(session_search, query="teapot", sort="newest", limit=2)
    assert [row["session_id"] for row in newest["results"]] == ["c", "b"]
    assert newest["count"] == 2
    oldest = await workplace.ask(session_search, query="teapot", sort="oldest", limit=1)
    assert [row["session_id"] for row in oldest["results"]] == ["a"]
    assert (await workplace.ask(session_search, query="teapot", role_filter="assistant"))["results"] == []


async def test_scrolling_moves_through_a_session(workplace: Workplace) -> None:
    rows = await conversation(workplace, "s1", *(f"line {number}" for number in range(9)))
    found = await workplace.ask(session_search, session_id="s1", around_message_id=rows[4].id, window=2)
    assert [row["content"] for row in found["messages"]] == [f"line {number}" for number in range(2, 7)]
    assert (found["messages_before"], found["messages_after"]) == (2, 2)


@pytest.mark.parametrize(
    ("count", "shown", "last", "left_out"), [(4, 4, 0, 0), (25, 20, 5, 0), (50, 20, 10, 20)]
)
async def test_reading_shows_the_beginning_and_the_end(
    workplace: Workplace, count: int, shown: int, last: int, left_out: int
) -> None:
    await conversation(workplace, "s1", *(f"line {number}" for number in range(count)))
    found = await workplace.ask(session_search, session_id="s1")
    assert (found["message_count"], len(found["messages"]), len(found["last_messages"])) == (
        count,
        shown,
        last,
    )
    assert found["left_out"] == left_out
    everything = found["messages"] + found["last_messages"]
    assert everything[-1]["content"] == f"line {count - 1}"


async def test_browsing_lists_the_latest(workplace: Workplace) -> None:
    await conversation(workplace, workplace.context.session_id, "now")
    for name in ("a", "b"):
        await conversation(workplace, name, f"first words of {name}")
    found = await workplace.ask(session_search)
    assert [(row["session_id"], row["preview"]) for row in found["results"]] == [
        ("b", "first words of b"),
        ("a", "first words of a"),
    ]


async def test_undone_rows_are_not_shown(workplace: Workplace) -> None:
    context = workplace.context
    await conversation(workplace, "s1", "keep", "answer", "secret teapot", "answer")
    await context.store.messages.undo_exchanges(context.scope, "s1", 1)
    assert (await workplace.ask(session_search, query="teapot"))["results"] == []
    assert (await workplace.ask(session_search, session_id="s1"))["message_count"] == 2


async def test_bad_calls_are_one_sentence(workplace: Workplace) -> None:
    await conversation(workplace, "s1", "x")
    await conversation(workplace, "s2", "x")
    for arguments, words in [
        ({"session_id": "nowhere"}, "no session 'nowhere'"),
        ({"session_id": "s"}, "fits 2 sessions"),
        ({"session_id": "s1", "around_message_id": 999}, "no message 999"),
        ({"around_message_id": 1}, "needs 'session_id'"),
        ({"query": "x", "session_id": "s1"}, "not both"),
        ({"role_filter": "user,system"}, "'system' is none"),
        ({"role_filter": ","}, "'role_filter'"),
    ]:
        refusal = await workplace.refusal(session_search, **arguments)
        assert words in refusal["error"]
