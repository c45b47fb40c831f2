"""Log files of a profile: `agent.log` from the set level on, `errors.log` with warnings and worse.

A line is `YYYY-mm-dd HH:MM:SS,mmm LEVEL [session] logger: message`, the session only where there is one.
Secrets are masked always, whatever the settings say about other output. Several processes may write to the
same files.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path

from hermes.home.errors import HomeError, LockedError
from hermes.home.files import PRIVATE_FILE, PRIVATE_FOLDER, lock_file, make_private_folder
from hermes.home.profile import Profile
from hermes.home.redaction import known_secrets, redact
from hermes.home.settings import Settings

_session: ContextVar[str] = ContextVar("log_session", default="")
_CHATTY = ("aiohttp", "asyncio", "charset_normalizer", "httpcore", "httpx", "openai", "anthropic", "urllib3")
"""Libraries whose everyday lines are of no use to a person."""
_MEGABYTE = 1_000_000
_ERRORS_MEGABYTES = 2
_ERRORS_BACKUPS = 2


def start_logging(
    profile: Profile, settings: Settings, environment: Mapping[str, str], *, console: int | None = None
) -> None:
    """Write log records to the profile's files, and those of level `console` and above to stderr.

    The secrets of environment and settings are masked whatever they look like. Called again, it replaces what
    it set up before.
    """
    stop_logging()
    make_private_folder(profile.logs, PRIVATE_FOLDER)
    formatter = RedactingFormatter(known_secrets(environment, settings))
    limits = settings.logging
    agent = LogFile(profile.logs / "agent.log", limits.max_size_mb * _MEGABYTE, limits.backup_count)
    agent.setLevel(logging.getLevelNamesMapping()[limits.level])
    errors = LogFile(profile.logs / "errors.log", _ERRORS_MEGABYTES * _MEGABYTE, _ERRORS_BACKUPS)
    errors.setLevel(logging.WARNING)
    handlers: list[logging.Handler] = [agent, errors]
    if console is not None:
        handlers.append(_Console(console))
    root = logging.getLogger()
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(min(handler.level for handler in handlers))
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def stop_logging() -> None:
    """Close what `start_logging` opened."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, LogFile | _Console)]:
        root.removeHandler(handler)
        handler.close()


@contextlib.contextmanager
def log_session(session_id: str) -> Iterator[None]:
    """Tag the records of this task, and of those it starts, with a session."""
    token = _session.set(session_id)
    try:
        yield
    finally:
        _session.reset(token)


class RedactingFormatter(logging.Formatter):
    """The product's line format, secrets masked in message, arguments and traceback."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)s %(session)s%(name)s: %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        session = _session.get()
        record.session = f"[{session}] " if session else ""
        return redact(super().format(record), self._secrets)


class LogFile(logging.Handler):
    """A file that is put aside as `<name>.1` when it is full, and opened anew when somebody else moved it.

    Opened at the first record. `size` is in bytes; `backups` older files are kept.
    """

    def __init__(self, file: Path, size: int, backups: int) -> None:
        super().__init__()
        self._file = file
        self._size = size
        self._backups = backups
        self._descriptor: int | None = None
        self._complained = False

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = (self.format(record) + "\n").encode(errors="backslashreplace")
            descriptor = self._current(len(line))
            while line:
                line = line[os.write(descriptor, line) :]
        except (OSError, HomeError, ValueError, TypeError) as error:
            self._complain(error)

    def close(self) -> None:
        with self.lock or contextlib.nullcontext():
            self._close_file()
        super().close()

    def _current(self, coming: int) -> int:
        """The descriptor to write to. The file may have been moved, removed or filled by another process."""
        if self._descriptor is not None and not self._is_in_place(self._descriptor):
            self._close_file()
        if self._descriptor is None:
            self._descriptor = self._open()
        if (
            os.fstat(self._descriptor).st_size + coming > self._size
            and os.fstat(self._descriptor).st_size > 0
        ):
            self._put_aside()
            self._close_file()
            self._descriptor = self._open()
        return self._descriptor

    def _open(self) -> int:
        return os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_FILE)

    def _is_in_place(self, descriptor: int) -> bool:
        try:
            there = os.stat(self._file)
        except FileNotFoundError:
            return False
        here = os.fstat(descriptor)
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)

    def _put_aside(self) -> None:
        with contextlib.suppress(LockedError), lock_file(self._numbered("lock")):
            if self._descriptor is None or not self._is_in_place(self._descriptor):
                return  # another process was faster
            if self._backups == 0:
                self._file.unlink()
                return
            for number in range(self._backups - 1, 0, -1):
                older = self._numbered(str(number))
                if older.exists():
                    older.replace(self._numbered(str(number + 1)))
            self._file.replace(self._numbered("1"))

    def _numbered(self, ending: str) -> Path:
        return self._file.with_name(f"{self._file.name}.{ending}")

    def _close_file(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _complain(self, error: Exception) -> None:
        """Say once that the log can't be written; work goes on without it."""
        if not self._complained:
            self._complained = True
            print(f"{self._file} can't be written: {error}", file=sys.stderr)


class _Console(logging.StreamHandler):  # type: ignore[type-arg]
    """Records on stderr."""

    def __init__(self, level: int) -> None:
        super().__init__(sys.stderr)
        self.setLevel(level)
