"""What git tells about a repository: bounded in time and size, and as little of it left to the repository
as git lets us."""

import asyncio
import subprocess
import tempfile
from pathlib import Path
from typing import IO

from hermes.home.environment import process_environment

GIT_SECONDS = 30.0
MOST_BYTES = 4_000_000

_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "log.showSignature=false")
_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=dirty")
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
}


class GitFailed(Exception):
    """git did not give what was asked for; the message is one sentence for people."""


async def git_output(cwd: Path, command: str, *arguments: str) -> str:
    """Output of `git diff` or `git log` in `cwd`. Raises GitFailed.

    Monitors, hooks, pagers, external diffs, text converters and signature checkers that the repository's
    configuration names are not run. Its clean filters are, as by any `git diff`.
    """
    with tempfile.TemporaryFile() as complaint:
        code, output = await _run(cwd, [*_SAFE, "--no-pager", command, *_PLAIN, *arguments], complaint)
        complaint.seek(0)
        said = complaint.read(MOST_BYTES).decode("utf-8", "replace")
    if output is None:
        raise GitFailed(f"git {command} says more than {MOST_BYTES:,} bytes; name files instead.")
    if code:
        raise GitFailed(_reason(cwd, command, said))
    return output.decode("utf-8", "replace").strip()


async def _run(cwd: Path, arguments: list[str], complaint: IO[bytes]) -> tuple[int, bytes | None]:
    """Exit code and output; None in place of an output that is too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            "git", *arguments, cwd=cwd, env={**process_environment(), **_ENVIRONMENT},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaint,
        )  # fmt: skip
    except FileNotFoundError as error:
        if not cwd.is_dir():
            raise GitFailed(f"{cwd} is gone, so git can't be asked.") from error
        raise GitFailed("git is not installed, so @diff, @staged and @git can't be used.") from error
    except OSError as error:
        raise GitFailed(f"git can't be started: {error.strerror or error}.") from error
    assert process.stdout is not None
    output = bytearray()
    try:
        async with asyncio.timeout(GIT_SECONDS):
            while len(output) <= MOST_BYTES and (chunk := await process.stdout.read(65_536)):
                output += chunk
            if len(output) > MOST_BYTES:
                return 0, None
            return await process.wait(), bytes(output)
    except TimeoutError as error:
        raise GitFailed(f"git took longer than {GIT_SECONDS:.0f} seconds.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def _reason(cwd: Path, command: str, complaint: str) -> str:
    if "not a git repository" in complaint.lower():
        return f"{cwd} is not in a git repository, so @diff, @staged and @git can't be used."
    lines = [line for line in complaint.splitlines() if line.strip()]
    line = next((line for line in lines if line.startswith(("fatal:", "error:"))), "".join(lines[:1]))
    return f"git {command} failed: {line.rstrip('.') or 'no reason given'}."
