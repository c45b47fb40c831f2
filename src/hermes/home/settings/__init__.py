"""`config.yaml` as one typed model: every key that is served, its type, its default, its meaning.

The names and defaults are those of existing installations unless a line says why not. A section is a
struct; a field's docstring is its entry in the generated reference.
"""

from typing import Literal

import msgspec

from hermes.home.settings.agent import (
    AgentSettings,
    BudgetSettings,
    GuardrailSettings,
    HardStopAfter,
    MemorySettings,
    SessionSettings,
    SkillSettings,
    WarnAfter,
)
from hermes.home.settings.interface import DisplaySettings, LoggingSettings, QuickCommand
from hermes.home.settings.models import (
    AuxiliarySettings,
    AuxiliaryTask,
    CompressionSettings,
    FallbackProvider,
    ModelSettings,
    NamedProvider,
    PromptCachingSettings,
)
from hermes.home.settings.section import OnOff, Positive, TimeZone
from hermes.home.settings.tools import (
    ApprovalSettings,
    SecuritySettings,
    TerminalSettings,
    ToolOutputSettings,
)

__all__ = [
    "AgentSettings",
    "ApprovalSettings",
    "AuxiliarySettings",
    "AuxiliaryTask",
    "BudgetSettings",
    "CompressionSettings",
    "DisplaySettings",
    "FallbackProvider",
    "GuardrailSettings",
    "HardStopAfter",
    "LoggingSettings",
    "MemorySettings",
    "ModelSettings",
    "NamedProvider",
    "PromptCachingSettings",
    "QuickCommand",
    "SecuritySettings",
    "SessionSettings",
    "Settings",
    "SkillSettings",
    "TerminalSettings",
    "ToolOutputSettings",
    "WarnAfter",
]


class Settings(msgspec.Struct, kw_only=True):
    """Everything that is configured for one profile."""

    model: ModelSettings = msgspec.field(default_factory=ModelSettings)
    providers: dict[str, NamedProvider] = {}
    """Endpoints of your own, by id."""
    fallback_providers: list[FallbackProvider] = []
    """What is tried, in order, when the model fails for good."""
    credential_pool_strategies: dict[str, Literal["fill_first", "round_robin", "random", "least_used"]] = {}
    """Provider -> how the next of its keys is chosen."""
    prompt_caching: PromptCachingSettings = msgspec.field(default_factory=PromptCachingSettings)
    agent: AgentSettings = msgspec.field(default_factory=AgentSettings)
    toolsets: list[str] = msgspec.field(default_factory=lambda: ["hermes-cli"])
    """Toolsets of the command line."""
    platform_toolsets: dict[str, list[str]] = {}
    """Where a session comes from (`cli`, a chat platform) -> its toolsets."""
    tool_loop_guardrails: GuardrailSettings = msgspec.field(default_factory=GuardrailSettings)
    budgets: BudgetSettings = msgspec.field(default_factory=BudgetSettings)
    compression: CompressionSettings = msgspec.field(default_factory=CompressionSettings)
    auxiliary: AuxiliarySettings = msgspec.field(default_factory=AuxiliarySettings)
    context_file_max_chars: Positive | None = None
    """Most characters of a context file; null: 6 % of the context window, between 20,000 and 500,000."""
    terminal: TerminalSettings = msgspec.field(default_factory=TerminalSettings)
    file_read_max_chars: Positive = 100_000
    """Most characters that one `read_file` returns."""
    tool_output: ToolOutputSettings = msgspec.field(default_factory=ToolOutputSettings)
    memory: MemorySettings = msgspec.field(default_factory=MemorySettings)
    skills: SkillSettings = msgspec.field(default_factory=SkillSettings)
    sessions: SessionSettings = msgspec.field(default_factory=SessionSettings)
    approvals: ApprovalSettings = msgspec.field(default_factory=ApprovalSettings)
    command_allowlist: list[str] = []
    """Approvals given once and for all: rule ids or globs on the command line."""
    security: SecuritySettings = msgspec.field(default_factory=SecuritySettings)
    display: DisplaySettings = msgspec.field(default_factory=DisplaySettings)
    personalities: dict[str, str] = {}
    """Name -> instructions, for `display.personality` and `/personality`."""
    quick_commands: dict[str, QuickCommand] = {}
    """Slash commands of your own, by name."""
    logging: LoggingSettings = msgspec.field(default_factory=LoggingSettings)
    timezone: TimeZone = ""
    """Of the days that budgets count and the date the model is told; empty: the machine's."""
    worktree: OnOff = False
    """Always work in a git worktree of its own."""
