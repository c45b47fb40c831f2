"""What passes between the agent and a language model, whichever wire protocol carries it."""

from collections.abc import AsyncGenerator
from typing import Any, Literal, Protocol

import msgspec

from hermes.store.records import Message, ToolCall, Usage

Wire = Literal["chat_completions", "responses", "messages", "demo"]
"""`demo` is the offline model: same events, no network."""

CacheLayout = Literal["none", "blocks", "envelope"]
"""Where prompt-cache markers go: nowhere, on content blocks (`messages` wire), or on content parts
inside an OpenAI-shaped envelope (Claude through an aggregator)."""


class Endpoint(msgspec.Struct, kw_only=True, frozen=True):
    """One model at one address: everything a wire protocol needs to call it."""

    provider: str
    """Row of the provider table, or the name of a configured `providers.<id>`."""
    model: str
    wire: Wire
    base_url: str = ""
    """Without a trailing slash; the wire appends its own path, such as `/chat/completions`."""
    api_key: str = ""
    auth_header: Literal["bearer", "x-api-key", "none"] = "bearer"
    headers: dict[str, str] = {}
    extra_body: dict[str, Any] = {}
    context_length: int | None = None
    """Tokens. None: unknown until the table, the config or a reply tells."""
    max_output_tokens: int | None = None
    cache: CacheLayout = "none"
    cache_ttl: Literal["5m", "1h"] = "5m"
    reasoning_style: Literal["none", "effort", "object", "thinking", "enable_thinking"] = "none"
    """How an effort level is said on this wire: not at all, `reasoning_effort`, `reasoning:{effort}`,
    Anthropic `thinking`, or Qwen-style `enable_thinking`."""
    connect_timeout: float = 10.0
    stall_timeout: float = 180.0
    """Seconds without a byte before a stream counts as stalled (900 for local servers)."""
    request_timeout: float = 1800.0
    local: bool = False


class ToolSpec(msgspec.Struct, frozen=True):
    """A tool as the model sees it. `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: dict[str, Any]


class ModelRequest(msgspec.Struct, kw_only=True, frozen=True):
    """One question to a model. Equal requests must become equal bytes on the wire."""

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_output_tokens: int | None = None
    reasoning_effort: str = ""
    """`` (provider's default), none, minimal, low, medium, high, xhigh, max, ultra."""
    session_id: str = ""
    """A stable key that lets providers route to a warm cache."""


StopReason = Literal["end", "tool_calls", "length", "refusal", "cut"]
"""`cut`: the stream broke before the model was done; what came so far is in the reply."""


class ModelReply(msgspec.Struct, kw_only=True):
    """A whole assistant message."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    """Arguments as the model wrote them, possibly malformed JSON."""
    stop: StopReason = "end"
    usage: Usage = msgspec.field(default_factory=Usage)
    """Of this call alone; `model_calls` is 1."""
    model: str = ""
    provider: str = ""
    replay: tuple[dict[str, Any], ...] = ()


FailureReason = Literal[
    "auth",
    "billing",
    "rate_limit",
    "upstream_rate_limit",
    "overloaded",
    "server_error",
    "timeout",
    "connection",
    "tls",
    "context_overflow",
    "output_limit",
    "payload_too_large",
    "image_rejected",
    "model_not_found",
    "policy_blocked",
    "content_refused",
    "bad_request",
    "bad_response",
    "cancelled",
    "not_configured",
]


class ModelFailure(msgspec.Struct, kw_only=True):
    """Why a call failed, classified. `message` is one clear sentence for people, without secrets."""

    reason: FailureReason
    message: str
    status: int | None = None
    retryable: bool = False
    rotate_credential: bool = False
    fall_back: bool = False
    retry_after: float | None = None
    """Seconds, as the server asked for."""
    context_limit: int | None = None
    """Tokens, when an overflow error named the model's window."""
    output_limit: int | None = None
    """Tokens, when an error named the largest output allowed."""


class ModelError(Exception):
    """A wire protocol's way to say that a call failed. Never leaves `models/`: the client turns it into
    a `Failed` event."""

    def __init__(self, failure: ModelFailure, partial: ModelReply | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.partial = partial


class TextDelta(msgspec.Struct, frozen=True):
    text: str


class ThinkingDelta(msgspec.Struct, frozen=True):
    text: str


class ToolCallDelta(msgspec.Struct, frozen=True):
    """Arguments of a call as they arrive; for display only, the reply holds the whole call."""

    index: int
    name: str
    arguments: str


class Retrying(msgspec.Struct, frozen=True):
    """The client will try again after `wait_seconds`."""

    failure: ModelFailure
    attempt: int
    wait_seconds: float
    discards_text: bool


class Switching(msgspec.Struct, frozen=True):
    """The client goes on with another endpoint."""

    failure: ModelFailure
    from_model: str
    to_model: str
    discards_text: bool


class Replied(msgspec.Struct, frozen=True):
    """Last event of a call that worked."""

    reply: ModelReply
    endpoint: Endpoint


class Failed(msgspec.Struct, frozen=True):
    """Last event of a call that did not, after every retry and fallback."""

    failure: ModelFailure
    partial: ModelReply | None
    usage: Usage
    """Of all attempts."""


ModelEvent = TextDelta | ThinkingDelta | ToolCallDelta | Retrying | Switching | Replied | Failed


class Model(Protocol):
    """What the loop talks to. Failure is the last event, never an exception (only cancellation is)."""

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that the next call will try first."""
        ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Close it (`contextlib.aclosing`) when it is not read to its end: that closes the connection."""
        ...

    def learn_window(self, tokens: int) -> None:
        """Take over the context window that an overflow error named."""
        ...

    def begin_turn(self) -> None:
        """A new input: go back to the primary endpoint if a fallback answered before."""
        ...

    async def close(self) -> None: ...
