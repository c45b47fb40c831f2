"""The memory tool as a model sees it."""

import pytest

from hermes.tools.memory import memory
from tests.tools.conftest import Workplace

pytestmark = pytest.mark.anyio


async def test_a_fact_is_saved_and_accounted_for(workplace: Workplace) -> None:
    result = await workplace.ask(memory, target="user", action="add", content="likes tea")
    assert workplace.context.profile.user_file.read_text() == "likes tea\n"
    assert result.pop("note")
    assert result == {
        "success": True,
        "done": True,
        "target": "user",
        "usage": "0% — 9/1,375 chars",
        "entry_count": 1,
        "message": "Saved (add).",
    }


async def test_a_batch_is_whole_or_nothing(workplace: Workplace) -> None:
    await workplace.ask(memory, target="memory", action="add", content="old")
    good = [{"action": "remove", "old_text": "old"}, {"action": "add", "content": "new"}]
    await workplace.refusal(
        memory, target="memory", operations=[*good, {"action": "remove", "old_text": "no"}]
    )
    assert workplace.context.profile.memory_file.read_text() == "old\n"
    await workplace.ask(memory, target="memory", operations=good)
    assert workplace.context.profile.memory_file.read_text() == "new\n"


async def test_over_the_limit_the_model_sees_what_there_is_and_is_stopped_in_time(
    workplace: Workplace,
) -> None:
    workplace.context.settings.memory.memory_char_limit = 10
    await workplace.ask(memory, target="memory", action="add", content="12345")
    refusals = [
        await workplace.refusal(memory, target="memory", action="add", content="abcdef") for _ in range(3)
    ]
    assert refusals[0]["current_entries"] == ["12345"]
    assert refusals[0]["usage"] == "50% — 5/10 chars"
    assert refusals[0]["success"] is False
    assert "leave it" not in refusals[1]["error"]
    assert "leave it" in refusals[2]["error"]
    workplace.context.run_id = "run_2"
    assert (
        "leave it"
        not in (await workplace.refusal(memory, target="memory", action="add", content="abcdef"))["error"]
    )


async def test_ambiguity_shows_the_matches(workplace: Workplace) -> None:
    for content in ("a tea", "b tea"):
        await workplace.ask(memory, target="memory", action="add", content=content)
    refusal = await workplace.refusal(memory, target="memory", action="remove", old_text="tea")
    assert refusal["matches"] == ["a tea", "b tea"]


async def test_bad_calls_are_one_sentence(workplace: Workplace) -> None:
    assert "Say what to do" in (await workplace.refusal(memory, target="user"))["error"]
    both = await workplace.refusal(
        memory, target="user", action="add", content="x", operations=[{"action": "add"}]
    )
    assert "not both" in both["error"]
    workplace.context.settings.memory.user_profile_enabled = False
    off = await workplace.refusal(memory, target="user", action="add", content="x")
    assert "memory.user_profile_enabled" in off["error"]


async def test_without_either_file_the_tool_is_absent(workplace: Workplace) -> None:
    settings = workplace.context.settings
    settings.memory.user_profile_enabled = False
    assert memory.available(settings)
    settings.memory.memory_enabled = False
    assert not memory.available(settings)
