"""What file tools leave alone, told by real paths."""

import os
from pathlib import Path

import pytest

from hermes.home.profile import Profile
from hermes.tools.file_safety import denied_read, denied_write
from hermes.tools.files import read_file, write_file
from hermes.tools.patch import patch
from tests.tools.conftest import Workplace

ROOT = Path("/data/hermes")
DEFAULT = Profile(name="default", home=ROOT, root=ROOT)
WORK = Profile(name="work", home=ROOT / "profiles/work", root=ROOT)

SECRETS = [
    "auth.json", "auth.lock", ".anthropic_oauth.json", ".env", ".env.local", "webhook_subscriptions.json",
    "auth/google_oauth.json", "cache/bws_cache.json", "mcp-tokens/github.json", "pairing/telegram.json",
    "platforms/pairing/approved.json", "skills/.hub/lock.json", "grants.json", "grants/cron.json",
    "hermes.db", "hermes.db-wal", "hermes.db-shm", "search.db", "search.db-wal", "state.db", "state.db-shm",
]  # fmt: skip
GUARDED = [
    "config.yaml", "hooks/x/handler.py", "plugins/p/plugin.py", "cron/jobs.json", "scripts/daily.sh",
    "shell-hooks-allowlist.json", "sessions/a.json", "logs/agent.log", "active_profile", "processes.json",
    "memories/MEMORY.md", "memories/USER.md", "backups/b.zip", "bin/tool", "profiles",
]  # fmt: skip
FREE = ["SOUL.md", "skills/mine/SKILL.md", "workspace/a.txt", "cache/web/page.md", "notes.txt", "home/a.txt"]
CREDENTIALS = [
    "/home/ann/.ssh/id_ed25519", "/root/.ssh/authorized_keys", "/home/ann/.aws/credentials",
    "/home/ann/.gnupg/secring.gpg", "/home/ann/.kube/config", "/home/ann/.kube/cache/x",
    "/home/ann/.docker/config.json", "/home/ann/.azure/token.json", "/home/ann/.config/gh/hosts.yml",
    "/home/ann/.config/gcloud/credentials.db", "/home/ann/.netrc", "/home/ann/.npmrc", "/home/ann/.pypirc",
    "/home/ann/.pgpass", "/home/ann/.git-credentials", "/Users/ann/.aws/credentials", "/srv/.ssh/id_rsa",
    "/proj/.env", "/proj/.env.production", "/proj/.env.local", "/proj/.envrc", "/proj/sub/.env_prod", "/proj/.env~",
    "/etc/shadow", "/proc/1/environ", "/proc/self/mem", "/private/etc/shadow",
]  # fmt: skip
SYSTEM = [
    "/etc/passwd", "/etc/hosts", "/etc/systemd/system/x.service", "/boot/grub.cfg", "/usr/lib/systemd/system/a",
    "/home/ann/.config/systemd/user/x.service", "/run/docker.sock", "/var/spool/cron/root", "/sys/power/state",
    "/proc/sysrq-trigger", "/home/ann/.ssh/config", "/private/etc/hosts", "/Users/ann/Library/LaunchAgents/x.plist",
]  # fmt: skip
ORDINARY = [
    "/proj/a.py", "/proj/.env.example", "/proj/.env.sample", "/proj/.env.template", "/proj/.env/bin/python",
    "/proj/.environment", "/proj/.docker/Dockerfile", "/proj/.npmrc", "/tmp/x", "/home/ann/notes.txt",
    "/etcetera/x", "/data/hermes-other/config.yaml", "/dev/shm/x", "/proj/auth.json", "/proj/hooks/a.sh",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("profile", [DEFAULT, WORK], ids=lambda profile: profile.name)
def test_secrets_of_any_home_are_neither_read_nor_written(name: str, profile: Profile) -> None:
    for home in (ROOT, ROOT / "profiles/work", ROOT / "profiles/other"):
        for path in (f"{home}/{name}", f"{home}/{name}".upper()):
            assert denied_read(path, profile), path
            assert denied_write(path, profile), path


@pytest.mark.parametrize("name", GUARDED)
def test_what_is_trusted_is_not_written(name: str) -> None:
    assert denied_write(f"{ROOT}/{name}", DEFAULT)
    assert denied_write(f"{WORK.home}/{name}", WORK)
    assert denied_read(f"{ROOT}/{name}", DEFAULT) is None


@pytest.mark.parametrize("name", FREE)
def test_the_rest_of_the_own_home_is_free_and_that_of_others_is_not(name: str) -> None:
    assert denied_write(f"{ROOT}/{name}", DEFAULT) is None
    assert denied_write(f"{WORK.home}/{name}", WORK) is None
    assert "profile 'work'" in str(denied_write(f"{WORK.home}/{name}", DEFAULT))
    assert "profile 'default'" in str(denied_write(f"{ROOT}/{name}", WORK))
    assert "profile 'other'" in str(denied_write(f"{ROOT}/profiles/other/{name}", WORK))


def test_the_configuration_points_at_its_command() -> None:
    assert "hermes config" in str(denied_write(f"{ROOT}/config.yaml", DEFAULT))
    assert "memory tool" in str(denied_write(f"{ROOT}/memories/MEMORY.md", DEFAULT))


@pytest.mark.parametrize("path", CREDENTIALS)
def test_credentials_are_neither_read_nor_written(path: str) -> None:
    assert denied_read(path, DEFAULT)
    assert denied_write(path, DEFAULT)


@pytest.mark.parametrize("path", SYSTEM)
def test_the_system_is_not_written(path: str) -> None:
    assert denied_write(path, DEFAULT)


@pytest.mark.parametrize("path", ORDINARY)
def test_ordinary_files_are_free(path: str) -> None:
    assert denied_read(path, DEFAULT) is None
    assert denied_write(path, DEFAULT) is None


def test_a_home_that_is_nowhere_usual_is_a_home_when_told() -> None:
    assert denied_read("/srv/ann/.kube/cache/x", DEFAULT) is None
    assert denied_read("/srv/ann/.kube/cache/x", DEFAULT, ["/srv/ann"])
    assert denied_write("/srv/ann/.npmrc", DEFAULT, ["/srv/ann"])


def test_public_parts_of_ssh_are_read_only() -> None:
    for name in ("config", "known_hosts", "id_ed25519.pub"):
        assert denied_read(f"/home/ann/.ssh/{name}", DEFAULT) is None
        assert denied_write(f"/home/ann/.ssh/{name}", DEFAULT)


def test_safe_roots_confine_writes_and_open_nothing() -> None:
    assert denied_write("/proj/a", DEFAULT, safe_roots=["/proj", "/other/"]) is None
    assert denied_write("/other/a", DEFAULT, safe_roots=["/proj", "/other/"]) is None
    assert "HERMES_WRITE_SAFE_ROOT" in str(denied_write("/project/a", DEFAULT, safe_roots=["/proj"]))
    assert "secrets" in str(denied_write("/proj/.env", DEFAULT, safe_roots=["/proj"]))


@pytest.mark.anyio
async def test_no_way_around_through_links_and_dots(workplace: Workplace) -> None:
    home, folder = workplace.home, workplace.folder
    (home / "hooks").mkdir()
    (home / "auth.json").write_text("{}")
    workplace.write(".env", "A=1\n")
    os.symlink(home, folder / "data")
    os.symlink(home / "auth.json", folder / "innocent.json")
    os.symlink(folder / ".env", folder / "notes.txt")
    os.symlink("data/../hooks", folder / "odd")
    os.symlink("/proc/self", folder / "me")
    for path in (
        "data/auth.json",
        "innocent.json",
        "notes.txt",
        "../hermes/auth.json",
        "data/./auth.json",
        "me/environ",
    ):
        assert "can't be read" in (await workplace.refusal(read_file, path=path))["error"], path
        assert "can't be written" in (await workplace.refusal(write_file, path=path, content="x"))["error"], (
            path
        )
    for path in (
        "data/config.yaml",
        "data/hooks/new/handler.py",
        "~/.ssh/authorized_keys",
        "data/profiles/b/SOUL.md",
    ):
        assert "can't be written" in (await workplace.refusal(write_file, path=path, content="x"))["error"], (
            path
        )
    added = "*** Begin Patch\n*** Add File: data/hooks/h.py\n+x\n*** End Patch"
    assert "can't be written" in (await workplace.refusal(patch, mode="patch", patch=added))["error"]
    workplace.write("h.py", "x\n")
    moved = "*** Begin Patch\n*** Update File: h.py\n*** Move to: data/hooks/h.py\n*** End Patch"
    assert "can't be written" in (await workplace.refusal(patch, mode="patch", patch=moved))["error"]
    assert not list((home / "hooks").iterdir())
    assert (home / "auth.json").read_text() == "{}"


@pytest.mark.anyio
async def test_a_home_behind_a_link_is_guarded_too(workplace: Workplace, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(workplace.home)
    workplace.context.profile = Profile(name="default", home=link, root=link)
    for path in (link / "config.yaml", workplace.home / "config.yaml"):
        assert "hermes config" in (await workplace.refusal(write_file, path=str(path), content="x"))["error"]
