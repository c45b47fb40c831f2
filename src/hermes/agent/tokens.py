"""Rough sizes, in tokens, anchored on what a provider reported where it did."""

from collections.abc import Iterable

import msgspec

from hermes.models.contract import ToolSpec
from hermes.store.records import Message, Usage

CHARACTERS_PER_TOKEN = 4
"""The usual rule of thumb for English text and code; the first reply replaces it with a count."""
IMAGE_TOKENS = 1_500
MESSAGE_OVERHEAD = 4
LARGEST_CALL = 16_000_000
"""Tokens: several times the largest context window on offer."""
DEAREST_CALL = 1_000.0
"""US dollars."""


def text_tokens(text: str) -> int:
    """Tokens of `text`, rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def message_tokens(message: Message) -> int:
    """Tokens of one transcript row as it is sent."""
    calls = sum(len(call.name) + len(call.arguments) for call in message.tool_calls)
    return (
        text_tokens(message.sent)
        + -(-calls // CHARACTERS_PER_TOKEN)
        + IMAGE_TOKENS * len(message.images)
        + MESSAGE_OVERHEAD
    )


def transcript_tokens(messages: Iterable[Message]) -> int:
    return sum(map(message_tokens, messages))


def tools_tokens(tools: Iterable[ToolSpec]) -> int:
    return sum(-(-len(msgspec.json.encode(tool)) // CHARACTERS_PER_TOKEN) for tool in tools)


def believable(usage: Usage) -> Usage:
    """The usage as reported, or one without counts where a server says what can't be: a negative number, or
    more than any model takes in one call. One such reply must not use up a budget of days."""
    counts = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )
    calls = max(usage.model_calls, 1)
    cost = usage.cost_usd or 0.0
    if min(*counts, cost) >= 0 and max(counts) <= LARGEST_CALL * calls and cost <= DEAREST_CALL * calls:
        return usage
    return Usage(model_calls=usage.model_calls, calls_without_usage=usage.model_calls)
