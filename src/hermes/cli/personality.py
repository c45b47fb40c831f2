"""Personalities: named instructions from the settings, added to those of every session."""

import msgspec

from hermes.cli.errors import Refused
from hermes.home.settings import Settings


def take_on(settings: Settings, name: str, base: str) -> None:
    """Let `settings` speak with the personality `name`; an empty name takes it off again. `base` is
    `agent.system_prompt` without any. Raises Refused for a name that is not configured."""
    if name and name not in settings.personalities:
        known = ", ".join(settings.personalities) or "none yet; add one under `personalities` in config.yaml"
        raise Refused(f"There is no personality '{name}'. There is: {known}.")
    text = settings.personalities.get(name, "")
    settings.agent = msgspec.structs.replace(
        settings.agent, system_prompt="\n\n".join(part for part in (base, text) if part)
    )
    settings.display = msgspec.structs.replace(settings.display, personality=name)
