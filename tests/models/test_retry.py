"""How long to wait, and whether at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.models.contract import ModelFailure
from hermes.models.retry import LARGEST_JITTER, LONGEST_WAIT, RetryLimits, may_retry, wait_before

PASSING = ModelFailure(reason="server_error", message="It broke.", retryable=True)
FINAL = ModelFailure(reason="bad_request", message="No.")


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 2), (2, 4), (3, 8), (5, 32), (6, 60), (50, 60)])
def test_waits_double_up_to_a_minute(attempt: int, seconds: float) -> None:
    assert wait_before(PASSING, attempt, 0.0) == seconds


@given(attempt=st.integers(1, 1000), chance=st.floats(0, 1))
def test_chance_adds_at_most_half(attempt: int, chance: float) -> None:
    plain = wait_before(PASSING, attempt, 0.0)
    assert plain <= wait_before(PASSING, attempt, chance) <= plain * (1 + LARGEST_JITTER)
    assert wait_before(PASSING, attempt, chance) <= LONGEST_WAIT * (1 + LARGEST_JITTER)


@pytest.mark.parametrize(("asked", "seconds"), [(0, 0), (7.5, 7.5), (600, 600), (601, 600), (-3, 0)])
def test_a_server_is_obeyed_up_to_ten_minutes(asked: float, seconds: float) -> None:
    failure = ModelFailure(reason="rate_limit", message="Wait.", retryable=True, retry_after=asked)
    assert wait_before(failure, 1, 1.0) == seconds


def test_only_what_may_pass_is_tried_again_and_not_for_ever() -> None:
    limits = RetryLimits(attempts=3, stalls=5)
    assert may_retry(PASSING, 2, 0, limits)
    assert not may_retry(PASSING, 3, 0, limits)
    assert not may_retry(PASSING, 1, 5, limits)
    assert not may_retry(FINAL, 1, 0, limits)
