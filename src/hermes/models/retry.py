"""What to do after a failed attempt: wait and try again, or give up on this endpoint. Pure."""

import msgspec

from hermes.models.contract import ModelFailure

FIRST_WAIT = 2.0
"""Seconds before the second attempt; doubles with each."""

LONGEST_WAIT = 60.0
"""Seconds that backoff grows to, before jitter."""

LARGEST_JITTER = 0.5
"""Share of a wait that chance may add, so that many clients do not come back at once."""

LONGEST_REQUESTED_WAIT = 600.0
"""Seconds that a server may ask us to wait."""

STALLS_BEFORE_SWITCHING = 5
"""Stalled calls in a row after which an endpoint is not tried again."""

FOR_THE_LOOP = frozenset(
    {"context_overflow", "payload_too_large", "output_limit", "image_rejected", "cancelled"}
)
"""Failures that another attempt with the same request would only repeat, here or elsewhere: the loop has
to change the request first."""


class RetryLimits(msgspec.Struct, frozen=True):
    """How patient a client is with one endpoint."""

    attempts: int = 3
    stalls: int = STALLS_BEFORE_SWITCHING


def wait_before(failure: ModelFailure, attempt: int, chance: float) -> float:
    """Seconds to wait after attempt number `attempt` (from 1) failed. `chance` is from 0 to 1.

    A server that names a time is obeyed, up to ten minutes.
    """
    if failure.retry_after is not None:
        return min(max(failure.retry_after, 0.0), LONGEST_REQUESTED_WAIT)
    backoff = min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
    return float(backoff * (1 + LARGEST_JITTER * chance))


def may_retry(failure: ModelFailure, attempt: int, stalls: int, limits: RetryLimits) -> bool:
    """Whether the same endpoint should be tried again after attempt number `attempt` failed."""
    return failure.retryable and attempt < limits.attempts and stalls < limits.stalls
