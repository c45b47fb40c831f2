"""Asking people: what they say, what becomes of it when they say nothing, fail or stop the run."""

import asyncio
import time
from pathlib import Path

import pytest

from hermes.store.events import (
    ApprovalDecided,
    ApprovalRequested,
    EventRecord,
    QuestionAnswered,
    QuestionAsked,
)
from hermes.store.records import ToolCall
from hermes.testing.scripted_model import calls, says
from hermes.testing.scripted_runtime import ScriptedRuntime
from hermes.tools.contract import ApprovalRequest, Decision

pytestmark = pytest.mark.anyio

RISKY = ToolCall("risky", "terminal", '{"command":"rm -rf build"}')
QUESTION = ToolCall("question", "clarify", '{"question":"Which one?"}')


class Silent:
    """Somebody who looks at the question and says nothing."""

    attended = True

    async def approve(self, request: ApprovalRequest, call_id: str) -> Decision:
        await asyncio.sleep(60)
        return "once"

    async def ask(self, question: str, choices: tuple[str, ...]) -> str | None:
        await asyncio.sleep(60)
        return "this one"


class Broken:
    """A way to ask that does not work."""

    attended = True

    async def approve(self, request: ApprovalRequest, call_id: str) -> Decision:
        raise EOFError

    async def ask(self, question: str, choices: tuple[str, ...]) -> str | None:
        raise EOFError


@pytest.mark.parametrize(
    ("call", "asked", "answered"),
    [(RISKY, ApprovalRequested, ApprovalDecided), (QUESTION, QuestionAsked, QuestionAnswered)],
)
async def test_stopping_a_run_that_waits_for_a_person_stops_it_at_once(
    tmp_path: Path, call: ToolCall, asked: type, answered: type
) -> None:
    async with ScriptedRuntime(tmp_path, [calls(call)]) as bench:
        session = await bench.runtime.new_session()
        run = await bench.runtime.submit(session.id, "do it", attended=True)
        waits = asyncio.Event()

        def listen(record: EventRecord) -> None:
            bench.records.append(record)
            if isinstance(record.event, asked):
                waits.set()

        task = asyncio.create_task(bench.runtime.execute(run.id, people=Silent(), listen=listen))
        await waits.wait()
        began = time.monotonic()
        bench.runtime.interrupt(run.id)
        done = await task
        assert time.monotonic() - began < 2
        assert (done.status, done.reason) == ("cancelled", "interrupted")
        assert len(bench.events(answered)) == 1
        (result,) = [row for row in await bench.transcript(session.id) if row.role == "tool"]
        assert "cancelled" in result.content


@pytest.mark.parametrize(("call", "answered"), [(RISKY, ApprovalDecided), (QUESTION, QuestionAnswered)])
async def test_when_nobody_can_be_asked_after_all_that_is_a_no_and_the_run_goes_on(
    tmp_path: Path, call: ToolCall, answered: type
) -> None:
    async with ScriptedRuntime(tmp_path, [calls(call), says("Without it, then.")]) as bench:
        run = await bench.ask("do it", attended=True, people=Broken())
        assert run.status == "completed"
        assert len(bench.events(answered)) == 1
        assert all(event.decision == "deny" for event in bench.events(ApprovalDecided))


async def test_secrets_in_what_is_asked_are_masked(tmp_path: Path) -> None:
    key = "sk-proj-" + "a1B2c3D4" * 5
    call = ToolCall("risky", "terminal", f'{{"command":"rm -rf build; echo {key}"}}')
    async with ScriptedRuntime(tmp_path, [calls(call), says("No.")]) as bench:
        await bench.ask("do it")
        (asked,) = bench.events(ApprovalRequested)
        assert "rm -rf build" in asked.subject
        assert key not in asked.subject
