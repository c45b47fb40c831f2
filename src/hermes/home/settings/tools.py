"""Settings about tools: the terminal, limits on output, and what needs a person's word."""

from typing import Literal

import msgspec

from hermes.home.settings.section import OnOff, Positive, Seconds


class TerminalSettings(msgspec.Struct, kw_only=True):
    backend: str = "local"
    """Where commands run. TERMINAL_ENV does the same."""
    cwd: str = "."
    """Start directory; `.` is where the command line was started. TERMINAL_CWD does the same."""
    timeout: Positive = 180
    """Seconds for a foreground command that names none (at most 600). TERMINAL_TIMEOUT does the same."""
    daemon_term_grace_seconds: Seconds = 2.0
    """Seconds between SIGTERM and SIGKILL."""
    env_passthrough: list[str] = []
    """Names of secrets and settings that commands may see all the same."""
    home_mode: Literal["auto", "real", "profile"] = "auto"
    """HOME of commands: yours (`real`), the profile's `home/` (`profile`), or by where we run (`auto`)."""
    shell_init_files: list[str] = []
    """Files sourced before the first command."""
    auto_source_bashrc: OnOff = True
    """Source `~/.bashrc` before the first command."""


class ToolOutputSettings(msgspec.Struct, kw_only=True):
    max_bytes: Positive = 50_000
    """Most bytes of a command's output that the model reads; the rest is kept in a file."""
    max_lines: Positive = 2_000
    """Most lines that one `read_file` returns, however many the model asks for."""
    max_line_length: Positive = 2_000
    """Characters; `read_file` cuts longer lines."""


class ApprovalSettings(msgspec.Struct, kw_only=True):
    mode: Literal["smart", "manual", "off"] = "smart"
    """`smart` asks a person like `manual` until a judge model is served. HERMES_YOLO_MODE=1 means `off`."""
    timeout: Seconds = 60.0
    """Seconds to wait for a person; then the answer is no."""
    deny: list[str] = []
    """Globs on the command line that are refused even with --yolo."""
    destructive_slash_confirm: OnOff = True
    """Ask before a slash command throws something away."""


class SecuritySettings(msgspec.Struct, kw_only=True):
    redact_secrets: OnOff = True
    """Mask secrets in what tools return and what is shown. Logs are always masked. HERMES_REDACT_SECRETS does
    the same."""
