"""Fitting what a file or a variable says to the typed model, in the ways people write things.

`yes`, `on` and `1` are true; a bare `off` where a mode is expected is the mode `off`, although YAML reads it
as false; numbers may be quoted; null means that nothing is set. Anything else must have the right type.
"""

import functools
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from hermes.home.key_paths import KeyPath, dotted

_TRUE = frozenset({"true", "yes", "on", "1", "enabled", "y"})
_FALSE = frozenset({"false", "no", "off", "0", "disabled", "n"})


class MisfitError(ValueError):
    """A value that can't be what its key means. The message is one sentence naming the key."""

    def __init__(self, path: KeyPath, problem: str) -> None:
        self.path = path
        super().__init__(f"`{dotted(path)}` {problem}")


def fit(value: Any, kind: Any, path: KeyPath = ()) -> Any:
    """The value as `kind`: a section, a collection, or a scalar within its limits. Raises MisfitError."""
    base = _base(kind)
    if base is Any:
        return value
    options = _union_members(base)
    if options:
        return None if value is None else fit(value, options[0], path)
    if isinstance(base, type) and issubclass(base, msgspec.Struct):
        return _fit_section(value, base(), path)
    origin, arguments = typing.get_origin(base), typing.get_args(base)
    if origin is dict:
        entries = _mapping(value, path)
        return {
            key: fit(entry, arguments[1], (*path, key)) for key, entry in entries.items() if entry is not None
        }
    if origin is list:
        if not isinstance(value, list):
            raise MisfitError(path, f"is {_shown(value)}; it must be a list, such as [{_shown(value)}].")
        return [fit(entry, arguments[0], (*path, index)) for index, entry in enumerate(value)]
    return _fit_scalar(value, kind, base, path)


@functools.cache
def fields(kind: type[msgspec.Struct]) -> Mapping[str, msgspec.structs.FieldInfo]:
    """A section's fields by name."""
    return {field.name: field for field in msgspec.structs.fields(kind)}


def kind_at(kind: Any, path: KeyPath) -> Any:
    """The type of the key at a path below `kind`; None where there is none, Any below what is free-form."""
    for part in path:
        base = _base(kind)
        options = _union_members(base)
        base = _base(options[0]) if options else base
        if base is Any:
            return Any
        if isinstance(base, type) and issubclass(base, msgspec.Struct):
            field = fields(base).get(str(part))
            if field is None:
                return None
            kind = field.type
        elif typing.get_origin(base) is dict:
            kind = typing.get_args(base)[1]
        elif typing.get_origin(base) is list and isinstance(part, int):
            kind = typing.get_args(base)[0]
        else:
            return None
    return kind


def is_section(kind: Any) -> bool:
    """Whether the type is a struct."""
    base = _base(kind)
    return isinstance(base, type) and issubclass(base, msgspec.Struct)


def in_words(kind: Any) -> str:
    """What a value of the type is, for people."""
    base = _base(kind)
    options = _union_members(base)
    if options:
        return f"{in_words(options[0])}, or null"
    if typing.get_origin(base) is Literal:
        return "one of " + ", ".join(choice if choice else repr(choice) for choice in typing.get_args(base))
    if base in (int, float):
        return ("a whole number" if base is int else "a number") + _limits(kind)
    if base is bool:
        return "true or false"
    if base is str:
        return next((note.description for note in _notes(kind) if note.description), "text")
    if typing.get_origin(base) is list:
        return "a list"
    return "anything" if base is Any else "a mapping of keys to values"


def _fit_section(value: Any, defaults: msgspec.Struct, path: KeyPath) -> msgspec.Struct:
    """`defaults` with what is set. A section's defaults may depend on where it stands."""
    entries = _mapping(value, path)
    values: dict[str, Any] = {}
    for name, field in fields(type(defaults)).items():
        entry = entries.get(name)
        default = getattr(defaults, name)
        if entry is None and not (name in entries and _union_members(_base(field.type))):
            continue
        if isinstance(default, msgspec.Struct):
            values[name] = _fit_section(entry, default, (*path, name))
        else:
            values[name] = fit(entry, field.type, (*path, name))
    return msgspec.structs.replace(defaults, **values)


def _mapping(value: Any, path: KeyPath) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise MisfitError(path, f"is {_shown(value)}; it must be a mapping of keys to values.")
    return {key if isinstance(key, str) else _key_text(key): entry for key, entry in value.items()}


def _key_text(key: Any) -> str:
    """Keys that YAML reads as something else: `on:` and `1:`."""
    return ("on" if key else "off") if isinstance(key, bool) else str(key)


def _fit_scalar(value: Any, kind: Any, base: Any, path: KeyPath) -> Any:
    try:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError
        fitted = msgspec.convert(_as_meant(value, base), kind)
        for note in _notes(kind):
            if note.extra:
                note.extra["check"](fitted)
        return fitted
    except ValueError as error:  # msgspec's own errors are ValueErrors
        hint = ""
        if base is str and isinstance(value, bool | int | float):
            hint = " (put it in quotes)"
        raise MisfitError(path, f"is {_shown(value)}; it must be {in_words(kind)}{hint}.") from error


def _as_meant(value: Any, base: Any) -> Any:
    if base is bool:
        word = str(value).strip().lower() if isinstance(value, str | int) else ""
        return True if word in _TRUE else False if word in _FALSE else value
    if base is int and isinstance(value, str):
        return int(value.strip())
    if base is float and isinstance(value, str):
        number = float(value.strip())
        return number if math.isfinite(number) else value
    if typing.get_origin(base) is Literal:
        return _choice(value, typing.get_args(base))
    return value


def _choice(value: Any, choices: tuple[Any, ...]) -> Any:
    if isinstance(value, bool):
        words = _TRUE if value else _FALSE
        return next((choice for choice in choices if choice in words), value)
    if isinstance(value, str):
        return next((choice for choice in choices if choice.lower() == value.strip().lower()), value)
    return value


def _base(kind: Any) -> Any:
    return typing.get_args(kind)[0] if typing.get_origin(kind) is typing.Annotated else kind


def _union_members(base: Any) -> tuple[Any, ...]:
    if typing.get_origin(base) not in (types.UnionType, typing.Union):
        return ()
    return tuple(member for member in typing.get_args(base) if member is not type(None))


def _limits(kind: Any) -> str:
    for note in _notes(kind):
        if note.le is not None:
            return f" from {note.ge} to {note.le}"
        return f" of at least {note.ge}"
    return ""


def _notes(kind: Any) -> list[msgspec.Meta]:
    """What a type says besides what it is."""
    notes = typing.get_args(kind)[1:] if typing.get_origin(kind) is typing.Annotated else ()
    return [note for note in notes if isinstance(note, msgspec.Meta)]


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
