"""Settings about language models: which one answers, whose endpoint, what happens when it fails."""

from typing import Any, Literal

import msgspec

from hermes.home.settings.section import Count, OnOff, Positive, Ratio, Seconds


class ModelSettings(msgspec.Struct, kw_only=True):
    """Which model answers. In the file, `model: some-id` is short for `model: {default: some-id}`."""

    default: str = ""
    """Model id. Empty: the environment, else a local server, else the offline demo model."""
    provider: str = ""
    """Row of the provider table, a key under `providers`, or empty: found from what is configured."""
    base_url: str = ""
    """Address of the endpoint; empty: the provider's own."""
    api_key: str = ""
    """Key for the endpoint. Better kept in `.env`, under the provider's variable."""
    api_mode: str = ""
    """`chat_completions`, `codex_responses` (or `responses`), `anthropic_messages` (or `messages`); empty:
    by provider."""
    context_length: Positive | None = None
    """Size of the context window in tokens; null: from the table, or learned from a reply."""
    max_tokens: Positive | None = None
    """Largest output in tokens; null: the provider's own limit."""
    default_headers: dict[str, str] = {}
    """HTTP headers sent with every request to a model."""
    extra_headers: dict[str, str] = {}
    """More of them; these win over `default_headers`."""


class NamedProvider(msgspec.Struct, kw_only=True):
    """An endpoint of your own, under `providers.<id>`."""

    base_url: str = ""
    """Address of the endpoint, up to but without `/chat/completions` and the like."""
    api: str = ""
    """Older name of `base_url`."""
    api_key: str = ""
    """Key for the endpoint. Better kept in `.env`, named by `key_env`."""
    key_env: str = ""
    """Name of the environment variable that holds the key."""
    api_key_env: str = ""
    """Older name of `key_env`."""
    api_mode: str = ""
    """As `model.api_mode`."""
    default_model: str = ""
    """Model id used when only the provider is named."""
    models: Any = None
    """A list of ids, or a mapping id -> {context_length, max_tokens, timeout_seconds}."""
    request_timeout_seconds: Seconds | None = None
    """Seconds for one whole request; null: no limit but the stall limit."""
    stale_timeout_seconds: Seconds | None = None
    """Seconds without a byte after which a stream counts as stalled."""
    context_length: Positive | None = None
    """Tokens, for models that name no other."""
    extra_body: dict[str, Any] = {}
    """Fields merged into every request body."""
    headers: dict[str, str] = {}
    """HTTP headers sent with every request."""


class FallbackProvider(msgspec.Struct, kw_only=True):
    """An entry of `fallback_providers`, tried in order when a model fails for good."""

    provider: str = ""
    """Row of the provider table or a key under `providers`."""
    model: str = ""
    """Model id."""
    base_url: str = ""
    """Address, when it is not the provider's own."""
    api_key: str = ""
    """Key, when it is not the provider's own."""
    key_env: str = ""
    """Name of the environment variable that holds the key."""
    api_key_env: str = ""
    """Older name of `key_env`."""
    api_mode: str = ""
    """As `model.api_mode`."""
    context_length: Positive | None = None
    """Tokens."""


class PromptCachingSettings(msgspec.Struct, kw_only=True):
    cache_ttl: Literal["5m", "1h"] = "5m"
    """How long a provider with explicit cache markers keeps the prompt."""


class CompressionSettings(msgspec.Struct, kw_only=True):
    enabled: OnOff = True
    """Summarise the middle of a long session when the context window fills up."""
    threshold: Ratio = 0.5
    """Share of the context window at which compaction starts."""
    target_ratio: Ratio = 0.2
    """Tail kept verbatim, as a share of the threshold."""
    protect_first_n: Count = 3
    """Messages at the head that are never summarised."""
    protect_last_n: Count = 20
    """Messages at the tail that are not summarised as long as they fit half the threshold. The last 8 of them
    stay in any case."""


class AuxiliaryTask(msgspec.Struct, kw_only=True):
    """A side task and the model for it. Empty: the main model."""

    provider: str = "auto"
    """`auto`: the main model's provider; else a row of the provider table or a key under `providers`."""
    model: str = ""
    """Model id; empty: the main model."""
    base_url: str = ""
    """Address, when it is not the provider's own."""
    api_key: str = ""
    """Key, when it is not the provider's own."""
    timeout: Seconds = 120.0
    """Seconds for the whole task."""
    extra_body: dict[str, Any] = {}
    """Fields merged into the request body."""
    reasoning_effort: str = ""
    """As `agent.reasoning_effort`."""


class AuxiliarySettings(msgspec.Struct, kw_only=True):
    compression: AuxiliaryTask = msgspec.field(default_factory=AuxiliaryTask)
    title_generation: AuxiliaryTask = msgspec.field(default_factory=lambda: AuxiliaryTask(timeout=30.0))
