"""Cloning, exporting and importing: what goes along, what never does, and archives that are out for harm."""

import io
import tarfile
from pathlib import Path

import pytest

from hermes.home.errors import HomeError
from hermes.home.profile import Profile
from hermes.home.profile_archive import clone_profile, export_profile, import_profile
from hermes.home.profiles import list_profiles


def files_of(profile: Profile) -> set[str]:
    return {path.relative_to(profile.home).as_posix() for path in profile.home.rglob("*") if path.is_file()}


@pytest.fixture
def source(tmp_path: Path) -> Profile:
    """A default profile with everything a home may hold."""
    root = tmp_path / "root"
    content = {
        "config.yaml": "# mine\nmodel: m\nplatforms:\n  telegram: {token: t}\ntimezone: UTC\n",
        ".env": "# keys\nOPENAI_API_KEY=k\nTELEGRAM_BOT_TOKEN=t\nexport MATRIX_PASSWORD=p\n",
        "SOUL.md": "You are kind.",
        "memories/MEMORY.md": "tea",
        "memories/USER.md": "Ada",
        "memories/more.md": "x",
        "skills/cook/SKILL.md": "boil",
        "skins/dark.yaml": "a: 1",
        "auth.json": "{}",
        "hermes.db": "db",
        "hermes.db-wal": "wal",
        "state.db": "db",
        "sessions/a.json": "{}",
        "logs/agent.log": "log",
        "cron/jobs.json": "[]",
        "pairing/x.json": "{}",
        "gateway.pid": "1",
        "processes.json": "[]",
        "profiles/other/SOUL.md": "another",
        "node_modules/a.js": "",
        "config.yaml.bak": "old",
    }
    for name, text in content.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Profile(name="default", home=root, root=root)


def test_a_clone_has_settings_keys_persona_skills_and_memory(source: Profile) -> None:
    clone = clone_profile(source.root, "copy", source)
    assert files_of(clone) == {
        "config.yaml", ".env", "SOUL.md", "memories/MEMORY.md", "memories/USER.md", "skills/cook/SKILL.md"
    }  # fmt: skip
    assert clone.persona_file.read_text() == "You are kind."


def test_a_clone_never_gets_the_chat_platforms_credentials(source: Profile) -> None:
    for everything in (False, True):
        clone = clone_profile(source.root, f"copy{everything}", source, everything=everything)
        assert clone.env_file.read_text() == "# keys\nOPENAI_API_KEY=k\n"
        assert clone.config_file.read_text() == "# mine\nmodel: m\ntimezone: UTC\n"
        assert not any(name.endswith(".bak") for name in files_of(clone))
    assert "TELEGRAM_BOT_TOKEN=t" in source.env_file.read_text()


def test_a_whole_clone_leaves_history_logins_jobs_and_running_state(source: Profile) -> None:
    clone = clone_profile(source.root, "copy", source, everything=True)
    assert files_of(clone) == {
        "config.yaml", ".env", "SOUL.md", "memories/MEMORY.md", "memories/USER.md", "memories/more.md",
        "skills/cook/SKILL.md", "skins/dark.yaml",
    }  # fmt: skip


def test_a_clone_that_fails_leaves_nothing(source: Profile) -> None:
    source.env_file.write_text("broken line\n")
    with pytest.raises(HomeError, match="NAME=value"):
        clone_profile(source.root, "copy", source)
    assert [profile.name for profile in list_profiles(source.root)] == ["default", "other"]
    assert sorted(entry.name for entry in (source.root / "profiles").iterdir()) == ["other"]


def test_an_export_comes_back_without_secrets_and_history(source: Profile, tmp_path: Path) -> None:
    source.config_file.write_text("model: {default: m, api_key: '${KEY}'}\n")
    archive = export_profile(source, tmp_path)
    assert archive == tmp_path / "default.tar.gz"
    assert archive.stat().st_mode & 0o077 == 0
    with tarfile.open(archive) as tar:
        assert {(member.uid, member.uname) for member in tar} == {(0, "")}
    imported = import_profile(tmp_path / "new", archive, "Fresh")
    assert imported.home == tmp_path / "new" / "profiles" / "fresh"
    assert imported.env_file.read_text() == ""
    assert files_of(imported) == {
        "config.yaml", ".env", "SOUL.md", "memories/MEMORY.md", "memories/USER.md", "memories/more.md",
        "skills/cook/SKILL.md", "skins/dark.yaml",
    }  # fmt: skip


def test_an_export_does_not_overwrite(source: Profile, tmp_path: Path) -> None:
    source.config_file.unlink()
    (tmp_path / "a.tar.gz").write_text("mine")
    with pytest.raises(HomeError, match="exists already"):
        export_profile(source, tmp_path / "a.tar.gz")
    assert (tmp_path / "a.tar.gz").read_text() == "mine"


def test_a_config_with_secrets_written_into_it_is_not_exported(source: Profile, tmp_path: Path) -> None:
    source.config_file.write_text("fallback_providers:\n- {model: a, api_key: abc}\n")
    with pytest.raises(HomeError, match=r"secret at `fallback_providers\[0\].api_key`"):
        export_profile(source, tmp_path / "a.tar.gz")
    assert not (tmp_path / "a.tar.gz").exists()


def test_links_that_lead_outside_stay_behind(source: Profile, tmp_path: Path) -> None:
    source.config_file.unlink()
    (tmp_path / "secret").write_text("s")
    (source.home / "skills" / "out").symlink_to(tmp_path / "secret")
    (source.home / "skills" / "in").symlink_to("cook")
    imported = import_profile(tmp_path / "new", export_profile(source, tmp_path), "x")
    assert not (imported.home / "skills" / "out").is_symlink()
    assert (imported.home / "skills" / "in" / "SKILL.md").read_text() == "boil"


def archive_with(folder: Path, *members: tuple[str, bytes, str]) -> Path:
    """An archive of (name, kind, link target)."""
    archive = folder / "bad.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, kind, link in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.linkname = link
            member.size = 1 if kind == tarfile.REGTYPE else 0
            tar.addfile(member, io.BytesIO(b"x") if member.size else None)
    return archive


@pytest.mark.parametrize(
    "members",
    [
        [("../evil", tarfile.REGTYPE, "")],
        [("a/../../evil", tarfile.REGTYPE, "")],
        [("/tmp/evil", tarfile.REGTYPE, "")],
        [("a/link", tarfile.SYMTYPE, "/etc/passwd")],
        [("a/link", tarfile.SYMTYPE, "../x")],
        [("a/b/link", tarfile.SYMTYPE, "../../x")],
        [("a/hard", tarfile.LNKTYPE, "/etc/passwd")],
        [("a/device", tarfile.CHRTYPE, "")],
        [("a/fifo", tarfile.FIFOTYPE, "")],
        [("a/x", tarfile.REGTYPE, ""), ("b/x", tarfile.REGTYPE, "")],
        [
            ("a/one", tarfile.SYMTYPE, "two"),
            ("a/one/x", tarfile.REGTYPE, ""),
            ("a/two", tarfile.SYMTYPE, "."),
        ],
        [("a/l", tarfile.SYMTYPE, "x"), ("a/l", tarfile.REGTYPE, "")],
        [
            ("a/d/l", tarfile.SYMTYPE, ".."),
            ("a/e", tarfile.SYMTYPE, "d/l/.."),
            ("a/e/x", tarfile.REGTYPE, ""),
        ],
        [],
    ],
)
def test_archives_that_reach_outside_are_refused_whole(
    tmp_path: Path, members: list[tuple[str, bytes, str]]
) -> None:
    root = tmp_path / "root"
    with pytest.raises(HomeError):
        import_profile(root, archive_with(tmp_path, *members), "x")
    assert [profile.name for profile in list_profiles(root)] == ["default"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) in (["bad.tar.gz"], ["bad.tar.gz", "root"])
    assert not (root / "profiles").exists() or list((root / "profiles").iterdir()) == []


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_text("no archive")
    with pytest.raises(HomeError, match="can't be read as a profile's archive"):
        import_profile(tmp_path, tmp_path / "a.tar.gz")
    with pytest.raises(HomeError, match="can't be read as a profile's archive"):
        import_profile(tmp_path, tmp_path / "none.tar.gz")


def test_an_import_never_replaces_a_profile(source: Profile, tmp_path: Path) -> None:
    source.config_file.unlink()
    archive = export_profile(source, tmp_path)
    with pytest.raises(HomeError, match="exists already"):
        import_profile(source.root, archive, "other")
    with pytest.raises(HomeError, match="choose another name"):
        import_profile(source.root, archive)
    assert (source.root / "profiles" / "other" / "SOUL.md").read_text() == "another"
