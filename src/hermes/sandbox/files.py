"""The files of this machine, as the sandbox's commands see them."""

import asyncio
import os
import secrets
import stat
from pathlib import Path

from hermes.sandbox.contract import FileInfo


class LocalFiles:
    """FileSystem over the local disk. Work that may wait for the disk runs in a thread."""

    def __init__(self, home: str) -> None:
        self._home = home

    async def resolve(self, path: str, cwd: str) -> str:
        if path == "~" or path.startswith("~/"):
            path = self._home + path[1:]
        return os.path.realpath(os.path.join(cwd, os.path.expanduser(path)))

    async def stat(self, path: str) -> FileInfo | None:
        return _info(path)

    async def read(self, path: str, limit: int | None = None) -> bytes:
        return await asyncio.to_thread(_read, path, limit)

    async def write(self, path: str, data: bytes) -> None:
        await asyncio.to_thread(_write, os.path.realpath(path), data)

    async def remove(self, path: str) -> None:
        os.unlink(path)

    async def move(self, source: str, target: str) -> None:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.rename(source, target)

    async def list(self, path: str) -> list[FileInfo]:
        return await asyncio.to_thread(_list, path)


def _info(path: str) -> FileInfo | None:
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISREG(status.st_mode):
        return _file_info(path, status, "file")
    return _file_info(path, status, "directory" if stat.S_ISDIR(status.st_mode) else "other")


def _file_info(path: str, status: os.stat_result, kind: str) -> FileInfo:
    return FileInfo(
        path=os.path.realpath(path),
        kind="file" if kind == "file" else "directory" if kind == "directory" else "other",
        size=status.st_size,
        mode=stat.S_IMODE(status.st_mode),
        modified_at=status.st_mtime,
    )


def _read(path: str, limit: int | None) -> bytes:
    with open(path, "rb") as file:
        return file.read() if limit is None else file.read(limit)


def _list(path: str) -> list[FileInfo]:
    found = [_info(os.path.join(path, name)) for name in sorted(os.listdir(path))]
    return [info for info in found if info is not None]


def _write(path: str, data: bytes) -> None:
    """Write beside the file, sync, rename; the file's mode and owner stay."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(6)}.tmp")
    before = target.stat() if target.exists() else None
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if before is not None:
                if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                    _keep_owner(descriptor, before)
                os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _keep_owner(descriptor: int, before: os.stat_result) -> None:
    """Give the new file the old one's owner; only root can, others keep at least the group if they may."""
    try:
        os.fchown(descriptor, before.st_uid if os.geteuid() == 0 else -1, before.st_gid)
    except PermissionError:
        return
