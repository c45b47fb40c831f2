"""`-w`: a git worktree of its own for a conversation, whose changes stay apart until someone takes them."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from hermes.cli.errors import Refused, say

FETCH_SECONDS = 30.0


class Worktree(msgspec.Struct, frozen=True):
    """A worktree that was made for one conversation."""

    repository: Path
    path: Path
    branch: str
    base: str
    """The commit it began at."""


@asynccontextmanager
async def working_directory(cwd: Path, separate: bool) -> AsyncIterator[Path]:
    """The directory to work in: `cwd`, or a new worktree of its repository. One that holds nothing new is
    removed at the end; any other is kept and named."""
    if not separate:
        yield cwd
        return
    tree = await make_worktree(cwd)
    say(f"Working in {tree.path} on branch {tree.branch}.")
    try:
        yield tree.path
    finally:
        await leave_worktree(tree)


async def make_worktree(cwd: Path) -> Worktree:
    """Branch `hermes/hermes-<8 hex>` in `.worktrees/hermes-<8 hex>`, from the freshly fetched upstream where
    there is one. Raises Refused outside of a git repository."""
    top, code = await _git(cwd, "rev-parse", "--show-toplevel")
    if code:
        raise Refused(f"-w needs a git repository, and {cwd} is in none.")
    repository = Path(top)
    base = await _base(repository)
    name = f"hermes-{uuid.uuid4().hex[:8]}"
    path, branch = repository / ".worktrees" / name, f"hermes/{name}"
    await _hide_from_status(repository)
    output, code = await _git(repository, "worktree", "add", "--quiet", "-b", branch, str(path), base)
    if code:
        raise Refused(
            f"git could not make a worktree: {output.splitlines()[-1] if output else 'no reason given'}"
        )
    commit, _ = await _git(path, "rev-parse", "HEAD")
    _copy_included(repository, path)
    return Worktree(repository, path, branch, commit)


async def leave_worktree(tree: Worktree) -> None:
    """Remove a worktree whose work is nowhere but in other places too; keep and name any other."""
    changes, failed = await _git(tree.path, "status", "--porcelain")
    ours, _ = await _git(tree.path, "log", "--oneline", "HEAD", "--not", tree.base, "--remotes", "--")
    if failed or changes or ours:
        say(f"The work is kept in {tree.path} on branch {tree.branch}.")
        return
    await _git(tree.repository, "worktree", "remove", "--force", str(tree.path))
    await _git(tree.repository, "branch", "-D", tree.branch)


async def _base(repository: Path) -> str:
    upstream, code = await _git(repository, "rev-parse", "--abbrev-ref", "@{upstream}")
    if code or "/" not in upstream:
        _, code = await _git(repository, "rev-parse", "--verify", "--quiet", "HEAD")
        if code:
            raise Refused(f"-w needs a first commit, and {repository} has none yet.")
        return "HEAD"
    remote = upstream.partition("/")[0]
    _, code = await _git(repository, "fetch", "--quiet", remote, timeout=FETCH_SECONDS)
    if code:
        say(f"{remote} could not be fetched; the worktree starts from what was fetched last.")
    return upstream


async def _hide_from_status(repository: Path) -> None:
    where, code = await _git(repository, "rev-parse", "--git-path", "info/exclude")
    if code:
        return
    exclude = repository / where
    lines = exclude.read_text().splitlines() if exclude.exists() else []
    if ".worktrees/" not in lines:
        exclude.parent.mkdir(parents=True, exist_ok=True)
        exclude.write_text("\n".join([*lines, ".worktrees/"]) + "\n")


def _copy_included(repository: Path, path: Path) -> None:
    """Copy what `.worktreeinclude` names: files that git does not track but the work needs."""
    listing = repository / ".worktreeinclude"
    if not listing.is_file():
        return
    for line in listing.read_text().splitlines():
        pattern = line.strip().strip("/")
        if not pattern or pattern.startswith("#"):
            continue
        for source in repository.glob(pattern):
            inside = source.resolve().is_relative_to(repository.resolve())
            target = path / source.relative_to(repository)
            if not inside or target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True)
            else:
                shutil.copy2(source, target)


async def _git(cwd: Path, *arguments: str, timeout: float = 60.0) -> tuple[str, int]:
    """Output and exit code of a git command; 124 when it took too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            *("-c", "core.askPass="),
            *arguments,
            cwd=cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except FileNotFoundError as error:
        raise Refused("-w needs git, which is not installed.") from error
    try:
        output, _ = await asyncio.wait_for(process.communicate(), timeout)
    except TimeoutError:
        process.kill()
        await process.wait()
        return "", 124
    return output.decode(errors="replace").strip(), process.returncode or 0
