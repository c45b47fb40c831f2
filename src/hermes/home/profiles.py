"""Which profiles there are, which one is meant, and making, choosing, renaming and removing them."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from hermes.home.environment import process_environment
from hermes.home.errors import HomeError
from hermes.home.files import PRIVATE_FILE, PRIVATE_FOLDER, make_private_folder, write_atomic
from hermes.home.profile import Profile
from hermes.home.profile_argument import split_profile_argument

__all__ = [
    "active_name",
    "checked_name",
    "create_profile",
    "delete_profile",
    "describe_profile",
    "find_profile",
    "list_profiles",
    "prepare_home",
    "profile_at",
    "rename_profile",
    "root_home",
    "split_profile_argument",
    "use_profile",
]

DEFAULT = "default"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FOLDERS = ("logs", "memories", "skills", "cache")
"""What every start finds or makes. Other folders are made by what uses them."""
_DESCRIPTION_LIMIT = 2_000


def root_home(environ: Mapping[str, str]) -> Path:
    """HERMES_HOME, else `~/.hermes`. One that is a profile's folder stands for the root above it."""
    return _homes(environ)[0]


def find_profile(name: str | None, environ: Mapping[str, str]) -> Profile:
    """The profile of that name. None: the one HERMES_HOME points to, else the one in use, else `default`."""
    root, pointed_at = _homes(environ)
    if name is not None:
        return _existing(root, checked_name(name))
    if pointed_at is not None:
        return _existing(root, pointed_at)
    chosen = active_name(root)
    if chosen != DEFAULT and not profile_at(root, chosen).home.is_dir():
        raise HomeError(
            f"The profile in use, {chosen!r}, does not exist any more; choose another one with: "
            "hermes -p default profile use NAME"
        )
    return profile_at(root, chosen)


def profile_at(root: Path, name: str) -> Profile:
    """The profile of a valid name, whether it exists or not."""
    home = root if name == DEFAULT else root / "profiles" / name
    return Profile(name=name, home=home, root=root)


def checked_name(name: str) -> str:
    """The name in lower case. Raises HomeError when it can't be the name of a profile."""
    lowered = name.strip().lower()
    if not _NAME.fullmatch(lowered):
        raise HomeError(
            f"{name!r} can't be the name of a profile: use at most 64 letters, digits, `-` and `_`, "
            "the first a letter or digit."
        )
    return lowered


def active_name(root: Path) -> str:
    """The profile chosen by `profile use`."""
    try:
        text = (root / "active_profile").read_text().strip()
    except FileNotFoundError:
        return DEFAULT
    return checked_name(text) if text else DEFAULT


def list_profiles(root: Path) -> list[Profile]:
    """`default` first, the others by name."""
    folder = root / "profiles"
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    return [profile_at(root, name) for name in [DEFAULT, *names] if name == DEFAULT or _is_other(name)]


def use_profile(root: Path, name: str) -> Profile:
    """Make a profile the one that is meant when none is named."""
    profile = _existing(root, checked_name(name))
    make_private_folder(root)
    write_atomic(root / "active_profile", profile.name + "\n")
    return profile


def create_profile(root: Path, name: str, *, description: str = "") -> Profile:
    """An empty profile. `clone_profile` makes one after another's image."""
    profile = new_profile(root, name)
    make_private_folder(profile.home)
    fill_new_profile(profile)
    if description:
        describe_profile(profile, description)
    return profile


def delete_profile(root: Path, name: str) -> None:
    """Remove a profile with everything in it. The default profile can't be removed."""
    profile = _other(root, name, "deleted")
    if profile.home.is_symlink():
        profile.home.unlink()  # what it leads to is not ours to remove
    else:
        doomed = profile.home.with_name(f".deleted-{profile.name}")
        shutil.rmtree(doomed, ignore_errors=True)
        profile.home.rename(doomed)  # gone under its name in one step, even if removal is cut short
        shutil.rmtree(doomed)
    if active_name(root) == profile.name:
        use_profile(root, DEFAULT)


def rename_profile(root: Path, name: str, new_name: str) -> Profile:
    """Give a profile another name. The default profile keeps its own."""
    old = _other(root, name, "renamed")
    new = new_profile(root, new_name)
    old.home.rename(new.home)
    if active_name(root) == old.name:
        use_profile(root, new.name)
    return new


def describe_profile(profile: Profile, description: str | None = None) -> str:
    """What the profile is for, in its owner's words. With `description`, set it first."""
    file = profile.home / "description.txt"
    if description is not None:
        text = description.strip()
        if len(text) > _DESCRIPTION_LIMIT:
            raise HomeError(f"The description has {len(text)} characters; {_DESCRIPTION_LIMIT} are the most.")
        write_atomic(file, text + "\n")
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        return ""


def prepare_home(profile: Profile, environ: Mapping[str, str] | None = None) -> None:
    """Make the profile's folders where they are missing, for its owner only, or with HERMES_HOME_MODE.

    A container's data folder keeps the mode its mount has, unless the variable says otherwise.
    """
    environ = process_environment() if environ is None else environ
    wanted = _wanted_mode(environ)
    make_private_folder(profile.home, wanted or PRIVATE_FOLDER)
    mode = profile.home.stat().st_mode & 0o7777
    if wanted is None and mode & 0o077 and not _in_container():
        wanted = PRIVATE_FOLDER
    if wanted is not None and wanted != mode:
        try:
            profile.home.chmod(wanted)
        except OSError as error:
            raise HomeError(
                f"{profile.home} can't be given mode {wanted:o} ({error.strerror}); another user owns it."
            ) from error
    for folder in _FOLDERS:
        make_private_folder(profile.home / folder)


def new_profile(root: Path, name: str) -> Profile:
    """The profile of a name that is still free. Nothing is made but the folder it will lie in."""
    profile = profile_at(root, checked_name(name))
    if profile.name == DEFAULT:
        raise HomeError("The default profile is there already; choose another name.")
    if profile.home.exists() or profile.home.is_symlink():
        raise HomeError(f"The profile {profile.name!r} exists already; choose another name.")
    make_private_folder(profile.home.parent)
    return profile


def fill_new_profile(profile: Profile) -> None:
    """What every profile starts with, where it is not there yet."""
    for folder in _FOLDERS:
        make_private_folder(profile.home / folder)
    for file in (profile.persona_file, profile.env_file):
        if not file.exists():
            write_atomic(file, "", PRIVATE_FILE)


def _homes(environ: Mapping[str, str]) -> tuple[Path, str | None]:
    """The root home, and the profile whose folder HERMES_HOME names, if it names one."""
    named = environ.get("HERMES_HOME", "").strip()
    if not named:
        return _user_home(environ) / ".hermes", None
    home = Path(named)
    if home.parts[0] == "~":
        home = _user_home(environ).joinpath(*home.parts[1:])
    home = Path.cwd() / home
    if home.parent.name == "profiles" and _is_other(home.name):
        return home.parent.parent, home.name
    return home, None


def _user_home(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME")
    return Path(home) if home else Path.home()


def _is_other(name: str) -> bool:
    return name != DEFAULT and _NAME.fullmatch(name) is not None


def _existing(root: Path, name: str) -> Profile:
    profile = profile_at(root, name)
    if name != DEFAULT and not profile.home.is_dir():
        raise HomeError(f"There is no profile {name!r}; make it with: hermes profile create {name}")
    return profile


def _other(root: Path, name: str, verb: str) -> Profile:
    profile = _existing(root, checked_name(name))
    if profile.name == DEFAULT:
        raise HomeError(f"The default profile can't be {verb}.")
    return profile


def _wanted_mode(environ: Mapping[str, str]) -> int | None:
    text = environ.get("HERMES_HOME_MODE", "").strip()
    if not text:
        return None
    if not re.fullmatch(r"(0o)?[0-7]{3,4}", text) or not int(text, 8) & 0o700 == 0o700:
        raise HomeError(f"HERMES_HOME_MODE is {text!r}; it must be an octal mode such as 0700 or 0750.")
    return int(text, 8)


def _in_container() -> bool:
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
