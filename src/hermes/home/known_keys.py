"""Keys of `config.yaml` that we do not serve: those other installations may hold, and those nobody knows."""

import difflib
import functools
import importlib.resources
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from hermes.home.coercion import fields, is_section, kind_at
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


def unserved_keys(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], bool]]:
    """(path, whether upstream knows it) of what no setting reads, outermost first."""
    yield from _unserved(data, ())


def nearest_key(key: str) -> str | None:
    """The key of a setting, or another product's, that is spelled most like this one."""
    candidates = served_keys() | upstream_keys()
    section, _, name = key.rpartition(".")
    pattern = _with_any_name(section)
    siblings = [other.rpartition(".")[2] for other in candidates if other.rpartition(".")[0] == pattern]
    near = difflib.get_close_matches(name, siblings, n=1, cutoff=_NEAR_ENOUGH)
    if near:
        return f"{section}.{near[0]}" if section else near[0]
    elsewhere = [other for other in candidates if other.rpartition(".")[2] == name and len(name) >= 5]
    if elsewhere:
        return difflib.get_close_matches(key, elsewhere, n=1, cutoff=0)[0]
    if section and siblings:
        return None
    return next(iter(difflib.get_close_matches(key, candidates, n=1, cutoff=_NEAR_ENOUGH)), None)


def is_upstream_key(path: tuple[str, ...]) -> bool:
    """Whether other products of this family know the key, or a key above it that is free-form."""
    keys = upstream_keys()
    if len(path) == 3:
        path = (*_with_any_name(".".join(path[:2])).split("."), path[2])
    return any(".".join(path[:length]) in keys for length in range(1, len(path) + 1))


@functools.cache
def served_keys() -> frozenset[str]:
    """Every setting and section by its dotted key. `*` stands for any name."""

    def below(kind: type[msgspec.Struct], prefix: str) -> Iterator[str]:
        for name, field in fields(kind).items():
            yield prefix + name
            if is_section(field.type):
                yield from below(field.type, f"{prefix}{name}.")
            elif _has_sections(field.type):
                yield from below(typing.get_args(field.type)[1], f"{prefix}{name}.*.")

    return frozenset(below(Settings, ""))


@functools.cache
def upstream_keys() -> frozenset[str]:
    """The dotted keys of `upstream_keys.txt`. `*` stands for any name."""
    text = importlib.resources.files("hermes.home").joinpath("upstream_keys.txt").read_text()
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


def _unserved(data: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], bool]]:
    for name, value in data.items():
        path = (*above, str(name))
        kind = kind_at(Settings, path)
        if kind is None:
            if isinstance(value, Mapping) and _is_upstream_section(path):
                yield from _unserved(value, path)
            else:
                yield path, is_upstream_key(path)
        elif kind is not Any and isinstance(value, Mapping) and _has_sections(kind):
            yield from _unserved(value, path)


def _with_any_name(section: str) -> str:
    """`providers.mine` -> `providers.*`."""
    first, _, rest = section.partition(".")
    kind = kind_at(Settings, (first,))
    return f"{first}.*" if rest and typing.get_origin(kind) is dict else section


def _has_sections(kind: Any) -> bool:
    return is_section(kind) or (typing.get_origin(kind) is dict and is_section(typing.get_args(kind)[1]))


def _is_upstream_section(path: tuple[str, ...]) -> bool:
    prefix = ".".join(path) + "."
    return not is_upstream_key(path) and any(key.startswith(prefix) for key in upstream_keys())
