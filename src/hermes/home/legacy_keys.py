"""Older ways to write settings, brought into today's places. What stands in the new place already, wins."""

from collections.abc import Mapping
from typing import Any

from hermes.home.coercion import MisfitError
from hermes.home.key_paths import KeyPath, copied, put, value_at

_MOVED: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("provider",), ("model", "provider")),
    (("base_url",), ("model", "base_url")),
    (("max_turns",), ("agent", "max_turns")),
    (("agent", "personalities"), ("personalities",)),
    *(
        (("tool_loop_guardrails", old), ("tool_loop_guardrails", *new))
        for old, new in {
            "exact_failure_warn_after": ("warn_after", "exact_failure"),
            "same_tool_failure_warn_after": ("warn_after", "same_tool_failure"),
            "no_progress_warn_after": ("warn_after", "idempotent_no_progress"),
            "exact_failure_block_after": ("hard_stop_after", "exact_failure"),
            "same_tool_failure_halt_after": ("hard_stop_after", "same_tool_failure"),
            "no_progress_block_after": ("hard_stop_after", "idempotent_no_progress"),
        }.items()
    ),
)

Origins = dict[KeyPath, KeyPath]
"""New place -> the place in the file."""


def lift_legacy_keys(data: Mapping[str, Any]) -> tuple[dict[str, Any], Origins]:
    """The data in today's shape, and where in the file the moved keys stand. Raises MisfitError."""
    tree: dict[str, Any] = copied(data)
    origins: Origins = {}
    if isinstance(tree.get("model"), str):
        tree["model"] = {"default": tree["model"]}
        origins["model", "default"] = ("model",)
    for old, new in _MOVED:
        _move(tree, old, new, origins)
    _lift_custom_providers(tree, origins)
    _lift_fallback_model(tree, origins)
    return tree, origins


def _move(tree: dict[str, Any], old: tuple[str, ...], new: tuple[str, ...], origins: Origins) -> None:
    try:
        holder = value_at(tree, old[:-1])
        value = holder[old[-1]] if isinstance(holder, dict) else None
    except KeyError:
        return
    if value is None:
        return
    for depth in range(1, len(new)):
        above = _found(tree, new[:depth])
        if above is not None and not isinstance(above, dict):
            return  # the section itself is wrong, and will be reported as such
    del holder[old[-1]]
    if _found(tree, new) is None:
        put(tree, new, value)
        origins[new] = old


def _found(tree: dict[str, Any], path: tuple[str, ...]) -> Any:
    try:
        return value_at(tree, path)
    except KeyError:
        return None


def _lift_custom_providers(tree: dict[str, Any], origins: Origins) -> None:
    """`custom_providers`, a list of endpoints with names, is today's mapping `providers`."""
    entries = tree.pop("custom_providers", None)
    if entries is None:
        return
    if not isinstance(entries, list):
        raise MisfitError(("custom_providers",), "must be a list; today's form is the mapping `providers`.")
    if not isinstance(tree.get("providers") or {}, dict):
        return
    for index, entry in enumerate(entries):
        place = ("custom_providers", index)
        if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str) or not entry["name"]:
            raise MisfitError(place, "must be a mapping with a `name`.")
        fields = {key: value for key, value in entry.items() if key not in ("name", "model")}
        if entry.get("model"):
            fields.setdefault("default_model", entry["model"])
        name = entry["name"]
        if _found(tree, ("providers", name)) is None:
            put(tree, ("providers", name), fields)
            origins["providers", name] = place


def _lift_fallback_model(tree: dict[str, Any], origins: Origins) -> None:
    """`fallback_model`, one entry or a list of them, is today's list `fallback_providers`."""
    value = tree.pop("fallback_model", None)
    if not value or tree.get("fallback_providers"):
        return
    entries = value if isinstance(value, list) else [value]
    for index, entry in enumerate(entries):
        origin: KeyPath = ("fallback_model", index) if isinstance(value, list) else ("fallback_model",)
        if not isinstance(entry, Mapping):
            raise MisfitError(origin, "must be a mapping with `provider` and `model`.")
        origins["fallback_providers", index] = origin
    tree["fallback_providers"] = entries
