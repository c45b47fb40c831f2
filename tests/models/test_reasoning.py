"""Which effort is asked of which model."""

import pytest

from hermes.home.settings import AgentSettings
from hermes.models.reasoning import reasoning_effort


@pytest.mark.parametrize(
    ("model", "effort"),
    [("gpt-5.1", "high"), ("openai/gpt-5.1", "high"), ("anthropic/claude-x", "none"), ("other", "low")],
)
def test_a_models_own_effort_goes_before_the_general_one(model: str, effort: str) -> None:
    settings = AgentSettings(
        reasoning_effort="low", reasoning_overrides={"gpt-5.1": "High", "anthropic/claude-x": "disabled"}
    )
    assert reasoning_effort(settings, model) == effort


def test_nothing_configured_is_the_providers_default() -> None:
    assert reasoning_effort(AgentSettings(), "gpt-5.1") == ""
