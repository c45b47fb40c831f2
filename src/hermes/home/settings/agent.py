"""Settings about what the agent does and how far it may go."""

from typing import Literal

import msgspec

from hermes.home.settings.section import Count, Money, OnOff, Positive, Seconds


class AgentSettings(msgspec.Struct, kw_only=True):
    max_turns: Positive = 90
    """Model calls for one input."""
    api_max_retries: Positive = 3
    """Attempts for one model call before fallback or failure."""
    reasoning_effort: Literal["", "none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"] = ""
    """How hard the model thinks; empty: the provider's default. Lowered to what the provider offers."""
    reasoning_overrides: dict[str, str] = {}
    """Model id -> effort."""
    system_prompt: str = ""
    """Extra instructions for every session."""
    task_completion_guidance: OnOff = True
    """Tell the model to finish what it was asked before it answers."""
    parallel_tool_call_guidance: OnOff = True
    """Tell the model that independent calls may go out together."""
    environment_hint: str = ""
    """A line of your own about this machine, for the prompt. HERMES_ENVIRONMENT_HINT does the same."""
    disabled_toolsets: list[str] = []
    """Toolsets that are off everywhere, whatever else enables them."""
    local_stream_stale_timeout: Seconds = 900.0
    """Seconds without a byte from a model server on this machine."""
    tool_delay: Seconds = 0.0
    """Seconds between tool calls of one reply that run one after the other."""


class WarnAfter(msgspec.Struct, kw_only=True):
    exact_failure: Positive = 2
    """The same call failed this often."""
    same_tool_failure: Positive = 3
    """Calls of one tool failed this often in a row."""
    idempotent_no_progress: Positive = 2
    """The same reading call gave the same result this often."""
    repeated_result: Positive = 3
    """Same tool, same result, arguments vary."""
    cycle: Positive = 2
    """Full repetitions of a cycle of up to five calls."""


class HardStopAfter(msgspec.Struct, kw_only=True):
    exact_failure: Positive = 5
    """As under `warn_after`; here the call is refused."""
    same_tool_failure: Positive = 8
    """As under `warn_after`; here the run stops."""
    idempotent_no_progress: Positive = 5
    """As under `warn_after`; here the call is refused."""
    repeated_result: Positive = 6
    """As under `warn_after`; here the run stops."""
    cycle: Positive = 4
    """As under `warn_after`; here the run stops."""


class GuardrailSettings(msgspec.Struct, kw_only=True):
    warnings_enabled: OnOff = True
    """Tell the model when it goes round in circles."""
    hard_stop_enabled: OnOff = False
    """Stop attended runs too."""
    non_interactive_hard_stop_enabled: OnOff = True
    """Stop runs that nobody watches."""
    warn_after: WarnAfter = msgspec.field(default_factory=WarnAfter)
    hard_stop_after: HardStopAfter = msgspec.field(default_factory=HardStopAfter)


class BudgetSettings(msgspec.Struct, kw_only=True):
    """Limits on what runs may spend; a call that would cross one is refused before it is made. 0 = none."""

    enabled: Literal["unattended", "always", "never"] = "unattended"
    """Which runs the limits hold for."""
    run_tokens: Count = 2_000_000
    """Tokens, in and out, of one run."""
    run_cost_usd: Money = 5.0
    """US dollars of one run, as far as prices are known."""
    day_tokens: Count = 20_000_000
    """Tokens of all runs of a profile in one day."""
    day_cost_usd: Money = 25.0
    """US dollars of all runs of a profile in one day."""


class MemorySettings(msgspec.Struct, kw_only=True):
    memory_enabled: OnOff = True
    """Notes the agent keeps for itself, in `memories/MEMORY.md`."""
    user_profile_enabled: OnOff = True
    """What the agent knows about you, in `memories/USER.md`."""
    memory_char_limit: Count = 2_200
    """Most characters of the notes."""
    user_char_limit: Count = 1_375
    """Most characters about you."""


class SkillSettings(msgspec.Struct, kw_only=True):
    external_dirs: list[str] = []
    """More folders with skills; they are only read."""
    disabled: list[str] = []
    """Names of skills that are off."""


class SessionSettings(msgspec.Struct, kw_only=True):
    auto_prune: OnOff = False
    """Once a day, remove sessions that have ended and were last used more than `retention_days` ago."""
    retention_days: Positive = 90
    """Days after its last use that an ended session is kept by `auto_prune` and `hermes sessions prune`."""
