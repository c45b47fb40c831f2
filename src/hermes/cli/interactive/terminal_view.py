"""A run's events on the terminal: what is finished scrolls up, what is in progress stays live below."""

import textwrap
import time
from typing import Literal

from hermes.cli.interactive.markdown import typeset
from hermes.cli.interactive.markdown_stream import MarkdownStream
from hermes.cli.interactive.terminal_screen import TerminalScreen
from hermes.cli.masking import Mask, MaskedStream
from hermes.cli.narration import Line, Narrator, layout, running_line
from hermes.cli.text import count, fit, fit_line, money, seconds, visible
from hermes.home.settings import DisplaySettings
from hermes.store import events
from hermes.store.records import Message

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
LIVE_BLOCK_CHARACTERS = 6_000
"""A longer block in progress is shown as written until it is whole."""
REASONING_LINES = 8
LIVE_REASONING_LINES = 3
DRAW_SECONDS = 0.05
"""Between drawings of what is in progress, however fast text arrives."""
DIFF_LINES = 40
OUTPUT_LINES = 20

Kind = Literal["start", "said", "text", "thought", "line"]


class TerminalView:
    """Shows one conversation's runs. The display settings may change while it works."""

    def __init__(self, screen: TerminalScreen, display: DisplaySettings, mask: Mask) -> None:
        self._screen = screen
        self._display = display
        self._mask = mask
        self._arriving, self._thinking = MaskedStream(mask), MaskedStream(mask)
        self._stream = MarkdownStream()
        self._streamed = 0
        """Characters of the message in progress that were fed into the stream."""
        self._reasoning = ""
        self._narrator = Narrator()
        self._started: dict[str, float] = {}
        self._outputs: dict[str, str] = {}
        self._last: Kind = "start"
        self._last_tool = ""
        self._began: float | None = None
        self._queued: list[str] = []
        self._drawn_at = 0.0

    # What the conversation tells ------------------------------------------------------------------------

    def said(self, text: str) -> None:
        """A person's input that is being taken up."""
        self._gap("said")
        paint = self._screen.paint
        first, *more = visible(text.rstrip()).split("\n")
        stamp = f"  {self._stamp()}" if self._display.timestamps else ""
        lines = [
            f"{paint.tone('❯', 'accent', bold=True)} {paint.tone(first, 'plain', bold=True)}"
            f"{paint.tone(stamp, 'dim')}"
        ]
        self._screen.write(
            "\n".join([*lines, *(f"  {paint.tone(line, 'plain', bold=True)}" for line in more)])
        )

    def begin(self) -> None:
        """A run is at work."""
        self._began = time.monotonic()
        self.tick()

    def end(self) -> None:
        """It is not any more."""
        self._settle()
        self._began = None
        self._narrator.running.clear()
        self._started.clear()
        self._outputs.clear()
        self.tick()

    def queued(self, texts: list[str]) -> None:
        """What waits for its turn."""
        self._queued = texts
        self.tick()

    @property
    def took(self) -> float:
        """Seconds that the run at work has taken so far."""
        return time.monotonic() - self._began if self._began is not None else 0.0

    # Events ---------------------------------------------------------------------------------------------

    def event(self, record: events.EventRecord) -> None:
        """Show one event."""
        event = record.event
        match event:
            case events.MessageDelta():
                self._text(event.text)
            case events.ReasoningDelta():
                self._reasoning += self._thinking.feed(event.text)
            case events.MessageStored(message=message):
                self._stored(message)
            case events.ToolStarted():
                self._settle()
                self._narrator.line(event)
                self._started[event.call_id] = time.monotonic()
            case events.ToolOutput():
                self._outputs[event.call_id] = (self._outputs.get(event.call_id, "") + event.text)[-4000:]
            case events.ToolFinished():
                self._tool_finished(event)
            case events.ModelRetried(discarded_text=True) | events.ModelSwitched():
                self._drop()
                self._narrate(event)
            case _:
                self._narrate(event)
        if isinstance(event, events.RunFinished):
            self._finished(event)
        if time.monotonic() - self._drawn_at >= DRAW_SECONDS:
            self.tick()

    def _text(self, text: str) -> None:
        self._settle_reasoning()
        self._streamed += len(text)
        if self._display.streaming:
            for block in self._stream.feed(self._arriving.feed(text)):
                self._block(block)

    def _stored(self, message: Message) -> None:
        if message.role == "user" and message.kind == "steer":
            self._put(
                "line",
                self._screen.paint.line(
                    Line("↪", "", self._mask(message.content), tone="accent"), self._screen.width - 1
                ),
            )
        if message.role != "assistant":
            return
        self._settle_reasoning()
        if not self._streamed or not self._display.streaming:
            for block in self._stream.feed(self._mask(message.content)):
                self._block(block)
        self._settle()

    def _settle(self) -> None:
        """Nothing more comes for the text in progress."""
        self._settle_reasoning()
        for block in [*self._stream.feed(self._arriving.finish()), *self._stream.finish()]:
            self._block(block)
        self._streamed = 0

    def _settle_reasoning(self) -> None:
        text, self._reasoning = (self._reasoning + self._thinking.finish()).strip(), ""
        if not text or not self._display.show_reasoning:
            return
        lines = self._thoughts(text)
        if len(lines) > REASONING_LINES:
            lines = [*lines[: REASONING_LINES - 1], f"… {len(lines) - REASONING_LINES + 1} more lines"]
        self._put("thought", "\n".join(self._screen.paint.tone(f"┊ {line}", "dim") for line in lines))

    def _thoughts(self, text: str) -> list[str]:
        width = max(self._screen.width - 4, 10)
        return [row for line in visible(text).splitlines() for row in textwrap.wrap(line, width)]

    def _drop(self) -> None:
        """The text in progress is void."""
        for text in (self._stream, self._arriving, self._thinking):
            text.drop()
        self._reasoning, self._streamed = "", 0

    def _block(self, block: str) -> None:
        self._put("text", self._typeset(block))

    def _typeset(self, block: str) -> str:
        return typeset(
            visible(block), self._screen.width - 1, self._display.final_response_markdown, self._screen.paint
        )

    def _tool_finished(self, event: events.ToolFinished) -> None:
        line = self._narrator.line(event)
        self._started.pop(event.call_id, None)
        output = self._outputs.pop(event.call_id, "")
        mode = self._display.tool_progress
        repeated = mode == "new" and event.ok and event.name == self._last_tool
        self._last_tool = event.name
        if line is None or mode == "off" or repeated:
            return
        self._put("line", self._tool_text(line))
        if event.detail and self._display.inline_diffs and _is_diff(event.detail):
            self._screen.write(self._diff(event.detail))
        elif mode == "verbose" and (shown := (event.detail or output).strip()):
            lines = visible(shown).splitlines()[-OUTPUT_LINES:]
            width = self._screen.width
            self._screen.write(
                "\n".join(
                    self._screen.paint.tone(f"  │ {fit_line(text, width - 5)}", "dim") for text in lines
                )
            )

    def _tool_text(self, line: Line) -> str:
        width = self._screen.width - 1
        limit = self._display.tool_preview_length
        if limit:
            line = line._replace(text=fit(line.text, limit))
        return self._screen.paint.line(line, width)

    def _diff(self, text: str) -> str:
        lines = visible(text).rstrip().splitlines()
        if len(lines) > DIFF_LINES:
            lines = [*lines[: DIFF_LINES - 1], f"… {len(lines) - DIFF_LINES + 1} more lines"]
        tones = {"+": "good", "-": "bad", "@": "accent"}
        paint, width = self._screen.paint, self._screen.width
        return "\n".join(
            paint.tone(f"  {fit_line(line, width - 3)}", tones.get(line[:1], "dim"))  # type: ignore[arg-type]
            for line in lines
            if not line.startswith(("--- ", "+++ "))
        )

    def _narrate(self, event: events.Event) -> None:
        line = self._narrator.line(event)
        if line is not None:
            self._settle()
            self._put("line", self._wrapped(line))

    def _wrapped(self, line: Line) -> str:
        """A remark in full, over several lines when it is long: these are sentences, not previews."""
        width = self._screen.width - 1
        if "".join(layout(line, 10_000)) == "".join(layout(line, width)):
            return self._screen.paint.line(line, width)
        rows = textwrap.wrap(" ".join(line.text.split()), max(width - 2, 10))
        marks = [line.mark, *" " * (len(rows) - 1)]
        return "\n".join(
            self._screen.paint.tone(f"{mark} {row}", line.tone) for mark, row in zip(marks, rows, strict=True)
        )

    def _finished(self, event: events.RunFinished) -> None:
        if self._display.show_cost:
            usage = event.usage
            parts = [f"{count(usage.input_tokens)} in", f"{count(usage.output_tokens)} out"]
            parts += [money(usage.cost_usd)] if usage.cost_usd is not None else []
            self._put("line", self._screen.paint.tone(" · ".join([*parts, seconds(self.took)]), "dim"))
        if self._display.bell_on_complete:
            self._screen.bell()

    # Putting it on the screen ---------------------------------------------------------------------------

    def _put(self, kind: Kind, text: str) -> None:
        self._gap(kind)
        self._screen.write(text)
        self._drawn_at = 0.0  # what was in progress stands above now, so it must go below

    def _gap(self, kind: Kind) -> None:
        """An empty line where the kind changes, and between blocks of text."""
        if kind != self._last or kind in ("text", "said"):
            self._screen.write("")
        self._last = kind

    def _stamp(self) -> str:
        return time.strftime(self._display.timestamp_format)

    def tick(self) -> None:
        """Draw what is in progress."""
        self._drawn_at = time.monotonic()
        if self._began is None:
            self._screen.set_live("\n".join(self._queue_lines()))
            return
        frame = SPINNER[int(self.took * 10) % len(SPINNER)]
        parts = [*self._live_text(), *self._live_tools(frame)]
        if not parts:
            word = "thinking" if self._reasoning else "working"
            parts = self._live_reasoning()
            parts.append(
                self._screen.paint.line(
                    Line(frame, "", word, seconds(self.took), "accent"), self._screen.width - 1
                )
            )
        self._screen.set_live("\n".join(["", *parts, *self._queue_lines()]))

    def _live_text(self) -> list[str]:
        rest = self._stream.rest
        if not rest.strip():
            return []
        if len(rest) > LIVE_BLOCK_CHARACTERS:
            width = self._screen.width - 1
            return [fit_line(line, width) for line in visible(rest).splitlines()[-self._screen.live_lines :]]
        return self._typeset(rest).split("\n")

    def _live_reasoning(self) -> list[str]:
        if not self._reasoning.strip() or not self._display.show_reasoning:
            return []
        lines = self._thoughts(self._reasoning)[-LIVE_REASONING_LINES:]
        return [self._screen.paint.tone(f"┊ {line}", "dim") for line in lines]

    def _live_tools(self, frame: str) -> list[str]:
        lines = []
        width = self._screen.width - 1
        for call_id, started in self._narrator.running.items():
            took = time.monotonic() - self._started.get(call_id, time.monotonic())
            lines.append(self._screen.paint.line(running_line(started, frame, took), width))
            tail = [line for line in visible(self._outputs.get(call_id, "")).splitlines() if line.strip()]
            if tail:
                lines.append(self._screen.paint.tone(f"  │ {fit(tail[-1], width - 4)}", "dim"))
        return lines

    def _queue_lines(self) -> list[str]:
        width = self._screen.width - 1
        return [self._screen.paint.line(Line("⧗", "", text, tone="dim"), width) for text in self._queued]


def _is_diff(text: str) -> bool:
    return any(line.startswith("@@") for line in text.splitlines()[:20])
