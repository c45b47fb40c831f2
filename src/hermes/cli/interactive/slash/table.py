"""All slash commands. Help, completion and the docs are made from this table."""

from hermes.cli.interactive.slash import information, session, settings, tools
from hermes.cli.interactive.slash.command import SlashCommand

COMMANDS: tuple[SlashCommand, ...] = (
    SlashCommand("new", "Session", "Start a new session.", session.new, ("reset",), "[TITLE]"),
    SlashCommand("clear", "Session", "Clear the screen and start a new session.", session.clear),
    SlashCommand("redraw", "Session", "Clear the screen and show the conversation again.", session.redraw),
    SlashCommand("history", "Session", "Show the conversation.", session.history, at_once=True),
    SlashCommand(
        "save", "Session", "Write the conversation to a file, .md or .jsonl.", session.save, usage="[FILE]"
    ),
    SlashCommand("retry", "Session", "Take back the last exchange and ask again.", session.retry),
    SlashCommand("undo", "Session", "Take back the last exchanges.", session.undo, usage="[N]"),
    SlashCommand(
        "title", "Session", "Show or set the session's title.", session.title, usage="[TITLE]", at_once=True
    ),
    SlashCommand(
        "branch", "Session", "Go on in a copy of this session.", session.branch, ("fork",), "[TITLE]"
    ),
    SlashCommand(
        "compress", "Session", "Summarise the older part now.", session.compress, ("compact",), "[TOPIC]"
    ),
    SlashCommand(
        "stop", "Session", "Stop the run at work and end background processes.", session.stop, at_once=True
    ),
    SlashCommand(
        "queue", "Session", "Ask this when the run at work has ended.", session.queue, ("q",), "[TEXT]", True
    ),
    SlashCommand(
        "steer", "Session", "Tell the run at work something.", session.steer, usage="TEXT", at_once=True
    ),
    SlashCommand("status", "Session", "Show what is going on.", session.status, at_once=True),
    SlashCommand("resume", "Session", "Go on with another session.", session.resume, usage="[SESSION]"),
    SlashCommand(
        "sessions", "Session", "List the latest sessions.", session.sessions, usage="[TITLE]", at_once=True
    ),
    SlashCommand(
        "quit",
        "Session",
        "Leave; with --delete, remove this session.",
        session.leave,
        ("exit",),
        "[--delete]",
        True,
    ),
    SlashCommand("config", "Settings", "Show the settings of this chat.", settings.config, at_once=True),
    SlashCommand(
        "model",
        "Settings",
        "Show or choose the model.",
        settings.model,
        usage="[ID] [--provider P] [--global]",
    ),
    SlashCommand(
        "personality", "Settings", "Show or choose a personality.", settings.personality, usage="[NAME]"
    ),
    SlashCommand(
        "statusbar",
        "Settings",
        "Show or hide the status line.",
        settings.statusbar,
        ("sb",),
        "[on|off]",
        True,
    ),
    SlashCommand(
        "timestamps", "Settings", "Show or hide times.", settings.timestamps, ("ts",), "[on|off]", True
    ),
    SlashCommand(
        "verbose",
        "Settings",
        "Which tool calls get a line.",
        settings.verbose,
        usage="[off|new|all|verbose]",
        at_once=True,
    ),
    SlashCommand(
        "yolo",
        "Settings",
        "Do not ask before dangerous commands.",
        settings.yolo,
        usage="[on|off]",
        at_once=True,
    ),
    SlashCommand(
        "reasoning",
        "Settings",
        "Effort, and whether it is shown.",
        settings.reasoning,
        usage="[LEVEL|show|hide]",
        at_once=True,
    ),
    SlashCommand(
        "busy",
        "Settings",
        "What a line sent during a run does.",
        settings.busy,
        usage="[interrupt|queue|steer]",
        at_once=True,
    ),
    SlashCommand("tools", "Tools and memory", "List the tools that are on.", tools.tools, at_once=True),
    SlashCommand(
        "toolsets", "Tools and memory", "List the toolsets that are on.", tools.toolsets, at_once=True
    ),
    SlashCommand("memory", "Tools and memory", "Show what is remembered.", tools.memory, at_once=True),
    SlashCommand("profile", "Information", "Show the profile.", tools.profile, at_once=True),
    SlashCommand("help", "Information", "Show this.", information.help_, ("commands",), at_once=True),
    SlashCommand(
        "usage", "Information", "Show tokens and cost of this session.", information.usage, at_once=True
    ),
    SlashCommand("copy", "Information", "Copy the last answer.", information.copy, usage="[N]", at_once=True),
    SlashCommand("version", "Information", "Show the version.", information.version, ("v",), at_once=True),
)

BY_NAME: dict[str, SlashCommand] = {
    name: command for command in COMMANDS for name in (command.name, *command.aliases)
}

NOT_SERVED: frozenset[str] = frozenset({
    "agents", "approve", "background", "bg", "blueprint", "bp", "browser", "btw", "bundles",
    "codex-runtime", "compose", "cron", "curator", "debug", "deny", "fast", "footer", "gateway", "goal",
    "handoff", "hatch", "image", "indicator", "insights", "journey", "kanban", "learn", "learning",
    "memory-graph", "moa", "paste", "pet", "platform", "platforms", "plugins", "prompt", "reload",
    "reload-mcp", "reload-skills", "restart", "rollback", "sethome", "skills", "skin", "snap",
    "snapshot", "start", "subgoal", "subscription", "suggestions", "tasks", "topic", "topup", "update",
    "upgrade", "voice", "whoami",
})  # fmt: skip
"""Commands that people know from existing installations and that this version does not have yet."""
