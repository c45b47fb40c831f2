"""The environment that commands get: the process's own, without what belongs to the agent alone."""

import os
import pwd
from collections.abc import Collection

from hermes.home.environment import Environment
from hermes.home.profile import Profile
from hermes.home.secret_names import is_secret_name
from hermes.home.settings import TerminalSettings

_FORCED = "_HERMES_FORCE_"
_STANDARD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_OUR_OWN = frozenset({"VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH", "HERMES_YOLO_MODE"})
"""They describe how the agent runs, not what a command should see."""
SET_FOR_COMMANDS = ("HERMES_HOME", "HERMES_REAL_HOME", "HOME")
"""Variables that every command finds set by us."""
_ENDPOINT_ENDINGS = ("_BASE_URL", "_API_BASE", "_ENDPOINT_URL")
_NEVER_PASSED = frozenset({"HERMES_DATABASE_URL", "API_SERVER_KEY", "HERMES_DASHBOARD_SECRET"})


def withheld_names(environment: Environment, passthrough: Collection[str] = ()) -> frozenset[str]:
    """Variables that commands must not see: secrets, everything that `.env` sets, provider addresses."""
    allowed = set(passthrough) - _NEVER_PASSED
    return frozenset(
        name
        for name in environment
        if name not in allowed
        and (
            is_secret_name(name)
            or name in _OUR_OWN
            or name in environment.file_names()
            or name.endswith(_ENDPOINT_ENDINGS)
            or name.startswith("GATEWAY_RELAY_")
        )
    )


def child_environment(
    environment: Environment, settings: TerminalSettings, profile: Profile
) -> dict[str, str]:
    """What the first command of a session starts with; from then on the session's own state counts."""
    withheld = withheld_names(environment, settings.env_passthrough)
    child = {name: environment[name] for name in environment if name not in withheld}
    forced = {
        name.removeprefix(_FORCED): environment[name] for name in environment if name.startswith(_FORCED)
    }
    child = {name: value for name, value in child.items() if not name.startswith(_FORCED)} | forced
    child["PATH"] = completed_path(child.get("PATH", ""))
    real_home = child.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
    child["HERMES_REAL_HOME"] = real_home
    child["HOME"] = str(profile.home / "home") if _uses_profile_home(settings) else real_home
    child["HERMES_HOME"] = str(profile.home)
    child.setdefault("TERM", "dumb")
    child.setdefault("PAGER", "cat")
    child.setdefault("GIT_PAGER", "cat")
    return child


def _uses_profile_home(settings: TerminalSettings) -> bool:
    """`auto`: inside a container only the profile's home outlives an upgrade."""
    in_container = os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv")
    return settings.home_mode == "profile" or (settings.home_mode == "auto" and in_container)


def completed_path(path: str) -> str:
    """PATH with the standard directories that it lacks at its end."""
    parts = [part for part in path.split(":") if part]
    return ":".join([*parts, *(part for part in _STANDARD_PATH.split(":") if part not in parts)])
