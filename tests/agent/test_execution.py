"""Tool calls: every one has a result, and none goes on behind the end of its run."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from hermes.home.profile import Profile
from hermes.home.settings import AgentSettings, Settings
from hermes.store.backend import Transaction
from hermes.store.database import Store, StoreError
from hermes.store.events import EventRecord, ToolFinished, ToolOutput, ToolStarted
from hermes.store.opening import open_file
from hermes.store.records import Run, ToolCall
from hermes.store.sqlite import SqliteBackend
from hermes.testing.scripted_model import calls, says
from hermes.testing.scripted_runtime import ScriptedRuntime
from hermes.tools.contract import ToolContext, ToolResult, tool

from .conftest import MakeRuntime

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class FailingBackend(SqliteBackend):
    """A database that refuses one write when it is told to."""

    refuses = False

    async def write(self, work: Callable[[Transaction], T], *, durable: bool = False) -> T:
        if self.refuses:
            self.refuses = False
            raise StoreError("The disk is full.")
        return await super().write(work, durable=durable)


def failing_store(folder: Path) -> tuple[Store, FailingBackend]:
    home = folder / "home"
    home.mkdir()
    profile = Profile(name="default", home=home, root=home)
    backend = FailingBackend(profile.database, open_file(profile.database))
    return Store(profile.database, profile.search_index, backend=backend), backend


async def run_with(bench: ScriptedRuntime, listen: Callable[[EventRecord], None]) -> Run:
    session = await bench.runtime.new_session()
    run = await bench.runtime.submit(session.id, "work")
    return await bench.runtime.execute(run.id, listen=listen)


async def test_when_a_result_can_not_be_stored_its_call_and_those_beside_it_end_with_the_run(
    tmp_path: Path,
) -> None:
    ended: list[str] = []

    @tool(toolset="test", concurrency="parallel")
    async def linger(ctx: ToolContext, seconds: float) -> ToolResult:
        """Take some time."""
        try:
            await asyncio.sleep(seconds)
        finally:
            await asyncio.sleep(0.05)
            ended.append(ctx.call_id)
        return ToolResult(content="done")

    store, backend = failing_store(tmp_path)
    asked = calls(ToolCall("quick", "linger", '{"seconds":0}'), ToolCall("slow", "linger", '{"seconds":30}'))
    async with ScriptedRuntime(tmp_path, [asked], store=store) as bench:
        bench.runtime.tools["linger"] = linger

        def listen(record: EventRecord) -> None:
            backend.refuses = isinstance(record.event, ToolStarted)

        run = await run_with(bench, listen)
        assert (run.status, run.reason, run.error) == ("failed", "internal_error", "The disk is full.")
        assert sorted(ended) == ["quick", "slow"]
        rows = await bench.transcript(run.session_id)
        results = {row.tool_call_id: row.content for row in rows if row.role == "tool"}
        assert sorted(results) == ["quick", "slow"]
        assert all("unknown" in content for content in results.values())
        records = await store.events.since(bench.runtime.scope, run.id)
        assert [record.seq for record in records] == list(range(1, len(records) + 1))


async def test_a_result_that_can_not_be_kept_in_a_file_is_cut(scripted: MakeRuntime) -> None:
    bench = scripted([calls(ToolCall("long", "terminal", '{"command":"seq 1 6000"}')), says("Read.")])
    bench.model.learn_window(8_000)
    folder = Path(bench.runtime.sandbox.scratch)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    run = await bench.ask("count")
    assert run.status == "completed"
    content = bench.model.requests[1].messages[-1].content
    assert "left out" in content
    assert len(content) < 8_000


async def test_a_tool_whose_own_work_was_cancelled_is_a_failed_call(scripted: MakeRuntime) -> None:
    @tool(toolset="test")
    async def lost(ctx: ToolContext) -> ToolResult:
        """Wait for something that another task gave up."""
        waiting: asyncio.Future[ToolResult] = asyncio.get_running_loop().create_future()
        waiting.cancel()
        return await waiting

    bench = scripted([calls(ToolCall("l", "lost", "{}")), says("It was lost.")])
    bench.runtime.tools["lost"] = lost
    assert (await bench.ask("go")).answer == "It was lost."
    assert not bench.events(ToolFinished)[0].ok


async def test_the_output_of_a_long_call_is_stored_while_it_runs(scripted: MakeRuntime) -> None:
    command = "echo early; sleep 5"
    bench = scripted([calls(ToolCall("c", "terminal", f'{{"command":"{command}"}}')), says("Done.")])
    runtime = bench.runtime
    session = await runtime.new_session()
    run = await runtime.submit(session.id, "work")
    task = asyncio.create_task(runtime.execute(run.id))
    for _ in range(45):
        await asyncio.sleep(0.1)
        records = await runtime.store.events.since(runtime.scope, run.id)
        if any(isinstance(record.event, ToolOutput) for record in records):
            break
    else:
        pytest.fail("no output was stored in 4.5 seconds")
    runtime.interrupt(run.id)
    await task


async def test_secrets_in_what_people_read_of_a_result_are_masked(scripted: MakeRuntime) -> None:
    key = "sk-proj-" + "a1B2c3D4" * 5

    @tool(toolset="test")
    async def reveal(ctx: ToolContext) -> ToolResult:
        """Say too much."""
        return ToolResult(content="done", summary=f"logged in with {key}", detail=f"key: {key}")

    bench = scripted([calls(ToolCall("r", "reveal", "{}")), says("Done.")], Settings())
    bench.runtime.tools["reveal"] = reveal
    run = await bench.ask("go")
    (finished,) = bench.events(ToolFinished)
    assert key not in finished.summary + (finished.detail or "")
    assert all(key not in (row.display or "") for row in await bench.transcript(run.session_id))


def delayed(seconds: float) -> Settings:
    return Settings(agent=AgentSettings(tool_delay=seconds))


def shells(*commands: str) -> list[ToolCall]:
    return [
        ToolCall(f"c{number}", "terminal", f'{{"command":"{command}"}}')
        for number, command in enumerate(commands)
    ]


async def test_the_delay_stands_between_calls_that_run_one_after_the_other(scripted: MakeRuntime) -> None:
    bench = scripted([calls(*shells("true", "pwd")), says("Done.")], delayed(0.3))
    await bench.ask("go")
    first_ended, second_began = (
        next(
            record.at
            for record in bench.records
            if isinstance(record.event, kind) and record.event.call_id == name
        )
        for kind, name in ((ToolFinished, "c0"), (ToolStarted, "c1"))
    )
    assert second_began - first_ended >= 0.3


async def test_calls_side_by_side_wait_for_no_delay(scripted: MakeRuntime, tmp_path: Path) -> None:
    reads = [ToolCall(name, "read_file", f'{{"path":"{name}"}}') for name in ("a", "b")]
    bench = scripted([calls(*reads), says("Done.")], delayed(30))
    async with asyncio.timeout(20):
        assert (await bench.ask("go")).status == "completed"


async def test_an_interrupt_ends_the_delay(scripted: MakeRuntime) -> None:
    bench = scripted([calls(*shells("true", "touch second"))], delayed(30))
    session = await bench.runtime.new_session()
    run = await bench.runtime.submit(session.id, "work")

    def listen(record: EventRecord) -> None:
        if isinstance(record.event, ToolFinished):
            asyncio.get_running_loop().call_later(0.1, bench.runtime.interrupt, run.id)

    async with asyncio.timeout(20):
        done = await bench.runtime.execute(run.id, listen=listen)
    assert done.status == "cancelled"
    assert not (bench.work / "second").exists()


async def test_a_call_that_is_not_run_shows_its_arguments_too(scripted: MakeRuntime) -> None:
    asked = [calls(*shells("false")) for _ in range(6)]
    bench = scripted([calls(ToolCall("u", "nosuch", '{"path":"x"}')), *asked])
    assert (await bench.ask("go")).reason == "guardrail_halt"
    shown = [event.preview for event in bench.events(ToolStarted)]
    assert shown == ['{"path":"x"}', *["false"] * 6]
