"""What a call cost, estimated from public list prices.

Source: the vendors' price pages as published by the end of November 2025, US dollars for a million tokens,
standard tier, prompts under any long-context threshold. An id that the table does not know for sure has no
price: an unknown cost is said to be unknown rather than guessed from a cousin.
"""

import re

import msgspec

from hermes.models.contract import Endpoint
from hermes.store.records import Usage


class Price(msgspec.Struct, frozen=True):
    """US dollars for a million tokens."""

    input: float
    output: float
    cache_read: float
    cache_write: float


def _price(input_price: float, output: float, read: float | None = None, write: float | None = None) -> Price:
    """Where a vendor names no cache price, cached tokens cost what others do."""
    return Price(
        input_price,
        output,
        input_price if read is None else read,
        input_price if write is None else write,
    )


_PRICES: dict[str, Price] = {
    "claude-opus-4-5": _price(5, 25, 0.5, 6.25),
    "claude-opus-4-1": _price(15, 75, 1.5, 18.75),
    "claude-opus-4": _price(15, 75, 1.5, 18.75),
    "claude-opus-4-0": _price(15, 75, 1.5, 18.75),
    "claude-sonnet-4-5": _price(3, 15, 0.3, 3.75),
    "claude-sonnet-4": _price(3, 15, 0.3, 3.75),
    "claude-sonnet-4-0": _price(3, 15, 0.3, 3.75),
    "claude-haiku-4-5": _price(1, 5, 0.1, 1.25),
    "claude-3-5-haiku": _price(0.8, 4, 0.08, 1),
    "gpt-5.1": _price(1.25, 10, 0.125),
    "gpt-5": _price(1.25, 10, 0.125),
    "gpt-5-mini": _price(0.25, 2, 0.025),
    "gpt-5-nano": _price(0.05, 0.4, 0.005),
    "gpt-5-pro": _price(15, 120),
    "gpt-4.1": _price(2, 8, 0.5),
    "gpt-4.1-mini": _price(0.4, 1.6, 0.1),
    "gpt-4.1-nano": _price(0.1, 0.4, 0.025),
    "gpt-4o": _price(2.5, 10, 1.25),
    "gpt-4o-mini": _price(0.15, 0.6, 0.075),
    "o3": _price(2, 8, 0.5),
    "o4-mini": _price(1.1, 4.4, 0.275),
    "gemini-2.5-pro": _price(1.25, 10, 0.125),
    "gemini-2.5-flash": _price(0.3, 2.5, 0.03),
    "gemini-2.5-flash-lite": _price(0.1, 0.4, 0.01),
    "deepseek-chat": _price(0.28, 0.42, 0.028),
    "deepseek-reasoner": _price(0.28, 0.42, 0.028),
    "grok-4": _price(3, 15, 0.75),
    "grok-4-fast": _price(0.2, 0.5, 0.05),
    "grok-code-fast-1": _price(0.2, 1.5, 0.02),
    "glm-4.6": _price(0.6, 2.2, 0.11),
    "kimi-k2-0905-preview": _price(0.6, 2.5, 0.15),
    "kimi-k2-turbo-preview": _price(1.15, 8, 0.15),
    "minimax-m2": _price(0.3, 1.2),
    "mistral-medium": _price(0.4, 2),
    "codestral": _price(0.3, 0.9),
    "llama-3.3-70b-versatile": _price(0.59, 0.79),
}

_RELEASE = re.compile(r"(-latest|[-@]\d{4}-?\d{2}-?\d{2}|-\d{4})$")
"""What may follow an id without making it another model: a date, a month, `latest`."""


def price_of(model: str) -> Price | None:
    """The list price of a model id, also written as `vendor/model`, with a date, or `claude-sonnet-4.5`."""
    name = model.rpartition("/")[2].lower()
    if name.startswith("claude"):
        name = name.replace(".", "-")
    return _PRICES.get(name) or _PRICES.get(_RELEASE.sub("", name))


def with_cost(usage: Usage, endpoint: Endpoint) -> Usage:
    """`usage` with its cost filled in, unless the provider reported one.

    A model on this machine and the demo cost nothing (`included`); a hosted model with a list price is
    `estimated`; any other, or one whose usage was not reported, is `unknown`.
    """
    if usage.cost_usd is not None:
        return usage
    if endpoint.local:
        return msgspec.structs.replace(usage, cost_usd=0.0, cost_status="included")
    price = price_of(endpoint.model)
    if price is None or usage.calls_without_usage:
        return msgspec.structs.replace(usage, cost_status="unknown")
    uncached = max(0, usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens)
    dollars = (
        uncached * price.input
        + usage.cache_read_tokens * price.cache_read
        + usage.cache_write_tokens * price.cache_write
        + usage.output_tokens * price.output
    ) / 1_000_000
    return msgspec.structs.replace(usage, cost_usd=dollars, cost_status="estimated")
