"""Compaction in place: same session, raw rows kept, bad summaries thrown away."""

import msgspec
import pytest

from hermes.home.settings import CompressionSettings, ModelSettings, Settings
from hermes.models.contract import Failed, ModelReply, ModelRequest
from hermes.store.events import ContextCompacted, ContextKept
from hermes.store.records import Message, ToolCall
from hermes.testing.scripted_model import fails, says
from hermes.testing.scripted_runtime import ScriptedRuntime

from .conftest import MakeRuntime

pytestmark = pytest.mark.anyio

NOTES = "Goal: count things. Done: all the older exchanges."


async def talk(bench: ScriptedRuntime, exchanges: int) -> str:
    """A session with that many long exchanges; its id."""
    session = await bench.runtime.new_session()
    rows = []
    for number in range(exchanges):
        rows.append(Message(role="user", content=f"question {number} " + "q" * 2_000))
        rows.append(Message(role="assistant", content=f"answer {number} " + "a" * 2_000))
    await bench.runtime.store.messages.append(bench.runtime.scope, session.id, rows)
    return session.id


def small_window() -> Settings:
    return Settings(
        model=ModelSettings(context_length=16_000, max_tokens=1_000), compression=CompressionSettings()
    )


async def test_a_full_window_is_compacted_before_the_call_and_the_session_stays(
    scripted: MakeRuntime,
) -> None:
    bench = scripted([says(NOTES), says("Here.")], small_window())
    bench.model.learn_window(16_000)
    session_id = await talk(bench, 20)
    run = await bench.ask_in(session_id, "and now?")
    assert (run.status, run.session_id) == ("completed", session_id)
    (compacted,) = bench.events(ContextCompacted)
    assert compacted.tokens_after < compacted.tokens_before
    sent = bench.model.requests[1].messages
    assert any(NOTES in message.sent for message in sent)
    assert sent[-1].content == "and now?"


async def test_compacted_rows_are_marked_and_still_there(scripted: MakeRuntime) -> None:
    bench = scripted([says(NOTES), says("Here.")], small_window())
    bench.model.learn_window(16_000)
    session_id = await talk(bench, 20)
    await bench.ask_in(session_id, "and now?")
    rows = await bench.runtime.store.messages.all(bench.runtime.scope, session_id)
    states = [row.state for row in rows]
    assert states.count("compacted") > 20
    assert {f"question {number}" for number in range(20)} <= {
        " ".join(row.content.split()[:2]) for row in rows
    }


async def test_the_stored_order_is_the_order_that_was_sent(scripted: MakeRuntime) -> None:
    bench = scripted([says(NOTES), says("Here."), says("Again.")], small_window())
    bench.model.learn_window(16_000)
    session_id = await talk(bench, 20)
    await bench.ask_in(session_id, "and now?")
    before = bench.model.requests[1].messages
    await bench.ask_in(session_id, "and then?")
    after = bench.model.requests[2].messages
    assert [row.sent for row in after[: len(before)]] == [row.sent for row in before]


def _long_notes(request: ModelRequest) -> ModelReply:
    return says("n" * 400_000)


@pytest.mark.parametrize(
    "summary",
    [_long_notes, fails("server_error", "The server had an error."), says("cut", stop="length"), says(" ")],
    ids=["longer than what it replaces", "failed", "cut off", "empty"],
)
async def test_a_bad_summary_changes_nothing(scripted: MakeRuntime, summary: ModelReply | Failed) -> None:
    bench = scripted([summary, says("Here.")], small_window())
    bench.model.learn_window(16_000)
    session_id = await talk(bench, 20)
    run = await bench.ask_in(session_id, "and now?")
    assert run.status == "completed"
    assert bench.events(ContextKept)
    rows = await bench.runtime.store.messages.active(bench.runtime.scope, session_id)
    assert len(rows) == 42


async def test_an_overflow_that_can_not_be_mended_says_so(scripted: MakeRuntime) -> None:
    overflow = fails("context_overflow", "The request is too long for the model.")
    bench = scripted([overflow])
    run = await bench.ask("hello")
    assert (run.status, run.reason) == ("failed", "context_full")
    assert run.error is not None
    assert "too long" in run.error


async def test_a_person_can_compact_at_any_time(scripted: MakeRuntime) -> None:
    bench = scripted([says(NOTES)])
    session_id = await talk(bench, 20)
    outcome = await bench.runtime.compact(session_id, "the questions")
    assert isinstance(outcome, ContextCompacted)
    assert "the questions" in bench.model.requests[0].messages[0].content
    rows = await bench.runtime.store.messages.active(bench.runtime.scope, session_id)
    assert any(row.kind == "summary" for row in rows)


async def test_the_demo_model_is_not_asked_for_a_summary(scripted: MakeRuntime) -> None:
    bench = scripted([])
    bench.model.endpoint = msgspec.structs.replace(bench.model.endpoint, wire="demo")
    session_id = await talk(bench, 20)
    outcome = await bench.runtime.compact(session_id)
    assert isinstance(outcome, ContextKept)
    assert "demo" in outcome.reason


async def test_compaction_that_does_not_make_room_is_not_tried_before_every_call(
    scripted: MakeRuntime,
) -> None:
    steps = 0

    def answer(request: ModelRequest) -> ModelReply:
        nonlocal steps
        if "working notes" in request.system:
            return says(NOTES)
        steps += 1
        call = ToolCall(f"c{steps}", "terminal", f'{{"command":"seq {steps} 2000"}}')
        return ModelReply(tool_calls=(call,), stop="tool_calls") if steps < 10 else says("Done.")

    bench = scripted([answer] * 40, small_window())
    bench.model.learn_window(16_000)
    session = await bench.runtime.new_session()
    head = [Message(role="user", content="h" * 20_000) for _ in range(3)]
    older = [Message(role="assistant", content="a" * 2_000) for _ in range(20)]
    await bench.runtime.store.messages.append(bench.runtime.scope, session.id, [*head, *older])
    run = await bench.ask_in(session.id, "work")
    assert run.status == "completed"
    assert len(bench.events(ContextCompacted)) == 2
