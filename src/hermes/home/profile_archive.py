"""A profile copied: into another profile, into an archive, and out of one.

What is copied is what the profile is: settings, persona, memory, skills. What it did (sessions, logs,
caches), what runs it, and what would make two bots answer under one name (chat platforms' credentials,
logins) stays behind.
"""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from hermes.home.config import Layer
from hermes.home.config_edit import unset_key
from hermes.home.environment import load_environment, unset_env_value
from hermes.home.errors import HomeError
from hermes.home.files import PRIVATE_FILE, PRIVATE_FOLDER, make_private_folder
from hermes.home.key_paths import KeyPath, dotted
from hermes.home.profile import Profile
from hermes.home.profiles import DEFAULT, checked_name, fill_new_profile, new_profile
from hermes.home.secret_names import is_secret_name

_CLONED = ("config.yaml", ".env", "SOUL.md", "skills", "memories/MEMORY.md", "memories/USER.md")
_HISTORY = frozenset(
    [
        "state.db",
        "hermes.db",
        "search.db",
        "response_store.db",
        "memory_store.db",
        "verification_evidence.db",
        "sessions",
        "logs",
        "cache",
        "backups",
        "state-snapshots",
        "checkpoints",
        "sandboxes",
        "audio_cache",
        "image_cache",
        ".hermes_history",
        "context_length_cache.yaml",
    ]
)
_RUNNING = frozenset(
    [
        "gateway",
        "gateway.pid",
        "gateway_state.json",
        "gateway-starts.log",
        "gateways",
        "processes.json",
    ]
)
_IDENTITY = frozenset(
    [
        "auth.json",
        "mcp-tokens",
        "pairing",
        "platforms",
        "cron",
        "webhook_subscriptions.json",
        "channel_directory.json",
        "channel_aliases.json",
        "shell-hooks-allowlist.json",
        "gateway_voice_mode.json",
    ]
)
_OF_THE_ROOT = frozenset(["profiles", "active_profile", "hermes-agent", ".worktrees", "bin", "node_modules"])
_SECRETS = frozenset({".env"})
_LITTER = (".lock", ".pid", ".tmp", ".bak", "-wal", "-shm")

_CHAT_PLATFORMS = tuple(
    f"{name}_"
    for name in [
        "TELEGRAM",
        "DISCORD",
        "SLACK",
        "WHATSAPP",
        "SIGNAL",
        "MATRIX",
        "MATTERMOST",
        "EMAIL",
        "SMS",
        "TWILIO",
        "HASS",
        "DINGTALK",
        "FEISHU",
        "WECOM",
        "WEIXIN",
        "BLUEBUBBLES",
        "QQ",
        "YUANBAO",
        "TEAMS",
        "GOOGLE_CHAT",
        "LINE",
        "IRC",
        "NTFY",
        "PHOTON",
        "SIMPLEX",
        "RAFT",
        "WEBHOOK",
        "MSGRAPH",
        "GATEWAY_RELAY",
    ]
)
"""How the variables of a chat platform begin."""
_MOST_FILES = 100_000
_MOST_BYTES = 2_000_000_000


def clone_profile(root: Path, name: str, source: Profile, *, everything: bool = False) -> Profile:
    """A new profile with the settings, keys, persona, skills and memory of another; `everything`: all it is.

    Credentials of chat platforms, logins, scheduled jobs and history are never copied.
    """
    profile = new_profile(root, name)
    staging = _staging_folder(profile)
    try:
        if everything:
            for path in _carried(source, without=frozenset()):
                _copy(source.home / path, staging / path)
        else:
            for entry in _CLONED:
                _copy(source.home / entry, staging / entry)
        _drop_chat_credentials(Profile(name=name, home=staging, root=staging))
        fill_new_profile(Profile(name=name, home=staging, root=staging))
        staging.rename(profile.home)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return profile


def export_profile(profile: Profile, target: Path) -> Path:
    """Write a `.tar.gz` of what the profile is, without secrets and history.

    Refuses to overwrite a file, and to export a `config.yaml` with secrets written into it.
    """
    written_out = list(_secrets_in(Layer.read(profile.config_file, {}).tree, ()))
    if written_out:
        raise HomeError(
            f"{profile.config_file} holds a secret at `{written_out[0]}`; "
            "move it to .env and write ${NAME} in its place, or remove it."
        )
    if target.is_dir():
        target = target / f"{profile.name}.tar.gz"
    try:
        stream = open(target, "xb", opener=_private)  # noqa: SIM115 - closed below, by the archive's block
    except FileExistsError:
        raise HomeError(f"{target} exists already; choose another file.") from None
    except OSError as error:
        raise HomeError(f"{target} can't be written: {error.strerror}.") from error
    with stream, tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for path in _carried(profile, without=_SECRETS):
            name = f"{profile.name}/{path}"
            tar.add(profile.home / path, arcname=name, recursive=False, filter=_anonymous)
    return target


def import_profile(root: Path, archive: Path, name: str | None = None) -> Profile:
    """A new profile from an archive, under the name it was exported with unless another one is given.

    Nothing outside the new profile is touched, whatever the archive holds: one with entries that would lie or
    lead outside, with devices, or of unreasonable size is refused.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            members = _checked_members(tar, archive)
            top = PurePosixPath(members[0].name).parts[0]
            profile = new_profile(root, checked_name(name or top))
            staging = _staging_folder(profile)
            try:
                for member in members:
                    _unpack(tar, member, staging)
                fill_new_profile(Profile(name=profile.name, home=staging, root=staging))
                staging.rename(profile.home)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise HomeError(f"{archive} can't be read as a profile's archive ({error}).") from error
    return profile


def _secrets_in(value: Any, path: KeyPath) -> Iterator[str]:
    """Dotted keys under which a secret is written out, and not as a `${NAME}`."""
    entries: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, Mapping):
        entries = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)
    elif value and isinstance(value, str) and "${" not in value and is_secret_name(str(path[-1])):
        yield dotted(path)
    for name, entry in entries:
        yield from _secrets_in(entry, (*path, name))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """An archive says nothing about who made it."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE)


def _staging_folder(profile: Profile) -> Path:
    """A folder beside the profile's, to be renamed when it is complete."""
    return Path(tempfile.mkdtemp(prefix=f".new-{profile.name}-", dir=profile.home.parent))


def _carried(profile: Profile, without: frozenset[str]) -> Iterator[str]:
    """Relative paths of files, folders and inner links to copy, folders before what is in them."""
    left = (
        _HISTORY | _RUNNING | _IDENTITY | without | (_OF_THE_ROOT if profile.name == DEFAULT else frozenset())
    )
    home = profile.home.resolve()
    for entry in sorted(home.iterdir()):
        if entry.name in left or entry.name.endswith(_LITTER):
            continue
        for path in [entry, *(sorted(entry.rglob("*")) if entry.is_dir() and not entry.is_symlink() else [])]:
            if path.is_symlink() and not path.resolve().is_relative_to(home):
                continue
            if path.is_file() or path.is_dir() or path.is_symlink():
                yield path.relative_to(home).as_posix()


def _copy(source: Path, target: Path) -> None:
    if source.is_symlink() and not source.exists():
        return
    if source.is_dir():
        make_private_folder(target)
        for entry in source.iterdir():
            _copy(entry, target / entry.name)
    elif source.is_file():
        make_private_folder(target.parent)
        shutil.copy2(source, target)


def _drop_chat_credentials(profile: Profile) -> None:
    environment = load_environment(profile, {})
    for name in environment.file_names():
        if name.startswith(_CHAT_PLATFORMS):
            unset_env_value(profile, name)
    if "platforms" in Layer.read(profile.config_file, environment).tree:
        unset_key(profile, environment, "platforms")
    for entry in profile.home.iterdir():
        if entry.name.endswith(_LITTER):
            entry.unlink()  # the versions before, which still hold what was dropped


def _checked_members(tar: tarfile.TarFile, archive: Path) -> list[tarfile.TarInfo]:
    members: list[tarfile.TarInfo] = []
    size = 0
    for member in tar:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise HomeError(f"{archive} is refused: {member.name!r} lies outside of the profile.")
        if not (member.isfile() or member.isdir() or member.issym()):
            raise HomeError(f"{archive} is refused: {member.name!r} is neither file, folder nor link.")
        if member.issym() and not _stays_inside(path, member.linkname):
            raise HomeError(f"{archive} is refused: the link {member.name!r} leads outside of the profile.")
        if members and path.parts[0] != PurePosixPath(members[0].name).parts[0]:
            raise HomeError(f"{archive} is refused: it holds more than one folder at its top.")
        size += member.size
        members.append(member)
        if len(members) > _MOST_FILES or size > _MOST_BYTES:
            raise HomeError(f"{archive} is refused: it holds more than {_MOST_FILES} files or 2 GB.")
    if not members:
        raise HomeError(f"{archive} is empty.")
    return members


def _stays_inside(path: PurePosixPath, link: str) -> bool:
    """Whether a link at `path` leads to something below the top folder, followed by name."""
    target = PurePosixPath(link)
    if target.is_absolute():
        return False
    depth = len(path.parts) - 2  # folders between the link and the top one
    for part in target.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return False
    return True


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    parts = PurePosixPath(member.name).parts[1:]
    target = folder.joinpath(*parts)
    inside = folder.resolve()
    if not parts:
        return
    if not target.parent.resolve().is_relative_to(inside) or target.is_symlink():
        raise HomeError(f"The archive is refused: {member.name!r} is reached through a link.")
    make_private_folder(target.parent)
    if member.isdir():
        make_private_folder(target)
    elif member.issym():
        target.symlink_to(member.linkname)
    else:
        source = tar.extractfile(member)
        if source is not None:
            with source, open(target, "xb") as stream:
                shutil.copyfileobj(source, stream)
            target.chmod(PRIVATE_FOLDER if member.mode & 0o100 else PRIVATE_FILE)
