"""Asking the person behind the run."""

import pytest

from hermes.tools.clarify import UNANSWERED, clarify
from hermes.tools.contract import ToolArgumentError
from tests.tools.conftest import Answers, Workplace

pytestmark = pytest.mark.anyio


async def test_an_answer_comes_back(workplace: Workplace) -> None:
    people = Answers("red")
    workplace.context.people = people
    result = await workplace.ask(clarify, question="Which colour?", choices=["red", " blue "])
    assert result == {"question": "Which colour?", "choices_offered": ["red", "blue"], "user_response": "red"}
    assert people.asked == [("Which colour?", ("red", "blue"))]


async def test_unanswered_means_decide_yourself(workplace: Workplace) -> None:
    result = await workplace.ask(clarify, question="Which colour?")
    assert result["user_response"] == UNANSWERED
    assert "Decide yourself" in UNANSWERED


async def test_bad_calls_name_the_argument(workplace: Workplace) -> None:
    assert "'question' is empty" in (await workplace.refusal(clarify, question=" "))["error"]
    with pytest.raises(ToolArgumentError, match="choices"):
        await workplace.call(clarify, question="x", choices=list("abcde"))
