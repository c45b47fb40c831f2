"""Settings about what people see and type."""

from typing import Literal

import msgspec

from hermes.home.settings.section import Count, OnOff, Positive


class DisplaySettings(msgspec.Struct, kw_only=True):
    compact: OnOff = False
    """A small banner."""
    personality: str = ""
    """A key under `personalities`."""
    busy_input_mode: Literal["interrupt", "queue", "steer"] = "interrupt"
    """What a line typed during a run does: stop it, wait for its end, or go into it."""
    show_reasoning: OnOff = True
    """Show what the model thinks."""
    streaming: OnOff = True
    """Show text as it arrives."""
    timestamps: OnOff = False
    """Show the time beside messages."""
    timestamp_format: str = "%H:%M"
    """As for `date`."""
    final_response_markdown: Literal["strip", "render", "raw"] = "render"
    """How the answer is shown: without marks, typeset, or as written."""
    inline_diffs: OnOff = True
    """Show what an edit changed."""
    bell_on_complete: OnOff = False
    """Ring the terminal's bell when a run ends."""
    show_cost: OnOff = False
    """Show what a run cost."""
    tool_progress: Literal["off", "new", "all", "verbose"] = "all"
    """Which tool calls get a line."""
    tool_preview_length: Count = 0
    """Characters of a tool line; 0 = as wide as the terminal."""
    resume_display: Literal["full", "minimal"] = "full"
    """How much of a resumed session is shown."""
    resume_exchanges: Count = 10
    """Exchanges shown of a resumed session."""


class QuickCommand(msgspec.Struct, kw_only=True):
    """A slash command of your own, under `quick_commands.<name>`."""

    type: Literal["exec", "alias"] = "exec"
    """`exec` runs a shell command; `alias` stands for another slash command."""
    command: str = ""
    """What `exec` runs."""
    target: str = ""
    """What `alias` stands for."""


class LoggingSettings(msgspec.Struct, kw_only=True):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    """Least level written to `logs/agent.log`; `logs/errors.log` gets WARNING and above."""
    max_size_mb: Positive = 5
    """Megabytes at which `agent.log` is put aside."""
    backup_count: Count = 3
    """Older `agent.log` files kept."""
