"""Masking of secrets in text that is shown, logged, stored or sent to a model.

A rule is a pattern and the marks without which it can't match; text without any of the marks costs one pass
each and no pattern. Secrets under 18 characters vanish, longer ones keep their first six and last four, so
that a person can tell which key it was. What is masked once is left alone the next time.
"""

import typing
from collections.abc import Collection, Mapping

import msgspec

from hermes.home.redaction_rules import RULES, mask
from hermes.home.secret_names import is_secret_name

if typing.TYPE_CHECKING:
    from hermes.home.settings import AuxiliaryTask, FallbackProvider, ModelSettings, NamedProvider, Settings

SHORTEST_KNOWN = 8
"""Known values shorter than this are not searched for: they occur in ordinary text."""


_MOST_PASSES = 8


def redact(text: str, known: Collection[str] = ()) -> str:
    """The text with its secrets masked. `known` are values that are secret whatever they look like.

    A mask can be part of what another rule masks, so the rules are gone through until nothing changes.
    """
    for _ in range(_MOST_PASSES):
        masked = _redact_once(text, known)
        if masked == text:
            break
        text = masked
    return text


def _redact_once(text: str, known: Collection[str]) -> str:
    if not text:
        return text
    for value in sorted(known, key=len, reverse=True):
        if len(value) >= SHORTEST_KNOWN and value in text:
            text = text.replace(value, mask(value))
    lowered = text.lower()
    for rule in RULES:
        if any(mark in lowered for mark in rule.marks):
            text = rule.apply(text)
    return text


def redact_tree(value: typing.Any, known: Collection[str] = (), name: str = "") -> typing.Any:
    """The same structure with every text in it masked. `name` is the key that it stands under."""
    if isinstance(value, str):
        return _redact_named(name, value, known)
    if isinstance(value, Mapping):
        return {key: redact_tree(item, known, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_tree(item, known, name) for item in value]
    return value


def redact_json(text: str, known: Collection[str] = ()) -> str:
    """JSON text with every text in it masked; what is not JSON is masked as it stands."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return redact(text, known)
    masked = redact_tree(value, known)
    return text if masked == value else msgspec.json.encode(masked).decode()


def _redact_named(name: str, value: str, known: Collection[str]) -> str:
    masked, before = redact(value, known), f"{name}="
    if masked == value and is_secret_name(name):
        pair = redact(before + value, known)
        return pair.removeprefix(before) if pair.startswith(before) else masked
    return masked


def known_secrets(environment: Mapping[str, str], settings: "Settings | None" = None) -> frozenset[str]:
    """The secrets we were given: those of the environment, and the keys written into the settings."""
    values = {value for name, value in environment.items() if is_secret_name(name)}
    if settings is not None:
        owners: list[ModelSettings | NamedProvider | FallbackProvider | AuxiliaryTask] = [
            settings.model,
            *settings.providers.values(),
            *settings.fallback_providers,
            settings.auxiliary.compression,
            settings.auxiliary.title_generation,
        ]
        values.update(owner.api_key for owner in owners)
    return frozenset(value for value in values if len(value) >= SHORTEST_KNOWN)
