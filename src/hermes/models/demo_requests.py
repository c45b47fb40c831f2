"""What the offline demo model understands: a table of requests, and how a sentence is taken apart by it.

The table is the one source: the model plans by it, `help` lists it, and `docs/demo-model.md` is made of it.
"""

import re
import shlex
from collections.abc import Callable
from typing import Any

import msgspec

_LONGEST_COMBINED = 4_000
"""Characters. A longer text is one request, however many "and"s it holds."""


class DemoCall(msgspec.Struct, frozen=True):
    """A tool call that the demo would make."""

    tool: str
    arguments: dict[str, Any]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One request, understood."""

    said: str
    """The person's own words."""
    heading: str
    """What stands over the result."""
    tries: tuple[DemoCall, ...]
    """Made one after the other until one succeeds."""


class Stage(msgspec.Struct, frozen=True):
    """Requests whose calls are made at once."""

    steps: tuple[Step, ...]


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """One row: a kind of request."""

    form: str
    """How to say it, for people."""
    example: str
    does: str
    tools: str
    pattern: re.Pattern[str]
    plan: Callable[[dict[str, str]], tuple[str, tuple[DemoCall, ...]]]
    """The named parts of the sentence -> the heading and the calls."""


def _pattern(source: str) -> re.Pattern[str]:
    return re.compile(rf"(?:please )?(?:{source})", re.IGNORECASE | re.DOTALL)


_END = r"\s*[.?!]*"
_ARTICLE = r"(?:the |my )?"


def _run(command: str) -> tuple[DemoCall, ...]:
    return (DemoCall("terminal", {"command": command}),)


def _plan_run(parts: dict[str, str]) -> tuple[str, tuple[DemoCall, ...]]:
    command = _unquoted(parts["command"])
    return f"Ran `{command}`", _run(command)


def _plan_list(parts: dict[str, str]) -> tuple[str, tuple[DemoCall, ...]]:
    folder = _unquoted(parts["folder"]) or "."
    command = "ls -1Ap" if folder == "." else f"ls -1Ap -- {shlex.quote(folder)}"
    return ("Files here" if folder == "." else f"Files in `{folder}`"), _run(command)


def _plan_read(parts: dict[str, str]) -> tuple[str, tuple[DemoCall, ...]]:
    path = _unquoted(parts["path"])
    return f"`{path}` says", (DemoCall("read_file", {"path": path}),)


def _plan_remember(parts: dict[str, str]) -> tuple[str, tuple[DemoCall, ...]]:
    note = _unquoted(parts["note"])
    call = DemoCall("memory", {"action": "add", "target": _memory_of(note), "content": note})
    return f"Remembered: {note}", (call,)


def _plan_forget(parts: dict[str, str]) -> tuple[str, tuple[DemoCall, ...]]:
    note = _unquoted(parts["note"])
    first = _memory_of(note)
    targets = (first, "memory" if first == "user" else "user")
    calls = [DemoCall("memory", {"action": "remove", "target": one, "old_text": note}) for one in targets]
    return f"Forgot: {note}", tuple(calls)


def _plan_search(parts: dict[str, str]) -> tuple[str, tuple[DemoCall, ...]]:
    wanted = _unquoted(parts["wanted"])
    folder = _unquoted(parts["folder"]) or "."
    literal = re.sub(r"([.^$*+?{}\[\]\\|()])", r"\\\1", wanted)
    where = "here" if folder == "." else f"in `{folder}`"
    call = DemoCall("search_files", {"pattern": literal, "path": folder})
    return f"Places with `{wanted}` {where}", (call,)


def _plan_help(parts: dict[str, str]) -> tuple[str, tuple[DemoCall, ...]]:
    lines = [f"- {row.form} (for example: {row.example})" for row in REQUESTS]
    return "I understand\n\n" + "\n".join(lines) + f"\n\n{COMBINING}", ()


REQUESTS: tuple[Understood, ...] = (
    Understood(
        form="help",
        example="help",
        does="lists these requests",
        tools="none",
        pattern=_pattern(rf"(?:help|what can you do|what do you understand){_END}"),
        plan=_plan_help,
    ),
    Understood(
        form="what is the date, what time is it",
        example="what is the date?",
        does="runs `date`",
        tools="`terminal`",
        pattern=_pattern(
            rf"(?:(?:what(?:'s| is) |tell me |show (?:me )?){_ARTICLE}(?:current )?"
            rf"(?:date and (?:the )?time|time and (?:the )?date|date|time)|"
            rf"what (?:time|day|date) is it|today's date|date)(?: now| today)?{_END}"
        ),
        plan=lambda parts: ("Date and time", _run("date")),
    ),
    Understood(
        form="disk space",
        example="how much disk space is left?",
        does="runs `df -h .`",
        tools="`terminal`",
        pattern=_pattern(
            rf"(?:how much |what(?:'s| is) |show (?:me )?|tell me |check )?{_ARTICLE}(?:free )?"
            rf"disk (?:space|usage)(?: (?:is|do I have) ?(?:left|free|there|used)?| left)?{_END}"
        ),
        plan=lambda parts: ("Disk space", _run("df -h .")),
    ),
    Understood(
        form="list files [in FOLDER]",
        example="list the files here",
        does="runs `ls`",
        tools="`terminal`",
        pattern=_pattern(
            r"(?:list|show)(?: me)?(?: all)?(?: the| my)? files"
            rf"(?:(?: here| in here| in this (?:folder|directory))?{_END}|"
            r" (?:in|of|under) (?:the (?:folder|directory) )?(?P<folder>\S.*?)\s*)"
        ),
        plan=_plan_list,
    ),
    Understood(
        form="search for TEXT [in FOLDER]",
        example="search for TODO in src",
        does="looks for the text in files",
        tools="`search_files`",
        pattern=_pattern(
            r"(?:search|look|grep)(?: (?:the|my|all) files)? for "
            r"(?P<wanted>`[^`]+`|\"[^\"]+\"|'[^']+'|\S.*?)"
            r"(?: (?:here|in here)| in (?P<folder>\S+|`[^`]+`|\"[^\"]+\"))?\s*"
        ),
        plan=_plan_search,
    ),
    Understood(
        form="remember that NOTE",
        example="remember that I like tea",
        does="keeps the note for later sessions",
        tools="`memory`",
        pattern=_pattern(r"remember(?: that)? (?P<note>\S.*?)\s*"),
        plan=_plan_remember,
    ),
    Understood(
        form="forget that NOTE",
        example="forget that I like tea",
        does="removes the one note that holds these words",
        tools="`memory`",
        pattern=_pattern(r"forget(?: that| about)? (?P<note>\S.*?)\s*"),
        plan=_plan_forget,
    ),
    Understood(
        form="run COMMAND",
        example="run `uname -s`",
        does="runs the command, as it is written",
        tools="`terminal`",
        pattern=_pattern(r"(?:run|execute)(?: the command)? (?P<command>\S.*?)\s*"),
        plan=_plan_run,
    ),
    Understood(
        form="read FILE",
        example="read README.md",
        does="shows the file",
        tools="`read_file`",
        pattern=_pattern(
            r"(?:read|show|open)(?: me)?(?: the)?(?: file)? (?P<path>`[^`]+`|\"[^\"]+\"|'[^']+'|\S+)\s*"
        ),
        plan=_plan_read,
    ),
)

COMBINING = (
    "Join requests with `and` (done at once) or `then` (one after the other). "
    'Quotes or backticks keep a text whole: run `echo this and that`, read "my notes.txt".'
)

_QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"|(?<!\w)'[^']*'")
_JOINT = re.compile(r",?\s+(?P<word>and then|then|and)\s+", re.IGNORECASE)


def understand(text: str) -> tuple[Stage, ...] | None:
    """The stages of a request, or None when any part of it is not understood."""
    parsed = _parse(text.strip())
    if parsed is None:
        return None
    stages: list[list[Step]] = []
    for joint, step in parsed:
        if joint == "and" and stages:
            stages[-1].append(step)
        else:
            stages.append([step])
    return tuple(Stage(tuple(steps)) for steps in stages)


def _parse(text: str) -> list[tuple[str, Step]] | None:
    """Requests with the word before each. A joint counts only where a known request follows it."""
    if len(text) <= _LONGEST_COMBINED:
        quoted = [match.span() for match in _QUOTED.finditer(text)]
        for joint in _JOINT.finditer(text):
            if any(start <= joint.start() < end for start, end in quoted):
                continue
            first = _single(text[: joint.start()])
            rest = _parse(text[joint.end() :]) if first is not None else None
            if first is not None and rest is not None:
                word = joint["word"].lower().removeprefix("and ")
                return [("", first), (word, rest[0][1]), *rest[1:]]
    whole = _single(text)
    return None if whole is None else [("", whole)]


def _single(text: str) -> Step | None:
    for row in REQUESTS:
        match = row.pattern.fullmatch(text)
        if match is not None:
            parts = {name: value or "" for name, value in match.groupdict().items()}
            heading, tries = row.plan(parts)
            return Step(said=text, heading=heading, tries=tries)
    return None


def _unquoted(text: str) -> str:
    """Without one pair of quotes or backticks around all of it."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "`\"'" and text[0] not in text[1:-1]:
        return text[1:-1]
    return text


def _memory_of(note: str) -> str:
    """What a person says of themselves goes to their profile, the rest to the notes."""
    return "user" if re.match(r"(?:i|i'm|i've|my|we|our)\b", note, re.IGNORECASE) else "memory"


def reference() -> str:
    """`docs/demo-model.md`, whole."""
    rows = "\n".join(f"| {row.form} | {row.does} | {row.tools} | {row.example} |" for row in REQUESTS)
    return f"""# The offline demo model

Without a configured model and without a model server on this machine, a small program answers in the
model's place. It needs no network, gives the same answer to the same transcript, and says so: each answer
begins with `(demo model)`. Its tool calls are real: they pass the same rules and approvals as any model's,
and what it reports is what came back, refusals and failures too.

It understands these requests, in capitals what is yours to fill in:

| say | it does | with | example |
|---|---|---|---|
{rows}

{COMBINING}

To anything else it answers that no language model is connected, and how to connect one: `hermes model`,
`OPENAI_BASE_URL`, or a provider's key. It never stands in for a configured model that fails; that is an
error.

This page is made of the table in `src/hermes/models/demo_requests.py`; a test holds them together.
"""
