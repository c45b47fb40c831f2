"""What a person says to a run at work."""

import asyncio

import pytest

from hermes.agent.ending import Interrupted
from hermes.agent.steering import Steering

pytestmark = pytest.mark.anyio


async def test_work_that_is_not_interrupted_gives_its_result() -> None:
    async def work() -> str:
        return "done"

    assert await Steering().unless_stopped(work()) == "done"


async def test_an_interrupt_cancels_the_work_and_waits_until_it_has_cleaned_up() -> None:
    steering = Steering()
    cleaned = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    asyncio.get_running_loop().call_later(0.01, steering.interrupt, "enough")
    with pytest.raises(Interrupted):
        await steering.unless_stopped(work())
    assert cleaned == [True]
    assert steering.reason == "enough"


async def test_an_error_of_the_work_is_raised_as_it_is() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await Steering().unless_stopped(work())


def test_several_steers_arrive_as_one_text_once() -> None:
    steering = Steering()
    steering.steer("first")
    steering.steer("second")
    assert steering.take_steers() == "first\nsecond"
    assert steering.take_steers() == ""


def test_a_steer_that_found_no_tool_result_comes_before_follow_ups() -> None:
    steering = Steering()
    steering.follow_up("later")
    steering.steer("now")
    assert [steering.take_follow_up() for _ in range(3)] == ["now", "later", ""]
