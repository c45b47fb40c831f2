"""`config.yaml` read into `Settings`.

What wins, from the top: the administrator's overlay (per key), options of the command line, variables that
act as flags (process environment, then `.env`), the profile's file, the defaults. Options act on what is
read here; whoever lets them asks the `Overlay` first. A file that can't be used is refused with its line
and key; it is never replaced by defaults.
"""

import re
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from hermes.home.environment import Environment
from hermes.home.errors import ConfigError, HomeError
from hermes.home.profile import Profile
from hermes.home.settings import Settings

if typing.TYPE_CHECKING:
    from hermes.home.coercion import MisfitError
    from hermes.home.key_paths import KeyPath
    from hermes.home.known_keys import UnknownKey
    from hermes.home.yaml_file import Document

FLAG_VARIABLES: dict[str, str] = {
    "HERMES_INFERENCE_MODEL": "model.default",
    "HERMES_YOLO_MODE": "approvals.mode",
    "HERMES_REDACT_SECRETS": "security.redact_secrets",
    "HERMES_ENVIRONMENT_HINT": "agent.environment_hint",
    "TERMINAL_ENV": "terminal.backend",
    "TERMINAL_TIMEOUT": "terminal.timeout",
    "TERMINAL_CWD": "terminal.cwd",
}
"""Variables that act as flags -> the setting they stand for."""
_OVERRULED = {**FLAG_VARIABLES, "HERMES_INFERENCE_PROVIDER": "model.provider"}
"""Variables that count only where the overlay leaves their setting open."""

_MANAGED_FOLDER = Path("/etc/hermes")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Config(msgspec.Struct, frozen=True):
    """What was read: the settings, and what the file holds besides."""

    settings: Settings
    tree: dict[str, Any] = {}
    """The files' content, in today's shape, expanded and merged. Holds only what is set somewhere."""
    unknown: tuple["UnknownKey", ...] = ()
    """Keys of the profile's file that have no effect."""


class Overlay(msgspec.Struct, frozen=True):
    """What this machine's administrator has set for everybody."""

    file: Path
    tree: dict[str, Any] = {}

    def value(self, key: str) -> Any:
        """What the dotted key is set to; None when it is not set there."""
        return self._value(key) if self.holds(key) else None

    def holds(self, key: str) -> bool:
        """Whether the dotted key is set there, so that nothing else can set it."""
        try:
            self._value(key)
        except KeyError:
            return False
        return True

    def _value(self, key: str) -> Any:
        if not self.tree:
            raise KeyError(key)
        from hermes.home.key_paths import split_key, value_at

        return value_at(self.tree, split_key(key))

    def refusal(self, key: str) -> str:
        """Why the key can't be set elsewhere, as one sentence."""
        return f"`{key}` is set by this machine's administrator in {self.file} and can't be changed here."

    def permitted(self, environment: Environment) -> Environment:
        """The environment without the variables that speak about what is set there."""
        return environment.without([name for name, key in _OVERRULED.items() if self.holds(key)])

    def settings(self) -> Settings:
        """The built-in settings under those set there."""
        from hermes.home.coercion import fit

        settings: Settings = fit(self.tree, Settings)
        return settings


def read_overlay(environment: Environment) -> Overlay:
    """The administrator's overlay, empty when there is none. Raises ConfigError."""
    file = managed_config_file(environment)
    return Overlay(file, Layer.read(file, environment).tree)


def load_settings(
    profile: Profile, environment: Environment, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """The settings in force. `overrides` are dotted keys with their values. Raises ConfigError."""
    return read_config(profile, environment, overrides).settings


def read_config(
    profile: Profile, environment: Environment, overrides: Mapping[str, Any] | None = None
) -> Config:
    """As `load_settings`, with what else the files hold. Raises ConfigError."""
    flags = flag_values(environment)
    managed_file = managed_config_file(environment)
    if not flags and not overrides and not any(map(_is_there, (profile.config_file, managed_file))):
        return Config(settings=Settings())  # without reading YAML or walking types: most one-shot starts
    from hermes.home.coercion import MisfitError, fit
    from hermes.home.key_paths import dotted, merged, put, split_key

    own = Layer.read(profile.config_file, environment)
    managed = Layer.read(managed_file, environment)
    tree = own.tree
    chosen: dict[str, Any] = {}
    for key, value in {**flags, **(overrides or {})}.items():
        put(chosen, split_key(key), value)
    for above in (chosen, managed.tree):
        tree = merged(tree, above)
    try:
        settings = fit(tree, Settings)
    except MisfitError as error:  # the files fit by themselves, so it is an override
        raise ConfigError(str(error), key=dotted(error.path)) from error
    return Config(settings=settings, tree=tree, unknown=own.unknown_keys())


def unknown_keys(profile: Profile, environment: Environment | None = None) -> list["UnknownKey"]:
    """Keys of the profile's file that have no effect. Raises ConfigError."""
    return list(Layer.read(profile.config_file, environment or {}).unknown_keys())


def get_key(profile: Profile, environment: Environment, key: str) -> Any:
    """The value in force of a dotted key, defaults included. Sections come as mappings.

    A key that is kept without being served has the value that the file gives it. Raises HomeError for one
    that is nowhere.
    """
    from hermes.home.key_paths import split_key, value_at
    from hermes.home.known_keys import nearest_key

    config = read_config(profile, environment)
    for tree in (msgspec.to_builtins(config.settings), config.tree):
        try:
            return value_at(tree, split_key(key))
        except KeyError:
            continue
    nearest = nearest_key(split_key(key))
    hint = f"; did you mean `{nearest}`?" if nearest else "."
    raise HomeError(f"`{key}` is not a setting and not in {profile.config_file}{hint}")


def managed_config_file(environment: Environment) -> Path:
    """The administrator's overlay, whether it exists or not. No `.env` can name another one."""
    return Path(environment.of_process("HERMES_MANAGED_DIR") or _MANAGED_FOLDER) / "config.yaml"


def flag_values(environment: Mapping[str, str]) -> dict[str, Any]:
    """Dotted key -> value, from the variables that act as flags. Raises ConfigError naming the variable."""
    found = {name: environment[name] for name in FLAG_VARIABLES if environment.get(name)}
    if not found:
        return {}
    from hermes.home.coercion import MisfitError, fit, kind_at
    from hermes.home.key_paths import split_key

    values: dict[str, Any] = {}
    for name, text in found.items():
        key = FLAG_VARIABLES[name]
        path = split_key(key)
        try:
            if name == "HERMES_YOLO_MODE":
                if fit(text, bool, (name,)):
                    values[key] = "off"
            else:
                values[key] = fit(text, kind_at(Settings, path), (name,))
        except MisfitError as error:
            raise ConfigError(f"The variable {error}", key=key) from error
    return values


class Layer(typing.NamedTuple):
    """One file, brought into today's shape and checked by itself."""

    document: "Document | None"
    tree: dict[str, Any]
    origins: dict["KeyPath", "KeyPath"]

    @classmethod
    def read(cls, file: Path, environment: Mapping[str, str]) -> "Layer":
        """An empty layer when the file is missing or empty. Raises ConfigError."""
        if not file.exists() and not file.is_symlink():
            return cls(None, {}, {})
        from hermes.home.yaml_file import read_document

        document = read_document(file)
        return cls(None, {}, {}) if document is None else cls.of(document, environment)

    @classmethod
    def of(cls, document: "Document", environment: Mapping[str, str]) -> "Layer":
        """Raises ConfigError when a value does not fit."""
        from hermes.home.coercion import MisfitError, fit
        from hermes.home.legacy_keys import lift_legacy_keys

        origins: dict[KeyPath, KeyPath] = {}
        try:
            lifted, origins = lift_legacy_keys(document.data)
            tree = expand_variables(lifted, environment)
            fit(tree, Settings)
        except MisfitError as error:
            raise _placed(error, document, origins) from error
        return cls(document, tree, origins)

    def unknown_keys(self) -> tuple["UnknownKey", ...]:
        """In the order of the file."""
        if self.document is None:
            return ()
        from hermes.home.key_paths import dotted
        from hermes.home.known_keys import UnknownKey, nearest_key, unserved_keys

        return tuple(
            UnknownKey(
                key=dotted(path),
                line=self.document.line_of(file_path_of(path, self.origins)),
                known_upstream=upstream,
                nearest=None if upstream else nearest_key(path),
            )
            for path, upstream in unserved_keys(self.tree)
        )


def expand_variables(value: Any, environment: Mapping[str, str]) -> Any:
    """`${NAME}` in every string replaced by the variable; one that is not set stays as it is."""
    if isinstance(value, str):
        return (
            _VARIABLE.sub(lambda match: environment.get(match[1], match[0]), value)
            if "${" in value
            else value
        )
    if isinstance(value, Mapping):
        return {key: expand_variables(entry, environment) for key, entry in value.items()}
    if isinstance(value, list):
        return [expand_variables(entry, environment) for entry in value]
    return value


def _placed(error: "MisfitError", document: "Document", origins: dict["KeyPath", "KeyPath"]) -> ConfigError:
    from hermes.home.key_paths import dotted

    line = document.line_of(file_path_of(error.path, origins))
    return ConfigError(str(error), file=document.file, line=line, key=dotted(error.path))


def file_path_of(path: "KeyPath", origins: Mapping["KeyPath", "KeyPath"]) -> "KeyPath":
    """Where in the file a key stands that may have been moved."""
    for length in range(len(path), 0, -1):
        if path[:length] in origins:
            return origins[path[:length]] + path[length:]
    return path


def _is_there(file: Path) -> bool:
    """A link that leads nowhere is there, too, and has to be mended."""
    return file.exists() or file.is_symlink()
