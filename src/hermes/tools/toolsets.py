"""Toolsets: names for groups of tools. One that is known but not served yet resolves to what exists of it."""

import difflib
from collections.abc import Iterable, Sequence

from hermes.home.errors import HomeError
from hermes.home.settings import Settings

_ATOMIC: dict[str, tuple[str, ...]] = {
    "web": ("web_search", "web_extract"),
    "search": ("web_search",),
    "x_search": ("x_search",),
    "vision": ("vision_analyze",),
    "video": ("video_analyze",),
    "image_gen": ("image_generate",),
    "video_gen": ("video_generate", "xai_video_edit", "xai_video_extend"),
    "computer_use": ("computer_use",),
    "terminal": ("terminal", "process"),
    "skills": ("skills_list", "skill_view", "skill_manage"),
    "browser": (
        "browser_navigate", "browser_snapshot", "browser_click", "browser_type", "browser_scroll",
        "browser_back", "browser_press", "browser_get_images", "browser_vision", "browser_console",
        "browser_cdp", "browser_dialog", "web_search",
    ),
    "cronjob": ("cronjob",),
    "file": ("read_file", "write_file", "patch", "search_files"),
    "tts": ("text_to_speech",),
    "todo": ("todo",),
    "memory": ("memory",),
    "context_engine": (),
    "session_search": ("session_search",),
    "project": (),
    "clarify": ("clarify",),
    "code_execution": ("execute_code",),
    "delegation": ("delegate_task",),
    "homeassistant": ("ha_list_entities", "ha_get_state", "ha_list_services", "ha_call_service"),
    "kanban": (),
    "discord": ("discord",),
    "discord_admin": ("discord_admin",),
    "yuanbao": (),
    "feishu_doc": (),
    "feishu_drive": (),
    "spotify": (),
}  # fmt: skip

_CORE = (
    "web", "vision", "image_gen", "terminal", "skills", "browser", "cronjob", "file", "tts", "todo", "memory",
    "session_search", "clarify", "code_execution", "delegation",
)  # fmt: skip
"""What a person at a terminal or in a chat gets. Not in it, as upstream: homeassistant, spotify, discord,
discord_admin, video, video_gen, x_search."""


def _without(*left_out: str) -> tuple[str, ...]:
    return tuple(name for name in _CORE if name not in left_out)


_COMPOSITE: dict[str, tuple[str, ...]] = {
    "debugging": ("terminal", "web", "file"),
    "safe": ("web", "vision", "image_gen"),
    "coding": _without("tts", "image_gen", "cronjob"),
    "hermes-cli": _CORE,
    "hermes-cron": _without("clarify", "cronjob"),
    "hermes-acp": _without("clarify", "image_gen", "tts", "cronjob"),
    "hermes-api-server": _without("clarify", "tts"),
    "hermes-webhook": ("web", "vision", "clarify"),
    "hermes-gateway": _CORE,
}
_PLATFORMS = (
    "telegram", "discord", "slack", "whatsapp", "signal", "matrix", "mattermost", "email", "sms", "dingtalk",
    "feishu", "wecom", "weixin", "bluebubbles", "homeassistant", "qqbot", "yuanbao", "irc", "teams", "line",
    "simplex", "ntfy", "google_chat",
)  # fmt: skip
_EVERYTHING = frozenset({"all", "*"})


class UnknownToolset(HomeError):
    """A toolset name that nobody knows. The message names the nearest and lists all."""


def toolset_names() -> list[str]:
    """Every name that can be asked for, except those of the chat platforms (`hermes-<platform>`)."""
    return [*_ATOMIC, *_COMPOSITE, "all"]


def tools_in(names: Iterable[str], available: Sequence[str]) -> set[str]:
    """Those of the `available` tools that the toolsets name. Raises UnknownToolset."""
    chosen: set[str] = set()
    for name in names:
        wanted = set(available) if name in _EVERYTHING else set(_members(name))
        chosen |= wanted.intersection(available)
    return chosen


def toolsets_for(settings: Settings, source: str) -> list[str]:
    """The toolsets that the settings give to a source (`cli`, `cron`, `api_server`, a platform, ...)."""
    chosen = settings.platform_toolsets.get(source)
    if chosen is not None:
        return chosen
    if source in {"cli", "tui"}:
        return settings.toolsets
    name = f"hermes-{source.replace('_', '-')}"
    return [name if name in _COMPOSITE else "hermes-gateway"]


def _members(name: str) -> tuple[str, ...]:
    if name in _ATOMIC:
        return _ATOMIC[name]
    parts = _COMPOSITE.get(name)
    if parts is None and name.removeprefix("hermes-").replace("-", "_") in _PLATFORMS:
        parts = _CORE
    if parts is None:
        raise UnknownToolset(_unknown(name))
    return tuple(tool for part in parts for tool in _ATOMIC[part])


def _unknown(name: str) -> str:
    names = toolset_names()
    near = difflib.get_close_matches(name.lower(), names, n=1)
    the = f"did you mean '{near[0]}'? The" if near else "the"
    return f"There is no toolset '{name}'; {the} toolsets are: {', '.join(names)}."
