"""Lines about events."""

import pytest

from hermes.cli.narration import Line, Narrator, plain
from hermes.cli.text import cells
from hermes.store import events
from hermes.store.records import Usage


def told(event: events.Event, *before: events.Event, width: int = 80) -> str | None:
    narrator = Narrator()
    for earlier in before:
        narrator.line(earlier)
    line = narrator.line(event)
    return None if line is None else plain(line, width)


STARTED = events.ToolStarted(call_id="c1", name="terminal", preview="ls -la")


def test_a_call_is_one_line_with_what_it_did_and_how_it_went() -> None:
    ok = events.ToolFinished(
        call_id="c1", name="terminal", ok=True, summary="3 lines", exit_code=0, seconds=0.31
    )
    assert told(ok, STARTED) == "$ terminal ls -la  ✓ 0.3s"
    failed = events.ToolFinished(
        call_id="c1", name="terminal", ok=False, summary="x", exit_code=2, seconds=1.0
    )
    assert told(failed, STARTED) == "$ terminal ls -la  ✗ 1.0s exit 2"
    refused = events.ToolFinished(call_id="c9", name="patch", ok=False, summary="No such\nfile.", seconds=0.0)
    assert told(refused) == "± patch ✗ 0.0s No such file."


def test_a_call_remains_one_line_on_a_narrow_terminal() -> None:
    long = events.ToolStarted(call_id="c1", name="terminal", preview="echo " + "word " * 50)
    finished = events.ToolFinished(call_id="c1", name="terminal", ok=True, summary="", seconds=2.0)
    for width in (20, 40, 80, 200):
        line = told(finished, long, width=width)
        assert line is not None
        assert cells(line) <= width
        assert line.endswith("✓ 2.0s")


def test_the_narrator_forgets_calls_that_ended() -> None:
    narrator = Narrator()
    narrator.line(STARTED)
    assert list(narrator.running) == ["c1"]
    narrator.line(events.ToolFinished(call_id="c1", name="terminal", ok=True, summary=""))
    assert narrator.running == {}


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            events.ModelRetried(reason="rate_limit", message="Slow down.", attempt=1, wait_seconds=2),
            "⟳ Slow down, again in 2.0s",
        ),
        (
            events.ModelRetried(reason="x", message="Cut.", attempt=1, wait_seconds=0, discarded_text=True),
            "⟳ Cut, trying again (the text above is void)",
        ),
        (
            events.ModelSwitched(from_model="a", to_model="b", reason="x", message="a is down."),
            "⇄ a → b: a is down.",
        ),
        (events.GuardrailWarned(code="x", tool="t", count=2, message="Twice the same."), "! Twice the same."),
        (
            events.ApprovalDecided(approval_id="a", decision="deny", by="timeout"),
            "⊘ denied: nobody answered in time",
        ),
        (events.ApprovalDecided(approval_id="a", decision="session", by="me"), "✓ approved for this session"),
        (
            events.ContextCompacted(
                compacted_messages=8, tokens_before=90_000, tokens_after=12_000, summary="s"
            ),
            "≡ summarised 8 messages, 90k → 12k tokens",
        ),
        (events.RunFinished(status="completed", reason="answered", usage=Usage()), None),
        (events.RunFinished(status="cancelled", reason="interrupted", usage=Usage()), "■ interrupted"),
        (
            events.RunFinished(status="failed", reason="model_error", usage=Usage(), error="It broke."),
            "✗ It broke.",
        ),
    ],
)
def test_what_is_said(event: events.Event, text: str | None) -> None:
    assert told(event, width=100) == text


def test_output_of_tools_cannot_write_on_the_terminal() -> None:
    started = events.ToolStarted(call_id="c1", name="terminal", preview="printf '\x1b[2Jgone'")
    finished = events.ToolFinished(call_id="c1", name="terminal", ok=False, summary="\x1b]0;x\x07", seconds=0)
    line = told(finished, started)
    assert line is not None
    assert "\x1b" not in line
    assert plain(Line("!", "", "a\x1b[31mb"), 40) == "! a[31mb"
