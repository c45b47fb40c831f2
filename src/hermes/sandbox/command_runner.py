"""Runs commands for a sandbox: one of these processes a sandbox, wherever that is (this machine, a container,
another host). See `runner_program.py` for how it gets there.

It speaks frames on stdin and stdout: length of the payload (4 bytes), kind (1 byte), command number (4
bytes), payload.

    to the runner                              from the runner
    R  run a command: a Request as JSON        H  hello: {subreaper, bash, state}
    I  bytes for its stdin                     P  started: {pid}
    E  close its stdin                         O  bytes that it wrote
    S  end it and all that it started          X  ended: {code, reason, seconds, survivors, cwd, error}

A request: argv, env, cwd, stdin ("null", "pipe" or "pty"), timeout and grace in seconds (timeout null: none),
state ([new file, file] or null). The reason of an end: exit, timeout, stop, gone, cwd, killed.

When stdin closes, the one who asked is gone, and every tree is ended.

Only the standard library of Python 3.8, like the keeper.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import struct
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from hermes.sandbox.command_keeper import KILL_SECONDS, Keeper, become_subreaper, descendants, send

FRAME = struct.Struct(">IcI")
CHUNK = 65536
DRAIN_SECONDS = 0.1
"""How long output is awaited after the shell ended while others still hold it open."""


class Command:
    """What the runner holds of a command: its keeper's pipes and its input and output."""

    def __init__(self, number: int, control: int, status: int, output: int, stdin: int | None) -> None:
        self.number = number
        self.keeper = 0
        self.control: int | None = control
        self.status: int | None = status
        self.output: int | None = output
        self.stdin = stdin
        self.reported = b""
        self.pending = b""
        self.close_stdin = False
        self.end: dict[str, Any] | None = None
        self.drained_at = 0.0

    def fds(self) -> set[int]:
        return {fd for fd in (self.control, self.status, self.output, self.stdin) if fd is not None}


class Runner:
    def __init__(self, incoming: int, outgoing: int) -> None:
        self.incoming = incoming
        self.outgoing = outgoing
        self.received = b""
        self.commands: dict[int, Command] = {}
        self.poller = select.poll()
        self.watched: dict[int, tuple[Callable[..., None], tuple[Any, ...]]] = {}
        self.watch(incoming, select.POLLIN, self.receive)
        self.state = make_state_directory()

    def watch(self, fd: int, events: int, action: Callable[..., None], *arguments: Any) -> None:
        self.poller.register(fd, events)
        self.watched[fd] = (action, arguments)

    def forget(self, fd: int | None) -> None:
        if fd is not None and fd in self.watched:
            del self.watched[fd]
            self.poller.unregister(fd)

    def emit(self, kind: bytes, number: int, payload: bytes | dict[str, Any]) -> None:
        body = json.dumps(payload).encode() if isinstance(payload, dict) else payload
        data = memoryview(FRAME.pack(len(body), kind, number) + body)
        while data:
            data = data[os.write(self.outgoing, data) :]

    def serve(self) -> None:
        """Until stdin closes. Then every tree is ended before this returns."""
        hello = {"subreaper": become_subreaper(), "bash": find_program("bash"), "state": self.state}
        with suppress(BrokenPipeError):  # nobody reads any more: the same as a closed stdin
            self.emit(b"H", 0, hello)
            while self.incoming in self.watched:
                self.turn()
        for command in self.commands.values():
            if command.control is not None:
                os.close(command.control)
                command.control = None
        for command in list(self.commands.values()):
            self.join(command)
        self.end_strays()
        remove_directory(self.state)

    def turn(self) -> None:
        draining = [c.drained_at for c in self.commands.values() if c.drained_at and c.output is not None]
        timeout = max(0.0, min(draining) - time.monotonic()) * 1000 + 1 if draining else None
        for fd, _ in self.poller.poll(timeout):
            if fd in self.watched:
                action, arguments = self.watched[fd]
                action(*arguments)
        now = time.monotonic()
        for command in list(self.commands.values()):
            if command.drained_at and (command.output is None or now >= command.drained_at):
                self.finish(command)

    def receive(self) -> None:
        data = os.read(self.incoming, CHUNK)
        if not data:
            self.forget(self.incoming)
            return
        self.received += data
        while len(self.received) >= FRAME.size:
            length, kind, number = FRAME.unpack_from(self.received)
            if len(self.received) < FRAME.size + length:
                return
            payload = self.received[FRAME.size : FRAME.size + length]
            self.received = self.received[FRAME.size + length :]
            self.handle(kind, number, payload)

    def handle(self, kind: bytes, number: int, payload: bytes) -> None:
        if kind == b"R":
            self.start(number, json.loads(payload))
            return
        command = self.commands.get(number)
        if command is None:
            return  # it ended while the frame was on its way
        if kind == b"S" and command.control is not None:
            with suppress(BrokenPipeError):  # its keeper just ended
                os.write(command.control, b"s")
        elif kind == b"I" and command.stdin is not None:
            command.pending += payload
            self.watch(command.stdin, select.POLLOUT, self.feed, command)
        elif kind == b"E" and command.stdin is not None:
            command.close_stdin = True
            self.watch(command.stdin, select.POLLOUT, self.feed, command)

    def start(self, number: int, request: dict[str, Any]) -> None:
        control_end, control = os.pipe()
        status, status_end = os.pipe()
        stdin_end = stdin = None
        if request["stdin"] == "pty":
            output, output_end = os.openpty()
            fcntl.ioctl(output, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            stdin = os.dup(output)
        else:
            output, output_end = os.pipe()
            if request["stdin"] == "pipe":
                stdin_end, stdin = os.pipe()
        command = Command(number, control, status, output, stdin)
        command.keeper = os.fork()
        if command.keeper == 0:
            self.become_keeper(command, request, (control_end, status_end, stdin_end, output_end))
        for fd in (control_end, status_end, stdin_end, output_end):
            if fd is not None:
                os.close(fd)
        self.commands[number] = command
        if stdin is not None:
            os.set_blocking(stdin, False)
        self.watch(output, select.POLLIN, self.collect, command)
        self.watch(status, select.POLLIN, self.hear, command)

    def become_keeper(
        self, command: Command, request: dict[str, Any], ends: tuple[int, int, int | None, int]
    ) -> NoReturn:
        """In the forked process. Never returns."""
        control, status, stdin, output = ends
        try:
            others = [other.fds() for other in self.commands.values()]
            for fd in command.fds().union({self.incoming, self.outgoing}, *others):
                os.close(fd)
            os.dup2(os.open(os.devnull, os.O_RDWR), 2)  # who reads our stderr waits for the runner alone
            Keeper(request, control, status).run(stdin, output)
        finally:
            os._exit(0)

    def collect(self, command: Command) -> None:
        """Pass on what a command wrote. What comes after its end was reported is dropped."""
        assert command.output is not None
        try:
            data = os.read(command.output, CHUNK)
        except OSError:  # a terminal whose last user is gone
            data = b""
        if data and not (command.end and not command.drained_at):
            self.emit(b"O", command.number, data)
        if not data:
            self.forget(command.output)
            os.close(command.output)
            command.output = None

    def feed(self, command: Command) -> None:
        assert command.stdin is not None
        try:
            if command.pending:
                command.pending = command.pending[os.write(command.stdin, command.pending) :]
        except BlockingIOError:
            return
        except OSError:  # it reads no more
            command.pending, command.close_stdin = b"", True
        if command.pending:
            return
        self.forget(command.stdin)
        if command.close_stdin:
            if os.isatty(command.stdin):
                os.write(command.stdin, b"\x04")  # a terminal's end of file
                command.close_stdin = False
            else:
                os.close(command.stdin)
                command.stdin = None

    def hear(self, command: Command) -> None:
        """Read the keeper's reports; its end of file means that its tree is gone."""
        assert command.status is not None
        data = os.read(command.status, 4096)
        command.reported += data
        while b"\n" in command.reported:
            line, _, command.reported = command.reported.partition(b"\n")
            report = json.loads(line)
            if "pid" in report:
                self.emit(b"P", command.number, report)
            else:
                self.ended(command, report)
        if data:
            return
        if command.end is None:  # somebody killed the keeper: what it kept is ours now
            self.ended(
                command, {"code": 137, "reason": "killed", "seconds": 0.0, "survivors": 0, "cwd": None}
            )
            self.end_strays(command.keeper)
        self.release(command)

    def ended(self, command: Command, report: dict[str, Any]) -> None:
        command.end = report
        command.drained_at = time.monotonic() + DRAIN_SECONDS
        self.forget(command.stdin)

    def finish(self, command: Command) -> None:
        assert command.end is not None
        self.emit(b"X", command.number, command.end)
        command.drained_at = 0.0
        if command.status is None:
            self.discard(command)

    def release(self, command: Command) -> None:
        """The keeper is gone."""
        assert command.status is not None
        self.forget(command.status)
        os.close(command.status)
        command.status = None
        with suppress(ChildProcessError):  # collected among the strays
            os.waitpid(command.keeper, 0)
        if not command.drained_at:
            self.discard(command)

    def discard(self, command: Command) -> None:
        del self.commands[command.number]
        for fd in command.fds():
            self.forget(fd)
            os.close(fd)

    def join(self, command: Command) -> None:
        """Wait until a keeper that was told to end has done so."""
        if command.status is not None:
            while os.read(command.status, 4096):
                pass

    def end_strays(self, gone: int = 0) -> None:
        """End processes that lost their keeper; they are below this one now."""
        keepers = {c.keeper for c in self.commands.values() if c.status is not None and c.keeper != gone}
        limit = time.monotonic() + KILL_SECONDS
        while time.monotonic() < limit:
            strays = descendants(os.getpid(), keepers)
            if not strays:
                return
            send(strays, signal.SIGKILL)
            for pid in strays:
                with suppress(ChildProcessError):  # not (yet) a child of this process
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(0.005)


def make_state_directory() -> str:
    """A private directory for the shells' state; those of runners that were killed are removed."""
    parent = os.path.join(os.environ.get("TMPDIR") or "/tmp", f"hermes-shell-{os.getuid()}")
    os.makedirs(parent, mode=0o700, exist_ok=True)
    if os.stat(parent).st_uid != os.getuid() or os.path.islink(parent):
        raise SystemExit(f"{parent} belongs to somebody else; remove it or set TMPDIR.")
    for name in os.listdir(parent):
        pid = name.partition("-")[0]
        if pid.isdigit() and not alive(int(pid)):
            remove_directory(os.path.join(parent, name))
    path = os.path.join(parent, f"{os.getpid()}-{os.urandom(4).hex()}")
    os.mkdir(path, 0o700)
    return path


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def remove_directory(path: str) -> None:
    """Remove a state directory; it holds plain files only."""
    with suppress(OSError):  # another runner may be clearing it at the same time
        for name in os.listdir(path):
            os.unlink(os.path.join(path, name))
        os.rmdir(path)


def find_program(name: str) -> str | None:
    for directory in [*os.environ.get("PATH", "").split(":"), "/bin", "/usr/bin", "/usr/local/bin"]:
        path = os.path.join(directory, name)
        if os.access(path, os.X_OK):
            return path
    return None


def main() -> None:
    """Serve the one who started this process, on stdin and stdout, until stdin closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    Runner(incoming, outgoing).serve()
