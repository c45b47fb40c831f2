"""Every rule against a reference model: the rule said again from the whole history, without counters."""

import hashlib
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hermes.agent.guardrails import LONGEST_CYCLE, REMEMBERED, Block, Guardrails, Halt, Verdict, halt_message
from hermes.home.config import load_settings
from hermes.home.environment import Environment
from hermes.home.profile import Profile
from hermes.home.settings import GuardrailSettings, HardStopAfter, Settings, WarnAfter
from hermes.store.events import GuardrailStopped, GuardrailWarned
from hermes.store.records import ToolCall
from hermes.testing.scripted_model import calls as asks_for
from hermes.testing.scripted_model import says

from .conftest import MakeRuntime

READ_ONLY = {"read_file": True, "search_files": True, "terminal": False, "write_file": False}
Call = tuple[str, str, bool, str]
"""Tool, path argument, ok, result."""

calls = st.tuples(
    st.sampled_from(sorted(READ_ONLY)), st.sampled_from("abc"), st.booleans(), st.sampled_from(["x", "y"])
)
histories = st.lists(calls, max_size=40)


def arguments(value: str) -> str:
    return json.dumps({"path": value})


def make(*, attended: bool = True, **fields: object) -> Guardrails:
    return Guardrails(GuardrailSettings(**fields), attended)  # type: ignore[arg-type]


def feed(guardrails: Guardrails, call: Call) -> Verdict:
    tool, value, ok, result = call
    guardrails.begin_batch()
    return guardrails.after_call(tool, arguments(value), READ_ONLY[tool], ok, result)


def code_of(verdict: Verdict) -> str | None:
    if verdict.halt is not None:
        return verdict.halt.code
    return verdict.warnings[0].code if verdict.warnings else None


# The reference model: each rule as a question about the history, whose last call has just finished.


def exact_failures(history: list[Call]) -> int:
    tool, value, *_ = history[-1]
    same = [call for call in history if call[:2] == (tool, value)]
    return len(list(itertools.takewhile(lambda call: not call[2], reversed(same))))


def after_last_edit(history: list[Call]) -> list[Call]:
    edits = [place for place, call in enumerate(history) if call[0] == "write_file" and call[2]]
    return history[edits[-1] + 1 :] if edits else history


def tool_failures(history: list[Call]) -> int:
    same = [call for call in history if call[0] == history[-1][0]]
    return len(list(itertools.takewhile(lambda call: not call[2], reversed(same))))


def unchanged(history: list[Call]) -> int:
    if not READ_ONLY[history[-1][0]]:
        return 0
    same = [call for call in history if call[:2] == history[-1][:2]]
    return len(list(itertools.takewhile(lambda call: call == history[-1] and call[2], reversed(same))))


def found(call: Call) -> tuple[str, ...]:
    tool, value, _, result = call
    return (tool, result) if READ_ONLY[tool] else (tool, value, result)


def repeats(history: list[Call]) -> int:
    if not history[-1][2]:
        return 0
    newest = max(
        position
        for position, call in enumerate(history)
        if call[2] and found(call) not in [found(before) for before in history[:position] if before[2]]
    )
    streak = []
    for call in reversed([call for call in history[newest:] if call[0] == history[-1][0]]):
        if not call[2] or found(call) != found(history[-1]):
            break
        streak.append(call)
    return len({call[1] for call in streak}) if READ_ONLY[history[-1][0]] else len(streak)


def rounds(history: list[Call], kept: int = 20) -> int:
    recent = history[-kept:]
    for length in range(2, 6):
        last = recent[-length:]
        count = 0
        while recent[len(recent) - (count + 1) * length : len(recent) - count * length] == last:
            count += 1
            if (count + 1) * length > len(recent):
                break
        if count > 1 and len(set(last)) > 1:
            return count
    return 0


def expected(history: list[Call], *, stops: bool) -> str | None:
    failed = not history[-1][2]
    since_edit = tool_failures(after_last_edit(history)) if failed else 0
    exact, in_a_row = (exact_failures(history), tool_failures(history)) if failed else (0, 0)
    same, again, cycle = (0 if failed else unchanged(history)), repeats(history), rounds(history)
    rules = [
        (stops and since_edit >= 8, "same_tool_failure_halt"),
        (stops and again >= 6, "repeated_result_halt"),
        (stops and cycle >= 4, "cycle_halt"),
        (exact >= 2, "repeated_exact_failure_warning"),
        (in_a_row >= 3, "same_tool_failure_warning"),
        (same >= 2, "idempotent_no_progress_warning"),
        (again >= 3, "repeated_result_warning"),
        (cycle >= 2, "cycle_warning"),
    ]
    return next((code for applies, code in rules if applies), None)


@given(histories)
def test_an_attended_run_is_warned_as_the_rules_say_and_never_stopped(history: list[Call]) -> None:
    guardrails = make()
    for end, call in enumerate(history, 1):
        assert guardrails.before_call(call[0], arguments(call[1]), READ_ONLY[call[0]]) is None
        assert code_of(feed(guardrails, call)) == expected(history[:end], stops=False)


@given(histories, st.integers(1, 6))
@example([("terminal", "a", False, "x")] * 9, 1)
@example([("terminal", value, False, "x") for value in "abcabcabc"], 1)
@example([("read_file", value, True, "x") for value in "abab"] * 4, 1)
def test_an_unattended_run_is_blocked_and_halted_as_the_rules_say(history: list[Call], times: int) -> None:
    history = [call for call in history for _ in range(times)]
    guardrails = make(attended=False)
    for end, call in enumerate(history, 1):
        past = history[: end - 1]
        same = [before for before in past if before[:2] == call[:2]]
        tried = [before for before in after_last_edit(past) if before[:2] == call[:2]]
        failures = exact_failures(tried) if tried else 0
        repeated = unchanged(same) if same and same[-1][2] else 0
        block = guardrails.before_call(call[0], arguments(call[1]), READ_ONLY[call[0]])
        if failures >= 5:
            assert block is not None
            assert (block.code, block.count) == ("repeated_exact_failure_block", failures)
        elif repeated >= 5:
            assert block is not None
            assert (block.code, block.count) == ("idempotent_no_progress_block", repeated)
        else:
            assert block is None
        assert code_of(feed(guardrails, call)) == expected(history[:end], stops=True)


@given(st.lists(st.tuples(st.sampled_from(sorted(READ_ONLY)), st.integers()), unique=True, max_size=60))
def test_distinct_successful_calls_with_distinct_results_are_never_remarked_on(
    work: list[tuple[str, int]],
) -> None:
    guardrails = make(attended=False)
    for tool, number in work:
        assert guardrails.before_call(tool, arguments(str(number)), READ_ONLY[tool]) is None
        verdict = feed(guardrails, (tool, str(number), True, f"result {number}"))
        assert verdict == Verdict()


@pytest.mark.parametrize("count", [10, 200])
def test_writing_many_files_with_one_and_the_same_answer_is_work(count: int) -> None:
    guardrails = make(attended=False)
    for number in range(count):
        assert feed(guardrails, ("write_file", f"file{number}", True, '{"ok":true}')) == Verdict()


def test_a_shell_that_says_nothing_for_ever_other_commands_is_work() -> None:
    guardrails = make(attended=False)
    for number in range(50):
        assert feed(guardrails, ("terminal", f"mkdir {number}", True, "")) == Verdict()


def test_the_sixth_identical_failing_call_is_the_blocked_one() -> None:
    guardrails = make(attended=False)
    seen = []
    for _ in range(5):
        assert guardrails.before_call("terminal", arguments("a"), False) is None
        seen.append(code_of(feed(guardrails, ("terminal", "a", False, "no"))))
    assert seen == [None] + ["repeated_exact_failure_warning"] * 4
    block = guardrails.before_call("terminal", '{ "path" : "a" }', False)
    assert block is not None
    digest = hashlib.sha256(b'{"path":"a"}').hexdigest()
    body = json.loads(block.result_json())
    assert body == {
        "error": block.message,
        "guardrail": {
            "action": "block",
            "code": "repeated_exact_failure_block",
            "message": block.message,
            "tool_name": "terminal",
            "count": 5,
            "signature": {"tool_name": "terminal", "args_hash": digest},
        },
    }
    assert len(block.evidence) == 5
    assert all((call.args_hash, call.ok) == (digest, False) for call in block.evidence)


def test_the_eighth_failure_of_one_tool_halts() -> None:
    guardrails = make(attended=False)
    seen = [code_of(feed(guardrails, ("terminal", f"try {number}", False, "no"))) for number in range(8)]
    assert seen == [None, None, *["same_tool_failure_warning"] * 5, "same_tool_failure_halt"]


def test_a_success_clears_the_count_of_its_arguments_and_of_the_whole_tool() -> None:
    guardrails = make(attended=False)
    for _ in range(20):
        for value in "ab":
            verdict = feed(guardrails, ("terminal", value, False, f"{value} fails"))
        assert "same_tool" not in (code_of(verdict) or "")
        feed(guardrails, ("terminal", "c", True, "fine"))
    assert guardrails.before_call("terminal", arguments("a"), False) is not None
    feed(guardrails, ("terminal", "a", True, "fine now"))
    assert guardrails.before_call("terminal", arguments("a"), False) is None


def test_words_in_a_result_are_not_a_failure() -> None:
    guardrails = make(attended=False)
    for number in range(20):
        text = f"Error: failed {number}"
        assert feed(guardrails, ("read_file", f"log{number}", True, text)) == Verdict()


def test_one_result_for_ever_other_arguments_is_noticed_until_something_new_turns_up() -> None:
    guardrails = make(attended=False)
    seen = [code_of(feed(guardrails, ("search_files", f"q{n}", True, "no matches"))) for n in range(5)]
    assert seen == [None, None, *["repeated_result_warning"] * 3]
    feed(guardrails, ("read_file", "a", True, "something new"))
    assert code_of(feed(guardrails, ("search_files", "q5", True, "no matches"))) is None
    seen = [code_of(feed(guardrails, ("search_files", f"r{n}", True, "no matches"))) for n in range(5)]
    assert seen[-1] == "repeated_result_halt"


def test_the_same_command_with_the_same_output_again_and_again_is_noticed() -> None:
    guardrails = make(attended=False)
    seen = [code_of(feed(guardrails, ("terminal", "git status", True, "clean"))) for _ in range(6)]
    assert seen == [None, None, *["repeated_result_warning"] * 3, "repeated_result_halt"]


@pytest.mark.parametrize("length", [2, 3, 4, 5])
def test_a_cycle_is_warned_of_in_its_second_round_and_stopped_in_its_fourth(length: int) -> None:
    guardrails = make(attended=False)
    cycle: list[Call] = [("terminal", f"step {number}", True, f"out {number}") for number in range(length)]
    seen = [code_of(feed(guardrails, call)) for call in cycle * 4]
    assert seen[: 2 * length - 1] == [None] * (2 * length - 1)
    assert seen[2 * length - 1] == "cycle_warning"
    assert seen.index("cycle_halt") == 4 * length - 1


def test_a_cycle_whose_results_change_is_none() -> None:
    guardrails = make(attended=False)
    for number in range(30):
        assert feed(guardrails, ("terminal", "ab"[number % 2], True, f"out {number}")) == Verdict()


@pytest.mark.parametrize(
    ("attended", "fields", "stops"),
    [
        (True, {}, False),
        (False, {}, True),
        (True, {"hard_stop_enabled": True}, True),
        (False, {"non_interactive_hard_stop_enabled": False}, False),
        (False, {"non_interactive_hard_stop_enabled": False, "hard_stop_enabled": True}, True),
    ],
)
def test_who_watches_and_the_settings_decide_about_hard_stops(
    attended: bool, fields: dict[str, bool], stops: bool
) -> None:
    guardrails = make(attended=attended, **fields)
    halted = [feed(guardrails, ("terminal", str(n), False, "no")).halt is not None for n in range(8)]
    assert halted[-1] is stops
    for _ in range(5):
        feed(guardrails, ("write_file", "a", False, "no"))
    assert (guardrails.before_call("write_file", arguments("a"), False) is not None) is stops


def test_without_warnings_stops_still_come() -> None:
    guardrails = make(attended=False, warnings_enabled=False)
    verdicts = [feed(guardrails, ("terminal", str(n), False, "no")) for n in range(8)]
    assert not any(verdict.warnings for verdict in verdicts)
    assert verdicts[-1].halt is not None


def test_thresholds_are_those_of_the_settings_and_nonsense_means_the_default() -> None:
    settings = GuardrailSettings(
        warn_after=WarnAfter(exact_failure=1, same_tool_failure=0),
        hard_stop_after=HardStopAfter(same_tool_failure=2, exact_failure=-1),
    )
    guardrails = Guardrails(settings, attended=False)
    assert code_of(feed(guardrails, ("terminal", "a", False, "no"))) == "repeated_exact_failure_warning"
    assert code_of(feed(guardrails, ("terminal", "b", False, "no"))) == "same_tool_failure_halt"
    assert guardrails.before_call("terminal", arguments("a"), False) is None


def test_lines_and_the_last_answer_name_code_count_and_tool() -> None:
    guardrails = make(attended=False)
    verdicts = [feed(guardrails, ("terminal", str(n), False, "no")) for n in range(8)]
    line = verdicts[2].warnings[0].line()
    assert line.startswith("[Tool loop warning: same_tool_failure_warning; count=3; ")
    assert line.endswith("]")
    assert "pwd" in line
    halt = verdicts[-1].halt
    assert halt is not None
    assert halt.line().startswith("[Tool loop hard stop: same_tool_failure_halt; count=8; ")
    text = halt_message(halt)
    assert all(part in text for part in ("terminal", "same_tool_failure_halt", "8"))


def test_evidence_holds_digests_and_no_arguments() -> None:
    guardrails = make(attended=False)
    for number in range(8):
        verdict = feed(guardrails, ("terminal", f"secret{number}", False, "private"))
    assert verdict.halt is not None
    assert [call.tool for call in verdict.halt.evidence] == ["terminal"] * 8
    assert "secret" not in repr(verdict.halt)
    assert "private" not in repr(verdict.halt)


def test_results_that_differ_in_the_order_of_keys_only_are_the_same() -> None:
    guardrails = make()
    feed(guardrails, ("read_file", "a", True, '{"a": 1, "b": 2}'))
    verdict = feed(guardrails, ("read_file", "a", True, '{"b":2,"a":1}'))
    assert code_of(verdict) == "idempotent_no_progress_warning"


@given(st.text(), st.text())
def test_any_text_is_taken_as_arguments_and_result(written: str, result: str) -> None:
    guardrails = make(attended=False)
    for text in (written, "[" * 100_000, "{", '{"a":' + "9" * 5_000 + "}"):
        guardrails.before_call("terminal", text, False)
        guardrails.begin_batch()
        guardrails.after_call("terminal", text, False, True, result)


def test_a_long_run_is_remembered_in_bounded_room() -> None:
    guardrails = make()
    for number in range(5_000):
        feed(guardrails, ("terminal", str(number), False, str(number)))
        feed(guardrails, ("read_file", str(number), True, "same" if number < 2_500 else str(number)))
    held = [value for value in vars(guardrails).values() if hasattr(value, "__len__")]
    assert max(map(len, held)) <= REMEMBERED
    assert all(len(repeat.arguments) <= REMEMBERED for repeat in guardrails._repeats.values())


def test_a_threshold_beyond_all_measure_costs_no_room() -> None:
    guardrails = make(warn_after=WarnAfter(cycle=10**12))
    for number in range(2_000):
        feed(guardrails, ("terminal", str(number % 7), True, str(number)))
    assert len(guardrails._recent) <= LONGEST_CYCLE * REMEMBERED


# The numbers, one by one.


def warned(guardrails: Guardrails, history: list[Call]) -> list[tuple[str, int] | None]:
    """Code and count of what each call was told."""
    told: list[tuple[str, int] | None] = []
    for call in history:
        verdict = feed(guardrails, call)
        found = verdict.halt or next(iter(verdict.warnings), None)
        told.append((found.code, found.count) if found else None)
    return told


def test_the_defaults_are_those_of_the_documentation() -> None:
    settings = GuardrailSettings()
    assert (settings.warnings_enabled, settings.hard_stop_enabled) == (True, False)
    assert settings.non_interactive_hard_stop_enabled is True
    warn, stop = settings.warn_after, settings.hard_stop_after
    assert (warn.exact_failure, warn.same_tool_failure, warn.idempotent_no_progress) == (2, 3, 2)
    assert (stop.exact_failure, stop.same_tool_failure, stop.idempotent_no_progress) == (5, 8, 5)
    assert (warn.repeated_result, warn.cycle, stop.repeated_result, stop.cycle) == (3, 2, 6, 4)


def test_the_second_identical_reading_is_warned_of_and_the_sixth_is_not_run() -> None:
    guardrails = make(attended=False)
    for count in range(1, 6):
        assert guardrails.before_call("search_files", arguments("a"), True) is None
        (told,) = warned(guardrails, [("search_files", "a", True, "same")])
        assert told == (None if count == 1 else ("idempotent_no_progress_warning", count))
    block = guardrails.before_call("search_files", arguments("a"), True)
    assert block is not None
    told_to_model = json.loads(block.result_json())["guardrail"]
    assert (told_to_model["code"], told_to_model["count"]) == ("idempotent_no_progress_block", 5)
    assert guardrails.before_call("search_files", arguments("b"), True) is None


def test_another_result_or_a_failure_starts_the_count_of_readings_again() -> None:
    guardrails = make()
    first = ("read_file", "a", True, "one")
    assert warned(guardrails, [first, ("read_file", "a", True, "two"), first]) == [None] * 3
    failed = ("read_file", "a", False, "gone")
    assert warned(guardrails, [failed, first]) == [None] * 2


def test_a_call_that_changes_things_is_not_counted_as_a_reading() -> None:
    guardrails = make(attended=False)
    assert warned(guardrails, [("write_file", "a", True, "ok")] * 2) == [None] * 2


def test_one_call_is_told_one_thing_and_the_same_arguments_come_first() -> None:
    guardrails = make()
    verdicts = [feed(guardrails, ("terminal", "a", False, "no")) for _ in range(4)]
    assert [len(verdict.warnings) for verdict in verdicts] == [0, 1, 1, 1]
    assert {code_of(verdict) for verdict in verdicts[1:]} == {"repeated_exact_failure_warning"}
    assert warned(guardrails, [("terminal", "b", False, "no")]) == [("same_tool_failure_warning", 5)]
    assert warned(guardrails, [("terminal", "b", False, "no")]) == [("repeated_exact_failure_warning", 2)]


def test_a_reading_that_repeats_and_goes_round_is_told_it_repeats() -> None:
    guardrails = make()
    history = [("read_file", value, True, "same") for value in "abab"]
    assert [told and told[0] for told in warned(guardrails, history)] == [
        None,
        None,
        "idempotent_no_progress_warning",
        "idempotent_no_progress_warning",
    ]


def test_a_halt_takes_the_place_of_the_warning() -> None:
    guardrails = make(attended=False, hard_stop_after=HardStopAfter(same_tool_failure=2))
    feed(guardrails, ("terminal", "a", False, "no"))
    verdict = feed(guardrails, ("terminal", "a", False, "no"))
    assert verdict.warnings == ()
    assert isinstance(verdict.halt, Halt)
    assert not isinstance(verdict.halt, Block)


@pytest.mark.parametrize(
    ("name", "call", "code"),
    [
        ("exact_failure", ("terminal", "a", False, "no"), "repeated_exact_failure_warning"),
        ("same_tool_failure", ("terminal", "", False, "no"), "same_tool_failure_warning"),
        ("idempotent_no_progress", ("read_file", "a", True, "x"), "idempotent_no_progress_warning"),
        ("repeated_result", ("read_file", "", True, "x"), "repeated_result_warning"),
    ],
)
def test_each_warning_comes_at_the_count_that_is_set(name: str, call: Call, code: str) -> None:
    guardrails = make(warn_after=msgspec.structs.replace(_never(WarnAfter()), **{name: 7}))
    tool, value, ok, result = call
    history = [(tool, value or str(number), ok, result) for number in range(9)]
    assert warned(guardrails, history) == [*[None] * 6, (code, 7), (code, 8), (code, 9)]


@pytest.mark.parametrize(
    ("name", "call", "code", "count"),
    [
        ("exact_failure", ("terminal", "a", False, "no"), "repeated_exact_failure_block", 3),
        ("same_tool_failure", ("terminal", "", False, "no"), "same_tool_failure_halt", 3),
        ("idempotent_no_progress", ("read_file", "a", True, "x"), "idempotent_no_progress_block", 3),
        ("repeated_result", ("read_file", "", True, "x"), "repeated_result_halt", 3),
        ("repeated_result", ("terminal", "a", True, "x"), "repeated_result_halt", 3),
    ],
)
def test_each_stop_comes_at_the_count_that_is_set(name: str, call: Call, code: str, count: int) -> None:
    stops = msgspec.structs.replace(_never(HardStopAfter()), **{name: count})
    guardrails = make(hard_stop_enabled=True, warnings_enabled=False, hard_stop_after=stops)
    tool, value, ok, result = call
    for number in range(count):
        place = value or str(number)
        assert guardrails.before_call(tool, arguments(place), READ_ONLY[tool]) is None
        halt = feed(guardrails, (tool, place, ok, result)).halt
        assert (halt is not None) is (code.endswith("_halt") and number == count - 1)
    stop = halt or guardrails.before_call(tool, arguments(value), READ_ONLY[tool])
    assert stop is not None
    assert (stop.code, stop.count, stop.tool) == (code, count, tool)
    assert stop.args_hash == stop.evidence[-1].args_hash


def _never(thresholds: WarnAfter | HardStopAfter) -> WarnAfter | HardStopAfter:
    return type(thresholds)(**dict.fromkeys(thresholds.__struct_fields__, 1_000))


@pytest.mark.parametrize("length", [1, 6, 7])
def test_rounds_of_another_length_are_no_cycle(length: int) -> None:
    never = _never(WarnAfter())
    guardrails = make(warn_after=msgspec.structs.replace(never, cycle=2))
    history = [("terminal", str(number), True, str(number)) for number in range(length)] * 4
    assert warned(guardrails, history) == [None] * len(history)


def test_a_cycle_that_is_broken_once_is_counted_anew() -> None:
    guardrails = make(attended=False)
    round_: list[Call] = [("terminal", "a", True, "1"), ("write_file", "b", True, "2")]
    aside: Call = ("read_file", "c", True, "3")
    told = warned(guardrails, [*round_ * 2, aside, *round_ * 2])
    assert told == [None] * 3 + [("cycle_warning", 2)] + [None] * 4 + [("cycle_warning", 2)]


def test_counters_of_one_run_know_nothing_of_another() -> None:
    first, second = make(), make()
    for _ in range(3):
        feed(first, ("terminal", "a", False, "no"))
    assert feed(second, ("terminal", "a", False, "no")) == Verdict()


@pytest.mark.parametrize("words", ["", "done", '{"error": null}', '{"success": true}', "0"])
def test_a_failure_without_a_word_about_it_is_one(words: str) -> None:
    guardrails = make()
    assert warned(guardrails, [("terminal", "a", False, words)] * 2)[1] == (
        "repeated_exact_failure_warning",
        2,
    )


@pytest.mark.parametrize("written", ['{"b":1,"path":"a"}', ' { "path" : "a",\n "b": 1 }\n'])
def test_how_arguments_are_written_does_not_matter(written: str) -> None:
    guardrails = make()
    guardrails.after_call("terminal", '{"path": "a", "b": 1}', False, False, "no")
    verdict = guardrails.after_call("terminal", written, False, False, "no")
    assert code_of(verdict) == "repeated_exact_failure_warning"


def test_the_answer_of_a_stopped_run_reads_well_for_a_block_too() -> None:
    guardrails = make(attended=False)
    for _ in range(5):
        feed(guardrails, ("terminal", "a", False, "no"))
    block = guardrails.before_call("terminal", arguments("a"), False)
    assert block is not None
    assert "5" in block.message
    assert "repeated_exact_failure_block" in halt_message(block)


# Through the configuration file, and through a real run.


@pytest.fixture
def read_settings(tmp_path: Path) -> Callable[[str], Settings]:
    def read(text: str) -> Settings:
        profile = Profile(name="default", home=tmp_path, root=tmp_path)
        profile.config_file.write_text(text)
        return load_settings(profile, Environment({"HERMES_MANAGED_DIR": str(tmp_path / "managed")}))

    return read


@pytest.mark.parametrize(
    ("alias", "section", "name"),
    [
        ("exact_failure_warn_after", "warn_after", "exact_failure"),
        ("same_tool_failure_warn_after", "warn_after", "same_tool_failure"),
        ("no_progress_warn_after", "warn_after", "idempotent_no_progress"),
        ("exact_failure_block_after", "hard_stop_after", "exact_failure"),
        ("same_tool_failure_halt_after", "hard_stop_after", "same_tool_failure"),
        ("no_progress_block_after", "hard_stop_after", "idempotent_no_progress"),
    ],
)
def test_a_flat_name_sets_its_threshold_and_no_other(
    read_settings: Callable[[str], Settings], alias: str, section: str, name: str
) -> None:
    found = read_settings(f"tool_loop_guardrails:\n  {alias}: 17\n").tool_loop_guardrails
    meant = GuardrailSettings()
    setattr(getattr(meant, section), name, 17)
    assert found == meant
    both = f"tool_loop_guardrails:\n  {alias}: 17\n  {section}:\n    {name}: 18\n"
    setattr(getattr(meant, section), name, 18)
    assert read_settings(both).tool_loop_guardrails == meant


@pytest.mark.parametrize(
    "key", ["warnings_enabled", "hard_stop_enabled", "non_interactive_hard_stop_enabled"]
)
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *((word, True) for word in ("1", "true", "yes", "on", "enabled")),
        *((word, False) for word in ("0", "false", "no", "off", "disabled")),
    ],
)
def test_switches_are_written_in_many_ways(
    read_settings: Callable[[str], Settings], key: str, written: str, meant: bool
) -> None:
    found = read_settings(f"tool_loop_guardrails: {{{key}: '{written}'}}\n").tool_loop_guardrails
    assert getattr(found, key) is meant


def shell(call_id: str, command: str) -> ToolCall:
    return ToolCall(call_id, "terminal", json.dumps({"command": command}))


@pytest.mark.anyio
async def test_a_warning_stands_behind_the_result_after_a_blank_line(scripted: MakeRuntime) -> None:
    bench = scripted([*(asks_for(shell(f"c{n}", "false")) for n in range(2)), says("It fails.")])
    await bench.ask("try")
    first, second = (row.content for row in bench.model.requests[-1].messages if row.role == "tool")
    assert "Tool loop" not in first
    assert "\n\n[Tool loop warning: repeated_exact_failure_warning; count=2; " in second
    assert second.endswith("]")
    (event,) = bench.events(GuardrailWarned)
    assert (event.code, event.tool, event.count) == ("repeated_exact_failure_warning", "terminal", 2)


@pytest.mark.anyio
async def test_a_halt_stands_behind_the_last_result_and_ends_the_run(scripted: MakeRuntime) -> None:
    bench = scripted([asks_for(shell(f"c{n}", f"exit {n + 1}")) for n in range(8)])
    run = await bench.ask("try")
    assert (run.status, run.reason) == ("failed", "guardrail_halt")
    results = [row.content for row in await bench.transcript(run.session_id) if row.role == "tool"]
    assert len(results) == 8
    assert "\n\n[Tool loop hard stop: same_tool_failure_halt; count=8; " in results[-1]
    assert "Tool loop warning" not in results[-1]
    (stopped,) = bench.events(GuardrailStopped)
    assert (stopped.code, stopped.count, len(stopped.evidence)) == ("same_tool_failure_halt", 8, 8)


@pytest.mark.anyio
async def test_a_blocked_call_has_the_reason_as_its_result_and_a_new_input_may_try_again(
    scripted: MakeRuntime, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    command = f"echo x >> {count}; false"
    steps = [asks_for(shell(f"c{n}", command)) for n in range(6)]
    bench = scripted([*steps, asks_for(shell("again", command)), says("Still no.")])
    session = await bench.runtime.new_session()
    await bench.ask_in(session.id, "try")
    assert count.read_text() == "x\n" * 5
    results = [row for row in await bench.transcript(session.id) if row.role == "tool"]
    told = json.loads(results[-1].content)["guardrail"]
    assert (told["action"], told["code"], told["count"]) == ("block", "repeated_exact_failure_block", 5)
    assert results[-1].ok is False
    run = await bench.ask_in(session.id, "and now?")
    assert (run.status, count.read_text()) == ("completed", "x\n" * 6)


def test_editing_and_testing_again_and_again_is_work() -> None:
    guardrails = Guardrails(GuardrailSettings(), attended=False)
    for number in range(12):
        assert guardrails.before_call("terminal", arguments("make test"), False) is None
        verdict = feed(guardrails, ("terminal", "make test", False, f"{12 - number} tests failed"))
        assert verdict.halt is None
        feed(guardrails, ("write_file", f"attempt {number}", True, "ok"))


def test_the_same_edit_and_the_same_failure_over_and_over_is_a_cycle() -> None:
    guardrails = Guardrails(GuardrailSettings(), attended=False)
    halts = []
    for _ in range(6):
        for call in (("terminal", "make test", False, "failed"), ("write_file", "a", True, "ok")):
            halts.append(feed(guardrails, call).halt)
    assert any(halt is not None and halt.code == "cycle_halt" for halt in halts)


def test_calls_that_were_asked_for_together_count_as_one_repetition() -> None:
    guardrails = Guardrails(GuardrailSettings(), attended=False)
    guardrails.begin_batch()
    verdicts = [
        guardrails.after_call("search_files", arguments(f"word {number}"), True, True, "no matches")
        for number in range(8)
    ]
    assert verdicts == [Verdict()] * 8
