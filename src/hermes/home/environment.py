"""The environment: what the process was given, over the profile's `.env`. Nothing else reads `os.environ`."""

import io
import os
import re
import typing
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from hermes.home.errors import ConfigError, HomeError
from hermes.home.files import PRIVATE_FILE, link_target, lock_file, make_private_folder, write_atomic
from hermes.home.profile import Profile
from hermes.home.secret_names import is_secret_name

if typing.TYPE_CHECKING:
    from dotenv.parser import Binding

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_./:@%+,=~-]*")
_LOCK_WAIT_SECONDS = 10.0


class Environment(Mapping[str, str]):
    """Process environment over `.env`. An empty variable of the process does not hide a value in `.env`."""

    def __init__(self, process: Mapping[str, str], file_values: Mapping[str, str] | None = None) -> None:
        self._process = process
        self._file = dict(file_values or {})

    def __getitem__(self, name: str) -> str:
        value = self._process.get(name)
        if value or name not in self._file:
            if value is None:
                raise KeyError(name)
            return value
        return self._file[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._process
        yield from (name for name in self._file if name not in self._process)

    def __len__(self) -> int:
        return len(self._process) + sum(name not in self._process for name in self._file)

    def of_process(self, name: str) -> str:
        """The variable as the process was given it, whatever `.env` says; empty when it was not."""
        return self._process.get(name, "")

    def without(self, names: Collection[str]) -> "Environment":
        """The same without these variables."""
        return Environment(
            {name: value for name, value in self._process.items() if name not in names},
            {name: value for name, value in self._file.items() if name not in names},
        )

    def secret_names(self) -> frozenset[str]:
        """Names of the variables that hold secrets, as far as a name can tell."""
        return frozenset(name for name in self if is_secret_name(name))

    def file_names(self) -> frozenset[str]:
        """Names that `.env` sets. Commands the agent runs see none of them unless told otherwise."""
        return frozenset(self._file)

    def is_from_file(self, name: str) -> bool:
        """Whether the value in force comes from `.env`."""
        return name in self._file and not self._process.get(name)


def process_environment() -> Mapping[str, str]:
    """The environment this process was started with."""
    return os.environ


def load_environment(profile: Profile, environ: Mapping[str, str]) -> Environment:
    """`environ` over the profile's `.env`. Raises ConfigError for a line that is not `NAME=value`."""
    text = _read(profile.env_file)
    if not text:
        return Environment(environ)
    values = {binding.key: binding.value or "" for binding in _parse(text, profile.env_file) if binding.key}
    return Environment(environ, values)


def write_roots(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The folders that HERMES_WRITE_SAFE_ROOT confines the file tools to; none when it is not set.

    Raises HomeError for one that is not absolute: what it means would depend on where one stands.
    """
    value = environment.get("HERMES_WRITE_SAFE_ROOT", "")
    roots = tuple(root.strip() for root in value.split(os.pathsep) if root.strip())
    if value.strip() and not (roots and all(root.startswith(("/", "~")) for root in roots)):
        raise HomeError(
            f"HERMES_WRITE_SAFE_ROOT is {value!r}; it must be absolute directories, "
            f"with {os.pathsep!r} between them."
        )
    return roots


def set_env_value(profile: Profile, name: str, value: str) -> None:
    """Set one variable in `.env`, every other line left as it is. Afterwards only its owner can read it."""
    if not _NAME.fullmatch(name):
        raise HomeError(f"{name!r} can't be the name of a variable: use letters, digits and underscores.")
    if any(ord(character) < 32 and character not in "\n\t" for character in value):
        raise HomeError(f"The value for {name} holds control characters; paste it again without them.")

    def edit(bindings: list["Binding"]) -> str:
        pieces = [binding.original.string for binding in bindings]
        line = f"{name}={_quote(value)}\n"
        places = [index for index, binding in enumerate(bindings) if binding.key == name]
        if places:
            pieces[places[-1]] = _with_prefix_of(pieces[places[-1]], line)
        else:
            if pieces and not pieces[-1].endswith("\n"):
                pieces[-1] += "\n"
            pieces.append(line)
        return "".join(pieces)

    _rewrite(profile, edit)


def unset_env_value(profile: Profile, name: str) -> bool:
    """Take one variable out of `.env`; False when it was not there."""
    found = False

    def edit(bindings: list["Binding"]) -> str:
        nonlocal found
        found = any(binding.key == name for binding in bindings)
        return "".join(binding.original.string for binding in bindings if binding.key != name)

    if profile.env_file.exists():
        _rewrite(profile, edit)
    return found


def _rewrite(profile: Profile, edit: typing.Callable[[list["Binding"]], str]) -> None:
    make_private_folder(profile.home)
    with lock_file(
        profile.home / ".env.lock", wait_seconds=_LOCK_WAIT_SECONDS, subject=str(profile.env_file)
    ):
        before = _read(profile.env_file)
        after = edit(_parse(before, profile.env_file))
        if after != before or not profile.env_file.exists():
            _parse(after, profile.env_file)
            write_atomic(link_target(profile.env_file), after, PRIVATE_FILE)


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError("the file is not UTF-8 text; save it as UTF-8.", file=file, line=line) from error
    except OSError as error:
        raise ConfigError(f"the file can't be read: {error.strerror}.", file=file) from error


def _parse(text: str, file: Path) -> list["Binding"]:
    from dotenv.parser import parse_stream

    bindings = list(parse_stream(io.StringIO(text)))
    for binding in bindings:
        if binding.error or (binding.key is not None and binding.value is None):
            # The parser counts from the blank lines before a broken one.
            blank = len(binding.original.string) - len(binding.original.string.lstrip())
            line = binding.original.line + binding.original.string[:blank].count("\n")
            raise ConfigError("the line is not of the form NAME=value.", file=file, line=line)
    return bindings


def _quote(value: str) -> str:
    if _PLAIN_VALUE.fullmatch(value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _with_prefix_of(old: str, line: str) -> str:
    """Keep blank lines and `export` before a variable that is set anew."""
    prefix = re.match(r"\s*(?:export[ \t]+)?", old)
    return (prefix.group() if prefix else "") + line
