"""Token counts as each kind of server reports them."""

from collections.abc import Mapping
from typing import Any

from hermes.store.records import Usage


def openai_usage(reported: Any) -> Usage | None:
    """Of Chat Completions and Responses and those who speak like them; None where nothing is said."""
    if not isinstance(reported, Mapping) or not reported:
        return None
    details = _part(reported, "prompt_tokens_details", "input_tokens_details")
    output_details = _part(reported, "completion_tokens_details", "output_tokens_details")
    cached = _count(details, "cached_tokens") or _count(
        reported, "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens"
    )
    cost = reported.get("cost")
    actual = isinstance(cost, int | float) and not isinstance(cost, bool)
    return Usage(
        input_tokens=_count(reported, "prompt_tokens", "input_tokens"),
        cache_read_tokens=cached,
        cache_write_tokens=_count(details, "cache_write_tokens", "cache_creation_tokens")
        or _count(reported, "cache_creation_input_tokens"),
        output_tokens=_count(reported, "completion_tokens", "output_tokens"),
        reasoning_tokens=_count(output_details, "reasoning_tokens"),
        model_calls=1,
        cost_usd=float(cost) if actual and cost is not None else None,
        cost_status="actual" if actual else "unknown",
    )


def anthropic_usage(reported: Mapping[str, Any]) -> Usage | None:
    """Of Messages, which counts cached tokens apart from the others; None where nothing is said."""
    read = _count(reported, "cache_read_input_tokens")
    written = _count(reported, "cache_creation_input_tokens")
    fresh = _count(reported, "input_tokens")
    output = _count(reported, "output_tokens")
    if not (read or written or fresh or output):
        return None
    return Usage(
        input_tokens=fresh + read + written,
        cache_read_tokens=read,
        cache_write_tokens=written,
        output_tokens=output,
        reasoning_tokens=_count(_part(reported, "output_tokens_details"), "thinking_tokens"),
        model_calls=1,
    )


def _part(reported: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        if isinstance(part := reported.get(name), Mapping):
            return part
    return {}


def _count(reported: Mapping[str, Any], *names: str) -> int:
    """The first of the named counts that is a number above zero."""
    for name in names:
        value = reported.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return int(value)
    return 0
