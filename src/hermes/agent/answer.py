"""Getting one usable assistant message out of the model."""

import asyncio
import contextlib

import msgspec

from hermes.agent.active_run import ActiveRun
from hermes.agent.compaction import MOST_FAILURES, compact, threshold_tokens
from hermes.agent.ending import Ending
from hermes.agent.recovery import Accept, AnswerRecovery, AskAgain, GiveUp
from hermes.models.contract import (
    Failed,
    ModelFailure,
    ModelReply,
    ModelRequest,
    Replied,
    Retrying,
    Switching,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
)
from hermes.store.events import BudgetRefused, ContextCompacted, ModelRetried, ModelSwitched
from hermes.store.records import Message

OVERFLOW_ATTEMPTS = 3
TYPICAL_ANSWER_TOKENS = 1_024
"""Assumed length of an answer where a budget has to look ahead."""


async def next_answer(
    run: ActiveRun, *, extra: tuple[Message, ...] = (), with_tools: bool = True
) -> ModelReply | Ending:
    """Ask until there is an answer that can be used, or an ending that says why there is none."""
    await _make_room(run)
    asking = _Asking(run, extra, with_tools)
    while True:
        refused = await _refused_by_budget(run)
        if refused is not None:
            return refused
        outcome = await run.steering.unless_stopped(asking.once())
        if isinstance(outcome, Failed):
            ending = await asking.after_failure(outcome)
            if ending is not None:
                return ending
            continue
        match asking.recovery.judge(outcome.reply):
            case Accept(reply=reply):
                return reply
            case AskAgain() as again:
                await asking.again(again)
            case GiveUp(reason=reason, message=message, text=text):
                return asking.given_up(reason, message, text, outcome.reply)


async def _make_room(run: ActiveRun) -> None:
    """Compact when the next request would pass the threshold, unless that failed twice in a row."""
    settings = run.settings.compression
    if not settings.enabled or run.failed_compactions >= MOST_FAILURES:
        return
    if run.prompt_tokens() >= threshold_tokens(settings, run.window, run.settings.model.max_tokens):
        await run.steering.unless_stopped(compact(run))


async def _refused_by_budget(run: ActiveRun) -> Ending | None:
    prompt = run.prompt_tokens()
    refusal = run.budget.refusal(prompt + TYPICAL_ANSWER_TOKENS, run.cost_of(prompt, TYPICAL_ANSWER_TOKENS))
    if refusal is None:
        return None
    event = BudgetRefused(
        budget=refusal.budget,
        limit=refusal.limit,
        spent=refusal.spent,
        projected=refusal.projected,
        message=refusal.message,
    )
    await run.journal.record(events=[event])
    return Ending(status="failed", reason="budget_refused", error=refusal.message)


Delta = TextDelta | ThinkingDelta | ToolCallDelta | Retrying | Switching


class _Asking:
    """The attempts for one answer."""

    def __init__(self, run: ActiveRun, extra: tuple[Message, ...], with_tools: bool) -> None:
        self.active = run
        self.extra = extra
        self.with_tools = with_tools
        self.cap = run.settings.model.max_tokens or run.model.endpoint.max_output_tokens
        self.overflows = 0
        self.recovery = AnswerRecovery(
            after_tools=bool(run.transcript) and run.transcript[-1].role == "tool",
            earlier_text=_text_before_housekeeping(run),
            output_cap=self.cap,
            used_ids={call.id for message in run.transcript for call in message.tool_calls},
        )
        self._nudges: tuple[Message, ...] = ()
        self._asked_again = 0
        self._thought = 0
        run.said = ""

    async def again(self, decision: AskAgain) -> None:
        """Ask once more. What was shown is void, unless the next reply goes on where it stopped."""
        self._nudges = decision.messages
        self.cap = decision.max_output_tokens or self.cap
        self._asked_again += 1
        if not decision.continues:
            void = bool(self.active.said or self._thought)
            self.active.said, self._thought = "", 0
            retried = ModelRetried(
                reason=decision.why,
                message=f"The answer could not be used ({decision.why}); asking again.",
                attempt=self._asked_again,
                wait_seconds=0.0,
                discarded_text=void,
            )
            await self.active.journal.record(events=[retried])

    async def once(self) -> Replied | Failed:
        """One call of the model, its deltas shown as they come."""
        run = self.active
        request = ModelRequest(
            system=run.system_prompt,
            messages=(*in_call_order(run.transcript), *self.extra, *self._nudges),
            tools=run.tool_specs if self.with_tools else (),
            max_output_tokens=self.cap,
            session_id=run.session.id,
        )
        try:
            outcome = await self._streamed(request)
        except asyncio.CancelledError:
            run.book_abandoned()
            raise
        return await self._booked(outcome)

    async def _streamed(self, request: ModelRequest) -> Replied | Failed:
        async with contextlib.aclosing(self.active.model.stream(request)) as stream:
            async for event in stream:
                if isinstance(event, Replied | Failed):
                    return event
                await self._show(event)
        raise RuntimeError("the model's stream ended without a last event")

    async def _show(self, event: Delta) -> None:
        run = self.active
        match event:
            case TextDelta(text=text):
                run.journal.text(text, len(run.said))
                run.said += text
            case ThinkingDelta(text=text):
                run.journal.reasoning(text, self._thought)
                self._thought += len(text)
            case ToolCallDelta():
                run.sandbox.prepare()
            case Retrying() | Switching():
                await self._announce(event)
        if run.journal.due:
            await run.journal.flush()

    async def _booked(self, outcome: Replied | Failed) -> Replied | Failed:
        if isinstance(outcome, Replied):
            reply = assistant_message(self.active, outcome.reply)
            await self.active.book(outcome.reply.usage, outcome.endpoint, reply=reply)
        else:
            await self.active.book(outcome.usage, self.active.model.endpoint)
        return outcome

    async def _announce(self, event: Retrying | Switching) -> None:
        if event.discards_text:
            self.active.said, self._thought = "", 0
        if isinstance(event, Retrying):
            said: ModelRetried | ModelSwitched = ModelRetried(
                reason=event.failure.reason,
                message=event.failure.message,
                attempt=event.attempt,
                wait_seconds=event.wait_seconds,
                discarded_text=event.discards_text,
            )
        else:
            said = ModelSwitched(
                from_model=event.from_model,
                to_model=event.to_model,
                reason=event.failure.reason,
                message=event.failure.message,
            )
        await self.active.journal.record(events=[said])

    async def after_failure(self, failed: Failed) -> Ending | None:
        """None when it is worth another try: room was made, or the output limit was lowered."""
        failure = failed.failure
        if failure.reason in ("context_overflow", "payload_too_large"):
            return await self._after_overflow(failure)
        limit = failure.output_limit
        if failure.reason == "output_limit" and limit and (self.cap is None or limit < self.cap):
            self.cap = limit
            return None
        return self._failed("model_error", failure.message, failed.partial)

    async def _after_overflow(self, failure: ModelFailure) -> Ending | None:
        self.overflows += 1
        if self.overflows <= OVERFLOW_ATTEMPTS:
            if failure.context_limit:
                self.active.model.learn_window(failure.context_limit)
            outcome = await self.active.steering.unless_stopped(compact(self.active, forced=True))
            if isinstance(outcome, ContextCompacted):
                return None
            return self._failed("context_full", f"{failure.message} {outcome.reason}", None)
        return self._failed("context_full", failure.message, None)

    def given_up(self, reason: str, message: str, text: str, reply: ModelReply) -> Ending:
        partial = msgspec.structs.replace(reply, text=text)
        return self._failed("truncated" if reason == "truncated" else "empty_answer", message, partial)

    def _failed(self, reason: str, message: str, partial: ModelReply | None) -> Ending:
        answer = None
        if partial is not None and partial.text.strip():
            answer = text_only(assistant_message(self.active, partial))
            answer.finish_reason = "error"
        return Ending(status="failed", reason=reason, answer=answer, error=message)  # type: ignore[arg-type]


def in_call_order(transcript: list[Message]) -> list[Message]:
    """The transcript as it is sent: tool results in the order of their calls, whichever was finished first.
    The same rows always give the same bytes."""
    sent: list[Message] = []
    order: dict[str, int] = {}
    for message in transcript:
        if message.role == "assistant":
            order = {call.id: position for position, call in enumerate(message.tool_calls)}
        sent.append(message)
        if message.role == "tool":
            _settle(sent, order)
    return sent


def _settle(sent: list[Message], order: dict[str, int]) -> None:
    """Move the last row, a tool result, in front of results of later calls."""
    place = len(sent) - 1
    rank = order.get(sent[place].tool_call_id or "")
    while (
        rank is not None
        and place > 0
        and sent[place - 1].role == "tool"
        and order.get(sent[place - 1].tool_call_id or "", -1) > rank
    ):
        sent[place - 1], sent[place] = sent[place], sent[place - 1]
        place -= 1


def text_only(answer: Message) -> Message:
    """An answer whose calls won't run: without them, and without what a provider wants back beside them."""
    return msgspec.structs.replace(answer, tool_calls=(), replay=())


def assistant_message(run: ActiveRun, reply: ModelReply) -> Message:
    """A reply as a row of the transcript."""
    return Message(
        role="assistant",
        content=reply.text,
        tool_calls=reply.tool_calls,
        reasoning=reply.reasoning,
        replay=reply.replay,
        finish_reason=reply.stop,
        model=reply.model or run.model.endpoint.model,
        created_at=run.clock(),
    )


def _text_before_housekeeping(run: ActiveRun) -> str:
    """Text that the model said together with bookkeeping calls only: what stands if it says no more."""
    rows = [message for message in run.transcript if message.run_id == run.run.id]
    last = next((message for message in reversed(rows) if message.role == "assistant"), None)
    if last is None or not last.tool_calls:
        return ""
    quiet = all(call.name in run.tools and run.tools[call.name].housekeeping for call in last.tool_calls)
    return last.content.strip() if quiet else ""
