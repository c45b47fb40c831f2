"""Everything the loop works with, as values: no configuration is read and no platform is known in it."""

import dataclasses
import time
from collections.abc import Callable, Sequence

from hermes.agent.budgets import Budget
from hermes.agent.guardrails import Guardrails
from hermes.agent.journal import Journal
from hermes.agent.steering import Steering
from hermes.agent.tokens import believable, message_tokens, text_tokens, tools_tokens, transcript_tokens
from hermes.home.profile import Profile
from hermes.home.redaction import redact, redact_json
from hermes.home.settings import Settings
from hermes.models.context_windows import context_window
from hermes.models.contract import Endpoint, Model, ToolSpec
from hermes.models.pricing import with_cost
from hermes.sandbox.contract import Sandbox
from hermes.store.database import Store
from hermes.store.events import Event
from hermes.store.records import Message, Run, Scope, Session, ToolCall, Usage
from hermes.tools.contract import People, SessionState, Tool, ToolContext


@dataclasses.dataclass(kw_only=True)
class ActiveRun:
    """One run while it is executed."""

    run: Run
    session: Session
    profile: Profile
    settings: Settings
    scope: Scope
    store: Store
    sandbox: Sandbox
    model: Model
    summariser: Model
    """The model that writes summaries; the main one unless configured."""
    tools: dict[str, Tool]
    system_prompt: str
    transcript: list[Message]
    """Active rows in the order in which they are sent."""
    journal: Journal
    guardrails: Guardrails
    budget: Budget
    steering: Steering
    people: People
    state: SessionState
    yolo: bool = False
    write_roots: tuple[str, ...] = ()
    """Where the file tools may write; empty: wherever it is not denied."""
    secrets: frozenset[str] = frozenset()
    """Values that are masked wherever people or the model read them."""
    notes: tuple[str, ...] = ()
    """For people: what the prompt that was built for this run leaves out."""
    folder_hints: bool = True
    """What a project's folders say to agents is put behind the results that lead there."""
    can_be_woken: bool = False
    clock: Callable[[], float] = time.time
    usage: Usage = dataclasses.field(default_factory=Usage)
    model_calls: int = 0
    """Answers asked for in this run; bounded by `settings.agent.max_turns`."""
    failed_compactions: int = 0
    """In a row; compaction is left alone after two, until a person asks for it."""
    context_note: str = ""
    """Why the context could not be compacted, when it could not."""
    said: str = ""
    """Text of the answer that is arriving, so that an interrupt does not lose it."""
    tool_specs: tuple[ToolSpec, ...] = ()

    def __post_init__(self) -> None:
        self.tool_specs = tuple(tool.spec() for tool in self.tools.values())
        self._fixed_tokens = text_tokens(self.system_prompt) + tools_tokens(self.tool_specs)
        self._anchor: tuple[int, int] | None = None

    @property
    def window(self) -> int:
        """The model's context window, tokens."""
        return context_window(self.model.endpoint)

    def prompt_tokens(self) -> int:
        """About how many tokens the next request has: what the provider counted last plus what came since."""
        if self._anchor is None or self._anchor[0] > len(self.transcript):
            return self._fixed_tokens + transcript_tokens(self.transcript)
        rows, tokens = self._anchor
        return tokens + transcript_tokens(self.transcript[rows:])

    async def book(
        self, usage: Usage, endpoint: Endpoint, task: str = "main", *, reply: Message | None = None
    ) -> None:
        """Count what a model call has used, in the run, the budget and the store. `reply`: what came of it;
        the budget takes an estimate from it where the provider counted nothing."""
        usage = believable(usage)
        self.usage = self.usage.plus(usage)
        self.budget.add(usage if reply is None or usage.input_tokens else self._estimated(reply))
        if task == "main" and usage.model_calls == 1 and usage.input_tokens:
            self._anchor = (len(self.transcript), usage.input_tokens)
        await self.store.sessions.add_usage(
            self.scope,
            self.session.id,
            usage,
            model=endpoint.model,
            provider=endpoint.provider,
            task=task,
            run_id=self.run.id,
        )

    def book_abandoned(self) -> None:
        """Count a model call that was broken off, so that nobody knows what it has used. It reaches the store
        with the end of the run."""
        self.usage = self.usage.plus(Usage(model_calls=1, calls_without_usage=1))

    def _estimated(self, reply: Message) -> Usage:
        tokens_in, tokens_out = self.prompt_tokens(), message_tokens(reply)
        cost = self.cost_of(tokens_in, tokens_out)
        return Usage(input_tokens=tokens_in, output_tokens=tokens_out, model_calls=1, cost_usd=cost)

    def forget_anchor(self) -> None:
        """The transcript changed shape; estimate from its text until the next reply."""
        self._anchor = None

    def context(self, call: ToolCall) -> ToolContext:
        """What the tool of this call may use."""
        return ToolContext(
            run_id=self.run.id,
            session_id=self.session.id,
            call_id=call.id,
            profile=self.profile,
            settings=self.settings,
            scope=self.scope,
            sandbox=self.sandbox,
            store=self.store,
            people=self.people,
            state=self.state,
            stop=self.steering.stop,
            output=lambda text: self.journal.output(call.id, text),
            can_be_woken=self.can_be_woken,
            yolo=self.yolo,
            write_roots=self.write_roots,
            secrets=self.secrets,
        )

    def masked(self, text: str) -> str:
        """The text as people and the model may read it."""
        return redact(text, self.secrets)

    def masked_arguments(self, call: ToolCall) -> str:
        """The arguments of a call as people may read them."""
        return redact_json(call.arguments, self.secrets)

    async def append(self, *messages: Message, events: Sequence[Event] = ()) -> None:
        """Store messages as one step and take them into the transcript."""
        self.transcript.extend(await self.journal.record(messages=messages, events=events))

    def cost_of(self, tokens_in: int, tokens_out: int) -> float | None:
        """Estimated price of a call in US dollars, or None when it is not known."""
        usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out, model_calls=1)
        return with_cost(usage, self.model.endpoint).cost_usd
