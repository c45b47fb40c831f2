"""What to do with an answer that is not one: cut off, empty, thoughts only, or calls that do not parse.

Pure: a reply goes in, a decision comes out. One `AnswerRecovery` lives for one answer, and its limits
bound how often a model is asked again for it.
"""

from collections.abc import Collection

import msgspec

from hermes.agent.repair import canonical, repair_arguments
from hermes.models.contract import ModelReply
from hermes.store.records import Message, ToolCall

CONTINUATIONS = 4
"""How often a text or a call that ran into the output limit is continued."""
BOOSTED_CAP = 32_768
"""Tokens: the output limit doubles for each continuation, up to this or the limit it began with."""
PLAIN_RETRIES = 3
"""How often an empty answer is simply asked for again."""
THINKING_RETRIES = 2
MALFORMED_RETRIES = 3


class Accept(msgspec.Struct, frozen=True):
    """Take this reply: its text is whole and its calls can be tried."""

    reply: ModelReply


class AskAgain(msgspec.Struct, frozen=True):
    """Ask once more, with these messages behind the transcript. They are never stored."""

    why: str
    messages: tuple[Message, ...] = ()
    max_output_tokens: int | None = None
    continues: bool = False
    """The next reply goes on where this one stopped; otherwise it stands in its place."""


class GiveUp(msgspec.Struct, frozen=True):
    """No usable answer will come. `text` is what there is."""

    reason: str
    message: str
    text: str = ""


Decision = Accept | AskAgain | GiveUp


class AnswerRecovery:
    """The ladders for one answer."""

    def __init__(
        self,
        *,
        after_tools: bool,
        earlier_text: str = "",
        output_cap: int | None = None,
        used_ids: Collection[str] = (),
    ) -> None:
        """`used_ids`: call ids of the transcript so far. Some servers count from 0 in every message; ours are
        unique in a session, since a result is found by its call's id."""
        self._after_tools = after_tools
        self._used_ids = used_ids
        self._earlier_text = earlier_text
        """Text that came with bookkeeping calls only: it stands as the answer if nothing follows."""
        self._cap = output_cap
        self._parts: list[str] = []
        self._continued = 0
        self._cut_calls = 0
        self._retries = 0
        self._nudged = False
        self._thoughts = 0
        self._malformed = 0

    def judge(self, reply: ModelReply) -> Decision:
        """Decide about a reply that arrived without an error."""
        if reply.tool_calls:
            return self._judge_calls(reply)
        if reply.stop == "length" and reply.text.strip():
            return self._continue(reply)
        if reply.text.strip() or self._parts:
            return Accept(msgspec.structs.replace(reply, text="".join(self._parts) + reply.text))
        return self._judge_empty(reply)

    def _continue(self, reply: ModelReply) -> Decision:
        self._parts.append(reply.text)
        so_far = "".join(self._parts)
        if self._continued == CONTINUATIONS:
            return GiveUp(
                "truncated",
                f"The answer ran into the output limit {CONTINUATIONS + 1} times; raise model.max_tokens.",
                so_far,
            )
        self._continued += 1
        return AskAgain(
            "length",
            (
                Message(role="assistant", content=so_far),
                Message(
                    role="user",
                    content="Your answer was cut off by the output limit. Go on exactly where it stopped, "
                    "without repeating anything.",
                ),
            ),
            self._boosted(),
            continues=True,
        )

    def _judge_calls(self, reply: ModelReply) -> Decision:
        repaired = [repair_arguments(call.arguments) for call in reply.tool_calls]
        if reply.stop == "length" or any(fix.truncated for fix in repaired):
            return self._retry_cut_calls()
        if any(fix.arguments is None for fix in repaired) and self._malformed < MALFORMED_RETRIES:
            self._malformed += 1
            return AskAgain("malformed tool arguments")
        calls = tuple(
            call if fix.arguments is None else ToolCall(call.id, call.name, canonical(fix.arguments))
            for call, fix in zip(reply.tool_calls, repaired, strict=True)
        )
        text = "".join(self._parts) + reply.text
        return Accept(msgspec.structs.replace(reply, text=text, tool_calls=_distinct(calls, self._used_ids)))

    def _retry_cut_calls(self) -> Decision:
        if self._cut_calls == CONTINUATIONS:
            return GiveUp(
                "truncated",
                "A tool call ran into the output limit again and again; raise model.max_tokens.",
            )
        self._cut_calls += 1
        return AskAgain(
            "cut tool call",
            (
                Message(
                    role="user",
                    content="Your last tool call was cut off before it was complete and was not run. Send it "
                    "again; if its arguments are long, split the work into several smaller calls.",
                ),
            ),
            self._boosted(),
        )

    def _judge_empty(self, reply: ModelReply) -> Decision:
        if self._earlier_text:
            return Accept(msgspec.structs.replace(reply, text=self._earlier_text))
        if self._after_tools and not self._nudged:
            self._nudged = True
            return AskAgain(
                "empty after tools",
                (
                    Message(role="assistant", content="(empty)"),
                    Message(
                        role="user",
                        content="You have the tool results now, but said nothing. Answer with what they "
                        "show, or go on with the work.",
                    ),
                ),
            )
        if reply.reasoning.strip() and self._thoughts < THINKING_RETRIES:
            self._thoughts += 1
            return AskAgain(
                "thoughts only",
                (
                    Message(role="assistant", content=reply.reasoning.strip()),
                    Message(role="user", content="Now give the answer itself."),
                ),
            )
        if self._retries < PLAIN_RETRIES:
            self._retries += 1
            return AskAgain("empty")
        return GiveUp(
            "empty_answer", "The model answered with nothing, also when asked again; try another model."
        )

    def _boosted(self) -> int | None:
        if self._cap is None:
            return None
        doublings = max(self._continued, self._cut_calls)
        return max(self._cap, min(self._cap << doublings, BOOSTED_CAP))


def _distinct(calls: tuple[ToolCall, ...], used_ids: Collection[str]) -> tuple[ToolCall, ...]:
    """The calls without exact repetitions, and with ids that no other call has."""
    seen: set[tuple[str, str]] = set()
    ids = set(used_ids)
    kept = []
    for call in calls:
        if (call.name, call.arguments) in seen:
            continue
        seen.add((call.name, call.arguments))
        unique = _fresh_id(call.id or "call", ids)
        ids.add(unique)
        kept.append(ToolCall(unique, call.name, call.arguments))
    return tuple(kept)


def _fresh_id(wanted: str, taken: set[str]) -> str:
    number, fresh = 1, wanted
    while fresh in taken:
        number += 1
        fresh = f"{wanted}_{number}"
    return fresh
