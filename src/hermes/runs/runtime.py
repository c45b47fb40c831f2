"""Everything that the runs of one profile share, and the way from an input to a finished run."""

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from hermes.agent.active_run import ActiveRun
from hermes.agent.budgets import Budget
from hermes.agent.guardrails import Guardrails
from hermes.agent.journal import Journal
from hermes.agent.steering import Steering
from hermes.home.environment import Environment, write_roots
from hermes.home.profile import Profile
from hermes.home.redaction import known_secrets, redact
from hermes.home.settings import Settings
from hermes.home.time_zone import time_zone
from hermes.models.contract import Endpoint, Model
from hermes.models.open import open_model
from hermes.runs.execute import LEASE_SECONDS, compaction_input, execute
from hermes.runs.people import Nobody, RecordedPeople
from hermes.runs.prompting import BuiltPrompt, SessionPrompt
from hermes.sandbox.contract import Sandbox
from hermes.sandbox.open import open_sandbox
from hermes.store.database import LeaseLost, Store, StoreError
from hermes.store.events import ContextCompacted, ContextKept, EventRecord
from hermes.store.ids import new_session_id
from hermes.store.owners import this_process
from hermes.store.records import FINISHED, Image, Message, Run, Scope, Session, Usage
from hermes.tools.contract import People, SessionState, Tool
from hermes.tools.registry import enabled_tools
from hermes.tools.todo import todos_from_history

Listener = Callable[[EventRecord], None]

log = logging.getLogger("hermes.runs")

REMEMBERED_SESSIONS = 256
"""Sessions whose tool state is kept in memory; all of it can be lost."""


class RunRefused(StoreError):
    """A run can't be executed here and now; the message says why."""


class Choices(msgspec.Struct, kw_only=True, frozen=True):
    """What was chosen for this process, beside what is configured."""

    source: str = "cli"
    cwd: Path | None = None
    """Where the person is; None: nowhere, so commands start in the home directory."""
    model: str | None = None
    provider: str | None = None
    toolsets: tuple[str, ...] | None = None
    """None: what the settings give to the source."""
    skills: tuple[str, ...] = ()
    ignore_rules: bool = False
    """Leave the project's context files out of the prompt."""
    pass_session_id: bool = False
    yolo: bool = False


@dataclasses.dataclass(kw_only=True)
class Runtime:
    """The settings, the store, the model, the tools and the sandbox of one profile in this process."""

    profile: Profile
    settings: Settings
    environment: Environment
    store: Store
    model: Model
    tools: dict[str, Tool]
    sandbox: Sandbox
    prompt: SessionPrompt
    source: str = "cli"
    yolo: bool = False
    write_roots: tuple[str, ...] = ()
    """Where the file tools may write; empty: wherever it is not denied."""

    def __post_init__(self) -> None:
        self.scope = Scope(profile=self.profile.name)
        self._states: OrderedDict[str, SessionState] = OrderedDict()
        self._steering: dict[str, Steering] = {}
        self._summariser: Model | None = None
        self.secrets = known_secrets(self.environment, self.settings)

    @classmethod
    async def open(
        cls, profile: Profile, settings: Settings, environment: Environment, choices: Choices
    ) -> "Runtime":
        """Make all of it. Raises HomeError, ModelNotConfigured or StoreError, one sentence each."""
        tools = enabled_tools(settings, source=choices.source, toolsets=choices.toolsets)
        prompt = SessionPrompt(
            profile,
            settings,
            choices.source,
            ignore_rules=choices.ignore_rules,
            skills=choices.skills,
            with_session_id=choices.pass_session_id,
        )
        roots = write_roots(environment)
        cwd = None if choices.cwd is None else str(choices.cwd)
        sandbox = open_sandbox(settings, environment, profile, cwd)
        store = Store.open(profile, zone=time_zone(settings.timezone))
        try:
            model = await open_model(
                settings, environment, profile, model=choices.model, provider=choices.provider
            )
        except BaseException:
            await store.close()
            raise
        return cls(
            profile=profile,
            settings=settings,
            environment=environment,
            store=store,
            model=model,
            tools=tools,
            sandbox=sandbox,
            prompt=prompt,
            source=choices.source,
            yolo=choices.yolo,
            write_roots=roots,
        )

    async def close(self) -> None:
        """End background processes, connections and the store."""
        await self.sandbox.close()
        await self.model.close()
        if self._summariser is not None:
            await self._summariser.close()
        await self.store.close()

    async def clean_up(self) -> None:
        """Have the store forget, once a day, what is past its time. It is never worth an error to people."""
        sessions = self.settings.sessions
        days = sessions.retention_days if sessions.auto_prune else None
        try:
            await self.store.maintain_if_due(self.scope, ended_session_days=days)
        except StoreError:
            log.warning("the daily clean-up of the store failed", exc_info=True)

    def masked(self, text: str) -> str:
        """The text as people may read it."""
        return redact(text, self.secrets)

    # Sessions -------------------------------------------------------------------------------------------

    async def new_session(self, *, title: str | None = None) -> Session:
        endpoint = self.model.endpoint
        return await self.store.sessions.create(
            self.scope,
            Session(
                id=new_session_id(),
                source=self.source,
                title=title,
                model=endpoint.model,
                provider=endpoint.provider,
            ),
        )

    def state(self, session_id: str) -> SessionState:
        """What tools remember of a session in this process."""
        state = self._states.setdefault(session_id, SessionState())
        self._states.move_to_end(session_id)
        while len(self._states) > REMEMBERED_SESSIONS:
            self._states.popitem(last=False)
        return state

    async def switch_model(self, session_id: str, model: str, provider: str | None = None) -> None:
        """Answer with another model from the next run on."""
        opened = await open_model(
            self.settings, self.environment, self.profile, model=model, provider=provider
        )
        await self.model.close()
        self.model = opened
        endpoint = opened.endpoint
        await self.store.sessions.update(
            self.scope, session_id, model=endpoint.model, provider=endpoint.provider
        )

    # Runs -----------------------------------------------------------------------------------------------

    async def submit(
        self,
        session_id: str,
        text: str,
        *,
        attended: bool = False,
        images: tuple[Image, ...] = (),
        external_id: str | None = None,
        wire_content: str | None = None,
    ) -> Run:
        """Accept an input: it is durable when this returns. `wire_content`: what the model is sent where that
        is more than `text`."""
        return await self._accept(
            session_id,
            Message(role="user", content=text, wire_content=wire_content, images=images),
            attended,
            external_id,
        )

    async def _accept(
        self, session_id: str, input: Message, attended: bool, external_id: str | None = None
    ) -> Run:
        run, _ = await self.store.runs.accept(
            self.scope,
            session_id,
            input,
            source=self.source,
            external_id=external_id,
            attended=attended,
        )
        return run

    async def unfinished(self, session_id: str) -> list[Run]:
        """Runs of a session that a dead process left behind, oldest first."""
        return await self.store.runs.unfinished(self.scope, session_id)

    async def execute(
        self, run_id: str, *, people: People | None = None, listen: Listener = lambda record: None
    ) -> Run:
        """Claim a run, work on it to its end, and return it as stored.

        Cancelling the calling task hands the run back: it stays unfinished and can be claimed at once."""
        if run_id in self._steering:
            raise RunRefused(f"Run {run_id} is at work here already.")
        steering = self._steering[run_id] = Steering()
        try:
            run = await self._known(run_id)
            if run.status in FINISHED:
                return run
            async with self._claimed(run, listen) as journal:
                active = await self._activate(run, journal, steering, people or Nobody())
                return await execute(active, self.store.runs)
        finally:
            del self._steering[run_id]

    @contextlib.asynccontextmanager
    async def _claimed(self, run: Run, listen: Listener) -> AsyncIterator[Journal]:
        """The journal of a run that this process holds; an error on the way hands the run back."""
        lease = await self.store.runs.claim(self.scope, run.id, this_process(), lease_seconds=LEASE_SECONDS)
        if lease is None:
            raise RunRefused(
                f"Session {run.session_id} is busy: another run of it is at work, maybe in another window."
            )
        try:
            yield Journal(self.store, lease, listen)
        except BaseException:
            with contextlib.suppress(LeaseLost):
                await self.store.runs.release(lease)
            raise

    async def withdraw(self, run_id: str) -> bool:
        """Take an input back that has not begun; False when it has."""
        return await self.store.runs.cancel(self.scope, run_id)

    def steer(self, run_id: str, text: str) -> bool:
        """Say something to a run at work; False when it is not at work here, or takes no more."""
        steering = self._steering.get(run_id)
        return steering is not None and steering.steer(text)

    def interrupt(self, run_id: str, reason: str = "") -> bool:
        """Stop a run at work; False when it is not at work here."""
        steering = self._steering.get(run_id)
        if steering is not None:
            steering.interrupt(reason)
        return steering is not None

    async def compact(self, session_id: str, focus: str = "") -> ContextCompacted | ContextKept:
        """Summarise a session's older part now, as a person asked for it. Is a run of its own."""
        run = await self._accept(session_id, compaction_input(focus), attended=True)
        outcomes: list[ContextCompacted | ContextKept] = []

        def listen(record: EventRecord) -> None:
            if isinstance(record.event, ContextCompacted | ContextKept):
                outcomes.append(record.event)

        work = asyncio.ensure_future(self.execute(run.id, listen=listen))
        try:
            ended = await asyncio.shield(work)
        except RunRefused as refused:
            await self.store.runs.cancel(self.scope, run.id)
            return ContextKept(reason=str(refused))
        except asyncio.CancelledError:
            self.interrupt(run.id)  # handed back, it would stand in the way of the next input
            await asyncio.wait({work})
            raise
        return outcomes[-1] if outcomes else ContextKept(reason=ended.error or ended.reason or "")

    # Putting a run together -----------------------------------------------------------------------------

    async def _activate(self, run: Run, journal: Journal, steering: Steering, people: People) -> ActiveRun:
        session = await self.store.sessions.get(self.scope, run.session_id)
        assert session is not None
        self.model.begin_turn()
        transcript = await self.store.messages.active(self.scope, session.id)
        state = self.state(session.id)
        if not state.todos:
            state.todos = todos_from_history(transcript)
        attended = run.attended and people.attended
        prompt = await self._system_prompt(session)
        return ActiveRun(
            run=run,
            session=session,
            profile=self.profile,
            settings=self.settings,
            scope=self.scope,
            store=self.store,
            sandbox=self.sandbox,
            model=self.model,
            summariser=await self._summarising_model(),
            tools=self.tools,
            system_prompt=prompt.text,
            notes=prompt.notes,
            folder_hints=not self.prompt.ignore_rules,
            transcript=transcript,
            journal=journal,
            guardrails=Guardrails(self.settings.tool_loop_guardrails, attended),
            budget=Budget(
                self.settings.budgets,
                attended=attended,
                spent_today=await self._spent_today(attended),
                spent=run.usage,
            ),
            steering=steering,
            people=RecordedPeople(
                people,
                journal,
                steering,
                self.settings.approvals.timeout,
                self.masked,
            ),
            state=state,
            yolo=self.yolo,
            write_roots=self.write_roots,
            secrets=self.secrets,
            usage=run.usage,
        )

    async def _system_prompt(self, session: Session) -> BuiltPrompt:
        """The session's own prompt, word for word, as long as the model is the same."""
        endpoint = self.model.endpoint
        if session.system_prompt is not None and _same_model(session, endpoint):
            if endpoint.model and not session.model:
                await self.store.sessions.update(self.scope, session.id, model=endpoint.model)
            return BuiltPrompt(session.system_prompt)
        built = self.prompt.build(session, endpoint, self.tools, self.sandbox)
        await self.store.sessions.update(
            self.scope,
            session.id,
            system_prompt=built.text,
            model=endpoint.model,
            provider=endpoint.provider,
            cwd=self.sandbox.cwd(session.id),
        )
        return built

    async def _summarising_model(self) -> Model:
        task = self.settings.auxiliary.compression
        if task.provider in ("", "auto", "main") and not task.model:
            return self.model
        if self._summariser is None:
            self._summariser = await open_model(
                self.settings,
                self.environment,
                self.profile,
                model=task.model or None,
                provider=None if task.provider in ("", "auto", "main") else task.provider,
            )
        return self._summariser

    async def _spent_today(self, attended: bool) -> Usage:
        if attended and self.settings.budgets.enabled == "unattended":
            return Usage()
        return await self.store.spend.since(self.scope, time.time())

    async def _known(self, run_id: str) -> Run:
        run = await self.store.runs.get(self.scope, run_id)
        if run is None:
            raise RunRefused(f"There is no run {run_id}.")
        return run


def _same_model(session: Session, endpoint: Endpoint) -> bool:
    """Whether a session was answered by this model. A server that is asked for its model has no name yet."""
    unnamed = not session.model or not endpoint.model
    return session.provider == endpoint.provider and (unnamed or session.model == endpoint.model)
