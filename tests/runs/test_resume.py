"""Runs that were left behind: what a dead process has used and done still counts."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

from hermes.home.settings import AgentSettings, BudgetSettings, Settings
from hermes.models.contract import ModelEvent, ModelReply, ModelRequest
from hermes.runs.execute import compaction_input
from hermes.runs.runtime import RunRefused
from hermes.store.records import Compaction, Lease, Message, Run, ToolCall, Usage
from hermes.testing.scripted_model import ScriptedModel, Step, calls, says
from hermes.testing.scripted_runtime import ScriptedRuntime

pytestmark = pytest.mark.anyio


def shell(call_id: str, command: str) -> ToolCall:
    return ToolCall(call_id, "terminal", f'{{"command":"{command}"}}')


def work(number: int, command: str = "true", ok: bool = True) -> list[Message]:
    """One round of a run: a call and its result."""
    call = shell(f"call_{number}", command)
    result = Message(
        role="tool", tool_call_id=call.id, tool_name=call.name, content=f"result {number}", ok=ok
    )
    return [Message(role="assistant", tool_calls=(call,)), result]


async def left_behind(folder: Path, rows: Sequence[Message], usage: Usage | None = None) -> tuple[Run, Lease]:
    """A run whose process died when it had written `rows`."""
    async with ScriptedRuntime(folder, []) as dead:
        runtime = dead.runtime
        session = await runtime.new_session()
        run = await runtime.submit(session.id, "work")
        lease = await runtime.store.runs.claim(runtime.scope, run.id, "elsewhere:1:1", lease_seconds=0)
        assert lease is not None
        await runtime.store.runs.record(lease, messages=[run.input, *rows], usage=usage)
    return run, lease


async def test_what_the_dead_process_has_used_counts_against_the_budget(tmp_path: Path) -> None:
    run, _ = await left_behind(tmp_path, work(1), Usage(input_tokens=90_000, model_calls=1))
    settings = Settings(budgets=BudgetSettings(run_tokens=90_500))
    async with ScriptedRuntime(tmp_path, [], settings=settings) as second:
        done = await second.runtime.execute(run.id)
        assert (done.status, done.reason) == ("failed", "budget_refused")


async def test_the_model_calls_of_the_dead_process_count_also_where_they_are_compacted(
    tmp_path: Path,
) -> None:
    run, lease = await left_behind(tmp_path, [row for number in range(3) for row in work(number)])
    settings = Settings(agent=AgentSettings(max_turns=3))
    async with ScriptedRuntime(tmp_path, [says("That is all I did.")], settings=settings) as second:
        runtime = second.runtime
        rows = await second.transcript(run.session_id)
        await runtime.store.runs.record(
            lease,
            messages=[Message(role="user", kind="summary", content="notes")],
            compact=Compaction(ids=tuple(row.id for row in rows[1:5])),
        )
        done = await runtime.execute(run.id)
        assert done.reason == "max_iterations_reached"
        assert second.model.requests[0].tools == ()


async def test_a_run_that_went_round_in_circles_does_not_begin_anew(tmp_path: Path) -> None:
    rows = [row for number in range(5) for row in work(number, "false", ok=False)]
    run, _ = await left_behind(tmp_path, rows)
    async with ScriptedRuntime(tmp_path, [calls(shell("again", "false"))]) as second:
        done = await second.runtime.execute(run.id)
        assert (done.status, done.reason) == ("failed", "guardrail_halt")
        assert len(second.model.requests) == 1


async def test_a_compaction_that_was_left_behind_is_no_message_to_the_model(tmp_path: Path) -> None:
    async with ScriptedRuntime(tmp_path, [says("Hello.")]) as scripted:
        runtime = scripted.runtime
        session = await runtime.new_session()
        left, _ = await runtime.store.runs.accept(
            runtime.scope, session.id, compaction_input("the files"), source="cli"
        )
        assert left.input.content == "/compress the files"
        done = await runtime.execute(left.id)
        assert (done.status, done.reason) == ("completed", "kept")
        run = await scripted.ask_in(session.id, "hello")
        assert run.answer == "Hello."
        assert [row.content for row in await scripted.transcript(session.id)] == ["hello", "Hello."]


class Hesitant(ScriptedModel):
    """Says the beginning of its first answer, and then nothing for a minute."""

    def __init__(self, steps: Sequence[Step]) -> None:
        super().__init__(steps)
        self.waits = asyncio.Event()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        async for event in super().stream(request):
            yield event
            if len(self.requests) == 1:
                self.waits.set()
                await asyncio.sleep(60)


async def test_a_compaction_that_is_cancelled_does_not_stand_in_the_way(tmp_path: Path) -> None:
    async with ScriptedRuntime(tmp_path, []) as scripted:
        scripted.runtime.model = model = Hesitant([says("Notes on it."), says("Hello.")])
        session = await scripted.runtime.new_session()
        rows = [Message(role="user", content=f"{number} " + "x" * 2_000) for number in range(30)]
        await scripted.runtime.store.messages.append(scripted.runtime.scope, session.id, rows)
        task = asyncio.create_task(scripted.runtime.compact(session.id))
        await model.waits.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await scripted.ask_in(session.id, "hello")).answer == "Hello."


async def test_a_model_call_that_is_broken_off_is_counted_and_what_it_said_is_kept(tmp_path: Path) -> None:
    async with ScriptedRuntime(tmp_path, []) as scripted:
        scripted.runtime.model = model = Hesitant([says("Half an answer.")])
        session = await scripted.runtime.new_session()
        run = await scripted.runtime.submit(session.id, "tell me")
        task = asyncio.create_task(scripted.runtime.execute(run.id))
        await model.waits.wait()
        scripted.runtime.interrupt(run.id)
        done = await task
        assert done.reason == "interrupted"
        assert (done.usage.model_calls, done.usage.calls_without_usage) == (1, 1)
        assert "Half" in (await scripted.transcript(session.id))[-1].content


async def test_an_interrupt_before_the_first_request_makes_none(tmp_path: Path) -> None:
    async with ScriptedRuntime(tmp_path, [says("Too late.")]) as scripted:
        session = await scripted.runtime.new_session()
        run = await scripted.runtime.submit(session.id, "wait")
        task = asyncio.create_task(scripted.runtime.execute(run.id))
        await asyncio.sleep(0)
        assert scripted.runtime.interrupt(run.id)
        assert (await task).status == "cancelled"
        assert scripted.model.requests == []


async def test_a_run_that_is_at_work_is_not_begun_a_second_time(tmp_path: Path) -> None:
    async with ScriptedRuntime(tmp_path, [calls(shell("a", "sleep 0.3")), says("Done.")]) as scripted:
        session = await scripted.runtime.new_session()
        run = await scripted.runtime.submit(session.id, "work")
        first = asyncio.create_task(scripted.runtime.execute(run.id))
        await asyncio.sleep(0.1)
        with pytest.raises(RunRefused):
            await scripted.runtime.execute(run.id)
        assert scripted.runtime.steer(run.id, "and mind the gap")
        assert (await first).status == "completed"


async def test_a_steer_that_nobody_could_read_is_read_by_the_next_run(tmp_path: Path) -> None:
    run_id = ""

    def steer_then_fail(request: ModelRequest) -> ModelReply:
        scripted.runtime.steer(run_id, "use the other file")
        raise AssertionError("a bug of ours")

    async with ScriptedRuntime(tmp_path, [steer_then_fail, says("The other one.")]) as scripted:
        session = await scripted.runtime.new_session()
        run_id = (await scripted.runtime.submit(session.id, "work")).id
        assert (await scripted.runtime.execute(run_id)).status == "failed"
        await scripted.ask_in(session.id, "and?")
        assert any("use the other file" in row.sent for row in scripted.model.requests[1].messages)
        assert not scripted.runtime.steer(run_id, "too late")
