"""A real run: a store on disk, a local sandbox, the real tools, and a model that says what it is told."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from hermes.home.environment import load_environment
from hermes.home.profile import Profile
from hermes.home.profiles import prepare_home
from hermes.home.settings import Settings
from hermes.runs.prompting import SessionPrompt
from hermes.runs.runtime import Runtime
from hermes.sandbox.open import open_sandbox
from hermes.store.database import Store
from hermes.store.records import Message, Run
from hermes.testing.scripted_model import ScriptedModel, Step
from hermes.tools.contract import People
from hermes.tools.registry import enabled_tools


class Bench:
    """A runtime in a temporary home, and what its runs said."""

    def __init__(self, runtime: Runtime, model: ScriptedModel) -> None:
        self.runtime = runtime
        self.model = model
        self.events: list[object] = []

    async def ask(self, text: str, *, attended: bool = False, people: People | None = None) -> Run:
        """One input in a session of its own."""
        session = await self.runtime.new_session()
        return await self.ask_in(session.id, text, attended=attended, people=people)

    async def ask_in(
        self, session_id: str, text: str, *, attended: bool = False, people: People | None = None
    ) -> Run:
        run = await self.runtime.submit(session_id, text, attended=attended)
        return await self.runtime.execute(
            run.id, people=people, listen=lambda record: self.events.append(record.event)
        )

    async def transcript(self, run: Run) -> list[Message]:
        return await self.runtime.store.messages.active(self.runtime.scope, run.session_id)

    def of_type(self, kind: type) -> list[object]:
        return [event for event in self.events if isinstance(event, kind)]


MakeBench = Callable[..., Bench]


@pytest.fixture
async def make_bench(tmp_path: Path, plain_environment: dict[str, str]) -> AsyncIterator[MakeBench]:
    opened: list[Runtime] = []
    home = Path(plain_environment["HERMES_HOME"])
    profile = Profile(name="default", home=home, root=home)
    prepare_home(profile, plain_environment)
    environment = load_environment(profile, plain_environment)
    work = tmp_path / "work"
    work.mkdir()

    def make(steps: Sequence[Step], settings: Settings | None = None, yolo: bool = False) -> Bench:
        chosen = settings or Settings()
        model = ScriptedModel(steps)
        runtime = Runtime(
            profile=profile,
            settings=chosen,
            environment=environment,
            store=Store.open(profile),
            model=model,
            tools=enabled_tools(chosen, source="cli"),
            sandbox=open_sandbox(chosen, environment, profile, str(work)),
            prompt=SessionPrompt(profile, chosen, "cli"),
            yolo=yolo,
        )
        opened.append(runtime)
        return Bench(runtime, model)

    yield make
    for runtime in opened:
        await runtime.close()
