"""Calls that a dead process left behind: asked for by the model, and without a result."""

from collections.abc import Sequence

from hermes.agent.active_run import ActiveRun
from hermes.agent.execution import run_tool_calls
from hermes.store.records import Message, ToolCall, ToolCallRecord

UNKNOWN_OUTCOME = (
    '{"status":"unknown","error":"The process that ran this call died or failed before its result was '
    "stored. Whether it took effect is not known, and it was not run again. Find out what it did before you "
    'repeat it."}'
)
NOT_RUN = '{"status":"not_run","error":"The run failed before this call was begun; it was not run."}'


def calls_without_result(transcript: Sequence[Message]) -> list[ToolCall]:
    """Calls of the newest assistant message that no tool row answers."""
    answered = set()
    for message in reversed(transcript):
        if message.role == "tool":
            answered.add(message.tool_call_id)
        elif message.role == "assistant":
            return [call for call in message.tool_calls if call.id not in answered]
    return []


def results_for(calls: Sequence[ToolCall], records: Sequence[ToolCallRecord], now: float) -> list[Message]:
    """A result for each call that will never have one of its own: what is known of it."""
    started = {record.call_id for record in records}
    return [
        Message(
            role="tool",
            content=UNKNOWN_OUTCOME if call.id in started else NOT_RUN,
            tool_call_id=call.id,
            tool_name=call.name,
            ok=False,
            display="interrupted, outcome unknown" if call.id in started else "not run",
            created_at=now,
        )
        for call in calls
    ]


async def settle_left_over_calls(run: ActiveRun, records: Sequence[ToolCallRecord]) -> None:
    """Tell the model which started calls have an unknown outcome, and run those that never started."""
    started = {record.call_id for record in records}
    open_calls = calls_without_result(run.transcript)
    unknown = [call for call in open_calls if call.id in started]
    if unknown:
        await run.append(*results_for(unknown, records, run.clock()))
    not_started = [call for call in open_calls if call.id not in started]
    if not_started:
        await run_tool_calls(run, not_started)


def count_earlier_calls(run: ActiveRun) -> None:
    """Let the guardrails see the calls of this run that a dead process finished, so that a crash is no new
    start for a run that goes round in circles."""
    calls: dict[str, ToolCall] = {}
    for row in run.transcript:
        if row.run_id != run.run.id:
            continue
        calls.update((call.id, call) for call in row.tool_calls)
        tool, call = run.tools.get(row.tool_name or ""), calls.get(row.tool_call_id or "")
        if tool is not None and call is not None:
            result = row.content.partition("\n\n[Tool loop ")[0]
            run.guardrails.after_call(tool.name, call.arguments, tool.read_only, bool(row.ok), result)
