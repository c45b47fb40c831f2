"""The transcript is made presentable: calls and results in pairs, arguments in one form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.models.wires.conversation import MISSING_RESULT, canonical_arguments, family, presentable
from hermes.store.records import Message, ToolCall


def calling(*ids: str) -> Message:
    return Message(role="assistant", tool_calls=tuple(ToolCall(one, "f", "{}") for one in ids))


def result(call_id: str, text: str = "ok") -> Message:
    return Message(role="tool", content=text, tool_call_id=call_id)


USER = Message(role="user", content="Go")


def outline(rows: list[Message]) -> list[str]:
    return [f"tool:{row.tool_call_id}:{row.content}" if row.role == "tool" else row.role for row in rows]


def test_results_without_a_call_are_dropped() -> None:
    assert outline(presentable([result("x"), USER, result("y"), calling("a"), result("a"), result("z")])) == [
        "user",
        "assistant",
        "tool:a:ok",
    ]


def test_calls_without_a_result_get_one_that_says_so() -> None:
    rows = presentable([USER, calling("a", "b"), result("b"), USER])
    assert outline(rows) == ["user", "assistant", f"tool:a:{MISSING_RESULT}", "tool:b:ok", "user"]
    assert rows[2].ok is False


def test_results_are_put_in_call_order_right_after_the_call() -> None:
    rows = presentable([calling("a", "b"), USER, result("b", "2"), result("a", "1")])
    assert outline(rows) == ["assistant", "tool:a:1", "tool:b:2", "user"]


def test_ids_may_come_again_in_a_later_turn() -> None:
    rows = presentable([calling("a"), result("a", "1"), calling("a"), result("a", "2")])
    assert outline(rows) == ["assistant", "tool:a:1", "assistant", "tool:a:2"]


def test_rows_that_say_nothing_are_left_out() -> None:
    blank = [Message(role="user", content=" "), Message(role="assistant", reasoning="Hm.")]
    assert presentable([*blank, USER]) == [USER]


def test_names_that_no_server_takes_are_made_presentable() -> None:
    calls = (ToolCall("a", "read file!", "{}"), ToolCall("b", " ", "{}"))
    row = presentable([Message(role="assistant", tool_calls=calls)])[0]
    assert [call.name for call in row.tool_calls] == ["read_file_", "unnamed_tool"]


ROWS = st.lists(
    st.one_of(
        st.just(USER),
        st.lists(st.sampled_from("abc"), max_size=3, unique=True).map(lambda ids: calling(*ids)),
        st.sampled_from("abc").map(result),
    ),
    max_size=12,
)


@given(ROWS)
def test_every_call_is_answered_once_and_at_once(rows: list[Message]) -> None:
    out = presentable(rows)
    position = 0
    while position < len(out):
        row = out[position]
        assert row.role != "tool"
        answers = out[position + 1 : position + 1 + len(row.tool_calls)]
        assert [answer.tool_call_id for answer in answers] == [call.id for call in row.tool_calls]
        position += 1 + len(row.tool_calls)
    assert presentable(out) == out


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ('{ "b": 1, "a": {"d": 2, "c": "ü"} }', '{"a":{"c":"ü","d":2},"b":1}'),
        ("", "{}"),
        ("null", "{}"),
        ("[1, 2]", "{}"),
        ('{"command": "ls', "{}"),
        ('{"a": NaN}', "{}"),
        ('{"a": Infinity}', "{}"),
        ("[" * 100_000, "{}"),
    ],
)
def test_arguments_have_one_form(written: str, canonical: str) -> None:
    assert canonical_arguments(written) == canonical


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_canonical_arguments_keep_their_meaning_and_stay_as_they_are(value: dict[str, object]) -> None:
    once = canonical_arguments(json.dumps(value, indent=1))
    assert json.loads(once) == value
    assert canonical_arguments(once) == once


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("claude-opus-4-5", "claude"),
        ("anthropic/claude-3.5-haiku:beta", "claude"),
        ("o3-mini", "o"),
        ("GPT-5.1", "gpt"),
        ("qwen3:8b", "qwen"),
        ("", ""),
    ],
)
def test_families(model: str, name: str) -> None:
    assert family(model) == name
