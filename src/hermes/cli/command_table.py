"""Every top-level command: where it lives and what it does. Help is made from this, so it imports nothing."""

from typing import NamedTuple


class Command(NamedTuple):
    """A command before it is loaded."""

    name: str
    target: str
    """`module:attribute` of the click command."""
    help: str


COMMANDS: tuple[Command, ...] = (
    Command("chat", "hermes.cli.chat:chat", "Talk to the agent, or ask one thing with -q."),
    Command("model", "hermes.cli.groups.model:model", "See and choose the model that answers."),
    Command("sessions", "hermes.cli.groups.sessions:sessions", "List, search, export and clean up sessions."),
    Command("memory", "hermes.cli.groups.memory:memory", "See or clear what the agent remembers."),
    Command("tools", "hermes.cli.groups.tools:tools", "Switch toolsets on and off."),
    Command("config", "hermes.cli.groups.config:config", "Read and change settings."),
    Command(
        "profile",
        "hermes.cli.groups.profile:profile",
        "Manage profiles: separate homes with their own everything.",
    ),
    Command("logs", "hermes.cli.groups.logs:logs", "Read the log files."),
    Command("completion", "hermes.cli.groups.completion:completion", "Print a shell completion script."),
    Command("version", "hermes.cli.groups.version:version", "Print the version."),
)

NOT_SERVED: frozenset[str] = frozenset({
    "acp", "auth", "backup", "bundles", "checkpoints", "claw", "computer-use", "console", "cron",
    "curator", "dashboard", "debug", "desktop", "doctor", "dump", "fallback", "gateway", "gui", "hooks",
    "import", "insights", "journey", "kanban", "login", "logout", "lsp", "mcp", "migrate", "moa",
    "pairing", "pets", "plugins", "portal", "postinstall", "project", "prompt-size", "proxy", "secrets",
    "security", "send", "serve", "setup", "skills", "slack", "status", "uninstall", "update", "webhook",
    "whatsapp", "whatsapp-cloud",
})  # fmt: skip
"""Commands that people know from existing installations and that this version does not have yet."""
