"""The keeper of one command: a process between the runner and the command that can end the command's
whole tree.

It is a *subreaper*: whatever the command starts, however that detaches itself (`setsid`, double fork,
`nohup`), stays below the keeper. It ends the tree at the time limit, when told to, and when the runner is
gone. Where there is no subreaper (not Linux) the command's process group is ended instead.

Only the standard library of Python 3.8: this text is also run inside containers and on other hosts.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import select
import signal
import termios
import time
from collections.abc import Collection
from contextlib import suppress
from typing import Any, NoReturn

STATE_END = b"\n#end"
STATE_CWD = b"\nreturn 0\n"
KILL_SECONDS = 5.0
"""How long a killed tree is given to vanish (another user's process, or one stuck in the kernel, may not)."""


def become_subreaper() -> bool:
    """Adopt orphaned descendants from now on. False where the kernel cannot."""
    try:
        return bool(ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0)  # PR_SET_CHILD_SUBREAPER
    except (AttributeError, OSError):
        return False


def parents() -> dict[int, int]:
    """Parent of each process, from /proc; empty where there is none."""
    found: dict[int, int] = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return found
    for name in names:
        if name.isdigit():
            try:
                with open("/proc/" + name + "/stat", "rb") as file:
                    stat = file.read()
            except OSError:
                continue  # ended meanwhile
            found[int(name)] = int(stat[stat.rindex(b")") + 2 :].split()[1])
    return found


def descendants(root: int, without: Collection[int] = ()) -> list[int]:
    """Every process below `root`, except `without` and what is below those."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    queue = [root]
    while queue:
        below = [pid for pid in children.get(queue.pop(), ()) if pid not in without]
        found += below
        queue += below
    return found


def send(pids: Collection[int], number: int) -> None:
    for pid in pids:
        with suppress(OSError):  # ended meanwhile, or another user's: counted as a survivor later
            os.kill(pid, number)


class Keeper:
    """Runs in a process of its own, between the runner and one command."""

    def __init__(self, request: dict[str, Any], control: int, status: int) -> None:
        self.request = request
        self.control = control
        self.status = status
        self.leader = 0
        self.exit_code: int | None = None
        self.wake, wake_end = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_end, False)
        signal.set_wakeup_fd(wake_end)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    def report(self, **fields: Any) -> None:
        with suppress(BrokenPipeError):  # the runner is gone; the control pipe says so too
            os.write(self.status, json.dumps(fields).encode() + b"\n")

    def run(self, stdin: int | None, output: int) -> None:
        """Start the command, guard it, and stay until the last process of its tree is gone."""
        started = time.monotonic()
        cwd = self.request["cwd"]
        try:
            os.chdir(cwd)
        except OSError as error:
            self.report(
                code=126, reason="cwd", error=os.strerror(error.errno or 0), cwd=existing_ancestor(cwd)
            )
            return
        become_subreaper()
        self.leader = os.fork()
        if self.leader == 0:
            execute(self.request, stdin, output)
        os.close(output)
        if stdin is not None:
            os.close(stdin)
        os.chdir("/")
        self.report(pid=self.leader)
        timeout = self.request["timeout"]
        reason = self.watch(None if timeout is None else started + timeout)
        survivors = 0 if reason == "exit" else self.end_tree()
        self.reap()
        self.report(
            code=137 if self.exit_code is None else self.exit_code,
            reason=reason,
            seconds=time.monotonic() - started,
            survivors=survivors,
            cwd=commit_state(self.request["state"]),
        )
        if reason == "exit" and not self.reap():
            self.linger()

    def watch(self, deadline: float | None) -> str:
        """Wait for the command's end: "exit", "timeout", "stop" (told to) or "gone" (the runner is)."""
        while True:
            self.reap()
            if self.exit_code is not None:
                return "exit"
            event = self.wait(None if deadline is None else deadline - time.monotonic())
            if event is not None:
                return event

    def linger(self) -> None:
        """The command is over and left processes behind (a daemon it started): stay, to be able to end
        them."""
        while not self.reap():
            if self.wait(None) is not None:
                self.end_tree()
                return

    def wait(self, seconds: float | None) -> str | None:
        """Sleep until a child ends (None), the time is up, or the control pipe speaks."""
        if seconds is not None and seconds <= 0:
            return "timeout"
        poller = select.poll()
        poller.register(self.wake, select.POLLIN)
        poller.register(self.control, select.POLLIN)
        ready = [fd for fd, _ in poller.poll(None if seconds is None else seconds * 1000 + 1)]
        if self.wake in ready:
            os.read(self.wake, 4096)
        if self.control in ready:
            return "stop" if os.read(self.control, 1) else "gone"
        return None

    def reap(self) -> bool:
        """Collect ended children; True when there is no child left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == 0:
                return False
            if pid == self.leader:
                self.exit_code = exit_code(status)

    def end_tree(self) -> int:
        """End everything below: TERM, the grace time, then KILL until nothing is left. Returns what is
        left."""
        self.signal_tree(signal.SIGTERM)
        self.signal_tree(signal.SIGCONT)
        if self.emptied(self.request["grace"]):
            return 0
        limit = time.monotonic() + KILL_SECONDS
        while time.monotonic() < limit:
            self.signal_tree(signal.SIGKILL)
            if self.emptied(0.02):
                return 0
        return len(descendants(os.getpid()))

    def signal_tree(self, number: int) -> None:
        send(descendants(os.getpid()), number)
        if self.exit_code is None:
            with suppress(OSError):  # the group is empty already
                os.killpg(self.leader, number)

    def emptied(self, seconds: float) -> bool:
        limit = time.monotonic() + seconds
        poller = select.poll()
        poller.register(self.wake, select.POLLIN)
        while not self.reap():
            left = limit - time.monotonic()
            if left <= 0:
                return False
            if poller.poll(left * 1000 + 1):
                os.read(self.wake, 4096)
        return True


def exit_code(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def existing_ancestor(path: str) -> str:
    while not os.path.isdir(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return path


def commit_state(state: list[str] | None) -> str | None:
    """Put the shell's saved state in place if it is whole. Returns the shell's last directory, else None."""
    if not state:
        return None
    new, target = state
    try:
        with open(new, "rb") as file:
            file.seek(max(0, os.path.getsize(new) - 3 * 4096))
            tail = file.read()
        if not tail.endswith(STATE_END):
            os.unlink(new)
            return None
        os.rename(new, target)
    except OSError:
        return None
    return os.fsdecode(tail[: -len(STATE_END)].rpartition(STATE_CWD)[2])


def execute(request: dict[str, Any], stdin: int | None, output: int) -> NoReturn:
    """In the child: become the command. Never returns."""
    try:
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        if request["stdin"] == "pty":
            fcntl.ioctl(output, termios.TIOCSCTTY, 0)
            stdin = output
        elif stdin is None:
            stdin = os.open(os.devnull, os.O_RDONLY)
        for target, fd in enumerate((stdin, output, output)):
            os.dup2(fd, target)
        os.execve(request["argv"][0], request["argv"], request["env"])
    except OSError as error:
        os.write(output, f"The command could not be started: {error}\n".encode())
    finally:
        os._exit(126)
