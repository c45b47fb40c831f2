"""The chat without a terminal's graces: one line in, its answer out. For pipes and dumb terminals.

Answers go to standard output, everything else to standard error.
"""

import asyncio
import os
import shutil
import signal
import sys
import threading
from collections.abc import Sequence

from hermes.cli.errors import FAILED, INTERRUPTED, OK, say
from hermes.cli.interactive.banner import banner
from hermes.cli.interactive.conversation import Conversation
from hermes.cli.interactive.conversation_moves import reopen
from hermes.cli.interactive.screen import Choice
from hermes.cli.interactive.theme import Paint
from hermes.cli.masking import Mask, MaskedStream
from hermes.cli.narration import Line, Narrator, Tone, plain
from hermes.cli.one_shot import find_resumed
from hermes.cli.opening import Place, begin_logging, conversation_settings, open_runtime
from hermes.cli.options import ChatOptions
from hermes.cli.printing import UNCUT
from hermes.cli.resume import start_directory
from hermes.cli.text import visible
from hermes.cli.worktree import working_directory
from hermes.runs.people import Nobody
from hermes.store.events import EventRecord, MessageDelta, MessageStored

PIPE_WIDTH = 100
"""Columns of what is laid out where no terminal says how many there are."""


class PlainScreen:
    """Implements Screen with lines. `attended`: a person types the lines."""

    def __init__(self, attended: bool) -> None:
        self.attended = attended

    @property
    def width(self) -> int:
        return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns

    @property
    def paint(self) -> Paint:
        return Paint(colours=False, plain=True)

    def say(self, text: str, tone: Tone = "plain") -> None:
        say(visible(text))

    def line(self, line: Line) -> None:
        say(plain(line, UNCUT))

    def write(self, text: str) -> None:
        say(text)

    async def choose(
        self,
        title: str,
        details: Sequence[str],
        choices: Sequence[Choice],
        *,
        default: str,
        reasons: Sequence[str] = (),
    ) -> str:
        if not self.attended:
            return default
        say(
            visible(
                "\n".join(
                    [title, *(f"  {detail}" for detail in details), *(f"  ! {reason}" for reason in reasons)]
                )
            )
        )
        for number, choice in enumerate(choices, 1):
            say(f"  {number}. {choice.label}")
        answer = (await read_line("Number: ") or "").strip()
        if answer.isdigit() and 0 < int(answer) <= len(choices):
            return choices[int(answer) - 1].value
        return default

    async def ask(self, question: str) -> str | None:
        if not self.attended:
            return None
        say(visible(f"? {question}"))
        answer = await read_line("> ")
        return answer.rstrip("\n") if answer is not None else None

    def clear(self) -> None:
        """There is nothing to clear."""

    def refresh(self) -> None:
        """There is no status line."""

    def copy(self, text: str) -> None:
        """There is no clipboard."""


class PlainView:
    """Shows a run's events as they come: text on standard output, the rest on standard error."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._narrator = Narrator()
        self._open = False
        self._arriving = MaskedStream(mask)

    @property
    def took(self) -> float:
        return 0.0

    def said(self, text: str) -> None:
        """It stands there already."""

    def begin(self) -> None: ...

    def end(self) -> None:
        self._close()

    def queued(self, texts: list[str]) -> None: ...

    def tick(self) -> None: ...

    def event(self, record: EventRecord) -> None:
        event = record.event
        if isinstance(event, MessageDelta):
            self._write(self._arriving.feed(event.text))
        elif isinstance(event, MessageStored):
            self._write(self._arriving.finish())
            if event.message.role == "assistant" and not self._open:
                self._write(self._mask(event.message.content))
            self._close()
        elif (line := self._narrator.line(event)) is not None:
            self._close()
            say(plain(line, UNCUT))

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(visible(text))
            sys.stdout.flush()
            self._open = True

    def _close(self) -> None:
        self._write(self._arriving.finish())
        if self._open:
            sys.stdout.write("\n")
            sys.stdout.flush()
        self._open = False


async def converse_in_lines(place: Place, options: ChatOptions) -> int:
    """Take up each line of standard input; 1 when the last run did not complete."""
    settings = conversation_settings(place, options)
    begin_logging(place, settings)
    resumed = await find_resumed(place, options)
    async with (
        working_directory(start_directory(resumed, options), options.worktree or settings.worktree) as cwd,
        open_runtime(place, settings, options, cwd) as runtime,
    ):
        attended = sys.stdin.isatty()
        screen = PlainScreen(attended)
        session = resumed or await runtime.new_session()
        ended = asyncio.Event()
        conversation = Conversation(
            place=place,
            runtime=runtime,
            session=session,
            screen=screen,
            view=PlainView(runtime.masked),
            leave=ended.set,
        )
        if attended:
            place_text = banner(
                runtime.model.endpoint,
                session,
                profile=place.profile.name,
                cwd=str(cwd),
                width=screen.width,
                paint=screen.paint,
                compact=True,
            )
            say(place_text)
        else:
            conversation.people = Nobody()
        try:
            await reopen(conversation)
            await conversation.guarded(conversation.finish_unfinished())
            await _take_lines(conversation, ended, "> " if attended else "")
        finally:
            await conversation.close()
        say(f"session_id: {conversation.session.id}")
        await runtime.clean_up()
        return FAILED if conversation.failed and not attended else OK


async def _take_lines(conversation: Conversation, ended: asyncio.Event, prompt: str) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, _interrupted, conversation)
    try:
        while not ended.is_set():
            line = await read_line(prompt)
            if line is None:
                return
            if line.strip():
                conversation.enqueue(line.rstrip("\n"))
            await conversation.work_off()
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _interrupted(conversation: Conversation) -> None:
    """Ctrl-C: stop the run; leave when nothing is at work, since a line being read cannot be taken back."""
    if not conversation.interrupt():
        say("")
        os._exit(INTERRUPTED)


async def read_line(prompt: str) -> str | None:
    """One line of standard input, None at its end. A thread that nobody waits for at exit reads it."""
    if prompt:
        sys.stderr.write(prompt)
        sys.stderr.flush()
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def deliver(text: str) -> None:
        if not line.done():
            line.set_result(text)

    def read() -> None:
        text = sys.stdin.readline()
        loop.call_soon_threadsafe(deliver, text)

    threading.Thread(target=read, daemon=True).start()
    text = await line
    if prompt and not text:
        say("")
    return text or None
