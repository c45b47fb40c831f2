"""What a call cost, and when that is not known."""

import pytest

from hermes.models.contract import Endpoint
from hermes.models.pricing import price_of, with_cost
from hermes.store.records import Usage


def endpoint(model: str, *, local: bool = False) -> Endpoint:
    return Endpoint(provider="p", model=model, wire="chat_completions", local=local)


@pytest.mark.parametrize(
    ("written", "same_as"),
    [
        ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("openai/gpt-4o-2024-08-06", "gpt-4o"),
        ("mistral-medium-latest", "mistral-medium"),
        ("MiniMax-M2", "minimax-m2"),
    ],
)
def test_one_model_has_one_price_however_it_is_written(written: str, same_as: str) -> None:
    assert price_of(written) == price_of(same_as) is not None


@pytest.mark.parametrize("model", ["gpt-5.5", "claude-opus-4-9", "gpt-5-turbo", "unheard-of", ""])
def test_a_cousin_of_a_known_model_has_no_price(model: str) -> None:
    assert price_of(model) is None


def test_cached_tokens_have_prices_of_their_own() -> None:
    usage = Usage(
        input_tokens=3_000_000,
        cache_read_tokens=1_000_000,
        cache_write_tokens=1_000_000,
        output_tokens=1_000_000,
        model_calls=1,
    )
    costed = with_cost(usage, endpoint("claude-sonnet-4-5"))
    assert costed.cost_usd == pytest.approx(3 + 0.3 + 3.75 + 15)
    assert costed.cost_status == "estimated"


def test_a_reported_cost_stands() -> None:
    usage = Usage(input_tokens=10, cost_usd=0.5, cost_status="actual", model_calls=1)
    assert with_cost(usage, endpoint("gpt-4o")) == usage


def test_a_local_model_is_included() -> None:
    costed = with_cost(Usage(input_tokens=10, model_calls=1), endpoint("gpt-4o", local=True))
    assert (costed.cost_usd, costed.cost_status) == (0.0, "included")


def test_without_a_price_or_without_counts_the_cost_is_unknown() -> None:
    unpriced = with_cost(Usage(input_tokens=10, model_calls=1), endpoint("unheard-of"))
    uncounted = with_cost(Usage(model_calls=1, calls_without_usage=1), endpoint("gpt-4o"))
    for usage in (unpriced, uncounted):
        assert (usage.cost_usd, usage.cost_status) == (None, "unknown")
