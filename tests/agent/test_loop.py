"""The loop: model, tools, again, until there is an answer or a reason to stop."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from hermes.home.settings import AgentSettings, BudgetSettings, Settings
from hermes.models.contract import ModelReply, ModelRequest
from hermes.store.events import (
    BudgetRefused,
    EventRecord,
    GuardrailStopped,
    MessageDelta,
    MessageStored,
    ModelRetried,
    RunFinished,
    RunStarted,
    ToolFinished,
    ToolStarted,
)
from hermes.store.records import Message, ToolCall, Usage
from hermes.testing.scripted_model import calls, fails, says

from .conftest import MakeRuntime

pytestmark = pytest.mark.anyio


def shell(call_id: str, command: str) -> ToolCall:
    return ToolCall(call_id, "terminal", msgspec.json.encode({"command": command}).decode())


async def test_an_answer_without_tools_completes_the_run(scripted: MakeRuntime) -> None:
    bench = scripted([says("Hello there.")])
    run = await bench.ask("hello")
    assert (run.status, run.reason, run.answer) == ("completed", "answered", "Hello there.")
    rows = await bench.transcript(run.session_id)
    assert [(row.role, row.content) for row in rows] == [("user", "hello"), ("assistant", "Hello there.")]


async def test_tools_run_and_their_results_reach_the_model(scripted: MakeRuntime) -> None:
    bench = scripted([calls(shell("c1", "echo seen-$((40+2))")), says("Done.")])
    run = await bench.ask("run it")
    assert run.status == "completed"
    last = bench.model.requests[1].messages[-1]
    assert last.role == "tool"
    assert "seen-42" in last.content


async def test_events_tell_the_whole_story_in_order(scripted: MakeRuntime) -> None:
    bench = scripted([calls(shell("c1", "true"), text="Let me see."), says("Fine.")])
    await bench.ask("check")
    kinds = [type(record.event) for record in bench.records if not isinstance(record.event, MessageDelta)]
    assert kinds == [
        MessageStored,
        RunStarted,
        MessageStored,
        ToolStarted,
        MessageStored,
        ToolFinished,
        MessageStored,
        RunFinished,
    ]
    assert all(event.message.id for event in bench.events(MessageStored))


async def test_stored_events_are_numbered_without_gaps_and_join_the_deltas(scripted: MakeRuntime) -> None:
    bench = scripted([says("One two three four.")])
    run = await bench.ask("count")
    records = await bench.runtime.store.events.since(bench.runtime.scope, run.id)
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    joined = [record.event.text for record in records if isinstance(record.event, MessageDelta)]
    assert joined == ["One two three four."]


async def test_results_are_sent_in_the_order_of_their_calls(scripted: MakeRuntime, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a.txt").write_text("alpha\n")
    reads = [
        ToolCall("slow", "search_files", '{"pattern":"alpha","path":"."}'),
        ToolCall("fast", "read_file", '{"path":"a.txt"}'),
        ToolCall("list", "search_files", '{"pattern":"*.txt","target":"files"}'),
    ]
    bench = scripted([calls(*reads), says("Read.")])
    await bench.ask("read them")
    results = [row.tool_call_id for row in bench.model.requests[1].messages if row.role == "tool"]
    assert results == ["slow", "fast", "list"]


async def test_an_unknown_tool_gets_an_error_and_the_known_one_runs(scripted: MakeRuntime) -> None:
    bench = scripted([calls(ToolCall("x", "teleport", "{}"), shell("c", "echo ran")), says("Ok.")])
    run = await bench.ask("go")
    assert run.status == "completed"
    first, second = (row.content for row in bench.model.requests[1].messages if row.role == "tool")
    assert "no tool named 'teleport'" in first
    assert "terminal" in first
    assert "ran" in second


async def test_three_rounds_of_unknown_tools_only_end_the_run(scripted: MakeRuntime) -> None:
    bench = scripted([calls(ToolCall(f"x{n}", "teleport", "{}")) for n in range(3)])
    run = await bench.ask("go")
    assert (run.status, run.reason) == ("failed", "unknown_tools")


async def test_a_misspelt_tool_name_is_understood(scripted: MakeRuntime) -> None:
    bench = scripted([calls(ToolCall("x", "Terminal", '{"command":"echo understood"}')), says("Ok.")])
    await bench.ask("go")
    assert "understood" in bench.model.requests[1].messages[-1].content


async def test_arguments_that_do_not_fit_are_told_to_the_model(scripted: MakeRuntime) -> None:
    bench = scripted([calls(ToolCall("x", "terminal", '{"comand":"ls"}')), says("Sorry.")])
    run = await bench.ask("go")
    assert run.status == "completed"
    assert "comand" in bench.model.requests[1].messages[-1].content


async def test_a_model_that_fails_is_a_failed_run_with_its_sentence(scripted: MakeRuntime) -> None:
    bench = scripted([fails("auth", "The key was refused.")])
    run = await bench.ask("hello")
    assert (run.status, run.reason, run.error) == ("failed", "model_error", "The key was refused.")


async def test_the_last_allowed_call_sums_up_without_tools(scripted: MakeRuntime) -> None:
    settings = Settings(agent=AgentSettings(max_turns=2))
    bench = scripted(
        [calls(shell("a", "echo 1")), calls(shell("b", "echo 2")), says("I did two steps.")], settings
    )
    run = await bench.ask("work")
    assert (run.status, run.reason) == ("failed", "max_iterations_reached")
    assert run.answer == "I did two steps."
    assert bench.model.requests[2].tools == ()


async def test_an_answer_on_the_last_allowed_call_is_an_answer(scripted: MakeRuntime) -> None:
    settings = Settings(agent=AgentSettings(max_turns=2))
    bench = scripted([calls(shell("a", "echo 1")), says("Done in time.")], settings)
    assert (await bench.ask("work")).status == "completed"


async def test_a_stuck_unattended_run_is_stopped_with_evidence(scripted: MakeRuntime) -> None:
    bench = scripted([calls(shell(f"c{n}", "false")) for n in range(12)])
    run = await bench.ask("try")
    assert (run.status, run.reason) == ("failed", "guardrail_halt")
    (stopped,) = bench.events(GuardrailStopped)
    assert stopped.code == "repeated_exact_failure_block"
    assert stopped.evidence
    assert len(bench.model.requests) == 6


async def test_a_budget_refuses_before_the_call(scripted: MakeRuntime) -> None:
    settings = Settings(budgets=BudgetSettings(run_tokens=10))
    bench = scripted([], settings)
    run = await bench.ask("hello")
    assert (run.status, run.reason) == ("failed", "budget_refused")
    assert bench.events(BudgetRefused)
    assert bench.model.requests == []


async def test_usage_of_every_call_is_booked_on_run_and_session(scripted: MakeRuntime) -> None:
    spent = Usage(input_tokens=100, output_tokens=10, model_calls=1)
    bench = scripted(
        [msgspec.structs.replace(calls(shell("a", "true")), usage=spent), ModelReply(text="Ok.", usage=spent)]
    )
    run = await bench.ask("work")
    assert (run.usage.input_tokens, run.usage.output_tokens, run.usage.model_calls) == (200, 20, 2)
    session = await bench.runtime.store.sessions.get(bench.runtime.scope, run.session_id)
    assert session is not None
    assert (session.usage.input_tokens, session.usage.model_calls) == (200, 2)


async def test_a_usage_that_can_not_be_is_no_usage(scripted: MakeRuntime) -> None:
    lie = Usage(input_tokens=10**18, output_tokens=5, model_calls=1)
    bench = scripted([ModelReply(text="Hm.", usage=lie), says("Still here.")])
    run = await bench.ask("hello")
    assert (run.usage.input_tokens, run.usage.calls_without_usage) == (0, 1)
    assert (await bench.ask("again")).status == "completed"


async def test_an_interrupt_stops_a_command_and_the_run(scripted: MakeRuntime) -> None:
    bench = scripted([calls(shell("a", "sleep 60"))])
    session = await bench.runtime.new_session()
    run = await bench.runtime.submit(session.id, "wait")
    started = asyncio.Event()

    def listen(record: EventRecord) -> None:
        if isinstance(record.event, ToolStarted):
            started.set()

    task = asyncio.create_task(bench.runtime.execute(run.id, listen=listen))
    await started.wait()
    await asyncio.sleep(0.2)
    assert bench.runtime.interrupt(run.id, "enough")
    done = await asyncio.wait_for(task, 10)
    assert (done.status, done.reason) == ("cancelled", "interrupted")
    rows = await bench.transcript(done.session_id)
    assert rows[-2].role == "tool"
    assert rows[-1].role == "assistant"


async def test_steering_reaches_the_model_behind_the_tool_results(scripted: MakeRuntime) -> None:
    run_id = ""

    def steer_then_call(request: ModelRequest) -> ModelReply:
        bench.runtime.steer(run_id, "use the other file")
        return calls(shell("a", "true"))

    bench = scripted([steer_then_call, says("Changed.")])
    session = await bench.runtime.new_session()
    run_id = (await bench.runtime.submit(session.id, "work")).id
    run = await bench.runtime.execute(run_id)
    steer = bench.model.requests[1].messages[-1]
    assert (steer.role, steer.kind) == ("user", "steer")
    assert "use the other file" in steer.sent
    assert run.status == "completed"


async def test_a_steer_that_comes_with_the_answer_is_answered_in_the_same_run(scripted: MakeRuntime) -> None:
    run_id = ""

    def steer_then_answer(request: ModelRequest) -> ModelReply:
        bench.runtime.steer(run_id, "and in French?")
        return says("Hello.")

    bench = scripted([steer_then_answer, says("Bonjour.")])
    session = await bench.runtime.new_session()
    run_id = (await bench.runtime.submit(session.id, "greet")).id
    run = await bench.runtime.execute(run_id)
    assert run.answer == "Bonjour."
    assert bench.model.requests[1].messages[-1].content == "and in French?"


async def test_a_result_that_is_too_long_is_kept_in_a_file(scripted: MakeRuntime) -> None:
    bench = scripted([calls(shell("long", "seq 1 6000")), says("Read.")])
    bench.model.learn_window(8_000)
    await bench.ask("count")
    content = bench.model.requests[1].messages[-1].content
    assert "<persisted-output" in content
    path = content.split('path="')[1].split('"')[0]
    assert "5999" in Path(path).read_text()


async def test_a_tool_that_pages_its_results_is_never_cut(scripted: MakeRuntime, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "big.txt").write_text("\n".join(f"line {n} {'x' * 60}" for n in range(500)))
    bench = scripted([calls(ToolCall("r", "read_file", '{"path":"big.txt"}')), says("Read.")])
    bench.model.learn_window(8_000)
    await bench.ask("read")
    assert "line 499" in bench.model.requests[1].messages[-1].content


async def test_the_prompt_of_a_session_is_sent_word_for_word_again(scripted: MakeRuntime) -> None:
    bench = scripted([says("One."), says("Two.")])
    session = await bench.runtime.new_session()
    await bench.ask_in(session.id, "first")
    bench.runtime.profile.memory_file.parent.mkdir(exist_ok=True)
    bench.runtime.profile.memory_file.write_text("A new fact.\n")
    await bench.ask_in(session.id, "second")
    assert bench.model.requests[0].system == bench.model.requests[1].system


async def test_what_a_failed_call_said_is_kept(scripted: MakeRuntime) -> None:
    failed = fails("connection", "The connection broke.")
    bench = scripted([msgspec.structs.replace(failed, partial=ModelReply(text="Half an ans", stop="cut"))])
    run = await bench.ask("hello")
    rows: list[Message] = await bench.transcript(run.session_id)
    assert run.status == "failed"
    assert rows[-1].content == "Half an ans"


async def test_calls_that_come_with_the_summing_up_are_left_out(scripted: MakeRuntime) -> None:
    settings = Settings(agent=AgentSettings(max_turns=1))
    bench = scripted(
        [calls(shell("a", "true")), calls(shell("b", "true"), text="One step is done."), says("Hello.")],
        settings,
    )
    run = await bench.ask("work")
    assert run.answer == "One step is done."
    rows = await bench.transcript(run.session_id)
    assert [call.id for row in rows for call in row.tool_calls] == ["a"]


async def test_text_of_an_answer_that_is_asked_for_again_is_void(scripted: MakeRuntime) -> None:
    broken = calls(ToolCall("x", "terminal", '{"command": ]}'), text="I will look.")
    bench = scripted([broken, says("Done.")])
    run = await bench.ask("go")
    assert run.answer == "Done."
    (retried,) = bench.events(ModelRetried)
    assert retried.discarded_text
    after = bench.records[[record.event for record in bench.records].index(retried) :]
    deltas = [record.event for record in after if isinstance(record.event, MessageDelta)]
    assert (deltas[0].offset, "".join(delta.text for delta in deltas)) == (0, "Done.")


async def test_output_limits_that_go_up_and_down_are_no_endless_loop(scripted: MakeRuntime) -> None:
    bench = scripted([fails("output_limit", output_limit=limit) for limit in (4_096, 8_192)])
    run = await bench.ask("go")
    assert (run.status, run.reason) == ("failed", "model_error")
    assert len(bench.model.requests) == 2


async def test_a_server_that_counts_nothing_is_no_way_around_the_budget(scripted: MakeRuntime) -> None:
    settings = Settings(budgets=BudgetSettings(run_tokens=9_000))
    bench = scripted([calls(shell(f"c{number}", f"echo {number}")) for number in range(4)], settings)
    run = await bench.ask("work")
    assert (run.status, run.reason) == ("failed", "budget_refused")
    assert 1 <= len(bench.model.requests) < 4
