"""Where commands run and files live. One interface; nothing outside this folder asks which one it is."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

import msgspec


class CommandResult(msgspec.Struct, kw_only=True):
    """How a command ended."""

    exit_code: int
    """The command's own; 124 after a timeout, 130 after an interrupt, 126 when its directory is gone."""
    output: str
    """stdout and stderr merged in order, ANSI sequences removed, decoded with replacement. Bounded: when
    the command wrote more than the limit, the head (40 %) and tail (60 %) around a line that counts what
    was left out."""
    output_bytes: int = 0
    """All that the command wrote."""
    spool_path: str | None = None
    """A file inside the sandbox with the whole output, when it did not fit."""
    timed_out: bool = False
    interrupted: bool = False
    seconds: float = 0.0


ProcessState = Literal["running", "exited", "killed", "lost", "failed_start"]


class ProcessInfo(msgspec.Struct, kw_only=True):
    """A background process."""

    id: str
    """`proc_<12 hex>`"""
    command: str
    pid: int | None
    state: ProcessState
    exit_code: int | None = None
    started_at: float = 0.0
    finished_at: float | None = None
    output_bytes: int = 0
    pty: bool = False


class BackgroundProcess(Protocol):
    """A process that outlives the tool call that started it."""

    @property
    def info(self) -> ProcessInfo: ...

    def read(self, since: int = 0) -> tuple[str, int]:
        """Output from byte `since` on (as far as the 200,000-byte window still holds it) and the new
        offset."""
        ...

    async def wait(self, timeout: float) -> bool:
        """Wait until it ended; False when `timeout` seconds passed first."""
        ...

    async def write(self, data: str) -> None: ...

    async def close_stdin(self) -> None: ...

    async def kill(self) -> None:
        """End the whole process tree: SIGTERM, then SIGKILL after the grace time."""
        ...


class FileInfo(msgspec.Struct, kw_only=True):
    path: str
    """Absolute and without symbolic links."""
    kind: Literal["file", "directory", "other"]
    size: int
    mode: int
    modified_at: float


class FileSystem(Protocol):
    """Files as the sandbox's commands see them. Paths are absolute; errors are OSError subclasses."""

    async def resolve(self, path: str, cwd: str) -> str:
        """Absolute real path: `~`, relative parts and symbolic links resolved; the file need not exist."""
        ...

    async def stat(self, path: str) -> FileInfo | None: ...

    async def read(self, path: str, limit: int | None = None) -> bytes: ...

    async def write(self, path: str, data: bytes) -> None:
        """Atomic (temporary file beside it, fsync, rename), keeps an existing file's mode, makes parent
        directories."""
        ...

    async def remove(self, path: str) -> None: ...

    async def move(self, source: str, target: str) -> None: ...

    async def list(self, path: str) -> list[FileInfo]: ...


class Sandbox(Protocol):
    """A place to work in. State (directory, exported and shell variables, functions) persists between
    commands of the same `session`; sessions share the files but not the directory."""

    @property
    def kind(self) -> str:
        """`local`, `docker`, `ssh`: for display only."""
        ...

    @property
    def isolated(self) -> bool:
        """True when commands cannot touch the host."""
        ...

    @property
    def files(self) -> FileSystem: ...

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables that we set for commands, such as HERMES_HOME, with what a session starts with."""
        ...

    @property
    def scratch(self) -> str:
        """Absolute path of a directory for what the agent itself keeps here (long tool results)."""
        ...

    def prepare(self) -> None:
        """Begin to start what commands need, without waiting for it; optional before the first command."""
        ...

    def cwd(self, session: str) -> str: ...

    async def run(
        self,
        command: str,
        *,
        session: str,
        timeout: float,
        workdir: str | None = None,
        stdin: bytes | None = None,
        pty: bool = False,
        on_output: Callable[[str], None] | None = None,
        stop: asyncio.Event | None = None,
    ) -> CommandResult:
        """Run a shell command to its end. When `timeout` seconds have passed, when `stop` is set, or when the
        calling task is cancelled, every process that the command started is ended; the first two give a
        result with what was written so far, cancellation re-raises."""
        ...

    async def start(
        self, command: str, *, session: str, workdir: str | None = None, pty: bool = False
    ) -> BackgroundProcess: ...

    def processes(self) -> Mapping[str, BackgroundProcess]:
        """Background processes by id: running ones and those that ended in the last 30 minutes (at most
        64)."""
        ...

    async def close(self) -> None:
        """End every process; the files stay."""
        ...
