"""The nouns that are stored: sessions, messages, runs, and what they carry.

Times are Unix seconds as floats. Ids are text. Everything here is plain data: no behaviour,
no database.
"""

from typing import Any, Literal

import msgspec

Role = Literal["user", "assistant", "tool"]
MessageKind = Literal["normal", "steer", "summary", "notice"]
"""`normal`: said by a person, the model or a tool. `steer`: a person's word during a run.
`summary`: stands in for compacted rows. `notice`: written by the product (resumed, interrupted)."""

MessageState = Literal["active", "compacted", "undone"]
"""Only `active` rows are sent to a model. Rows are marked, never deleted."""

RunStatus = Literal[
    "queued", "running", "waiting_for_approval", "stopping", "completed", "failed", "cancelled", "interrupted"
]
FINISHED: frozenset[str] = frozenset({"completed", "failed", "cancelled"})
"""Statuses that never change again. An `interrupted` run can be taken over and finished."""

CostStatus = Literal["actual", "estimated", "included", "unknown"]


class Scope(msgspec.Struct, frozen=True):
    """Whose data a query may touch. No query on user data can be written without one."""

    profile: str = "default"
    person: str | None = None
    """Set where one assistant serves several people; None means the profile's owner."""


class Usage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What model calls consumed. Token counts as the provider reported them."""

    input_tokens: int = 0
    """All prompt tokens, cached ones included."""
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    """All generated tokens, reasoning included."""
    reasoning_tokens: int = 0
    model_calls: int = 0
    """Every attempt, failed ones too."""
    calls_without_usage: int = 0
    """Attempts for which the provider reported nothing, so that a total can be called incomplete."""
    cost_usd: float | None = None
    cost_status: CostStatus = "unknown"

    def plus(self, other: "Usage") -> "Usage":
        """The sum of both. The cost status is the least certain of the two."""
        order: list[CostStatus] = ["actual", "included", "estimated", "unknown"]
        empty = self.model_calls == 0
        cost = self.cost_usd if other.cost_usd is None else (self.cost_usd or 0.0) + other.cost_usd
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            model_calls=self.model_calls + other.model_calls,
            calls_without_usage=self.calls_without_usage + other.calls_without_usage,
            cost_usd=cost,
            cost_status=other.cost_status
            if empty
            else max(self.cost_status, other.cost_status, key=order.index),
        )


class ToolCall(msgspec.Struct, frozen=True):
    """One call a model asked for. `arguments` is JSON text of an object, exactly as it will be replayed."""

    id: str
    name: str
    arguments: str


class Image(msgspec.Struct, frozen=True):
    """A picture in a user message: a data URL or an http(s) URL."""

    url: str


class Message(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One row of a session's transcript."""

    role: Role
    content: str = ""
    """What was said, as people read it."""
    wire_content: str | None = None
    """The exact text sent to the model where it differs from `content`; replayed byte for byte."""
    images: tuple[Image, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    """Assistant rows only."""
    tool_call_id: str | None = None
    """Tool rows only: the call this answers."""
    tool_name: str | None = None
    ok: bool | None = None
    """Tool rows only: whether the tool did what was asked."""
    display: str | None = None
    """Tool rows only: the result for people, where it differs from what the model reads."""
    reasoning: str = ""
    replay: tuple[dict[str, Any], ...] = ()
    """Opaque items a provider wants back verbatim (signed thinking, encrypted reasoning). Each has a
    key `wire` naming the protocol that made it and `model`; others ignore it."""
    finish_reason: str | None = None
    model: str | None = None
    kind: MessageKind = "normal"
    state: MessageState = "active"
    id: int = 0
    """Assigned by the store; rising within a session. 0 until stored."""
    session_id: str = ""
    run_id: str | None = None
    created_at: float = 0.0

    @property
    def sent(self) -> str:
        """The text a model gets for this row."""
        return self.content if self.wire_content is None else self.wire_content


class Session(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One conversation. The id (`YYYYMMDD_HHMMSS_<6 hex>`) never changes."""

    id: str
    source: str = "cli"
    title: str | None = None
    """At most 100 characters, unique in its scope."""
    model: str | None = None
    provider: str | None = None
    system_prompt: str | None = None
    """Built once and replayed verbatim, so that the provider's prefix cache holds."""
    cwd: str | None = None
    parent_session_id: str | None = None
    """Set by branching only."""
    created_at: float = 0.0
    updated_at: float = 0.0
    ended_at: float | None = None
    end_reason: str | None = None
    archived: bool = False
    message_count: int = 0
    tool_call_count: int = 0
    usage: Usage = msgspec.field(default_factory=Usage)


class Run(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One execution of the agent for one input, whoever asked."""

    id: str
    session_id: str
    source: str = "cli"
    external_id: str | None = None
    """The asker's own id of the input; unique within the source, so that a redelivery is no second run."""
    status: RunStatus = "queued"
    reason: str | None = None
    """Why it ended as it did: a code such as `answered`, `guardrail_halt`, `model_error`."""
    input: Message
    """What was asked; becomes a row of the transcript when the run starts."""
    attended: bool = False
    """A person is watching and can answer approvals and questions."""
    owner: str | None = None
    epoch: int = 0
    """The fence: raised by every claim; a write with an older epoch is refused."""
    lease_until: float | None = None
    created_at: float = 0.0
    started_at: float | None = None
    finished_at: float | None = None
    usage: Usage = msgspec.field(default_factory=Usage)
    answer: str | None = None
    error: str | None = None
    """One clear sentence for people, when it failed."""


class Lease(msgspec.Struct, frozen=True):
    """The right to write a run's steps, until it runs out or another takes over."""

    run_id: str
    session_id: str
    owner: str
    epoch: int
    last_event_seq: int
    """Highest sequence number stored for this run; the holder numbers on from here."""


ToolCallState = Literal["started", "finished", "unknown"]
"""`unknown`: it was started, and the process died before its result was stored."""


class ToolCallRecord(msgspec.Struct, kw_only=True):
    """The durable state of one tool call of a run."""

    run_id: str
    call_id: str
    name: str
    arguments: str
    state: ToolCallState
    started_at: float
    finished_at: float | None = None
    ok: bool | None = None
    exit_code: int | None = None


class Compaction(msgspec.Struct, frozen=True):
    """Which rows a summary stands in for. The summary takes the place of the last of them; rows between them
    that are not named stay as they are."""

    ids: tuple[int, ...]


class SearchHit(msgspec.Struct, kw_only=True, frozen=True):
    """One message that a search found."""

    session_id: str
    message_id: int
    role: Role
    snippet: str
    """About 200 characters around the first match, whitespace collapsed."""
    created_at: float
    score: float
    """Higher is better; comparable within one search only."""
    session_title: str | None = None
    source: str = ""


class SessionStats(msgspec.Struct, kw_only=True, frozen=True):
    """The sessions of a scope in numbers."""

    sessions: int
    archived: int
    messages: int
    tool_calls: int
    by_source: dict[str, int]
    """Source -> sessions, largest first."""
    oldest: float | None
    newest: float | None
    usage: Usage
