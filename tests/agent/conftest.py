"""Real runs with a scripted model."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from hermes.home.settings import Settings
from hermes.testing.scripted_model import Step
from hermes.testing.scripted_runtime import ScriptedRuntime

MakeRuntime = Callable[..., ScriptedRuntime]


@pytest.fixture
async def scripted(tmp_path: Path) -> AsyncIterator[MakeRuntime]:
    """Make a runtime whose model follows the given steps; it is closed after the test."""
    opened: list[ScriptedRuntime] = []

    def make(steps: Sequence[Step], settings: Settings | None = None, yolo: bool = False) -> ScriptedRuntime:
        opened.append(ScriptedRuntime(tmp_path, steps, settings=settings, yolo=yolo))
        return opened[-1]

    yield make
    for each in opened:
        await each.runtime.close()
