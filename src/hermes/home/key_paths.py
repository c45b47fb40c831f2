"""Keys of nested mappings: `terminal.timeout` and its parts."""

from collections.abc import Mapping
from typing import Any

KeyPath = tuple[str | int, ...]
"""Names of mappings' keys and positions in lists, from the outside in."""


def dotted(path: KeyPath) -> str:
    """`("a", "b", 0, "c")` -> `a.b[0].c`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def split_key(key: str) -> tuple[str, ...]:
    """`a.b` -> `("a", "b")`."""
    return tuple(key.split("."))


def value_at(tree: Any, path: tuple[str, ...]) -> Any:
    """What lies under a path of nested mappings. Raises KeyError when there is nothing."""
    for part in path:
        if not isinstance(tree, Mapping):
            raise KeyError(part)
        tree = tree[part]
    return tree


def put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set a value under a path, making mappings on the way."""
    for part in path[:-1]:
        below = tree.get(part)
        if not isinstance(below, dict):
            below = tree[part] = {}
        tree = below
    tree[path[-1]] = value


def copied(tree: Any) -> Any:
    """The same mappings and lists anew. What was one object in two places becomes two."""
    if isinstance(tree, Mapping):
        return {key: copied(value) for key, value in tree.items()}
    return [copied(value) for value in tree] if isinstance(tree, list) else tree


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`: mappings merge, everything else replaces, null says nothing."""
    result = dict(below)
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value)
        elif value is not None or key not in result:
            result[key] = value
    return result
