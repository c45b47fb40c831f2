"""The chat's screen on a real terminal: output scrolls up as usual, the input stays below it.

Output is written above the input without ever taking the keyboard away, so nothing typed meanwhile is lost.
"""

import asyncio
import base64
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from prompt_toolkit.application import Application
from prompt_toolkit.completion import Completer
from prompt_toolkit.output.color_depth import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output

from hermes.cli.interactive.composer import Composer
from hermes.cli.interactive.dialog import Dialog
from hermes.cli.interactive.keys import dialog_keys, input_keys
from hermes.cli.interactive.layout import STYLE, Regions
from hermes.cli.interactive.screen import Choice
from hermes.cli.interactive.theme import Paint
from hermes.cli.narration import Line, Tone
from hermes.cli.text import visible

LEAVE_SECONDS = 2.0
"""Two interrupts within this time leave the chat."""
LIVE_SHARE = 0.5
"""Of the terminal's height, at most, for what is in progress."""


class Controls(Protocol):
    """What the keys ask of the conversation."""

    def submit(self, text: str) -> None: ...

    def interrupt(self) -> bool:
        """Stop what is at work; False when nothing is."""
        ...

    def status(self, width: int) -> str: ...


class TerminalScreen:
    """Implements Screen on prompt_toolkit."""

    def __init__(self, history_file: Path, completer: Completer, paint: Paint, term: str) -> None:
        self.composer = Composer(history_file, completer)
        self.dialog: Dialog | None = None
        self._paint = paint
        self._controls: Controls | None = None
        self._live = ""
        self._held: list[str] = []
        """Output that waits while an editor has the terminal."""
        self._editing = False
        self._reading: asyncio.Future[str | None] | None = None
        self._interrupted_at = 0.0
        self._output = Vt100_Output.from_pty(sys.stdout, term=term)
        self._output.enable_cpr = False
        self._regions = Regions(
            self.composer,
            live=lambda: self._live,
            dialog=lambda: self.dialog,
            status=self._status_text,
            marker=lambda: "? " if self._reading else "❯ ",
            dialog_keys=dialog_keys(self),
        )
        self._app: Application[None] = Application(
            layout=self._regions.layout,
            key_bindings=input_keys(self),
            style=STYLE,
            output=self._output,
            color_depth=ColorDepth.DEPTH_4_BIT if paint.colours else ColorDepth.DEPTH_1_BIT,
            erase_when_done=True,
        )

    @property
    def width(self) -> int:
        return max(self._output.get_size().columns, 10)

    @property
    def live_lines(self) -> int:
        """How many lines there are for what is in progress."""
        return max(int(self._output.get_size().rows * LIVE_SHARE), 3)

    @property
    def paint(self) -> Paint:
        return self._paint

    async def run(self, controls: Controls) -> None:
        """Read keys until the person leaves."""
        self._controls = controls
        await self._app.run_async(handle_sigint=True)

    def leave(self) -> None:
        """End `run`."""
        if self._app.is_running and not self._app.is_done:
            self._app.exit()

    # Output ---------------------------------------------------------------------------------------------

    def say(self, text: str, tone: Tone = "plain") -> None:
        lines = visible(text).split("\n")
        self.write("\n".join(self._paint.tone(line, tone) for line in lines))

    def line(self, line: Line) -> None:
        self.write(self._paint.line(line, self.width - 1))

    def write(self, text: str) -> None:
        """Put whole lines above the input."""
        if self._editing:
            self._held.append(text)
            return
        running = self._app.is_running and not self._app.is_done
        if running:
            self._app.renderer.erase()
        self._output.write_raw(text.replace("\n", "\r\n") + "\r\n")
        self._output.flush()
        if running:
            self._app.invalidate()

    def set_live(self, text: str) -> None:
        """Show what is in progress, above the input; lines that do not fit are cut at the top."""
        lines = text.split("\n")
        shown = "\n".join(lines[-self.live_lines :])
        if shown != self._live:
            self._live = shown
            self._app.invalidate()

    def refresh(self) -> None:
        """Draw the status anew."""
        self._app.invalidate()

    def clear(self) -> None:
        """Empty the terminal; the session is not touched."""
        self._app.renderer.clear()
        self._app.invalidate()

    def copy(self, text: str) -> None:
        """By the terminal's own escape sequence, which works over ssh too."""
        self._output.write_raw(f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07")
        self._output.flush()

    def bell(self) -> None:
        self._output.bell()
        self._output.flush()

    # Questions ------------------------------------------------------------------------------------------

    async def choose(
        self,
        title: str,
        details: Sequence[str],
        choices: Sequence[Choice],
        *,
        default: str,
        reasons: Sequence[str] = (),
    ) -> str:
        clean = [visible(detail) for detail in details]
        why = [visible(reason) for reason in reasons]
        self.dialog = Dialog(visible(title), clean, why, choices, default)
        if self.dialog.overflows(self.width):
            self.say("\n".join(clean))
        self._regions.focus_dialog()
        self._app.invalidate()
        try:
            return await self.dialog.answer
        finally:
            self.dialog = None
            self._regions.focus_input()
            self._app.invalidate()

    async def ask(self, question: str) -> str | None:
        self.write(self._paint.tone(f"? {visible(question)}", "warn", bold=True))
        bring_back = self.composer.set_aside()
        self._reading = asyncio.get_running_loop().create_future()
        self._app.invalidate()
        try:
            return await self._reading
        finally:
            self._reading = None
            bring_back()
            self._app.invalidate()

    # What the keys do -----------------------------------------------------------------------------------

    def send(self) -> None:
        """Hand over what was typed: to the open question, else to the conversation."""
        text = self.composer.take()
        if self._reading is not None and not self._reading.done():
            self._reading.set_result(text)
        elif text.strip() and self._controls is not None:
            self._controls.submit(text)

    def complete(self) -> None:
        """Insert what is common to all completions, or go through them."""
        buffer = self.composer.buffer
        if buffer.complete_state is not None:
            buffer.complete_next()
        else:
            buffer.start_completion(insert_common_part=True)

    def interrupt(self) -> None:
        """Close the question, else stop the run, else empty the input; twice in a row: leave."""
        now = time.monotonic()
        twice = now - self._interrupted_at < LEAVE_SECONDS
        self._interrupted_at = now
        if twice:
            self.leave()
            return
        if self.dialog is not None:
            self.dialog.back_out()
        if self._reading is not None and not self._reading.done():
            self._reading.set_result(None)
        if self._controls is not None and self._controls.interrupt():
            return
        if self.composer.buffer.text:
            self.composer.take()
        self.say("Press Ctrl-C again to leave.", "dim")

    def edit_outside(self) -> None:
        """Write on in $EDITOR. Output waits until it is closed."""
        self._editing = True
        self._app.create_background_task(self._edit())

    async def _edit(self) -> None:
        try:
            await self.composer.buffer.open_in_editor()
        finally:
            self._editing = False
            held, self._held = self._held, []
            for text in held:
                self.write(text)

    def _status_text(self) -> str:
        return self._controls.status(self.width) if self._controls is not None else ""
