"""A call that would cross a limit is refused before it is made."""

import pytest

from hermes.agent.budgets import Budget
from hermes.home.settings import BudgetSettings
from hermes.store.records import Usage

LIMITS = BudgetSettings(run_tokens=1_000, run_cost_usd=1.0, day_tokens=5_000, day_cost_usd=3.0)


def budget(attended: bool = False, today: Usage | None = None, limits: BudgetSettings = LIMITS) -> Budget:
    return Budget(limits, attended=attended, spent_today=today or Usage())


def test_a_call_within_every_limit_is_allowed() -> None:
    assert budget().refusal(1_000, 1.0) is None


def test_a_call_that_would_cross_the_runs_tokens_is_refused_with_the_figures() -> None:
    watched = budget()
    watched.add(Usage(input_tokens=700, output_tokens=200, model_calls=1))
    refusal = watched.refusal(200, None)
    assert refusal is not None
    assert (refusal.budget, refusal.limit, refusal.spent, refusal.projected) == (
        "run.tokens",
        1_000,
        900,
        200,
    )
    assert "budgets.run_tokens" in refusal.message


@pytest.mark.parametrize(
    ("today", "tokens", "cost", "name"),
    [
        (Usage(), 10, 1.5, "run.cost"),
        (Usage(input_tokens=4_995, model_calls=1), 10, None, "day.tokens"),
        (Usage(cost_usd=2.9, model_calls=1), 10, 0.2, "day.cost"),
    ],
)
def test_each_limit_refuses(today: Usage, tokens: int, cost: float | None, name: str) -> None:
    refusal = budget(today=today).refusal(tokens, cost)
    assert refusal is not None
    assert refusal.budget == name


def test_a_person_who_watches_is_not_limited_unless_always_is_set() -> None:
    assert budget(attended=True).refusal(10_000_000, 1_000.0) is None
    always = BudgetSettings(enabled="always", run_tokens=10)
    assert budget(attended=True, limits=always).refusal(11, None) is not None


def test_never_and_zero_mean_no_limit() -> None:
    assert budget(limits=BudgetSettings(enabled="never", run_tokens=1)).refusal(100, None) is None
    open_limits = BudgetSettings(run_tokens=0, run_cost_usd=0, day_tokens=0, day_cost_usd=0)
    assert budget(limits=open_limits).refusal(10**9, 10.0**6) is None
