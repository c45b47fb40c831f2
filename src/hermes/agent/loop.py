"""The loop. Read this first.

A run is: take what a person said meanwhile, get one assistant message from the model, store it, run its
tool calls, and go round while there were any. Then take queued follow-ups, or end. How it ended is data.
"""

from hermes.agent.active_run import ActiveRun
from hermes.agent.answer import assistant_message, next_answer, text_only
from hermes.agent.ending import Ending, Interrupted
from hermes.agent.execution import BatchOutcome, halt_event, run_tool_calls
from hermes.agent.guardrails import halt_message
from hermes.agent.prompt import steer_text
from hermes.models.contract import ModelReply
from hermes.store.records import Message

UNKNOWN_TOOL_STRIKES = 3
INTERRUPTED_NOTE = "(Interrupted by the user.)"


async def run_loop(run: ActiveRun) -> Ending:
    """Work on what the transcript asks for until there is an answer, or a reason to stop."""
    try:
        return await _work(run)
    except Interrupted:
        return _interrupted(run)


async def _work(run: ActiveRun) -> Ending:
    strikes = 0
    while True:
        await _take_steering(run)
        if run.model_calls >= run.settings.agent.max_turns:
            return await _sum_up(run)
        run.model_calls += 1

        reply = await next_answer(run)
        if isinstance(reply, Ending):
            return reply
        message = assistant_message(run, reply)

        if not message.tool_calls:
            if await _follow_up(run, message):
                continue
            return Ending(status="completed", reason="answered", answer=message)

        await run.append(message)
        run.said = ""
        outcome = await run_tool_calls(run, message.tool_calls)
        if run.steering.stop.is_set():
            raise Interrupted
        if outcome.halt is not None:
            return await _halted(run, outcome)
        strikes = strikes + 1 if outcome.all_unknown else 0
        if strikes == UNKNOWN_TOOL_STRIKES:
            return _lost(message)


async def _take_steering(run: ActiveRun) -> None:
    """A steer goes behind the newest tool results; until there are some it waits."""
    if run.transcript and run.transcript[-1].role == "tool" and (text := run.steering.take_steers()):
        await run.append(steer_message(text, run.clock()))


def steer_message(text: str, now: float) -> Message:
    """What a person said to a run, as a row."""
    return Message(role="user", kind="steer", content=text, wire_content=steer_text(text), created_at=now)


async def _follow_up(run: ActiveRun, answer: Message) -> bool:
    """Store the answer and the next thing a person said, if they did. If not, it is too late for more."""
    text = run.steering.take_follow_up() or run.steering.close()
    if text:
        await run.append(answer, Message(role="user", content=text, created_at=run.clock()))
    return bool(text)


def _interrupted(run: ActiveRun) -> Ending:
    said = f"{run.said}\n\n{INTERRUPTED_NOTE}" if run.said.strip() else INTERRUPTED_NOTE
    note = Message(
        role="assistant",
        kind="normal" if run.said.strip() else "notice",
        content=said,
        finish_reason="interrupted",
        created_at=run.clock(),
    )
    return Ending(status="cancelled", reason="interrupted", answer=note, error=run.steering.reason or None)


async def _halted(run: ActiveRun, outcome: BatchOutcome) -> Ending:
    halt = outcome.halt
    assert halt is not None
    await run.journal.record(events=[halt_event(halt)])
    text = halt_message(halt)
    answer = Message(role="assistant", kind="notice", content=text, created_at=run.clock())
    return Ending(status="failed", reason="guardrail_halt", answer=answer, error=text)


def _lost(message: Message) -> Ending:
    names = ", ".join(sorted({call.name for call in message.tool_calls}))
    return Ending(
        status="failed",
        reason="unknown_tools",
        error=f"The model called tools that do not exist three times in a row ({names}); try another model.",
    )


async def _sum_up(run: ActiveRun) -> Ending:
    """The calls are used up: one more without tools, to say what was done and what is left."""
    most = run.settings.agent.max_turns
    ask = Message(
        role="user",
        content=f"You have used all {most} steps of this run and can call no more tools. Say briefly what "
        "you did, what you found, and what is left to do.",
    )
    reply = await next_answer(run, extra=(ask,), with_tools=False)
    answer = text_only(assistant_message(run, reply)) if isinstance(reply, ModelReply) else reply.answer
    return Ending(
        status="failed",
        reason="max_iterations_reached",
        answer=answer if answer is not None and answer.content.strip() else None,
        error=f"The run used all {most} model calls (agent.max_turns) before it was done.",
    )
