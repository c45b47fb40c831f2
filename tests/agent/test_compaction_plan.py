"""Which rows a summary may stand for."""

from hypothesis import given
from hypothesis import strategies as st

from hermes.agent.compaction import plan_compaction, threshold_tokens
from hermes.home.settings import CompressionSettings
from hermes.store.records import Message, ToolCall

SETTINGS = CompressionSettings()


def exchange(number: int, calls: int = 2, size: int = 400) -> list[Message]:
    rows = [Message(role="user", content=f"question {number} " + "x" * size)]
    for index in range(calls):
        call = ToolCall(f"call_{number}_{index}", "terminal", "{}")
        rows.append(Message(role="assistant", tool_calls=(call,)))
        rows.append(Message(role="tool", tool_call_id=call.id, content="y" * size))
    rows.append(Message(role="assistant", content=f"answer {number}"))
    return rows


def test_windows_below_half_a_million_wait_until_three_quarters() -> None:
    assert threshold_tokens(SETTINGS, 128_000, 8_000) == 90_000
    assert threshold_tokens(SETTINGS, 1_000_000, 0) > 490_000


def test_a_short_transcript_has_nothing_to_summarise() -> None:
    assert plan_compaction(exchange(1, calls=0), SETTINGS, 100_000) is None


def test_the_middle_of_a_long_transcript_is_summarised() -> None:
    rows = [row for number in range(30) for row in exchange(number)]
    plan = plan_compaction(rows, SETTINGS, 2_000)
    assert plan is not None
    assert plan.first >= SETTINGS.protect_first_n
    assert len(rows) - plan.last > 8


def test_in_one_long_run_the_request_stays_and_the_work_on_it_is_summarised() -> None:
    rows = exchange(1, calls=100)[:-1]
    plan = plan_compaction([*exchange(0), *rows], SETTINGS, 2_000)
    assert plan is not None
    request = len(exchange(0))
    assert plan.kept == request
    assert rows[0] not in plan.rows([*exchange(0), *rows])


def test_an_older_summary_is_part_of_the_next_one() -> None:
    rows = [row for number in range(30) for row in exchange(number)]
    rows.insert(1, Message(role="user", kind="summary", content="notes"))
    plan = plan_compaction(rows, SETTINGS, 2_000)
    assert plan is not None
    assert plan.first == 1


def test_a_request_that_was_kept_once_is_summarised_when_it_is_not_the_last_any_more() -> None:
    rows = [row for number in range(30) for row in exchange(number)]
    kept, notes = Message(role="user", content="old"), Message(role="user", kind="summary", content="notes")
    plan = plan_compaction([*rows[:6], kept, notes, *rows[6:]], SETTINGS, 2_000)
    assert plan is not None
    assert kept in plan.rows([*rows[:6], kept, notes, *rows[6:]])


@given(
    st.lists(st.integers(min_value=0, max_value=6), min_size=1, max_size=12),
    st.integers(min_value=0, max_value=8_000),
    st.booleans(),
)
def test_calls_and_results_are_never_parted_and_the_last_request_stays(
    shape: list[int], threshold: int, answered: bool
) -> None:
    rows = [row for number, calls in enumerate(shape) for row in exchange(number, calls)]
    if not answered:
        rows.pop()
    plan = plan_compaction(rows, SETTINGS, threshold)
    if plan is None:
        return
    gone = plan.rows(rows)
    last_user = max(index for index, row in enumerate(rows) if row.role == "user")
    assert rows[last_user] not in gone
    for row in rows:
        for call in row.tool_calls:
            results = [other for other in rows if other.tool_call_id == call.id]
            assert all((result in gone) == (row in gone) for result in results)


def tail(rows: list[Message], settings: CompressionSettings, threshold: int) -> int:
    plan = plan_compaction(rows, settings, threshold)
    assert plan is not None
    return len(rows) - plan.last - 1


def test_the_tail_has_the_protected_messages_as_long_as_they_fit_half_the_threshold() -> None:
    rows = [row for number in range(200) for row in exchange(number, calls=0)]
    share = tail(rows, CompressionSettings(protect_last_n=0), 4_000)
    assert tail(rows, CompressionSettings(protect_last_n=share + 4), 4_000) in (share + 4, share + 5)
    half = tail(rows, CompressionSettings(protect_last_n=0, target_ratio=0.5), 4_000)
    assert share + 4 < half
    assert tail(rows, CompressionSettings(protect_last_n=150), 4_000) == half


def test_eight_protected_messages_stay_however_large_they_are() -> None:
    rows = [row for number in range(200) for row in exchange(number, calls=0, size=4_000)]
    assert tail(rows, CompressionSettings(), 100) == 8
    assert tail(rows, CompressionSettings(protect_last_n=4), 100) == 4
