"""Keys of `config.yaml` that we do not serve: those other installations may hold, and those nobody knows."""

import difflib
import functools
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from hermes.home.coercion import fields, is_section, kind_at
from hermes.home.key_paths import KeyPath, dotted
from hermes.home.settings import Settings

_NEAR_ENOUGH = 0.7


class UnknownKey(msgspec.Struct, frozen=True):
    """A key of the file that has no effect here."""

    key: str
    line: int | None
    known_upstream: bool
    """True: other products of this family know it; it is kept. False: nobody does."""
    nearest: str | None = None
    """The key that was probably meant."""

    def __str__(self) -> str:
        if self.known_upstream:
            return f"`{self.key}` is kept, but has no effect here yet."
        hint = f"; did you mean `{self.nearest}`?" if self.nearest else "; remove it, or check its spelling."
        return f"`{self.key}` is not a setting{hint}"


def unserved_keys(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, bool]]:
    """(path, whether upstream knows it) of what no setting reads, outermost first."""
    yield from _unserved(data, ())


def nearest_key(path: KeyPath) -> str | None:
    """The key of a setting, or another product's, that is spelled most like this one."""
    candidates = served_keys() | upstream_keys()
    name, section = str(path[-1]), _generic(path[:-1])
    siblings = [other.rpartition(".")[2] for other in candidates if other.rpartition(".")[0] == section]
    near = difflib.get_close_matches(name, siblings, n=1, cutoff=_NEAR_ENOUGH)
    if near:
        return dotted((*path[:-1], near[0]))
    elsewhere = [other for other in candidates if other.rpartition(".")[2] == name and len(name) >= 5]
    if elsewhere:
        return difflib.get_close_matches(dotted(path), elsewhere, n=1, cutoff=0)[0]
    if section and siblings:
        return None
    return next(iter(difflib.get_close_matches(dotted(path), candidates, n=1, cutoff=_NEAR_ENOUGH)), None)


def is_upstream_key(path: KeyPath) -> bool:
    """Whether other products of this family know the key, or a key above it that is free-form."""
    return any(_generic(path[:length]) in upstream_keys() for length in range(1, len(path) + 1))


@functools.cache
def served_keys() -> frozenset[str]:
    """Every setting and section by its dotted key. `*` stands for any name."""

    def below(kind: type[msgspec.Struct], prefix: str) -> Iterator[str]:
        for name, field in fields(kind).items():
            yield prefix + name
            if is_section(field.type):
                yield from below(field.type, f"{prefix}{name}.")
            elif _holds_sections(field.type):
                yield from below(typing.get_args(field.type)[-1], f"{prefix}{name}.*.")

    return frozenset(below(Settings, ""))


@functools.cache
def upstream_keys() -> frozenset[str]:
    """The dotted keys of `upstream_keys.txt`. `*` stands for any name."""
    text = Path(__file__).with_name("upstream_keys.txt").read_text()
    keys: set[str] = set()
    section = ""
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        head, colon, names = line.partition(":")
        if colon:
            section = head
        elif not line.startswith(" "):
            keys.add(line)
            continue
        keys.update(f"{section}.{name}" for name in (names if colon else line).split())
    return frozenset(keys)


def _unserved(data: Mapping[str, Any], above: KeyPath) -> Iterator[tuple[KeyPath, bool]]:
    for name, value in data.items():
        path = (*above, str(name))
        kind = kind_at(Settings, path)
        if kind is None:
            if isinstance(value, Mapping) and _is_upstream_section(path):
                yield from _unserved(value, path)
            else:
                yield path, is_upstream_key(path)
        elif isinstance(value, Mapping) and (is_section(kind) or _holds_sections(kind)):
            yield from _unserved(value, path)
        elif isinstance(value, list) and _holds_sections(kind):
            for index, entry in enumerate(value):
                yield from _unserved(entry, (*path, index))


def _generic(path: KeyPath) -> str:
    """`providers.mine` -> `providers.*`, for sections that are entries of a collection."""
    if len(path) > 1 and _holds_sections(kind_at(Settings, path[:1])):
        path = (path[0], "*", *path[2:])
    return ".".join(str(part) for part in path)


def _holds_sections(kind: Any) -> bool:
    """Whether the type is a mapping or list of sections."""
    return typing.get_origin(kind) in (dict, list) and is_section(typing.get_args(kind)[-1])


def _is_upstream_section(path: KeyPath) -> bool:
    prefix = _generic(path) + "."
    return not is_upstream_key(path) and any(key.startswith(prefix) for key in upstream_keys())
