"""One conversation: what is typed becomes a run, a word to the run at work, or a slash command."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from hermes.agent.tokens import text_tokens, tools_tokens, transcript_tokens
from hermes.cli.errors import Refused, sentence_of
from hermes.cli.interactive.people import TerminalPeople
from hermes.cli.interactive.screen import Screen
from hermes.cli.interactive.slash.dispatch import find_command, run_command
from hermes.cli.interactive.status import Status, status_line
from hermes.cli.narration import Line
from hermes.cli.opening import Place
from hermes.home.settings import DisplaySettings
from hermes.models.context_windows import context_window
from hermes.runs.runtime import RunRefused
from hermes.runs.typed_input import submit_typed
from hermes.store.events import EventRecord
from hermes.store.records import Run, Session
from hermes.tools.contract import People

if TYPE_CHECKING:
    from hermes.runs.runtime import Runtime

log = logging.getLogger("hermes.cli")

LEAVE_WAIT_SECONDS = 5.0
TICK_SECONDS = 0.1


class View(Protocol):
    """Shows what happens in a conversation."""

    @property
    def took(self) -> float: ...

    def said(self, text: str) -> None: ...
    def begin(self) -> None: ...
    def event(self, record: EventRecord) -> None: ...
    def end(self) -> None: ...
    def queued(self, texts: list[str]) -> None: ...
    def tick(self) -> None: ...


class Conversation:
    """Holds the session, the run at work and what waits for its turn. Implements the screen's Controls."""

    def __init__(
        self,
        *,
        place: Place,
        runtime: "Runtime",
        session: Session,
        screen: Screen,
        view: View,
        leave: Callable[[], None],
    ) -> None:
        self.place = place
        self.runtime = runtime
        self.session = session
        self.screen = screen
        self.view = view
        self.people: People = TerminalPeople(screen)
        self.run: Run | None = None
        """The run at work."""
        self.waiting: deque[str] = deque()
        self.failed = False
        """The last run did not complete."""
        self.show_status = True
        self.delete_on_leave = False
        self._leave = leave
        self._wake = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._commands: set[asyncio.Task[None]] = set()
        self._status = Status()

    @property
    def display(self) -> DisplaySettings:
        return self.runtime.settings.display

    @property
    def busy(self) -> bool:
        return self._work is not None and not self._work.done()

    # What the screen asks -------------------------------------------------------------------------------

    def submit(self, text: str) -> None:
        """Something was typed and sent."""
        command = find_command(self, text)
        if command is not None and command.at_once:
            task = asyncio.create_task(self.guarded(run_command(self, text)))
            self._commands.add(task)
            task.add_done_callback(self._commands.discard)
        elif command is None and self.busy and self.run is not None:
            self._while_busy(text)
        else:
            self.enqueue(text)

    def interrupt(self) -> bool:
        """Stop what is at work; False when nothing is."""
        if not self.busy:
            return False
        assert self._work is not None
        if self.run is None or not self.runtime.interrupt(self.run.id, "stopped at the terminal"):
            self._work.cancel()
        return True

    def status(self, width: int) -> str:
        if not self.show_status:
            return ""
        endpoint = self.runtime.model.endpoint
        status = self._status
        status.model, status.provider = endpoint.model, endpoint.provider
        status.window = context_window(endpoint)
        status.took = self.view.took or status.took
        status.busy, status.yolo = self.busy, self.runtime.yolo
        status.queued, status.busy_mode = len(self.waiting), self.display.busy_input_mode
        return status_line(status, width)

    # What waits -----------------------------------------------------------------------------------------

    def enqueue(self, text: str, *, first: bool = False) -> None:
        """Have `text` taken up when what is at work has ended."""
        if first:
            self.waiting.appendleft(text)
        else:
            self.waiting.append(text)
        self.view.queued(list(self.waiting) if self.busy else [])
        self._wake.set()

    def _while_busy(self, text: str) -> None:
        mode = self.display.busy_input_mode
        if mode == "steer" and self.run is not None and self.runtime.steer(self.run.id, text):
            self.screen.line(Line("↪", "", f"passed on: {text}", tone="dim"))
        elif mode == "interrupt":
            self.enqueue(text, first=True)
            self.interrupt()
        else:
            self.enqueue(text)

    def leave(self) -> None:
        """End the conversation."""
        self._leave()

    # Taking things up -----------------------------------------------------------------------------------

    async def work(self) -> None:
        """Take up what is typed, one after the other, until cancelled."""
        ticking = asyncio.create_task(self._tick())
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self.work_off()
        finally:
            ticking.cancel()

    async def work_off(self) -> None:
        """Take up all that waits."""
        while self.waiting:
            text = self.waiting.popleft()
            self._work = asyncio.create_task(self.guarded(self.take(text)))
            self.view.queued(list(self.waiting))
            await asyncio.wait({self._work})
            self.screen.refresh()

    async def take(self, text: str) -> None:
        """Do what was typed, to its end."""
        if find_command(self, text) is not None or text.startswith("/"):
            await run_command(self, text)
        else:
            await self.converse(text)

    async def converse(self, text: str) -> None:
        """Run an input to its end. A run that was handed back, such as after an error, comes first."""
        self.view.said(text)
        await self.finish_unfinished()
        accepted = await submit_typed(self.runtime, self.session.id, text, attended=self.people.attended)
        for warning in accepted.warnings:
            self.screen.line(Line("!", "", warning, tone="warn"))
        try:
            await self.execute(accepted.run)
        except RunRefused as refusal:
            await self.runtime.withdraw(accepted.run.id)
            raise Refused(f"{refusal} Your line was not taken; send it again later.") from refusal

    async def execute(self, run: Run) -> None:
        """Work on an accepted run until it ends."""
        self.run = run
        self.view.begin()
        try:
            run = await self.runtime.execute(run.id, people=self.people, listen=self.view.event)
            self.failed = run.status != "completed"
        finally:
            self._status.took = self.view.took
            self.run = None
            self.view.end()
        await self.refresh()

    async def take_up_unfinished(self) -> None:
        """As `finish_unfinished`, before anything typed is taken up."""
        self._work = asyncio.create_task(self.guarded(self.finish_unfinished()))
        await asyncio.wait({self._work})

    async def finish_unfinished(self) -> None:
        """Take over what a dead process left behind in this session."""
        for run in await self.runtime.unfinished(self.session.id):
            self.screen.line(
                Line(
                    "↻",
                    "",
                    f"finishing what was interrupted: {self.runtime.masked(run.input.content)}",
                    tone="warn",
                )
            )
            await self.execute(run)

    async def refresh(self) -> None:
        """Read the session anew, and what its context holds."""
        session = await self.runtime.store.sessions.get(self.runtime.scope, self.session.id)
        if session is not None:
            self.session = session
        rows = await self.runtime.store.messages.active(self.runtime.scope, self.session.id)
        tools = tools_tokens(tool.spec() for tool in self.runtime.tools.values())
        prompt = text_tokens(self.session.system_prompt or "")
        self._status.tokens = prompt + tools + transcript_tokens(rows) if rows else 0
        self._status.cost_usd = self.session.usage.cost_usd

    async def close(self) -> None:
        """Stop what is at work, and end the session; one in which nothing was said is dropped."""
        if self.busy and self._work is not None:
            self.interrupt()
            await asyncio.wait({self._work}, timeout=LEAVE_WAIT_SECONDS)
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        await self.refresh()
        if self.delete_on_leave or self.session.message_count == 0:
            await self.runtime.store.sessions.delete(self.runtime.scope, self.session.id)
        else:
            await self.runtime.store.sessions.end(self.runtime.scope, self.session.id, "left")

    async def guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work`; what goes wrong becomes a line."""
        try:
            await work
        except asyncio.CancelledError:
            self.screen.line(Line("■", "", "interrupted", tone="warn"))
        except Exception as error:  # the border of one input: the chat goes on
            self.failed = True
            sentence = sentence_of(error)
            if sentence is None:
                log.exception("an input failed inside")
                where = self.place.profile.logs / "errors.log"
                sentence = (
                    f"Something went wrong inside ({type(error).__name__}); the details are in {where}."
                )
            self.screen.line(Line("✗", "", sentence, tone="bad"))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self.busy:
                self.view.tick()
