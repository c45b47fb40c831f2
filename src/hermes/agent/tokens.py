"""Rough sizes, in tokens, anchored on what a provider reported where it did."""

from collections.abc import Iterable

import msgspec

from hermes.models.contract import ToolSpec
from hermes.store.records import Message

CHARACTERS_PER_TOKEN = 4
"""The usual rule of thumb for English text and code; the first reply replaces it with a count."""
IMAGE_TOKENS = 1_500
MESSAGE_OVERHEAD = 4


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
