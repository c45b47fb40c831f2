"""Calls that a dead process left behind: asked for by the model, and without a result."""

from collections.abc import Sequence

from hermes.agent.active_run import ActiveRun
from hermes.agent.execution import run_tool_calls
from hermes.store.records import Message, ToolCall, ToolCallRecord

UNKNOWN_OUTCOME = (
    '{"status":"unknown","error":"The process that ran this call died before its result was stored. '
    "Whether it took effect is not known, and it was not run again. Find out what it did before you "
    'repeat it."}'
)


def calls_without_result(transcript: Sequence[Message]) -> list[ToolCall]:
    """Calls of the newest assistant message that no tool row answers."""
    answered = set()
    for message in reversed(transcript):
        if message.role == "tool":
            answered.add(message.tool_call_id)
        elif message.role == "assistant":
            return [call for call in message.tool_calls if call.id not in answered]
    return []


async def settle_left_over_calls(run: ActiveRun, records: Sequence[ToolCallRecord]) -> None:
    """Tell the model which started calls have an unknown outcome, and run those that never started."""
    started = {record.call_id for record in records}
    open_calls = calls_without_result(run.transcript)
    unknown = [call for call in open_calls if call.id in started]
    for call in unknown:
        await run.append(
            Message(
                role="tool",
                content=UNKNOWN_OUTCOME,
                tool_call_id=call.id,
                tool_name=call.name,
                ok=False,
                display="interrupted, outcome unknown",
                created_at=run.clock(),
            )
        )
    not_started = [call for call in open_calls if call.id not in started]
    if not_started:
        await run_tool_calls(run, not_started)
