"""Runs as durable objects: accepted, claimed, watched, handed over, finished."""

import asyncio
import datetime
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hermes.agent.left_over import UNKNOWN_OUTCOME
from hermes.home.settings import Settings
from hermes.runs.runtime import RunRefused
from hermes.store.events import EventRecord, RunStarted
from hermes.store.records import Message, ToolCall, ToolCallRecord
from hermes.testing.scripted_model import calls, says
from hermes.testing.scripted_runtime import ScriptedRuntime

pytestmark = pytest.mark.anyio


def shell(call_id: str, command: str) -> ToolCall:
    return ToolCall(call_id, "terminal", f'{{"command":"{command}"}}')


async def test_an_accepted_input_is_durable_before_anything_runs(tmp_path: Path) -> None:
    async with ScriptedRuntime(tmp_path, []) as first:
        session = await first.runtime.new_session()
        await first.runtime.submit(session.id, "do not lose me")
    async with ScriptedRuntime(tmp_path, [says("Here you are.")]) as second:
        (waiting,) = await second.runtime.unfinished(session.id)
        assert waiting.input.content == "do not lose me"
        done = await second.runtime.execute(waiting.id)
        assert done.answer == "Here you are."


async def test_one_external_id_is_one_run(tmp_path: Path) -> None:
    async with ScriptedRuntime(tmp_path, [says("Once.")]) as scripted:
        session = await scripted.runtime.new_session()
        first = await scripted.runtime.submit(session.id, "hello", external_id="update-7")
        again = await scripted.runtime.submit(session.id, "hello", external_id="update-7")
        assert first.id == again.id


async def test_a_finished_run_is_given_back_and_not_run_again(tmp_path: Path) -> None:
    async with ScriptedRuntime(tmp_path, [says("Once.")]) as scripted:
        run = await scripted.ask("hello")
        assert await scripted.runtime.execute(run.id) == run
        assert len(scripted.model.requests) == 1


async def test_a_run_waits_for_the_one_before_it(tmp_path: Path) -> None:
    async with ScriptedRuntime(tmp_path, [says("First."), says("Second.")]) as scripted:
        session = await scripted.runtime.new_session()
        first = await scripted.runtime.submit(session.id, "one")
        second = await scripted.runtime.submit(session.id, "two")
        with pytest.raises(RunRefused):
            await scripted.runtime.execute(second.id)
        assert (await scripted.runtime.execute(first.id)).answer == "First."
        assert (await scripted.runtime.execute(second.id)).answer == "Second."


async def test_events_can_be_replayed_from_any_number(tmp_path: Path) -> None:
    async with ScriptedRuntime(tmp_path, [calls(shell("a", "echo one")), says("Done.")]) as scripted:
        run = await scripted.ask("work")
        runtime = scripted.runtime
        whole = await runtime.store.events.since(runtime.scope, run.id)
        for seen in range(len(whole)):
            assert await runtime.store.events.since(runtime.scope, run.id, seen) == whole[seen:]


async def test_cancelling_the_task_hands_the_run_over(tmp_path: Path) -> None:
    async with ScriptedRuntime(tmp_path, [calls(shell("slow", "sleep 30"))]) as first:
        session = await first.runtime.new_session()
        run = await first.runtime.submit(session.id, "wait")
        started = asyncio.Event()

        def listen(record: EventRecord) -> None:
            if type(record.event).__name__ == "ToolStarted":
                started.set()

        task = asyncio.create_task(first.runtime.execute(run.id, listen=listen))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with ScriptedRuntime(tmp_path, [says("I will look first.")]) as second:
        (left,) = await second.runtime.unfinished(session.id)
        assert left.status == "interrupted"
        done = await second.runtime.execute(left.id, listen=second.records.append)
        assert done.status == "completed"
        assert second.events(RunStarted)[0].resumed
        told = second.model.requests[0].messages[-1]
        assert (told.role, told.content) == ("tool", UNKNOWN_OUTCOME)


async def test_a_call_that_never_started_is_run_after_a_crash(tmp_path: Path) -> None:
    async with ScriptedRuntime(tmp_path, []) as first:
        runtime = first.runtime
        session = await runtime.new_session()
        run = await runtime.submit(session.id, "two steps")
        lease = await runtime.store.runs.claim(runtime.scope, run.id, "elsewhere:1:1", lease_seconds=0)
        assert lease is not None
        asked = Message(role="assistant", tool_calls=(shell("began", "echo no"), shell("waits", "echo yes")))
        began = ToolCallRecord(
            run_id=run.id, call_id="began", name="terminal", arguments="{}", state="started", started_at=1.0
        )
        await runtime.store.runs.record(lease, messages=[run.input, asked], tools_started=[began])
    async with ScriptedRuntime(tmp_path, [says("Both accounted for.")]) as second:
        done = await second.runtime.execute(run.id)
        assert done.status == "completed"
        results = {
            row.tool_call_id: row.content for row in second.model.requests[0].messages if row.role == "tool"
        }
    assert results["began"] == UNKNOWN_OUTCOME
    assert "yes" in results["waits"]


async def test_an_unknown_run_is_refused_by_name(tmp_path: Path) -> None:
    async with ScriptedRuntime(tmp_path, []) as scripted:
        with pytest.raises(RunRefused, match="run_nowhere"):
            await scripted.runtime.execute("run_nowhere")


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
async def test_the_prompt_and_the_spending_are_of_the_configured_time_zones_day(
    tmp_path: Path, zone: str
) -> None:
    """The two zones never have the same date."""
    settings = Settings(timezone=zone)
    async with ScriptedRuntime(tmp_path, [says("Hello.")], settings=settings) as scripted:
        run = await scripted.ask("hi")
        runtime = scripted.runtime
        session = await runtime.store.sessions.get(runtime.scope, run.session_id)
        assert session is not None
        today = datetime.datetime.now(ZoneInfo(zone)).date()
        assert f"{today:%B} {today.day}, {today.year}" in (session.system_prompt or "")
        (row,) = await runtime.store.spend.by_day(runtime.scope, time.time())
        assert row.day == str(today)
