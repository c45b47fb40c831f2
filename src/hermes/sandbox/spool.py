"""Files with the whole output of commands whose output is too long to be shown: private, capped, cleaned
up by age."""

import os
import time
import uuid
from pathlib import Path

FILE_LIMIT = 50_000_000
FOLDER_LIMIT = 500_000_000
KEEP_SECONDS = 7 * 86_400.0


class Spool:
    """One file, written from its start to its cap, or until the disk is full."""

    def __init__(self, path: Path, limit: int = FILE_LIMIT) -> None:
        self.path = str(path)
        self.problem = ""
        """Why the file does not hold everything that it should."""
        self._left = limit
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)

    def write(self, text: str) -> None:
        if self._left <= 0:
            return
        data = text.encode("utf-8", "replace")
        if len(data) > self._left:
            data = data[: self._left] + b"\n[The file ends here: it has reached its largest size.]\n"
            self._left = 0
        else:
            self._left -= len(data)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            self._left = 0
            self.problem = error.strerror or str(error)

    def close(self) -> None:
        os.close(self._descriptor)


class SpoolFolder:
    """Where spool files are kept. Old ones go when a new one is made."""

    def __init__(self, path: Path, *, file_limit: int = FILE_LIMIT, folder_limit: int = FOLDER_LIMIT) -> None:
        self.path = path
        self.file_limit = file_limit
        self.folder_limit = folder_limit

    def new(self) -> Spool:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.clean()
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}.txt"
        return Spool(self.path / name, self.file_limit)

    def clean(self) -> None:
        """Remove files past their age, then the oldest until a new one fits into the folder's limit."""
        found = []
        for entry in os.scandir(self.path):
            status = entry.stat(follow_symlinks=False)
            found.append((status.st_mtime, status.st_size, entry.path))
        total = sum(size for _, size, _ in found)
        for modified, size, path in sorted(found):
            if modified > time.time() - KEEP_SECONDS and total + self.file_limit <= self.folder_limit:
                return
            Path(path).unlink(missing_ok=True)
            total -= size
