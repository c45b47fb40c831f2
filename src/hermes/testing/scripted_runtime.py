"""Real runs in a folder of your own: a store on disk, a local sandbox, the real tools, and a model that says
what it is told.

    async with ScriptedRuntime(tmp_path, [says("Hello.")]) as scripted:
        run = await scripted.ask("hi")
        assert run.answer == "Hello."
"""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from hermes.home.environment import load_environment
from hermes.home.profile import Profile
from hermes.home.profiles import prepare_home
from hermes.home.settings import Settings
from hermes.home.time_zone import time_zone
from hermes.runs.prompting import SessionPrompt
from hermes.runs.runtime import Runtime
from hermes.sandbox.open import open_sandbox
from hermes.store.database import Store
from hermes.store.events import EventRecord
from hermes.store.records import Message, Run
from hermes.testing.scripted_model import ScriptedModel, Step
from hermes.tools.contract import People
from hermes.tools.registry import enabled_tools

T = TypeVar("T")


class ScriptedRuntime:
    """A runtime below `folder` (home in `home/`, commands start in `work/`), and what its runs said."""

    def __init__(
        self,
        folder: Path,
        steps: Sequence[Step],
        *,
        settings: Settings | None = None,
        source: str = "cli",
        yolo: bool = False,
        store: Store | None = None,
    ) -> None:
        settings = settings or Settings()
        home = folder / "home"
        variables = {"HERMES_HOME": str(home), "HOME": str(folder), "PATH": os.defpath}
        profile = Profile(name="default", home=home, root=home)
        prepare_home(profile, variables)
        environment = load_environment(profile, variables)
        self.work = folder / "work"
        self.work.mkdir(exist_ok=True)
        self.model = ScriptedModel(steps)
        self.records: list[EventRecord] = []
        """Every event that a listener got, in order."""
        self.runtime = Runtime(
            profile=profile,
            settings=settings,
            environment=environment,
            store=store or Store.open(profile, zone=time_zone(settings.timezone)),
            model=self.model,
            tools=enabled_tools(settings, source=source),
            sandbox=open_sandbox(settings, environment, profile, str(self.work)),
            prompt=SessionPrompt(profile, settings, source),
            source=source,
            yolo=yolo,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.runtime.close()

    async def ask(self, text: str, *, attended: bool = False, people: People | None = None) -> Run:
        """One input in a session of its own, executed to its end."""
        session = await self.runtime.new_session()
        return await self.ask_in(session.id, text, attended=attended, people=people)

    async def ask_in(
        self, session_id: str, text: str, *, attended: bool = False, people: People | None = None
    ) -> Run:
        """One input in a given session, executed to its end."""
        run = await self.runtime.submit(session_id, text, attended=attended)
        return await self.runtime.execute(run.id, people=people, listen=self.records.append)

    async def transcript(self, session_id: str) -> list[Message]:
        """The active rows of a session."""
        return await self.runtime.store.messages.active(self.runtime.scope, session_id)

    def events(self, kind: type[T]) -> list[T]:
        """The events of one type that a listener got."""
        return [record.event for record in self.records if isinstance(record.event, kind)]
