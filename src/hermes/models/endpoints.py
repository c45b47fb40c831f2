"""From a chosen provider to an endpoint that a wire protocol can call: address, key, protocol, limits."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hermes.home.settings import NamedProvider, Settings
from hermes.models.context_windows import known_window
from hermes.models.contract import Endpoint, Wire
from hermes.models.provider import KeyRoute, Provider, Variables, host_of, is_loopback, is_openai


class ModelNotConfigured(Exception):
    """No model can be called with what is configured. The message is one sentence that says what to do."""


class Choice(msgspec.Struct, kw_only=True, frozen=True):
    """A provider that was settled on, with what was said about it where it was named."""

    row: Provider
    model: str
    base_url: str = ""
    """Empty: the row's own, or what its variable says."""
    api_key: str = ""
    """A key given in place, which goes before the environment's."""
    api_mode: str = ""
    wire: Wire | None = None
    context_length: int | None = None
    max_tokens: int | None = None
    headers: dict[str, str] = {}
    named: NamedProvider | None = None
    """`providers.<id>`, where there is such a section."""


class ModelLimits(msgspec.Struct, kw_only=True):
    """What `providers.<id>.models.<model>` may say. Other keys there are for people."""

    context_length: int | None = None
    max_tokens: int | None = None
    timeout_seconds: float | None = None


API_MODES: dict[str, Wire] = {
    "chat_completions": "chat_completions",
    "codex_responses": "responses",
    "responses": "responses",
    "anthropic_messages": "messages",
    "messages": "messages",
}


def wire_of(api_mode: str) -> Wire:
    """The protocol an `api_mode` names. Raises ModelNotConfigured for a name that is not served."""
    wire = API_MODES.get(api_mode.strip().lower())
    if wire is None:
        raise ModelNotConfigured(
            f"api_mode '{api_mode}' is not served; use one of: {', '.join(API_MODES)}, or leave it empty."
        )
    return wire


def build_endpoint(
    choice: Choice, settings: Settings, environment: Variables, stored_keys: Mapping[str, str]
) -> Endpoint:
    """Everything needed to call `choice`. Raises ModelNotConfigured when its address or key is missing."""
    row = choice.row
    own = choice.api_key or (choice.named.api_key if choice.named else "")
    key = own or row.key_from(environment)[0] or stored_keys.get(row.id, "")
    if row.key_needed and not key:
        raise ModelNotConfigured(missing_key(row))
    route = row.route_of(key) or KeyRoute(prefix="")
    asked = choice.base_url or (environment.get(row.base_url_variable) if row.base_url_variable else "")
    wire = _wire(choice, asked or route.base_url or row.base_url, route)
    base_url = _address(asked or route.base_url or row.base_url, row, wire)
    local = row.local or is_loopback(host_of(base_url))
    limits = _limits(choice)
    return Endpoint(
        provider=row.id,
        model=choice.model,
        wire=wire,
        base_url=base_url,
        api_key=key,
        auth_header=_auth_header(row, route, wire, key),
        headers={**row.headers, **route.headers, **choice.headers},
        extra_body=dict(choice.named.extra_body) if choice.named else {},
        context_length=limits.context_length or (None if local else known_window(choice.model)),
        max_output_tokens=limits.max_tokens,
        cache=row.cache_layout(wire, choice.model),
        cache_ttl=settings.prompt_caching.cache_ttl,
        reasoning_style=row.reasoning,
        stall_timeout=_stall_timeout(choice, settings, environment, local),
        request_timeout=limits.timeout_seconds or _seconds(environment, "HERMES_API_TIMEOUT", 1800.0),
        local=local,
    )


def missing_key(row: Provider) -> str:
    if not row.key_variables:
        return f"{row.label} needs a key: give providers.{row.id} an api_key or a key_env in config.yaml."
    variable = row.key_variables[0]
    return (
        f"{row.label} needs a key: set {variable} in the environment, "
        f"or run `hermes config set {variable} <key>`."
    )


def _wire(choice: Choice, base_url: str, route: KeyRoute) -> Wire:
    """An explicit `api_mode`, else what the address is known for, else the row's own protocol."""
    if choice.api_mode:
        return wire_of(choice.api_mode)
    if choice.wire is not None:
        return choice.wire
    if route.wire is not None:
        return route.wire
    path = base_url.rstrip("/").removesuffix("/v1")
    if path.endswith(("/anthropic", "api.kimi.com/coding")) or host_of(base_url) == "api.anthropic.com":
        return "messages"
    row_wire = choice.row.wire_for(choice.model)
    moved = host_of(base_url) != host_of(choice.row.base_url)
    if is_openai(host_of(base_url)) or host_of(base_url) == "api.x.ai":
        return "responses"
    # Servers that imitate a provider speak chat completions; few of them have the newer protocol.
    return "chat_completions" if moved and row_wire == "responses" else row_wire


def _address(base_url: str, row: Provider, wire: Wire) -> str:
    """The address without a trailing slash or a protocol's own path, with the prefix the wire counts on."""
    if wire == "demo":
        return ""
    address = base_url.strip().rstrip("/")
    if not address:
        raise ModelNotConfigured(
            f"Provider '{row.id}' has no address: set model.base_url in config.yaml, or OPENAI_BASE_URL."
        )
    if not address.startswith(("http://", "https://")) or not host_of(address):
        raise ModelNotConfigured(
            f"'{base_url}' is no address of a model server: it must start with http:// or https://."
        )
    for path in ("/chat/completions", "/responses", "/messages"):
        address = address.removesuffix(path)
    if (
        row.base_suffix
        and host_of(address) == host_of(row.base_url)
        and not address.endswith(row.base_suffix)
    ):
        address += row.base_suffix
    if wire == "messages" and not address.endswith("/v1"):
        address += "/v1"
    return address


def _auth_header(row: Provider, route: KeyRoute, wire: Wire, key: str) -> Any:
    if not key:
        return "none"
    if route.auth_header is not None:
        return route.auth_header
    if row.id == "custom" and wire == "messages":
        return "x-api-key"
    return row.auth_header


def _limits(choice: Choice) -> ModelLimits:
    """The most specific word on each limit: of the model, of the provider, of the `model` section."""
    named = choice.named or NamedProvider()
    said = named.models.get(choice.model) if isinstance(named.models, dict) else None
    try:
        own = msgspec.convert(said, ModelLimits) if isinstance(said, dict) else ModelLimits()
    except msgspec.ValidationError as error:
        raise ModelNotConfigured(f"providers.{choice.row.id}.models.{choice.model}: {error}.") from error
    return ModelLimits(
        context_length=own.context_length or named.context_length or choice.context_length,
        max_tokens=own.max_tokens or choice.max_tokens,
        timeout_seconds=own.timeout_seconds or named.request_timeout_seconds,
    )


def _stall_timeout(choice: Choice, settings: Settings, environment: Variables, local: bool) -> float:
    if choice.named and choice.named.stale_timeout_seconds:
        return choice.named.stale_timeout_seconds
    if local:
        return settings.agent.local_stream_stale_timeout
    return _seconds(environment, "HERMES_STREAM_STALE_TIMEOUT", 180.0)


def _seconds(environment: Variables, variable: str, default: float) -> float:
    text = (environment.get(variable) or "").strip()
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise ModelNotConfigured(f"{variable} must be a number of seconds above 0, not '{text}'.")
    return seconds
