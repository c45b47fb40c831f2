"""What a provider is: one row of the table in `providers.py`, or one section of `config.yaml`."""

from typing import Literal, Protocol
from urllib.parse import urlsplit

import msgspec

from hermes.models.contract import CacheLayout, Wire

AuthHeader = Literal["bearer", "x-api-key", "none"]
ReasoningStyle = Literal["none", "effort", "object", "thinking", "enable_thinking"]


class Variables(Protocol):
    """The environment, as far as this package needs it: a lookup by name."""

    def get(self, name: str, /) -> str | None: ...


class KeyRoute(msgspec.Struct, frozen=True, kw_only=True):
    """Keys that start with `prefix` belong to another door of the same provider."""

    prefix: str
    base_url: str = ""
    """Empty: the row's own."""
    wire: Wire | None = None
    auth_header: AuthHeader | None = None
    headers: dict[str, str] = {}


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One row."""

    id: str
    label: str
    """The name as people know it."""
    aliases: tuple[str, ...] = ()
    key_variables: tuple[str, ...] = ()
    """Environment variables that may hold the key, first one first."""
    key_needed: bool = True
    base_url_variable: str = ""
    base_url: str = ""
    base_suffix: str = ""
    """What an address of this provider must end in; added where a configured one lacks it."""
    wire: Wire = "chat_completions"
    wires_by_model: tuple[tuple[str, Wire], ...] = ()
    """Model id prefix -> wire, where one address serves several protocols."""
    auth_header: AuthHeader = "bearer"
    headers: dict[str, str] = {}
    key_routes: tuple[KeyRoute, ...] = ()
    cache: Literal["none", "blocks", "claude_envelope"] = "none"
    """`claude_envelope`: marks only for Claude models, inside the OpenAI-shaped envelope."""
    reasoning: ReasoningStyle = "none"
    default_model: str = ""
    """Asked when a key is all that is configured. Empty: a model must be named."""
    model_prefixes: tuple[str, ...] = ()
    """Bare model ids that start so are this provider's own."""
    aggregator: bool = False
    """Its model ids look like `vendor/model`, so a slash does not name another provider."""
    local: bool = False

    def cache_layout(self, wire: Wire, model: str) -> CacheLayout:
        """Where prompt-cache markers go for `model` on `wire`."""
        if wire == "messages" and self.cache == "blocks":
            return "blocks"
        if wire == "chat_completions" and self.cache == "claude_envelope" and "claude" in model.lower():
            return "envelope"
        return "none"

    def wire_for(self, model: str) -> Wire:
        for prefix, wire in self.wires_by_model:
            if model.lower().startswith(prefix):
                return wire
        return self.wire

    def route_of(self, key: str) -> KeyRoute | None:
        """The other door that a key belongs to; None for the usual one."""
        return next((route for route in self.key_routes if key.startswith(route.prefix)), None)

    def key_from(self, environment: Variables) -> tuple[str, str]:
        """The first key that is set and the variable that holds it; two empty strings without one."""
        for variable in self.key_variables:
            key = (environment.get(variable) or "").strip()
            if key:
                return key, variable
        return "", ""


def host_of(base_url: str) -> str:
    """Host name in lower case; empty when the text is no URL."""
    try:
        return (urlsplit(base_url).hostname or "").lower().rstrip(".")
    except ValueError:
        return ""


def is_openai(host: str) -> bool:
    """OpenAI itself, any of its regions."""
    return host == "openai.com" or host.endswith(".openai.com")


def is_loopback(host: str) -> bool:
    return host in {"localhost", "::1", "0.0.0.0"} or host.startswith("127.")
