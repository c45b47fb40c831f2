"""Answers that are none: what is asked again, what is taken, and when to give up."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.agent.recovery import (
    BOOSTED_CAP,
    CONTINUATIONS,
    MALFORMED_RETRIES,
    PLAIN_RETRIES,
    Accept,
    AnswerRecovery,
    AskAgain,
    GiveUp,
)
from hermes.models.contract import ModelReply
from hermes.store.records import ToolCall


def recovery(after_tools: bool = False, earlier_text: str = "", cap: int | None = 1_000) -> AnswerRecovery:
    return AnswerRecovery(after_tools=after_tools, earlier_text=earlier_text, output_cap=cap)


def test_a_whole_answer_is_taken() -> None:
    reply = ModelReply(text="Yes.")
    assert recovery().judge(reply) == Accept(reply)


def test_a_text_that_was_cut_off_is_continued_and_joined() -> None:
    asking = recovery()
    again = asking.judge(ModelReply(text="One, two, ", stop="length"))
    assert isinstance(again, AskAgain)
    assert again.messages[0].content == "One, two, "
    assert again.max_output_tokens == 2_000
    taken = asking.judge(ModelReply(text="three."))
    assert isinstance(taken, Accept)
    assert taken.reply.text == "One, two, three."


def test_a_text_that_goes_on_with_calls_is_kept_with_them() -> None:
    asking = recovery()
    again = asking.judge(ModelReply(text="First I ", stop="length"))
    assert isinstance(again, AskAgain)
    assert again.continues
    call = ToolCall("a", "terminal", '{"command":"ls"}')
    taken = asking.judge(ModelReply(text="look.", tool_calls=(call,), stop="tool_calls"))
    assert isinstance(taken, Accept)
    assert taken.reply.text == "First I look."


def test_a_text_that_never_ends_is_given_up_with_what_there_is() -> None:
    asking = recovery()
    decision = None
    for _ in range(CONTINUATIONS + 1):
        decision = asking.judge(ModelReply(text="more ", stop="length"))
    assert isinstance(decision, GiveUp)
    assert decision.text == "more " * (CONTINUATIONS + 1)


def test_the_output_limit_grows_to_its_bound_and_never_shrinks() -> None:
    asking = recovery(cap=20_000)
    limits = [asking.judge(ModelReply(text="x", stop="length")) for _ in range(3)]
    assert [limit.max_output_tokens for limit in limits if isinstance(limit, AskAgain)] == [BOOSTED_CAP] * 3
    big = recovery(cap=64_000).judge(ModelReply(text="x", stop="length"))
    assert isinstance(big, AskAgain)
    assert big.max_output_tokens == 64_000


def test_a_call_that_was_cut_off_is_asked_for_again_and_never_run() -> None:
    cut = ModelReply(tool_calls=(ToolCall("a", "terminal", '{"command": "rm -rf bui'),), stop="tool_calls")
    asking = recovery()
    for _ in range(CONTINUATIONS):
        assert isinstance(asking.judge(cut), AskAgain)
    assert isinstance(asking.judge(cut), GiveUp)


def test_arguments_that_do_not_parse_are_asked_for_again_then_passed_on() -> None:
    broken = ModelReply(tool_calls=(ToolCall("a", "terminal", "{command: ls -la: }"),), stop="tool_calls")
    asking = recovery()
    decisions = [asking.judge(broken) for _ in range(MALFORMED_RETRIES + 1)]
    assert all(isinstance(decision, AskAgain) for decision in decisions[:-1])
    last = decisions[-1]
    assert isinstance(last, Accept)
    assert last.reply.tool_calls[0].arguments == "{command: ls -la: }"


def test_arguments_that_almost_parse_are_mended_in_silence() -> None:
    reply = ModelReply(tool_calls=(ToolCall("a", "terminal", '{"command": "ls",}'),), stop="tool_calls")
    decision = recovery().judge(reply)
    assert isinstance(decision, Accept)
    assert decision.reply.tool_calls[0].arguments == '{"command":"ls"}'


def test_the_same_call_twice_in_one_message_is_one_call() -> None:
    twice = (ToolCall("a", "terminal", '{"command":"ls"}'), ToolCall("b", "terminal", '{ "command": "ls" }'))
    decision = recovery().judge(ModelReply(tool_calls=twice, stop="tool_calls"))
    assert isinstance(decision, Accept)
    assert [call.id for call in decision.reply.tool_calls] == ["a"]


def test_calls_with_one_id_get_different_ones() -> None:
    same = (ToolCall("a", "terminal", '{"command":"ls"}'), ToolCall("a", "terminal", '{"command":"pwd"}'))
    decision = recovery().judge(ModelReply(tool_calls=same, stop="tool_calls"))
    assert isinstance(decision, Accept)
    ids = [call.id for call in decision.reply.tool_calls]
    assert len(set(ids)) == 2


def test_an_id_that_the_session_has_seen_is_made_unique() -> None:
    asking = AnswerRecovery(after_tools=True, used_ids={"call_0", "call_0_2"})
    decision = asking.judge(ModelReply(tool_calls=(ToolCall("call_0", "t", "{}"),), stop="tool_calls"))
    assert isinstance(decision, Accept)
    assert decision.reply.tool_calls[0].id == "call_0_3"


def test_silence_after_tools_is_nudged_once_then_asked_again_plainly() -> None:
    asking = recovery(after_tools=True)
    first = asking.judge(ModelReply())
    assert isinstance(first, AskAgain)
    assert len(first.messages) == 2
    for _ in range(PLAIN_RETRIES):
        again = asking.judge(ModelReply())
        assert isinstance(again, AskAgain)
        assert again.messages == ()
    last = asking.judge(ModelReply())
    assert isinstance(last, GiveUp)
    assert last.reason == "empty_answer"


def test_thoughts_without_words_are_handed_back_as_a_beginning() -> None:
    again = recovery().judge(ModelReply(reasoning="It is 42."))
    assert isinstance(again, AskAgain)
    assert again.messages[0].content == "It is 42."


def test_text_before_bookkeeping_stands_as_the_answer() -> None:
    decision = recovery(after_tools=True, earlier_text="Noted: tea.").judge(ModelReply())
    assert isinstance(decision, Accept)
    assert decision.reply.text == "Noted: tea."


@pytest.mark.parametrize("after_tools", [True, False])
@given(
    replies=st.lists(
        st.sampled_from(
            [
                ModelReply(),
                ModelReply(reasoning="hm"),
                ModelReply(text="part", stop="length"),
                ModelReply(tool_calls=(ToolCall("a", "t", '{"x": "'),), stop="length"),
                ModelReply(tool_calls=(ToolCall("a", "t", "{x:y:z}"),), stop="tool_calls"),
            ]
        ),
        min_size=30,
        max_size=30,
    )
)
def test_whatever_a_model_says_the_asking_ends(after_tools: bool, replies: list[ModelReply]) -> None:
    asking = recovery(after_tools)
    decisions = []
    for reply in replies:
        decisions.append(asking.judge(reply))
        if not isinstance(decisions[-1], AskAgain):
            break
    assert not isinstance(decisions[-1], AskAgain)


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.booleans())))
def test_valid_arguments_keep_their_meaning(arguments: dict[str, object]) -> None:
    call = ToolCall("a", "t", json.dumps(arguments))
    decision = recovery().judge(ModelReply(tool_calls=(call,), stop="tool_calls"))
    assert isinstance(decision, Accept)
    assert json.loads(decision.reply.tool_calls[0].arguments) == arguments
