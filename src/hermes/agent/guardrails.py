"""Noticing that a run goes round in circles. Pure: calls and results go in, warnings and stops come out.

One `Guardrails` lives for one run, so every counter starts anew with every input. What counts:

- *exact failure*: the same tool failed with the same arguments. A success with them clears the count.
- *same-tool failure*: a tool failed, whatever the arguments. Any success of that tool clears the count.
- *no progress*: a read-only tool gave the same result for the same arguments again.
- *repeated result*: successes that bring nothing new. A read-only tool gives one result for ever other
  arguments, or a tool that changes things is given the same arguments and answers the same. A new result of
  another tool starts the count again. Failures are left to the rules above.
- *cycle*: the last calls repeat a round of two to five calls, results included.

A failure is what the tool says it is (`ToolResult.ok`), never a word in its text.
"""

import contextlib
import hashlib
import json
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import TypeVar

import msgspec

from hermes.home.settings import GuardrailSettings, HardStopAfter, WarnAfter

REMEMBERED = 1_024
"""Signatures and results of which counts are kept; the oldest are forgotten first."""
SHORTEST_CYCLE, LONGEST_CYCLE = 2, 5
EVIDENCE = 10
"""Calls that a stop shows."""
EDITING_TOOLS = frozenset({"write_file", "patch"})
"""A file that was changed makes a command that failed worth another try: edit, test, edit, test is work and
is not blocked. The same edits with the same failures are a cycle."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Thresholds = TypeVar("Thresholds", WarnAfter, HardStopAfter)


class Evidence(msgspec.Struct, frozen=True):
    """One call as the guardrails saw it: digests only, never arguments or results."""

    tool: str
    args_hash: str
    result_hash: str
    ok: bool

    @property
    def signature(self) -> tuple[str, str]:
        return self.tool, self.args_hash


class LoopWarning(msgspec.Struct, frozen=True, kw_only=True):
    """Advice to the model, put behind the call's result."""

    code: str
    tool: str
    count: int
    message: str

    def line(self) -> str:
        """The bracketed line; a blank line goes before it."""
        return f"[Tool loop warning: {self.code}; count={self.count}; {self.message}]"


class Halt(msgspec.Struct, frozen=True, kw_only=True):
    """The run must end after this batch."""

    code: str
    tool: str
    count: int
    message: str
    args_hash: str
    evidence: tuple[Evidence, ...] = ()
    """The calls that led here, newest last."""

    def line(self) -> str:
        """The bracketed line behind the last result; a blank line goes before it."""
        return f"[Tool loop hard stop: {self.code}; count={self.count}; {self.message}]"


class Block(Halt, frozen=True, kw_only=True):
    """The call must not run, and the run must end after this batch."""

    def result_json(self) -> str:
        """What stands in the place of the call's result."""
        return json.dumps(
            {
                "error": self.message,
                "guardrail": {
                    "action": "block",
                    "code": self.code,
                    "message": self.message,
                    "tool_name": self.tool,
                    "count": self.count,
                    "signature": {"tool_name": self.tool, "args_hash": self.args_hash},
                },
            }
        )


class Verdict(msgspec.Struct, frozen=True):
    """What is to be said about a finished call: at most one warning, or a halt."""

    warnings: tuple[LoopWarning, ...] = ()
    halt: Halt | None = None


def halt_message(halt: Halt) -> str:
    """The answer of a run that was stopped."""
    return (
        f"I stopped using {halt.tool}: the loop guardrail {halt.code} ended this run after {halt.count} "
        f"attempts without progress. The last result of {halt.tool} says what stood in the way; it needs "
        "another approach, or something only you can change."
    )


class Guardrails:
    """The counters of one run. `attended`: a person watches and can stop it."""

    def __init__(self, settings: GuardrailSettings, attended: bool) -> None:
        self._warns = settings.warnings_enabled
        self._stops = settings.hard_stop_enabled or (
            not attended and settings.non_interactive_hard_stop_enabled
        )
        self._warn_after = _positive(settings.warn_after, WarnAfter())
        self._stop_after = _positive(settings.hard_stop_after, HardStopAfter())
        self._exact_failures: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._since_edit = _Failures()
        self._tool_failures: OrderedDict[str, int] = OrderedDict()
        self._unchanged: OrderedDict[tuple[str, str], tuple[str, int]] = OrderedDict()
        self._repeats: dict[str, _Repeat] = {}
        self._repeated_in_batch: set[str] = set()
        self._found: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        rounds = max(self._warn_after.cycle, self._stop_after.cycle)
        self._recent: deque[Evidence] = deque(maxlen=max(LONGEST_CYCLE * min(rounds, REMEMBERED), EVIDENCE))

    def begin_batch(self) -> None:
        """The calls of a new assistant message follow: the model has seen all results so far."""
        self._repeated_in_batch.clear()

    def before_call(self, name: str, arguments: str, read_only: bool) -> Block | None:
        """Whether the call must not run. `arguments`: JSON text."""
        if not self._stops:
            return None
        signature = (name, _digest(arguments))
        failures = self._since_edit.exact.get(signature, 0)
        if failures >= self._stop_after.exact_failure:
            return self._block(
                "repeated_exact_failure_block",
                signature,
                failures,
                f"{name} was not run: it failed {failures} times with these same arguments.",
            )
        unchanged = self._unchanged.get(signature, ("", 0))[1] if read_only else 0
        if unchanged >= self._stop_after.idempotent_no_progress:
            return self._block(
                "idempotent_no_progress_block",
                signature,
                unchanged,
                f"{name} was not run: it gave the same result {unchanged} times for these same arguments.",
            )
        return None

    def after_call(self, name: str, arguments: str, read_only: bool, ok: bool, result: str) -> Verdict:
        """Count a finished call, and say what there is to say about it: a halt, else the first warning."""
        call = Evidence(name, _digest(arguments), _digest(result), ok)
        self._recent.append(call)
        counts = self._count_success(call, read_only) if ok else self._count_failure(call)
        counts.cycle_length, counts.rounds = self._cycle()
        halt = self._halt(call, counts) if self._stops else None
        if halt is not None:
            return Verdict(halt=halt)
        warning = self._warning(call, counts) if self._warns else None
        return Verdict(warnings=(warning,) if warning else ())

    def _count_failure(self, call: Evidence) -> "_Counts":
        self._unchanged.pop(call.signature, None)
        self._repeats.pop(call.tool, None)
        exact = self._exact_failures.get(call.signature, 0) + 1
        in_a_row = self._tool_failures.get(call.tool, 0) + 1
        _remember(self._exact_failures, call.signature, exact)
        _remember(self._tool_failures, call.tool, in_a_row)
        self._since_edit.count(call)
        return _Counts(exact_failures=exact, tool_failures=in_a_row)

    def _count_success(self, call: Evidence, read_only: bool) -> "_Counts":
        if call.tool in EDITING_TOOLS:
            self._since_edit = _Failures()
        self._since_edit.forget(call)
        self._exact_failures.pop(call.signature, None)
        self._tool_failures.pop(call.tool, None)
        unchanged = self._count_unchanged(call) if read_only else 0
        return _Counts(unchanged=unchanged, repeats=self._count_repeat(call, read_only))

    def _count_unchanged(self, call: Evidence) -> int:
        before, count = self._unchanged.get(call.signature, ("", 0))
        count = count + 1 if before == call.result_hash else 1
        _remember(self._unchanged, call.signature, (call.result_hash, count))
        return count

    def _count_repeat(self, call: Evidence, read_only: bool) -> int:
        """How often the tool has brought this result while nothing new came from anywhere.

        For a read-only tool each arguments count once; for another only repetitions with the same arguments
        count, because ten files written well have ten equal results. Calls of one message count once: they
        were asked for before any of their results was seen.
        """
        subject = "" if read_only else call.args_hash
        if self._is_new((call.tool, subject, call.result_hash)):
            self._repeats.clear()
        repeat = self._repeats.get(call.tool)
        if repeat is None or (repeat.result_hash, repeat.subject) != (call.result_hash, subject):
            repeat = self._repeats[call.tool] = _Repeat(call.result_hash, subject)
        if (
            not read_only or call.args_hash not in repeat.arguments
        ) and call.tool not in self._repeated_in_batch:
            repeat.count += 1
            self._repeated_in_batch.add(call.tool)
        _remember(repeat.arguments, call.args_hash, None)
        return repeat.count

    def _is_new(self, found: tuple[str, str, str]) -> bool:
        is_new = found not in self._found
        _remember(self._found, found, None)
        return is_new

    def _cycle(self) -> tuple[int, int]:
        """Length and full rounds of the shortest cycle that the last calls make up; (0, 0) without one."""
        calls = list(self._recent)
        for length in range(SHORTEST_CYCLE, LONGEST_CYCLE + 1):
            last = calls[-length:]
            rounds = 1
            while calls[-(rounds + 1) * length : -rounds * length] == last:
                rounds += 1
            if rounds > 1 and len(set(last)) > 1:
                return length, rounds
        return 0, 0

    def _block(self, code: str, signature: tuple[str, str], count: int, message: str) -> Block:
        tool, args_hash = signature
        evidence = self._evidence_of(tool)
        return Block(
            code=code, tool=tool, count=count, message=message, args_hash=args_hash, evidence=evidence
        )

    def _halt(self, call: Evidence, counts: "_Counts") -> Halt | None:
        tool, after = call.tool, self._stop_after
        evidence = self._evidence_of(tool)
        failures = self._since_edit.in_a_row.get(tool, 0)
        if not call.ok and failures >= after.same_tool_failure:
            code, count = "same_tool_failure_halt", failures
            message = f"{tool} failed {count} times in a row."
        elif counts.repeats >= after.repeated_result:
            code, count = "repeated_result_halt", counts.repeats
            message = f"{tool} gave one and the same result {count} times."
        elif counts.rounds >= after.cycle:
            code, count = "cycle_halt", counts.rounds
            message = f"the same {counts.cycle_length} calls with the same results came round {count} times."
            evidence = tuple(self._recent)[-EVIDENCE:]
        else:
            return None
        return Halt(
            code=code, tool=tool, count=count, message=message, args_hash=call.args_hash, evidence=evidence
        )

    def _warning(self, call: Evidence, counts: "_Counts") -> LoopWarning | None:
        tool, after = call.tool, self._warn_after
        if counts.exact_failures >= after.exact_failure:
            code, count = "repeated_exact_failure_warning", counts.exact_failures
            message = (
                f"{tool} failed {count} times with these same arguments. Read the error and change the "
                "arguments or the approach; the same call will fail again."
            )
        elif counts.tool_failures >= after.same_tool_failure:
            code, count = "same_tool_failure_warning", counts.tool_failures
            message = _diagnose(tool, count)
        elif counts.unchanged >= after.idempotent_no_progress:
            code, count = "idempotent_no_progress_warning", counts.unchanged
            message = (
                f"{tool} gave this same result {count} times for these same arguments. Use the result you "
                "have, or ask for something else."
            )
        elif counts.repeats >= after.repeated_result:
            code, count = "repeated_result_warning", counts.repeats
            message = (
                f"{tool} gave one and the same result {count} times. More of the same brings nothing new; "
                "look elsewhere, or say what you know."
            )
        elif counts.rounds >= after.cycle:
            code, count = "cycle_warning", counts.rounds
            message = (
                f"the same {counts.cycle_length} calls with the same results came round {count} times. Do "
                "something else, or say what you know."
            )
        else:
            return None
        return LoopWarning(code=code, tool=tool, count=count, message=message)

    def _evidence_of(self, tool: str) -> tuple[Evidence, ...]:
        return tuple(call for call in self._recent if call.tool == tool)[-EVIDENCE:]


class _Failures(msgspec.Struct):
    """Failures in a row, by call and by tool, since a file was last changed. Stops count these."""

    exact: OrderedDict[tuple[str, str], int] = msgspec.field(default_factory=OrderedDict)
    in_a_row: OrderedDict[str, int] = msgspec.field(default_factory=OrderedDict)

    def count(self, call: Evidence) -> None:
        _remember(self.exact, call.signature, self.exact.get(call.signature, 0) + 1)
        _remember(self.in_a_row, call.tool, self.in_a_row.get(call.tool, 0) + 1)

    def forget(self, call: Evidence) -> None:
        self.exact.pop(call.signature, None)
        self.in_a_row.pop(call.tool, None)


class _Counts(msgspec.Struct, kw_only=True):
    """What the counters say after one call."""

    exact_failures: int = 0
    tool_failures: int = 0
    unchanged: int = 0
    repeats: int = 0
    cycle_length: int = 0
    rounds: int = 0


class _Repeat(msgspec.Struct):
    """One result that a tool keeps giving."""

    result_hash: str
    subject: str
    """The arguments that must stay the same, or nothing for a read-only tool."""
    arguments: OrderedDict[str, None] = msgspec.field(default_factory=OrderedDict)
    count: int = 0


def _diagnose(tool: str, count: int) -> str:
    probe = " (a small probe helps, such as `pwd && ls`)" if tool == "terminal" else ""
    return (
        f"{tool} failed {count} times in a row. Find out why before the next try: read the last error and "
        f"check what the call takes for granted{probe}. Keep using tools."
    )


def _remember(memory: OrderedDict[K, V], key: K, value: V) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)


def _digest(text: str) -> str:
    """SHA-256 of the text; JSON that differs only in spaces and in the order of keys is one text."""
    if text.lstrip()[:1] in {"{", "["}:
        with contextlib.suppress(ValueError, RecursionError):  # not JSON after all: compared as it is
            text = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _positive(thresholds: Thresholds, defaults: Thresholds) -> Thresholds:
    """The thresholds with every one that is not positive set back to its default."""
    wrong = [name for name in thresholds.__struct_fields__ if getattr(thresholds, name) <= 0]
    return msgspec.structs.replace(thresholds, **{name: getattr(defaults, name) for name in wrong})
