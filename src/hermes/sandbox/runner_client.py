"""Our end of the line to a command runner: one process, started at the first use, many commands at once."""

import asyncio
import itertools
import json
import logging
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from hermes.sandbox.runner_program import ARGUMENTS, program

_FRAME = struct.Struct(">IcI")
_READ_LIMIT = 1 << 20
_START_SECONDS = 30.0

log = logging.getLogger(__name__)


class SandboxError(Exception):
    """The place where commands run can't be reached. One sentence for people."""


class Request(msgspec.Struct, kw_only=True):
    """What a runner is asked to run. Times in seconds."""

    argv: list[str]
    env: dict[str, str]
    cwd: str
    stdin: Literal["null", "pipe", "pty"] = "null"
    timeout: float | None = None
    grace: float = 2.0
    state: tuple[str, str] | None = None


class Hello(msgspec.Struct):
    """What a runner says about the place it runs in."""

    subreaper: bool
    """False: processes that detach themselves from a command may outlive it."""
    bash: str | None
    state: str
    """A private directory for the shells' state."""


class End(msgspec.Struct, kw_only=True):
    """How a command ended."""

    code: int
    reason: Literal["exit", "timeout", "stop", "gone", "cwd", "killed", "lost"]
    seconds: float = 0.0
    survivors: int = 0
    """Processes of its tree that could not be ended."""
    cwd: str | None = None
    """The shell's last directory; for the reason `cwd`, the nearest directory that exists."""
    error: str | None = None


class RunningCommand:
    """One command at the runner."""

    def __init__(self, client: "RunnerClient", number: int, on_data: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self.number = number
        self.on_data = on_data
        self.pid: asyncio.Future[int | None] = loop.create_future()
        """None when it ended without having started."""
        self.ended: asyncio.Future[End] = loop.create_future()
        self._client = client

    def write(self, data: bytes) -> None:
        self._client.send(b"I", self.number, data)

    def close_stdin(self) -> None:
        self._client.send(b"E", self.number)

    def stop(self) -> None:
        """End it and all that it started; `ended` tells when that is done."""
        self._client.send(b"S", self.number)

    def finish(self, end: End) -> None:
        if not self.pid.done():
            self.pid.set_result(None)
        if not self.ended.done():
            self.ended.set_result(end)


class RunnerClient:
    """Talks to one runner at a time; when that is lost, the next use starts another."""

    def __init__(self, interpreter: Sequence[str], environment: Mapping[str, str]) -> None:
        """`interpreter`: the command line of a Python where commands shall run."""
        self._interpreter = list(interpreter)
        self._environment = dict(environment)
        self._numbers = itertools.count(1)
        self._commands: dict[int, RunningCommand] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[Hello] | None = None

    def prepare(self) -> None:
        """Begin to start the runner, without waiting for it."""
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start())
            self._starting.add_done_callback(_seen)

    async def ready(self) -> Hello:
        """Wait until there is a runner. Raises SandboxError."""
        self.prepare()
        assert self._starting is not None
        return await asyncio.shield(self._starting)

    def run(self, request: Request, on_data: Callable[[bytes], None]) -> RunningCommand:
        """Run a command; `ready()` must have returned. `on_data` gets what it writes."""
        command = RunningCommand(self, next(self._numbers), on_data)
        self._commands[command.number] = command
        self.send(b"R", command.number, json.dumps(msgspec.to_builtins(request)).encode())
        return command

    def send(self, kind: bytes, number: int, payload: bytes = b"") -> None:
        if number not in self._commands or self._process is None or self._process.stdin is None:
            return  # it ended
        self._process.stdin.write(_FRAME.pack(len(payload), kind, number) + payload)

    async def close(self, seconds: float) -> None:
        """End everything that runs; at the latest after `seconds` the runner itself is killed."""
        if self._starting is not None:
            await asyncio.wait({self._starting}, timeout=seconds)
            self._starting.cancel()
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            log.warning("The command runner did not end within %.1f s and was killed.", seconds)
            process.kill()
            await process.wait()
        if self._reader is not None:
            await self._reader
        self._starting = None

    async def _start(self) -> Hello:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._interpreter,
                *ARGUMENTS,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environment,
                start_new_session=True,
                limit=_READ_LIMIT,
            )
        except OSError as error:
            self._starting = None
            raise SandboxError(
                f"Commands can't run: {self._interpreter[0]} does not start ({error.strerror})."
            ) from error
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        process.stdin.write(program())
        try:
            async with asyncio.timeout(_START_SECONDS):
                _, _, payload = await _read_frame(process.stdout)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            self._starting = self._process = None
            if process.returncode is None:
                process.kill()
            _, said = await process.communicate()
            why = said.decode(errors="replace").strip().rpartition("\n")[2] or "it said nothing"
            raise SandboxError(f"Commands can't run: the command runner did not start ({why}).") from error
        self._reader = asyncio.get_running_loop().create_task(self._read(process))
        return msgspec.json.decode(payload, type=Hello)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Deliver what the runner says until it is gone; what was running then is lost."""
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            while True:
                self._deliver(*await _read_frame(process.stdout))
        except (asyncio.IncompleteReadError, ConnectionError):
            said = (await process.stderr.read()).decode(errors="replace").strip()
            await process.wait()
        if self._process is process:
            log.warning("The command runner ended unexpectedly (exit code %s). %s", process.returncode, said)
            self._process = self._starting = None
        commands, self._commands = self._commands, {}
        for command in commands.values():
            command.finish(End(code=137, reason="lost"))

    def _deliver(self, kind: bytes, number: int, payload: bytes) -> None:
        command = self._commands.get(number)
        if command is None:
            return
        if kind == b"O":
            command.on_data(payload)
        elif kind == b"P":
            command.pid.set_result(json.loads(payload)["pid"])
        elif kind == b"X":
            del self._commands[number]
            command.finish(msgspec.json.decode(payload, type=End))


async def _read_frame(stream: asyncio.StreamReader) -> tuple[bytes, int, bytes]:
    length, kind, number = _FRAME.unpack(await stream.readexactly(_FRAME.size))
    return kind, number, await stream.readexactly(length)


def _seen(task: "asyncio.Task[Hello]") -> None:
    """A start that failed before anybody waited for it is reported at the next use."""
    if not task.cancelled():
        task.exception()
