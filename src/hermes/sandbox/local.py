"""The local sandbox: commands run as the user, on this machine."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from hermes.sandbox.background import ProcessTable, RunnerProcess
from hermes.sandbox.child_environment import SET_FOR_COMMANDS
from hermes.sandbox.contract import BackgroundProcess, CommandResult, FileSystem
from hermes.sandbox.files import LocalFiles
from hermes.sandbox.output import OutputWindow
from hermes.sandbox.runner_client import End, Hello, Request, RunnerClient, RunningCommand, SandboxError
from hermes.sandbox.shell_state import COMMAND_VARIABLE, LONGEST_COMMAND, ShellState
from hermes.sandbox.spool import SpoolFolder

_KILL_SECONDS = 8.0
"""Longer than the keeper's own limit for a killed tree."""


class Session(msgspec.Struct):
    """What persists between the commands of one session, as far as we hold it."""

    cwd: str
    state_file: str | None = None
    """None: no command has saved its state yet, so the next one starts from the first environment."""


class LocalSandbox:
    """Sandbox on this machine. Everything it starts ends with it, also when this process is killed."""

    kind = "local"
    isolated = False

    def __init__(
        self,
        *,
        cwd: str,
        environment: Mapping[str, str],
        spool_folder: Path,
        withheld: Collection[str] = (),
        init_files: Sequence[str] = (),
        output_limit: int = 50_000,
        grace: float = 2.0,
    ) -> None:
        """`environment` is what the first command of a session starts with, `withheld` the names that the
        init files must not bring back, `output_limit` in characters, `grace` in seconds between TERM and
        KILL."""
        self._start_cwd = cwd
        self._environment = dict(environment)
        self._withheld = withheld
        self._init_files = init_files
        self._output_limit = output_limit
        self._grace = grace
        self._spools = SpoolFolder(spool_folder)
        self._files = LocalFiles(self._environment.get("HOME", "/"))
        self._runner = RunnerClient([sys.executable], self._environment)
        self._sessions: dict[str, Session] = {}
        self._processes = ProcessTable()

    @property
    def files(self) -> FileSystem:
        return self._files

    @property
    def variables(self) -> Mapping[str, str]:
        return {name: self._environment[name] for name in SET_FOR_COMMANDS if name in self._environment}

    @property
    def scratch(self) -> str:
        return str(self._spools.path)

    def prepare(self) -> None:
        """Start the command runner in the background, so that the first command need not wait for it."""
        self._runner.prepare()

    def cwd(self, session: str) -> str:
        known = self._sessions.get(session)
        return self._start_cwd if known is None else known.cwd

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
        started = time.monotonic()
        refusal = _unusable(command)
        if refusal:
            return CommandResult(exit_code=126, output=refusal)
        window = OutputWindow(self._output_limit, self._spools.new, on_output)
        hello = await self._runner.ready()
        request = self._request(command, hello, session, workdir, save=True)
        request.timeout = timeout
        request.stdin = "pty" if pty else "null" if stdin is None else "pipe"
        running = self._runner.run(request, window.feed)
        if stdin is not None:
            running.write(stdin)
            running.close_stdin()
        end = await self._until_ended(running, stop)
        self._remember(session, request, end, keep_directory=workdir is not None)
        note = self._note(end, request.cwd, session)
        if note:
            window.feed(note.encode())
        window.close()
        return CommandResult(
            exit_code={"timeout": 124, "stop": 130}.get(end.reason, end.code),
            output=window.text(),
            output_bytes=window.bytes,
            spool_path=window.spool_path,
            timed_out=end.reason == "timeout",
            interrupted=end.reason == "stop",
            seconds=time.monotonic() - started,
        )

    async def start(
        self, command: str, *, session: str, workdir: str | None = None, pty: bool = False
    ) -> BackgroundProcess:
        process = RunnerProcess(command, pty=pty)
        self._processes.add(process)
        refusal = _unusable(command)
        if refusal:
            process.fail(refusal)
            return process
        try:
            hello = await self._runner.ready()
        except SandboxError as error:
            process.fail(str(error))
            return process
        request = self._request(command, hello, session, workdir, save=False)
        request.stdin = "pty" if pty else "pipe"
        await process.attach(self._runner.run(request, process.receive))
        return process

    def processes(self) -> Mapping[str, BackgroundProcess]:
        return self._processes.view()

    async def close(self) -> None:
        await self._runner.close(self._grace + _KILL_SECONDS)
        self._sessions.clear()

    def _request(
        self, command: str, hello: Hello, session: str, workdir: str | None, *, save: bool
    ) -> Request:
        known = self._sessions.setdefault(session, Session(self._start_cwd))
        first = known.state_file is None
        file = known.state_file or f"{hello.state}/{len(self._sessions)}.state"
        state = ShellState(hello.bash or "/bin/sh", file, self._init_files, self._withheld)
        cwd = known.cwd
        if workdir is not None:
            cwd = os.path.normpath(os.path.join(cwd, os.path.expanduser(workdir)))
        environment = {**self._environment} if first else {}
        environment |= {"PWD": cwd, COMMAND_VARIABLE: command}
        return Request(
            argv=state.arguments(first=first, save=save),
            env=environment,
            cwd=cwd,
            grace=self._grace,
            state=(state.new_file, state.file) if save else None,
        )

    async def _until_ended(self, running: RunningCommand, stop: asyncio.Event | None) -> End:
        """Wait for the end; see to it when `stop` is set or this task is cancelled."""
        try:
            if stop is not None:
                stopping = asyncio.ensure_future(stop.wait())
                running.ended.add_done_callback(lambda _: stopping.cancel())
                await asyncio.wait({stopping})
                if not running.ended.done():
                    running.stop()
            return await asyncio.shield(running.ended)
        except asyncio.CancelledError:
            running.stop()
            await asyncio.wait({running.ended}, timeout=self._grace + _KILL_SECONDS)
            raise

    def _remember(self, session: str, request: Request, end: End, *, keep_directory: bool) -> None:
        known = self._sessions[session]
        if end.reason == "lost":  # the state files went with the runner
            for other in self._sessions.values():
                other.state_file = None
        elif end.cwd is not None and request.state is not None:
            if end.reason != "cwd":
                known.state_file = request.state[1]
            if not keep_directory:
                known.cwd = end.cwd

    def _note(self, end: End, cwd: str, session: str) -> str:
        """What must be said about an end that is not the command's own, as a line of output."""
        if end.reason == "cwd":
            return (
                f"[The directory {cwd} can't be entered ({end.error}), so the command did not run. "
                f"The session is in {self.cwd(session)} now.]"
            )
        if end.reason == "lost":
            return (
                "\n[The process that runs commands was killed, and this command with it. Variables and "
                "functions of the session are gone; the next command starts anew.]"
            )
        if end.reason == "killed":
            return "\n[The process that guards this command was killed, and the command with it.]"
        if end.survivors:
            return f"\n[{end.survivors} processes of this command could not be ended.]"
        return ""


def _unusable(command: str) -> str | None:
    """Why a command can't be handed to a shell at all."""
    if "\0" in command:
        return "[The command holds a NUL character, which no shell accepts.]"
    size = len(command.encode("utf-8", "replace"))
    if size > LONGEST_COMMAND:
        return (
            f"[The command is {size:,} bytes long, more than the {LONGEST_COMMAND:,} a shell can be given. "
            "Write it to a file and run that.]"
        )
    return None
