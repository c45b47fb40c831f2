"""The reference of `config.yaml`, read from the settings' own source, for generated docs."""

import ast
import functools
import inspect
import textwrap
import typing
from collections.abc import Iterator
from typing import Any

import msgspec

from hermes.home.coercion import fields, in_words
from hermes.home.settings import Settings


class ConfigKey(typing.NamedTuple):
    """One key. `<id>` and `[]` in `key` stand for a name of your own and for an entry of a list."""

    key: str
    type: str
    default: Any
    doc: str


def config_reference() -> list[ConfigKey]:
    """Every key that is served, in the order of the settings, sections before what is in them."""
    return list(_keys(Settings(), ""))


def _keys(section: msgspec.Struct, prefix: str) -> Iterator[ConfigKey]:
    docs = _field_docs(type(section))
    for name, field in fields(type(section)).items():
        key, value = prefix + name, getattr(section, name)
        if isinstance(value, msgspec.Struct):
            yield ConfigKey(key, in_words(field.type), None, docs.get(name) or _section_doc(type(value)))
            yield from _keys(value, f"{key}.")
            continue
        yield ConfigKey(key, in_words(field.type), msgspec.to_builtins(value), docs.get(name, ""))
        entry = next(iter(typing.get_args(field.type)[::-1]), None)
        if isinstance(entry, type) and issubclass(entry, msgspec.Struct):
            mark = "[]" if typing.get_origin(field.type) is list else ".<id>"
            yield from _keys(entry(), f"{key}{mark}.")


def _section_doc(kind: type) -> str:
    return " ".join((kind.__dict__.get("__doc__") or "").split())


@functools.cache
def _field_docs(kind: type) -> dict[str, str]:
    """Field -> the docstring under it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(tree, ast.ClassDef)
    docs: dict[str, str] = {}
    for statement, following in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
        ):
            docs[statement.target.id] = " ".join(str(following.value.value).split())
    return docs
