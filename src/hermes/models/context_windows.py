"""How many tokens a model's window holds, by model id.

Source: the vendors' model pages as published by the end of November 2025. Used until the
configuration, the server's model list or an overflow error says better.
"""

from hermes.models.contract import Endpoint

DEFAULT_WINDOW = 128_000
"""Tokens, for a hosted model that nobody described."""

DEFAULT_LOCAL_WINDOW = 32_768
"""Tokens, for a model server on this machine that does not tell."""

_WINDOWS: tuple[tuple[str, int], ...] = (
    ("claude-", 200_000),
    ("gpt-4.1", 1_047_576),
    ("gpt-4o", 128_000),
    ("gpt-5", 400_000),
    ("gpt-oss", 131_072),
    ("o3", 200_000),
    ("o4-mini", 200_000),
    ("gemini-", 1_048_576),
    ("gemma-3", 131_072),
    ("deepseek-", 128_000),
    ("grok-4-fast", 2_000_000),
    ("grok-4", 256_000),
    ("grok-code", 256_000),
    ("grok-3", 131_072),
    ("glm-4.5", 131_072),
    ("glm-4.6", 200_000),
    ("kimi-k2", 262_144),
    ("minimax-m2", 204_800),
    ("mistral-large", 131_072),
    ("mistral-medium", 131_072),
    ("devstral", 131_072),
    ("codestral", 256_000),
    ("qwen3-coder", 262_144),
    ("qwen-plus", 1_000_000),
    ("qwen3", 131_072),
    ("llama-3.3", 131_072),
    ("llama-3.1", 131_072),
)


def known_window(model: str) -> int | None:
    """The window of a hosted model, in tokens, if the table has it; also for `vendor/model` ids."""
    name = model.rpartition("/")[2].lower()
    matches = [entry for entry in _WINDOWS if name.startswith(entry[0])]
    return max(matches, key=lambda entry: len(entry[0]))[1] if matches else None


def context_window(endpoint: Endpoint) -> int:
    """The window to plan with, in tokens: configured or learned, else the table, else a careful default.

    The table describes what vendors serve. A local server loads the same model with a window of its own
    choosing, so there only its own word counts.
    """
    if endpoint.context_length is not None:
        return endpoint.context_length
    if endpoint.local:
        return DEFAULT_LOCAL_WINDOW
    return known_window(endpoint.model) or DEFAULT_WINDOW
