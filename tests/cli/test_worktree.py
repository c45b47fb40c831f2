"""`-w`: a worktree for a conversation."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Serve
from tests.cli.test_one_shot import key


def git(cwd: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = subprocess.run(["git", *identity, *arguments], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(work: Path) -> Path:
    git(work, "init", "--quiet", "--initial-branch", "main")
    (work / ".gitignore").write_text("secret.env\n")
    (work / "secret.env").write_text("x=1\n")
    (work / ".worktreeinclude").write_text("# what tests need\nsecret.env\n")
    git(work, "add", "-A")
    git(work, "commit", "--quiet", "-m", "first")
    return work


def test_work_that_changes_nothing_leaves_nothing(run: Run, serve: Serve, repository: Path) -> None:
    url = serve(
        {"calls": [{"name": "terminal", "arguments": {"command": "pwd; cat secret.env"}}]}, {"echo": True}
    )
    done = run("chat", "-q", "look", "-w", **key(url))
    assert done.returncode == 0, done.stderr
    assert "Working in" in done.stderr
    assert list((repository / ".worktrees").iterdir()) == []
    assert git(repository, "branch", "--list", "hermes/*") == ""
    assert git(repository, "status", "--porcelain") == ""


def test_work_that_changes_something_is_kept_and_named(run: Run, serve: Serve, repository: Path) -> None:
    url = serve(
        {"calls": [{"name": "terminal", "arguments": {"command": "cp secret.env new.txt"}}]},
        {"text": "Done."},
    )
    done = run("-z", "change it", "-w", **key(url))
    (tree,) = (repository / ".worktrees").iterdir()
    assert (tree / "new.txt").read_text() == "x=1\n"
    assert not (repository / "new.txt").exists()
    assert git(tree, "branch", "--show-current") == f"hermes/{tree.name}"
    assert f"The work is kept in {tree}" in done.stderr


def test_commits_of_its_own_are_kept(run: Run, serve: Serve, repository: Path) -> None:
    commit = "git -c user.name=t -c user.email=t@example.org commit --quiet --allow-empty -m mine"
    url = serve({"calls": [{"name": "terminal", "arguments": {"command": commit}}]}, {"text": "Done."})
    assert "The work is kept in" in run("-z", "commit", "-w", **key(url)).stderr
    assert git(repository, "log", "--all", "--oneline").count("mine") == 1


def test_it_starts_from_the_freshly_fetched_upstream(
    run: Run, serve: Serve, repository: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(repository), str(clone))
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "second")
    command = "git log --format=%s -1 > ../../seen"
    url = serve({"calls": [{"name": "terminal", "arguments": {"command": command}}]}, {"text": "Done."})
    run("-z", "look", "-w", cwd=clone, **key(url))
    assert (clone / "seen").read_text().strip() == "second"


def test_outside_of_a_repository_it_is_refused(run: Run, tmp_path: Path) -> None:
    done = run("-z", "hello", "-w", GIT_CEILING_DIRECTORIES=str(tmp_path))
    assert done.returncode == 1
    assert "-w needs a git repository" in done.stderr
    assert done.stdout == ""
