"""Setting and unsetting one key of `config.yaml`, the rest of the file left as it is.

Nothing is written unless the result can be loaded and differs from the file before in that key alone. What
the file was before stays as `config.yaml.bak`.
"""

import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from hermes.home.coercion import MisfitError, fit, in_words, is_section, kind_at
from hermes.home.config import FLAG_VARIABLES, Layer, file_path_of, flag_values, read_overlay
from hermes.home.environment import Environment, set_env_value, unset_env_value
from hermes.home.errors import ConfigError, HomeError
from hermes.home.files import link_target, lock_file, make_private_folder, write_atomic
from hermes.home.key_paths import copied, dotted, put, split_key, value_at
from hermes.home.known_keys import is_upstream_key, nearest_key
from hermes.home.profile import Profile
from hermes.home.secret_names import is_read_from_env_file, is_secret_name, is_variable
from hermes.home.settings import Settings
from hermes.home.yaml_edit import EditError, remove_key, set_value
from hermes.home.yaml_file import Document

_LOCK_WAIT_SECONDS = 10.0

NamePath = tuple[str, ...]
Change = tuple[NamePath, Any]
"""Where in the file, and the value to stand there; `_GONE` to remove it."""
_GONE: Any = object()


class Edit(msgspec.Struct, frozen=True):
    """What was done."""

    key: str
    value: Any
    """What was written; None for a secret and for a key that was removed."""
    file: Path


def set_key(profile: Profile, environment: Environment, key: str, value: Any, *, force: bool = False) -> Edit:
    """Set a dotted key. Text is read as the key's type; variables go to `.env`.

    Raises HomeError for a value that does not fit, a key that an administrator set, and, unless `force`,
    a key that nobody knows.
    """
    if is_variable(key):
        return _set_variable(profile, environment, key, str(value), force=force)
    path = _checked_path(key)
    _refuse_managed(path, environment)
    kind = kind_at(Settings, path)
    if kind is None and not force and not is_upstream_key(path):
        nearest = nearest_key(path)
        hint = f"did you mean `{nearest}`?" if nearest else "check its spelling, or use --force to write it."
        raise HomeError(f"`{key}` is not a setting; {hint}")
    meant = _read_value(value, kind, path)

    def change(data: dict[str, Any], origins: Mapping[Any, Any]) -> Change:
        model = data.get("model")
        if path[0] == "model" and isinstance(model, str):  # the short form `model: id`
            if path in (("model",), ("model", "default")) and isinstance(meant, str):
                return ("model",), meant
            return ("model",), {"default": model, **_nested(path[1:], meant)}
        if path == ("model",) and isinstance(meant, str) and isinstance(model, dict):
            return ("model", "default"), meant
        return path, meant

    _edit(profile, environment, change)
    return Edit(key=key, value=meant, file=profile.config_file)


def unset_key(profile: Profile, environment: Environment, key: str) -> Edit:
    """Remove a dotted key, so that its default holds again. Raises HomeError when it is not set."""
    if is_variable(key):
        if not unset_env_value(profile, key):
            raise HomeError(f"{key} is not set in {profile.env_file}.")
        return Edit(key=key, value=None, file=profile.env_file)
    path = _checked_path(key)
    _refuse_managed(path, environment)

    def change(data: dict[str, Any], origins: Mapping[Any, Any]) -> Change:
        place = file_path_of(path, origins)
        try:
            value_at(data, typing.cast(NamePath, place))
        except KeyError:
            raise HomeError(f"`{key}` is not set in {profile.config_file}.") from None
        return typing.cast(NamePath, place), _GONE

    _edit(profile, environment, change)
    return Edit(key=key, value=None, file=profile.config_file)


def _set_variable(profile: Profile, environment: Environment, name: str, value: str, *, force: bool) -> Edit:
    if not is_read_from_env_file(name) and not force:
        raise HomeError(
            f"{name} is not read from {profile.env_file} by itself; set it in the environment, or use "
            "--force to write it for settings that name it."
        )
    if name in FLAG_VARIABLES:
        _refuse_managed(split_key(FLAG_VARIABLES[name]), environment)
        flag_values({name: value})
    set_env_value(profile, name, value)
    return Edit(key=name, value=None if is_secret_name(name) else value, file=profile.env_file)


def _edit(
    profile: Profile,
    environment: Environment,
    change: Callable[[dict[str, Any], Mapping[Any, Any]], Change],
) -> None:
    file = profile.config_file
    make_private_folder(profile.home)
    with lock_file(profile.home / "config.yaml.lock", wait_seconds=_LOCK_WAIT_SECONDS, subject=str(file)):
        target = link_target(file)
        before = Layer.read(file, environment)
        text = before.document.text if before.document else ""
        data = before.document.data if before.document else {}
        place, value = change(data, before.origins)
        try:
            after = remove_key(text, place) if value is _GONE else set_value(text, place, value)
            document = Document(file, after)
        except (EditError, ConfigError) as error:
            why = error.problem if isinstance(error, ConfigError) else str(error)
            raise HomeError(
                f"`{dotted(place)}` can't be changed in {file} ({why}); edit the file."
            ) from error
        if document.data != _changed(data, place, value):
            raise HomeError(
                f"`{dotted(place)}` can't be changed in {file} without touching other keys; edit the file."
            )
        Layer.of(document, environment)
        if after != text:
            write_atomic(target, after, keep_previous=True)


def _changed(data: dict[str, Any], place: NamePath, value: Any) -> dict[str, Any]:
    """What the file must mean after the change."""
    expected: dict[str, Any] = copied(data)
    if value is not _GONE:
        put(expected, place, value)
        return expected
    for depth in range(len(place), 0, -1):
        holder = value_at(expected, place[: depth - 1])
        del holder[place[depth - 1]]
        if holder:
            break
    return expected


def _checked_path(key: str) -> NamePath:
    path = split_key(key)
    if not all(part.strip() == part and part for part in path):
        raise HomeError(f"{key!r} is not a key: write section.name, such as agent.max_turns.")
    return path


def _refuse_managed(path: NamePath, environment: Environment) -> None:
    overlay, key = read_overlay(environment), dotted(path)
    if overlay.holds(key):
        raise HomeError(overlay.refusal(key))


def _read_value(value: Any, kind: Any, path: NamePath) -> Any:
    """What a person typed, as the key's type. Returns what is to be written; defaults are not filled in."""
    if path == ("model",) and isinstance(value, str) and not value.lstrip().startswith("{"):
        return fit(value, str, path)
    structured = kind is None or kind is Any or in_words(kind).startswith(("a list", "a mapping"))
    if structured and isinstance(value, str):
        text = value.strip()
        if (
            kind is not None
            and kind is not Any
            and in_words(kind) == "a list"
            and not text.startswith(("[", "-"))
        ):
            value = [part.strip() for part in text.split(",") if part.strip()]
        else:
            value = _parsed(text, path)
    elif isinstance(value, str) and value.strip().lower() in ("null", "none", "") and _allows_null(kind):
        return None
    try:
        fitted = fit(value, kind, path) if kind is not None else value
    except MisfitError as error:
        raise HomeError(str(error)) from error
    return value if structured or is_section(kind) else fitted


def _parsed(text: str, path: NamePath) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise HomeError(f"The value for `{dotted(path)}` is not valid YAML or JSON: {text!r}.") from error


def _allows_null(kind: Any) -> bool:
    return in_words(kind).endswith("or null")


def _nested(path: NamePath, value: Any) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    put(tree, path, value)
    return tree
