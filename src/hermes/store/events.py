"""The one vocabulary of what a run does. CLI, API, dashboard, chats, logs and metrics consume these and
nothing else.

An event is stored with its run, a sequence number (1, 2, ... without gaps within the run) and a time.
Text deltas are coalesced: while text arrives, live viewers get pieces under one sequence number, each
with its `offset`; the stored record under that number holds the joined text. A viewer that comes back
asks for everything after the last number it saw whole, and drops what lies before its offset.
"""

from typing import Any

import msgspec

from hermes.store.records import Message, RunStatus, Usage


class _Event(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="event"):
    pass


class RunQueued(_Event, tag="run.queued"):
    session_id: str
    source: str


class RunStarted(_Event, tag="run.started"):
    session_id: str
    model: str
    provider: str
    resumed: bool = False
    """True when an interrupted run was taken over."""
    notes: tuple[str, ...] = ()
    """For people: context files that the new session's prompt leaves out or cuts, and why."""


class RunFinished(_Event, tag="run.finished"):
    status: RunStatus
    reason: str
    usage: Usage
    answer: str | None = None
    error: str | None = None


class MessageDelta(_Event, tag="message.delta"):
    text: str
    offset: int
    """Characters of this assistant message that came before `text`."""


class ReasoningDelta(_Event, tag="reasoning.delta"):
    text: str
    offset: int


class MessageStored(_Event, tag="message.stored"):
    """A whole message is in the transcript. Stored with the message's id only: the row itself is read from
    the transcript, so that no text is kept twice."""

    message: Message


class ToolStarted(_Event, tag="tool.started"):
    call_id: str
    name: str
    preview: str
    """The arguments for people: one line, secrets redacted."""
    arguments: str = "{}"
    """JSON text of the arguments, secrets redacted."""


class ToolOutput(_Event, tag="tool.output"):
    """Live output of a running tool. A bounded number of bytes per call is stored."""

    call_id: str
    text: str


class ToolFinished(_Event, tag="tool.finished"):
    call_id: str
    name: str
    ok: bool
    summary: str
    """The result for people: one line."""
    detail: str | None = None
    """More for people, such as a diff. What the model reads is the tool message that was stored with it."""
    exit_code: int | None = None
    seconds: float = 0.0


class ApprovalRequested(_Event, tag="approval.requested"):
    approval_id: str
    call_id: str
    tool: str
    subject: str
    """What would be done, such as the command line."""
    reasons: tuple[str, ...]
    """Why it needs a person, each a short phrase."""
    expires_at: float | None = None


class ApprovalDecided(_Event, tag="approval.decided"):
    approval_id: str
    decision: str
    """`once`, `session`, `always` or `deny`."""
    by: str
    """Who: a person's id, `policy` or `timeout`."""


class QuestionAsked(_Event, tag="question.asked"):
    question_id: str
    question: str
    choices: tuple[str, ...] = ()


class QuestionAnswered(_Event, tag="question.answered"):
    question_id: str
    answer: str
    by: str


class ModelRetried(_Event, tag="model.retried"):
    reason: str
    message: str
    attempt: int
    wait_seconds: float
    discarded_text: bool = False
    """True: text deltas of the broken attempt are void; viewers drop what they showed since the last
    stored message."""


class ModelSwitched(_Event, tag="model.switched"):
    from_model: str
    to_model: str
    reason: str
    message: str


class GuardrailWarned(_Event, tag="guardrail.warned"):
    code: str
    tool: str
    count: int
    message: str


class GuardrailStopped(_Event, tag="guardrail.stopped"):
    code: str
    tool: str
    count: int
    message: str
    evidence: tuple[dict[str, Any], ...] = ()
    """The calls that led here, newest last: name, arguments digest, result digest, ok."""


class BudgetRefused(_Event, tag="budget.refused"):
    budget: str
    """Which one: `run.cost`, `run.tokens`, `day.cost`, `day.tokens`."""
    limit: float
    spent: float
    projected: float
    message: str


class ContextCompacted(_Event, tag="context.compacted"):
    compacted_messages: int
    tokens_before: int
    tokens_after: int
    summary: str


class ContextKept(_Event, tag="context.kept"):
    """Compaction was tried and its result thrown away; the transcript is as it was."""

    reason: str


class ChildStarted(_Event, tag="child.started"):
    child_run_id: str
    goal: str


class ChildFinished(_Event, tag="child.finished"):
    child_run_id: str
    status: RunStatus
    summary: str


Event = (
    RunQueued
    | RunStarted
    | RunFinished
    | MessageDelta
    | ReasoningDelta
    | MessageStored
    | ToolStarted
    | ToolOutput
    | ToolFinished
    | ApprovalRequested
    | ApprovalDecided
    | QuestionAsked
    | QuestionAnswered
    | ModelRetried
    | ModelSwitched
    | GuardrailWarned
    | GuardrailStopped
    | BudgetRefused
    | ContextCompacted
    | ContextKept
    | ChildStarted
    | ChildFinished
)


class EventRecord(msgspec.Struct, frozen=True):
    """One event with its place in the run."""

    run_id: str
    seq: int
    at: float
    event: Event
