"""How an effort level is said to each kind of server. An empty level always leaves it to the provider."""

import re
from typing import Any

from hermes.models.contract import Endpoint, ModelRequest

THINKING_BUDGETS = {
    "minimal": 1024,
    "low": 4096,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 32768,
    "ultra": 32768,
}
"""Tokens of thinking, for servers that take a number."""
LEAST_BUDGET = 1024
ABOVE_HIGH = ("xhigh", "max", "ultra")
FULL_SCALE = ("openrouter", "openai", "openai-api", "nous")
"""Providers that know `minimal` and `xhigh`; for the others they become `low` and `high`."""


def openai_level(endpoint: Endpoint, level: str) -> str:
    """The level in words that the provider knows."""
    if endpoint.provider in FULL_SCALE:
        return "xhigh" if level in ABOVE_HIGH else level
    return "high" if level in ABOVE_HIGH else level.replace("minimal", "low")


def chat_effort(endpoint: Endpoint, request: ModelRequest) -> dict[str, Any]:
    """The fields of a Chat Completions body."""
    level = request.reasoning_effort
    if not level:
        return {}
    match endpoint.reasoning_style:
        case "effort":
            return {"reasoning_effort": openai_level(endpoint, level)}
        case "object":
            off = {"enabled": False}
            return {"reasoning": off if level == "none" else {"effort": openai_level(endpoint, level)}}
        case "thinking":
            return {"thinking": {"type": "disabled" if level == "none" else "enabled"}}
        case "enable_thinking":
            switch = {"enable_thinking": level != "none"}
            # Servers that run the chat template themselves take the switch as a variable of it.
            return {"chat_template_kwargs": switch} if endpoint.local else switch
        case _:
            return {}


def messages_effort(endpoint: Endpoint, request: ModelRequest, max_tokens: int) -> dict[str, Any]:
    """The fields of a Messages body."""
    level = request.reasoning_effort
    if not level or endpoint.reasoning_style == "none":
        return {}
    if level == "none":
        return {"thinking": {"type": "disabled"}}
    if _decides_itself(endpoint.model):
        words = {"minimal": "low", "xhigh": "high", "ultra": "max"}
        effort = words.get(level, level)
        return {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}
    budget = min(THINKING_BUDGETS.get(level, LEAST_BUDGET), max_tokens - LEAST_BUDGET)
    if budget < LEAST_BUDGET:
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _decides_itself(model: str) -> bool:
    """Claude from 4.6 on is told an effort; it refuses a budget sooner or later."""
    found = re.search(r"claude-[a-z]+-(\d+)(?:[-.](\d{1,2}))?(?!\d)", model)
    return found is not None and (int(found[1]), int(found[2] or 0)) >= (4, 6)


def reasons(model: str) -> bool:
    """Whether a model of OpenAI's takes reasoning options; the older ones refuse the request."""
    return re.match(r"(gpt-[34]|chatgpt-)", model.rsplit("/", 1)[-1].lower()) is None
