"""The local file system."""

import os
from pathlib import Path

import pytest

from hermes.sandbox.files import LocalFiles

pytestmark = pytest.mark.anyio


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    return LocalFiles(str(tmp_path))


async def test_paths_are_resolved(files: LocalFiles, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    real = os.path.realpath(tmp_path)
    assert await files.resolve("~/a", "/x") == f"{real}/a"
    assert await files.resolve("~", "/x") == real
    assert await files.resolve("../b", f"{tmp_path}/real") == f"{real}/b"
    assert await files.resolve("link/new", str(tmp_path)) == f"{real}/real/new"


async def test_a_write_keeps_the_mode_and_goes_through_links(files: LocalFiles, tmp_path: Path) -> None:
    script, link = tmp_path / "script", tmp_path / "link"
    script.write_text("old")
    script.chmod(0o751)
    link.symlink_to(script)
    await files.write(str(link), b"new")
    assert (script.read_text(), script.stat().st_mode & 0o777) == ("new", 0o751)
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "script"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can own for others")
async def test_a_write_keeps_the_owner(files: LocalFiles, tmp_path: Path) -> None:
    path = tmp_path / "theirs"
    path.write_text("old")
    os.chown(path, 12345, 23456)
    await files.write(str(path), b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


async def test_parents_are_made_and_names_of_full_length_work(files: LocalFiles, tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / ("n" * 255)
    await files.write(str(path), b"x")
    assert await files.read(str(path)) == b"x"
    assert await files.read(str(path), 0) == b""


async def test_a_failed_write_leaves_the_old_file_and_nothing_else(files: LocalFiles, tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(OSError, match="directory"):
        await files.write(str(tmp_path / "directory"), b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["directory"]


async def test_stat_list_move_and_remove(files: LocalFiles, tmp_path: Path) -> None:
    await files.write(str(tmp_path / "one"), b"123")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dead").symlink_to("nowhere")
    listed = await files.list(str(tmp_path))
    assert [(Path(info.path).name, info.kind) for info in listed] == [("one", "file"), ("pipe", "other")]
    info = await files.stat(str(tmp_path / "one"))
    assert info is not None
    assert info.size == 3
    assert await files.stat(str(tmp_path / "one" / "below")) is None
    await files.move(str(tmp_path / "one"), str(tmp_path / "new" / "two"))
    await files.remove(str(tmp_path / "new" / "two"))
    assert await files.stat(str(tmp_path / "new" / "two")) is None
    with pytest.raises(FileNotFoundError):
        await files.read(str(tmp_path / "one"))
