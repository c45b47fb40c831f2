"""Files that are the old ones or the new ones, whatever happens in between, and locks between processes."""

import contextlib
import errno
import fcntl
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from hermes.home.errors import HomeError, LockedError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
_LOCK_POLL_SECONDS = 0.02


def write_atomic(
    path: Path, data: bytes | str, mode: int | None = None, *, keep_previous: bool = False
) -> None:
    """Replace `path` in one step.

    A link at `path` is replaced, never followed; for a file that people may have linked elsewhere pass
    `link_target(path)`. The mode is `mode`, else that of the file before, else 0600. With `keep_previous`
    the content before stays beside it as `<name>.bak`.
    """
    content = data.encode() if isinstance(data, str) else data
    previous = _status(path)
    if mode is None:
        mode = stat.S_IMODE(previous.st_mode) if previous else PRIVATE_FILE
    if keep_previous and previous:
        write_atomic(path.with_name(path.name + ".bak"), path.read_bytes(), mode)
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        _write_new(temporary, content, mode, owner=previous or os.stat(path.parent))
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise HomeError(_why_not_written(path, error)) from error
    _sync_folder(path.parent)


def link_target(path: Path) -> Path:
    """The file that a write to `path` should replace: `path` itself, or the file that its owner linked it to.

    Refuses links made by another user, and links to anything but a regular file.
    """
    if not path.is_symlink():
        return path
    maker = path.lstat().st_uid
    if maker not in (0, os.geteuid()):
        raise HomeError(
            f"{path} is a link made by another user (uid {maker}); replace it by a file of yours."
        )
    try:
        target = path.resolve()
    except (OSError, RuntimeError) as error:
        raise HomeError(f"{path} is a link that leads nowhere ({error}); replace it by a file.") from error
    if target.exists() and not target.is_file():
        raise HomeError(f"{path} is a link to {target}, which is not a file; replace it by a file.")
    return target


def make_private_folder(path: Path, mode: int = PRIVATE_FOLDER) -> None:
    """Make a folder, with those above it, that only its owner can enter. One that exists is left as it is."""
    if path.is_dir():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=mode, exist_ok=True)
        path.chmod(mode)  # mkdir's mode is cut by the umask
    except OSError as error:
        raise HomeError(f"The folder {path} can't be made: {error.strerror}.") from error


@contextlib.contextmanager
def lock_file(path: Path, *, wait_seconds: float = 0.0, subject: str = "") -> Iterator[None]:
    """Hold an exclusive lock between processes for the length of a block.

    The file stays; it holds who has the lock. The lock ends with the process, whatever way it ends.
    Raises `LockedError`, naming the holder, when it is not free within `wait_seconds`. `subject` is what is
    locked, in words.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_FILE)
    except OSError as error:
        raise HomeError(f"The lock {path} can't be opened: {error.strerror}.") from error
    try:
        deadline = time.monotonic() + wait_seconds
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 500, 0).decode(errors="replace").strip()
                who = holder or "another process"
                raise LockedError(f"{subject or path} is in use by {who}; stop it or wait until it is done.")
            time.sleep(_LOCK_POLL_SECONDS)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, _this_process().encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _this_process() -> str:
    program = os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "python"
    words = " ".join([program, *sys.argv[1:2]])
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    return f"process {os.getpid()} on {os.uname().nodename} ({words}, since {since})"


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _write_new(path: Path, content: bytes, mode: int, owner: os.stat_result) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as stream:
        if os.geteuid() == 0 and owner.st_uid != 0:
            os.fchown(
                descriptor, owner.st_uid, owner.st_gid
            )  # an administrator's edit must not lock the owner out
        os.fchmod(descriptor, mode)
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems can't
            raise
    finally:
        os.close(descriptor)


def _why_not_written(path: Path, error: OSError) -> str:
    if error.errno == errno.EBUSY:
        return f"{path} is a mount of its own and can't be replaced; mount its folder instead."
    if error.errno == errno.EROFS:
        return f"{path} is on a read-only file system; mount it writable."
    return f"{path} can't be written: {error.strerror}."
