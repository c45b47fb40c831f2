"""Reading files that others wrote: regular files only, and never without a bound."""

import os
import stat
from pathlib import Path


def read_regular(path: Path, most: int) -> tuple[bytes, int] | None:
    """Up to `most` bytes of a regular file, and its size in bytes; None for anything else. Raises OSError.

    Nothing but a regular file is opened: a pipe would make us wait, and a device can act on being opened.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):  # it was exchanged meanwhile
            return None
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(most), status.st_size
    finally:
        os.close(descriptor)
