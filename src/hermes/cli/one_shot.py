"""One input, one answer, one exit code: `-z` and `chat -q`. Nobody is asked anything."""

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Literal

import click

from hermes.cli.errors import FAILED, INTERRUPTED, OK, Refused, complain, put_out, say
from hermes.cli.masking import Mask, MaskedStream
from hermes.cli.narration import Narrator, plain
from hermes.cli.opening import Place, begin_logging, conversation_settings, open_runtime
from hermes.cli.options import ChatOptions
from hermes.cli.resume import finish_unfinished, start_directory, wanted_session
from hermes.cli.text import visible
from hermes.cli.usage_report import Outcome
from hermes.cli.worktree import working_directory
from hermes.store.events import EventRecord, MessageDelta, MessageStored, RunFinished
from hermes.store.records import Run, RunStatus, Session

if TYPE_CHECKING:
    from hermes.home.settings import Settings
    from hermes.runs.runtime import Runtime

Style = Literal["answer", "quiet", "lines"]
"""`answer`: only the final text (-z). `quiet`: that, and the session's id on stderr (-q -Q). `lines`: what is
done as well, on stderr (-q)."""

EXIT_CODES: dict[RunStatus, int] = {"completed": OK, "cancelled": INTERRUPTED}
"""Of a finished run; every other status is a failure."""


def read_prompt(text: str) -> str:
    """The prompt; `-` reads it from standard input. Raises UsageError when there is none."""
    if text == "-":
        text = sys.stdin.read()
    if not text.strip():
        raise click.UsageError("The prompt is empty; say what is to be done.")
    return text


async def answer_once(place: Place, options: ChatOptions, prompt: str, style: Style, outcome: Outcome) -> int:
    """Ask, print the answer, return the exit code. `outcome` learns what happened, also when this raises."""
    settings = conversation_settings(place, options)
    begin_logging(place, settings)
    session = await find_resumed(place, options)
    async with (
        working_directory(start_directory(session, options), options.worktree or settings.worktree) as cwd,
        open_runtime(place, settings, options, cwd) as runtime,
    ):
        _note_model(outcome, runtime)
        if session is None:
            session = await runtime.new_session()
        outcome.session_id = session.id
        shown = Progress(style, runtime.masked)
        asking = _Asking(runtime, session, settings, shown)
        try:
            outcome.run = run = await asking.ask(prompt)
            shown.end(run)
        finally:
            _note_model(outcome, runtime)
            await runtime.store.sessions.end(runtime.scope, session.id, "oneshot")
        await runtime.clean_up()
    if style != "answer":
        say(f"session_id: {session.id}")
    return EXIT_CODES.get(run.status, FAILED)


def _note_model(outcome: Outcome, runtime: "Runtime") -> None:
    """Which model answers. Where none was named, that is known after the first reply only."""
    endpoint = runtime.model.endpoint
    outcome.model, outcome.provider = endpoint.model or None, endpoint.provider


async def find_resumed(place: Place, options: ChatOptions) -> Session | None:
    """The session that the command line names, if it names one."""
    if options.resume is None and options.continue_ is None:
        return None
    from hermes.store.database import Store

    store = Store.open(place.profile)
    try:
        return await wanted_session(store, place.scope, options)
    finally:
        await store.close()


class _Asking:
    """The run that is at work, and what Ctrl-C does to it."""

    def __init__(self, runtime: "Runtime", session: Session, settings: "Settings", shown: "Progress") -> None:
        self._runtime = runtime
        self._session = session
        self._shown = shown
        self._run: Run | None = None
        self._stopping = False
        self._task: asyncio.Task[Any] | None = None

    async def ask(self, prompt: str) -> Run:
        """Finish what the session left unfinished, then run the new input to its end."""
        from hermes.runs.people import Nobody
        from hermes.runs.runtime import RunRefused
        from hermes.runs.typed_input import submit_typed

        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        try:
            people = Nobody()
            for run in await finish_unfinished(
                self._runtime, self._session, people=people, listen=self._shown.step, begin=self._begin
            ):
                if run.status == "cancelled":
                    return run
            accepted = await submit_typed(self._runtime, self._session.id, prompt, attended=False)
            for warning in accepted.warnings:
                say(f"hermes: {warning}")
            self._begin(accepted.run)
            try:
                return await self._runtime.execute(accepted.run.id, people=people, listen=self._shown.event)
            except RunRefused as refusal:
                await self._runtime.withdraw(accepted.run.id)
                raise Refused(f"{refusal} The request was not taken; try again later.") from refusal
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    def _begin(self, run: Run) -> None:
        self._run = run

    def _interrupt(self) -> None:
        if self._stopping:
            os._exit(INTERRUPTED)
        self._stopping = True
        say("Stopping; press Ctrl-C again to leave at once.")
        if self._run is None or not self._runtime.interrupt(self._run.id, "stopped by Ctrl-C"):
            assert self._task is not None
            self._task.cancel()


class Progress:
    """What is shown of a run: nothing but the answer, or also each thing done, on stderr."""

    def __init__(self, style: Style, mask: Mask) -> None:
        put_out()  # before any work: there must be a place for what comes of it
        self._lines = style == "lines"
        self._terminal = sys.stdout.isatty()
        """What a model says must not move the cursor or change the title; a pipe gets every byte."""
        self._streams = self._lines and self._terminal
        self._narrator = Narrator()
        self._arriving = MaskedStream(mask)
        self._open = False
        """A text is on the screen without its line end."""
        self._streamed = False
        """The last whole message was shown as it came."""

    def event(self, record: EventRecord) -> None:
        """Show one event of the run whose answer is printed."""
        event = record.event
        if self._streams and isinstance(event, MessageDelta):
            self._write(self._arriving.feed(event.text))
        elif isinstance(event, MessageStored) and event.message.role == "assistant":
            self._write(self._arriving.finish())
            self._streamed = self._open
            self._close()
        else:
            self.step(record)

    def step(self, record: EventRecord) -> None:
        """Show what was done, and nothing of what is said."""
        if not self._lines or isinstance(record.event, RunFinished):
            return
        line = self._narrator.line(record.event)
        if line is not None:
            self._close()
            say(plain(line, _stderr_width()))

    def end(self, run: Run) -> None:
        """Print the answer, if it is not on the screen already, and the failure, if there was one."""
        self._close()
        if run.answer and run.status != "cancelled" and not self._streamed:
            answer = run.answer if run.answer.endswith("\n") else f"{run.answer}\n"
            put_out(visible(answer) if self._terminal else answer)
        if run.status == "cancelled":
            complain("interrupted.")
        elif run.status != "completed" and run.error != run.answer:
            complain(run.error or f"the run failed: {run.reason}.")

    def _write(self, text: str) -> None:
        put_out(visible(text) if self._terminal else text)
        self._open = self._open or bool(text)

    def _close(self) -> None:
        self._write(self._arriving.finish())
        if self._open:
            put_out("\n")
        self._open = False


def _stderr_width() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except OSError:
        return 200
