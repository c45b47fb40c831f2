"""Who holds a lease: one process, told apart from every other that ever had its number.

An owner is `<host>:<pid>:<start time>`. The host part carries the process namespace, because two containers
may share a host name and not see each other's processes. A crashed process is recognised by its number being
gone or given to another, so its runs are free at once instead of when the lease runs out.
"""

import os
import socket
from pathlib import Path


def this_process() -> str:
    """The owner string of this process."""
    pid = os.getpid()
    return f"{_this_host()}:{pid}:{_start_time(pid)}"


def is_dead(owner: str | None) -> bool:
    """True only when the owner is known to be gone: a process of this host that no longer runs. Owners on
    other hosts, and strings that are no owners, count as alive until their lease runs out."""
    if owner is None:
        return False
    rest, _, started = owner.rpartition(":")
    host, _, pid = rest.rpartition(":")
    if host != _this_host() or not pid.isdecimal():
        return False
    return _start_time(int(pid)) != started


def _this_host() -> str:
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}@{namespace}"


def _start_time(pid: int) -> str | None:
    """When the process started, in a unit that only needs to be stable; None when it does not run."""
    if not Path("/proc/self/stat").exists():
        return _start_time_elsewhere(pid)
    try:
        # The name in parentheses may hold spaces and parentheses; what follows the last one is fixed.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _start_time_elsewhere(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return str(int(process.create_time() * 100))
    except psutil.NoSuchProcess:
        return None
