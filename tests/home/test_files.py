"""Atomic writes and locks between real processes."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hermes.home.errors import HomeError, LockedError
from hermes.home.files import link_target, lock_file, make_private_folder, write_atomic


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_private(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "text")
    assert (tmp_path / "a").read_text() == "text"
    assert mode_of(tmp_path / "a") == 0o600


def test_the_mode_of_the_file_before_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("old")
    file.chmod(0o640)
    write_atomic(file, b"new")
    assert (file.read_bytes(), mode_of(file)) == (b"new", 0o640)


def test_the_version_before_can_be_kept_and_nothing_else_is_left_behind(tmp_path: Path) -> None:
    file = tmp_path / "a"
    write_atomic(file, "1", keep_previous=True)
    write_atomic(file, "2", keep_previous=True)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "a.bak"]
    assert (tmp_path / "a.bak").read_text() == "1"


def test_a_link_is_replaced_and_its_target_untouched(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs")
    (tmp_path / "a").symlink_to(elsewhere)
    write_atomic(tmp_path / "a", "ours")
    assert elsewhere.read_text() == "theirs"
    assert not (tmp_path / "a").is_symlink()


def test_a_linked_file_can_be_written_through(tmp_path: Path) -> None:
    elsewhere = tmp_path / "dotfiles" / "config.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text("old")
    link = tmp_path / "config.yaml"
    link.symlink_to(elsewhere)
    write_atomic(link_target(link), "new")
    assert link.is_symlink()
    assert elsewhere.read_text() == "new"


def test_a_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path)
    with pytest.raises(HomeError, match="not a file"):
        link_target(tmp_path / "a")


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(HomeError, match="can't be written"):
        write_atomic(tmp_path / "a", "text")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_private_folders_ignore_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o277)
    try:
        make_private_folder(tmp_path / "x")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "x") == 0o700


def test_a_lock_held_by_another_process_names_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    program = (
        "import sys, pathlib; from hermes.home.files import lock_file\n"
        "with lock_file(pathlib.Path(sys.argv[1])):\n print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        says = f"The store is in use by process {holder.pid} "
        with pytest.raises(LockedError, match=says), lock_file(lock, subject="The store"):
            pass
        holder.kill()
    with lock_file(lock):
        assert f"process {os.getpid()} " in lock.read_text()
    assert lock.read_text() == ""
