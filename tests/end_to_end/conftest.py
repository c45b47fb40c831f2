"""The command as people use it, in a process of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

TIMEOUT_SECONDS = 60


class Finished(NamedTuple):
    exit_code: int
    out: str
    err: str


Command = Callable[..., Awaitable[Finished]]


@pytest.fixture
def command(hermes: list[str], plain_environment: dict[str, str], tmp_path: Path) -> Command:
    """Run `hermes ...` in an empty folder; `environment` comes on top of a fresh machine's."""
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)

    async def run(*arguments: str, environment: Mapping[str, str] = {}, stdin: str = "") -> Finished:
        process = await asyncio.create_subprocess_exec(
            *hermes,
            *arguments,
            cwd=work,
            env={**plain_environment, **environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), TIMEOUT_SECONDS)
        assert process.returncode is not None
        return Finished(process.returncode, out.decode(), err.decode())

    return run
