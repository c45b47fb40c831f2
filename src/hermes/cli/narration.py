"""What is said about a run while it works: one line an event, in the same words on every terminal. Pure."""

from typing import Literal, NamedTuple

from hermes.cli.text import cells, count, fit, seconds, visible
from hermes.store import events

Tone = Literal["plain", "dim", "good", "warn", "bad", "accent"]

ICONS = {
    "terminal": "$",
    "process": "&",
    "read_file": "▤",
    "write_file": "✎",
    "patch": "±",
    "search_files": "⌕",
    "session_search": "⌕",
    "todo": "☰",
    "memory": "♦",
    "clarify": "?",
}


class Line(NamedTuple):
    """One line about an event."""

    mark: str
    """One character."""
    head: str
    """Stands out: the tool's name, or nothing."""
    text: str
    """Gives way when the terminal is narrow."""
    tail: str = ""
    tone: Tone = "plain"


def layout(line: Line, width: int) -> tuple[str, str, str, str]:
    """The line's four parts cut to `width` columns, spaces between them included."""
    mark = f"{line.mark} " if line.mark else ""
    head = f"{line.head} " if line.head and (line.text or line.tail) else line.head
    tail = fit(line.tail, max(8, width // 2)) if line.tail else ""
    room = width - cells(mark) - cells(head) - (cells(tail) + 2 if tail else 0)
    text = fit(line.text, max(room, 0)) if line.text else ""
    return mark, head, text, f"  {tail}" if tail and text else tail


def plain(line: Line, width: int) -> str:
    """The line without colours."""
    return "".join(layout(line, width)).rstrip()


class Narrator:
    """Turns the events of a run into lines. Remembers which calls are running, for their previews."""

    def __init__(self) -> None:
        self.running: dict[str, events.ToolStarted] = {}

    def line(self, event: events.Event) -> Line | None:
        """The line for an event, or None for those that are shown otherwise (text) or not at all."""
        match event:
            case events.ToolStarted():
                self.running[event.call_id] = event
                return None
            case events.ToolFinished():
                return tool_line(event, self.running.pop(event.call_id, None))
            case events.RunStarted():
                return _start(event)
            case events.RunFinished():
                self.running.clear()
                return ending(event)
            case events.ApprovalDecided():
                return _approval(event)
            case events.QuestionAnswered():
                return Line("→", "", event.answer or "no answer", tone="dim")
            case _:
                return _remark(event)


def tool_line(finished: events.ToolFinished, started: events.ToolStarted | None) -> Line:
    """One call that has ended: what it did, whether it worked, how long it took."""
    preview = started.preview if started else ""
    took = seconds(finished.seconds)
    if finished.ok:
        return Line(ICONS.get(finished.name, "•"), finished.name, preview, f"✓ {took}", "good")
    why = " ".join(finished.summary.split())
    if finished.exit_code is not None and finished.exit_code > 0:
        why = f"exit {finished.exit_code}"
    return Line(ICONS.get(finished.name, "•"), finished.name, preview, f"✗ {took} {why}".rstrip(), "bad")


def running_line(started: events.ToolStarted, spinner: str, took: float) -> Line:
    """One call that is running."""
    return Line(spinner, started.name, started.preview, seconds(took) if took >= 1 else "", "accent")


def ending(event: events.RunFinished) -> Line | None:
    """How the run ended, where it needs a word besides the answer."""
    if event.status == "completed" or (event.error and event.error == event.answer):
        return None
    if event.status == "cancelled":
        return Line("■", "", "interrupted", tone="warn")
    if event.status == "interrupted":
        return Line("■", "", "stopped before its end; resume the session to finish it", tone="warn")
    return Line("✗", "", visible(event.error or f"the run failed: {event.reason}"), tone="bad")


def _start(event: events.RunStarted) -> Line | None:
    if event.resumed:
        return Line("↻", "", "taking up an interrupted run where it stopped", tone="warn")
    return Line("!", "", visible(" ".join(event.notes)), tone="warn") if event.notes else None


def _approval(event: events.ApprovalDecided) -> Line:
    if event.decision == "deny":
        why = {"policy": "nobody can be asked here", "timeout": "nobody answered in time"}.get(
            event.by, "by you"
        )
        return Line("⊘", "", f"denied: {why}", tone="warn")
    words = {"once": "approved once", "session": "approved for this session", "always": "approved for good"}
    return Line("✓", "", words.get(event.decision, event.decision), tone="dim")


def _remark(event: events.Event) -> Line | None:
    match event:
        case events.ModelRetried():
            wait = f", again in {seconds(event.wait_seconds)}" if event.wait_seconds else ", trying again"
            void = " (the text above is void)" if event.discarded_text else ""
            return Line("⟳", "", f"{_clause(event.message)}{wait}{void}", tone="warn")
        case events.ModelSwitched():
            return Line("⇄", "", f"{event.from_model} → {event.to_model}: {event.message}", tone="warn")
        case events.GuardrailWarned():
            return Line("!", "", event.message, tone="warn")
        case events.GuardrailStopped() | events.BudgetRefused():
            return Line("■", "", event.message, tone="bad")
        case events.ContextCompacted():
            sizes = f"{count(event.tokens_before)} → {count(event.tokens_after)} tokens"
            return Line("≡", "", f"summarised {event.compacted_messages} messages, {sizes}", tone="dim")
        case events.ContextKept():
            return Line("≡", "", f"the context was not compacted: {event.reason}", tone="warn")
        case events.ChildStarted():
            return Line("⑂", "", f"delegated: {event.goal}", tone="dim")
        case events.ChildFinished():
            return Line("⑂", "", f"{event.status}: {event.summary}", tone="dim")
        case _:
            return None


def _clause(sentence: str) -> str:
    """A sentence as the first half of another."""
    return " ".join(sentence.split()).rstrip(".")
