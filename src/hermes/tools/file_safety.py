"""Which files the agent's file tools leave alone. Pure functions on resolved paths.

A path comes in absolute and without symbolic links (`FileSystem.resolve`). Names are compared without
regard to case, because some file systems do not regard it either. This is the file tools' half of the
promise; the shell's half are approvals and the sandbox.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from hermes.home.profile import Profile

TEMPLATE_SUFFIXES = (".example", ".sample", ".template")
"""`.env.example` and the like hold names, not values."""

_SECRET_FILES = frozenset({
    "auth.json", "auth.lock", ".anthropic_oauth.json", ".env", "webhook_subscriptions.json",
    "auth/google_oauth.json", "cache/bws_cache.json",
})  # fmt: skip
_SECRET_FOLDERS = ("mcp-tokens", "pairing", "platforms/pairing", "skills/.hub")
_DATABASES = (
    "hermes.db", "search.db", "state.db", "response_store.db", "kanban.db", "projects.db",
    "memory_store.db",
)  # fmt: skip

_GUARDED_FILES = frozenset({
    "shell-hooks-allowlist.json", "active_profile", "processes.json", "channel_directory.json",
    "channel_aliases.json", "gateway.pid", "gateway.lock", "gateway_state.json",
    ".gateway-takeover.json", ".gateway-planned-stop.json", ".restart_notify.json", ".drain_request.json",
})  # fmt: skip
_GUARDED_FOLDERS = (
    "hooks", "agent-hooks", "plugins", "cron", "scripts", "bin", "lsp", "auth", "sessions", "logs",
    "gateway", "backups", "checkpoints", "state-snapshots", "profiles",
)  # fmt: skip
"""What is executed or trusted on the agent's behalf, and what records what it did."""

_CREDENTIAL_FOLDERS = (".ssh", ".aws", ".gnupg", ".azure", ".config/gh", ".config/gcloud")
_CREDENTIAL_FILES = frozenset({
    ".netrc", "_netrc", ".pgpass", ".pypirc", ".git-credentials", ".anthropic_oauth.json",
})  # fmt: skip
_CREDENTIAL_PAIRS = frozenset({".kube/config", ".docker/config.json"})
_HOME_CREDENTIALS = (".kube", ".docker", ".npmrc", ".config/containers/auth.json")
_HOME_AUTOSTART = (".config/systemd", ".local/share/systemd", ".config/autostart", "library/launchagents")
_PUBLIC_SSH_NAMES = frozenset({"config", "known_hosts"})

_SYSTEM_FOLDERS = (
    "/etc", "/boot", "/dev", "/proc", "/sys", "/lib/systemd", "/usr/lib/systemd", "/usr/local/lib/systemd",
    "/run/systemd", "/var/spool/cron", "/library/launchdaemons", "/library/launchagents",
)  # fmt: skip
_SYSTEM_SECRETS = ("/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/sudoers.d", "/proc/kcore")
_SOCKETS = frozenset({"docker.sock", "podman.sock", "containerd.sock", "crio.sock"})
_HOME = re.compile(r"/root|(?:/var)?/home/[^/]+|/users/[^/]+|/var/root")
_ENVIRONMENT = re.compile(r"\.env(?:rc)?(?:[\W_].*)?", re.DOTALL)
_PROCESS = re.compile(r"/proc/(?:\d+|self|thread-self)/.")


def denied_read(path: str, profile: Profile, homes: Sequence[str] = ()) -> str | None:
    """Why `path` may not be read, as one sentence, or None. `homes`: home directories besides the usual."""
    for name in _names_of(path):
        reason = _secret(name, profile, homes)
        if reason:
            return f"{path} can't be read: {reason}."
        if _below(name, "/dev") and not _below(name, "/dev/shm"):
            return f"{path} can't be read: it is a device."
        if _PROCESS.match(name) or any(_below(name, secret) for secret in _SYSTEM_SECRETS):
            return f"{path} can't be read: it can hold secrets of the system or of a process."
    return None


def denied_write(
    path: str, profile: Profile, homes: Sequence[str] = (), safe_roots: Sequence[str] = ()
) -> str | None:
    """Why `path` may not be written, moved or removed, as one sentence, or None.

    `safe_roots`: when there are any, only what lies in one of them may be written.
    """
    for name in _names_of(path):
        reason = _secret(name, profile, homes) or _guarded(name, profile) or _system(name, homes)
        if reason:
            return f"{path} can't be written: {reason}."
    if safe_roots and not any(_below(path.casefold(), root.casefold().rstrip("/")) for root in safe_roots):
        allowed = ", ".join(safe_roots)
        return f"{path} can't be written: HERMES_WRITE_SAFE_ROOT confines writes to {allowed}."
    return None


def _names_of(path: str) -> list[str]:
    """The path in one case, and where macOS keeps another name for the same place, that one too."""
    name = path.casefold()
    return [name, name.removeprefix("/private")] if name.startswith("/private/") else [name]


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _secret(path: str, profile: Profile, homes: Sequence[str]) -> str | None:
    """Why the path holds secrets; these are neither read nor written."""
    parts = PurePosixPath(path)
    inside = _inside_hermes(path, profile)
    if inside is not None:
        _, relative = inside
        if relative in _SECRET_FILES or any(_below(relative, folder) for folder in _SECRET_FOLDERS):
            return "it holds secrets of this assistant"
        if "grants" in relative.split("/")[0]:
            return "it holds the operator's grants"
        if any(relative.startswith(database) for database in _DATABASES):
            return "it is a database of this assistant; use session_search for past conversations"
    if parts.name in _CREDENTIAL_FILES or f"{parts.parent.name}/{parts.name}" in _CREDENTIAL_PAIRS:
        return "it holds login credentials"
    if _in_credential_folder(path):
        return "it lies in a folder of login credentials"
    at_home = _relative_to_a_home(path, homes)
    if at_home is not None and any(_below(at_home, name) for name in _HOME_CREDENTIALS):
        return "it holds login credentials"
    return _environment_file(parts.name)


def _in_credential_folder(path: str) -> bool:
    folder = next((name for name in _CREDENTIAL_FOLDERS if f"/{name}/" in f"{path}/"), None)
    if folder != ".ssh":
        return folder is not None
    name = PurePosixPath(path).name
    return not (name in _PUBLIC_SSH_NAMES or name.endswith(".pub"))


def _environment_file(name: str) -> str | None:
    """Environment files hold secrets; templates of them do not."""
    if not _ENVIRONMENT.fullmatch(name) or name.endswith(TEMPLATE_SUFFIXES):
        return None
    return f"{name} holds secrets, so ask the user to look at it or change it"


def _guarded(path: str, profile: Profile) -> str | None:
    """Why a path of the assistant's own data is not the agent's to write."""
    if "/.ssh/" in f"{path}/":
        return "it lies in a folder of login credentials"
    inside = _inside_hermes(path, profile)
    if inside is None:
        return None
    owner, relative = inside
    if owner != profile.name.casefold():
        return f"it belongs to the profile '{owner}'"
    if relative == "config.yaml":
        return "the configuration is changed by the user with `hermes config set KEY VALUE`"
    if relative in {"memories/memory.md", "memories/user.md"}:
        return "memory is changed with the memory tool"
    if relative in _GUARDED_FILES or any(_below(relative, folder) for folder in _GUARDED_FOLDERS):
        return "this assistant runs, trusts or records with it, so only the user changes it"
    return None


def _system(path: str, homes: Sequence[str]) -> str | None:
    if PurePosixPath(path).name in _SOCKETS:
        return "it is the socket of a container engine"
    if _below(path, "/dev/shm"):
        return None
    if any(_below(path, folder) for folder in _SYSTEM_FOLDERS):
        return "it belongs to the system; tell the user what to change and why"
    at_home = _relative_to_a_home(path, homes)
    if at_home is not None and any(_below(at_home, folder) for folder in _HOME_AUTOSTART):
        return "it starts programs by itself; tell the user what to change and why"
    return None


def _inside_hermes(path: str, profile: Profile) -> tuple[str, str] | None:
    """(profile that owns the path, path relative to that profile's home), or None outside of the homes."""
    for home, owner in ((profile.home, profile.name), (profile.root, "default")):
        folder = str(home).casefold()
        if not _below(path, folder):
            continue
        relative = path[len(folder) :].lstrip("/")
        parts = relative.split("/")
        if parts[0] == "profiles" and len(parts) > 1:
            return parts[1], "/".join(parts[2:])
        return owner.casefold(), relative
    return None


def _relative_to_a_home(path: str, homes: Sequence[str]) -> str | None:
    """The path relative to the home directory it lies in, or None."""
    for home in homes:
        folder = home.casefold().rstrip("/")
        if folder and path.startswith(f"{folder}/"):
            return path[len(folder) + 1 :]
    match = _HOME.match(path)
    return path[match.end() + 1 :] if match and path[match.end() :].startswith("/") else None
