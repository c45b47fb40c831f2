"""How a run ended, as data."""

from typing import Literal

import msgspec

from hermes.store.records import Message

Reason = Literal[
    "answered",
    "compacted",
    "kept",
    "interrupted",
    "model_error",
    "empty_answer",
    "truncated",
    "unknown_tools",
    "guardrail_halt",
    "budget_refused",
    "max_iterations_reached",
    "context_full",
    "internal_error",
]


class Ending(msgspec.Struct, kw_only=True):
    """The loop's result. A stop is not a success: only an answer completes a run."""

    status: Literal["completed", "failed", "cancelled"]
    reason: Reason
    answer: Message | None = None
    """The last assistant message, not stored yet: it is written in the transaction that ends the run."""
    error: str | None = None
    """One clear sentence for people, when it failed."""


class Interrupted(Exception):
    """Raised inside the loop's waits when a person stopped the run; caught by the loop, never outside."""
