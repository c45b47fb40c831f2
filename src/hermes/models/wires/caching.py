"""Prompt-cache markers: with the one on the system prompt, the four that Anthropic allows."""

from collections.abc import Sequence
from typing import Any

from hermes.models.contract import Endpoint

MARKED_MESSAGES = 3


def cache_marker(endpoint: Endpoint) -> dict[str, str]:
    if endpoint.cache_ttl == "1h":
        return {"type": "ephemeral", "ttl": "1h"}
    return {"type": "ephemeral"}


def mark_last_parts(messages: Sequence[dict[str, Any]], endpoint: Endpoint) -> None:
    """Marks the last part of each of the last three messages that have one."""
    marked = 0
    for message in reversed(messages):
        content = message["content"]
        if isinstance(content, list) and content:
            content[-1] = {**content[-1], "cache_control": cache_marker(endpoint)}
            marked += 1
        if marked == MARKED_MESSAGES:
            return
