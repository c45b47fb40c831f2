"""Background processes: commands that outlive the tool call that started them, and the table of them."""

import asyncio
import time
import uuid
from collections.abc import Mapping

from hermes.sandbox.contract import BackgroundProcess, ProcessInfo
from hermes.sandbox.output import RollingBuffer
from hermes.sandbox.runner_client import End, RunningCommand

KEEP_SECONDS = 1800.0
MOST = 64


class RunnerProcess:
    """A background process at a command runner."""

    def __init__(self, command: str, *, pty: bool) -> None:
        self._info = ProcessInfo(
            id=f"proc_{uuid.uuid4().hex[:12]}",
            command=command,
            pid=None,
            state="running",
            started_at=time.time(),
            pty=pty,
        )
        self._buffer = RollingBuffer()
        self._running: RunningCommand | None = None
        self._killed = False
        self._ended = asyncio.Event()

    async def attach(self, running: RunningCommand) -> None:
        """Take over the command that was started for this; returns when it has a pid or has failed."""
        self._running = running
        running.ended.add_done_callback(self._finish)
        self._info.pid = await asyncio.shield(running.pid)

    def fail(self, sentence: str) -> None:
        """It could not be started."""
        self.receive(sentence.encode())
        self._finish_with(End(code=126, reason="cwd"))

    def receive(self, data: bytes) -> None:
        self._buffer.feed(data)
        self._info.output_bytes += len(data)

    @property
    def info(self) -> ProcessInfo:
        return self._info

    def read(self, since: int = 0) -> tuple[str, int]:
        return self._buffer.read(since)

    async def wait(self, timeout: float) -> bool:
        try:
            await asyncio.wait_for(self._ended.wait(), timeout)
        except TimeoutError:
            return False
        return True

    async def write(self, data: str) -> None:
        if self._running is not None:
            self._running.write(data.encode())

    async def close_stdin(self) -> None:
        if self._running is not None:
            self._running.close_stdin()

    async def kill(self) -> None:
        if self._running is None or self._ended.is_set():
            return
        self._killed = True
        self._running.stop()
        await self._ended.wait()

    def _finish(self, ended: "asyncio.Future[End]") -> None:
        self._finish_with(ended.result())

    def _finish_with(self, end: End) -> None:
        if self._ended.is_set():
            return
        if end.reason == "cwd":
            if end.error:
                self.receive(f"The directory does not exist ({end.error}).".encode())
            self._info.state = "failed_start"
        elif end.reason == "lost":
            self._info.state = "lost"
        else:
            self._info.state = "killed" if self._killed or end.reason == "killed" else "exited"
        self._buffer.feed(b"", last=True)
        self._info.exit_code = end.code
        self._info.finished_at = time.time()
        self._ended.set()


class ProcessTable:
    """Background processes by id. Ended ones are kept half an hour; at most 64 in all, the oldest ended
    go first."""

    def __init__(self) -> None:
        self._processes: dict[str, RunnerProcess] = {}

    def add(self, process: RunnerProcess) -> None:
        """Raises OSError when 64 are running."""
        self._forget()
        if len(self._processes) >= MOST:
            raise OSError(f"{MOST} background processes are running; end some with process(action='kill').")
        self._processes[process.info.id] = process

    def view(self) -> Mapping[str, BackgroundProcess]:
        self._forget()
        return dict(self._processes)

    def _forget(self) -> None:
        ended = sorted(
            (process.info.finished_at, key)
            for key, process in self._processes.items()
            if process.info.finished_at is not None
        )
        for finished_at, key in ended:
            if finished_at < time.time() - KEEP_SECONDS or len(self._processes) >= MOST:
                del self._processes[key]
