"""Background processes."""

import asyncio
import time

import pytest

from hermes.sandbox.background import MOST
from hermes.sandbox.contract import BackgroundProcess
from hermes.sandbox.local import LocalSandbox
from tests.sandbox.conftest import Mark

pytestmark = pytest.mark.anyio


async def until(process: BackgroundProcess, text: str) -> str:
    limit = time.monotonic() + 10
    while text not in process.read()[0]:
        assert time.monotonic() < limit, process.read()[0]
        await asyncio.sleep(0.02)
    return process.read()[0]


async def test_it_outlives_the_call_and_sees_the_sessions_state(sandbox: LocalSandbox) -> None:
    await sandbox.run("cd /usr; v=shared", session="a", timeout=5)
    process = await sandbox.start("echo $v $PWD; exit 3", session="a")
    assert await process.wait(10)
    assert process.read()[0] == "shared /usr\n"
    info = process.info
    assert (info.state, info.exit_code, info.output_bytes) == ("exited", 3, 12)
    assert info.pid is not None
    assert sandbox.processes()[info.id] is process


async def test_it_changes_nothing_of_the_session(sandbox: LocalSandbox) -> None:
    await sandbox.run("v=1", session="a", timeout=5)
    process = await sandbox.start("cd /usr; v=2", session="a")
    assert await process.wait(10)
    assert (await sandbox.run("echo $v", session="a", timeout=5)).output == "1\n"


@pytest.mark.parametrize("pty", [False, True])
async def test_it_can_be_written_to(sandbox: LocalSandbox, pty: bool) -> None:
    process = await sandbox.start(
        'while read -r line; do echo "<$line>"; done; echo bye', session="a", pty=pty
    )
    await process.write("one\n")
    await until(process, "<one>")
    _, offset = process.read()
    await process.write("two\n")
    await until(process, "<two>")
    assert "<one>" not in process.read(offset)[0]
    await process.close_stdin()
    assert await process.wait(10)
    assert "bye" in process.read()[0]


async def test_a_prompt_without_a_line_end_can_be_read(sandbox: LocalSandbox) -> None:
    process = await sandbox.start("printf 'Name? '; read n; echo hello $n", session="a", pty=True)
    await until(process, "Name? ")
    await process.write("you\n")
    await until(process, "hello you")


async def test_kill_ends_the_tree(sandbox: LocalSandbox, mark: Mark) -> None:
    process = await sandbox.start(
        f"trap '' TERM; setsid sleep {mark.seconds} & sleep {mark.seconds}", session="a"
    )
    mark.wait_for(2)
    await process.kill()
    assert mark.living() == []
    assert process.info.state == "killed"
    await process.kill()


async def test_waiting_has_an_end(sandbox: LocalSandbox) -> None:
    process = await sandbox.start("sleep 30", session="a")
    start = time.monotonic()
    assert not await process.wait(0.2)
    assert time.monotonic() - start < 2
    assert process.info.state == "running"


async def test_a_missing_directory_is_a_failed_start(sandbox: LocalSandbox) -> None:
    process = await sandbox.start("true", session="a", workdir="/no/such")
    assert await process.wait(5)
    assert process.info.state == "failed_start"
    assert "does not exist" in process.read()[0]


async def test_it_is_lost_when_the_runner_is_killed(sandbox: LocalSandbox) -> None:
    process = await sandbox.start("sleep 30", session="a")
    await sandbox.run("kill -9 $(ps -o ppid= -p $PPID); sleep 5", session="a", timeout=10)
    assert await process.wait(10)
    assert process.info.state == "lost"


async def test_the_oldest_ended_ones_are_forgotten_beyond_sixty_four(sandbox: LocalSandbox) -> None:
    running = await sandbox.start("sleep 60", session="a")
    for _ in range(MOST + 2):
        assert await (await sandbox.start("true", session="a")).wait(10)
    assert len(sandbox.processes()) <= MOST
    assert running.info.id in sandbox.processes()
