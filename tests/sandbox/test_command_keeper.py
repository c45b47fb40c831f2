"""Nothing that a command started outlives it, however it detached itself."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from hermes.sandbox.local import LocalSandbox
from tests.sandbox.conftest import MakeSandbox, Mark

pytestmark = pytest.mark.anyio

HARD_TO_END = {
    "child": "sleep {s} & wait",
    "new session": "setsid sleep {s} & sleep {s}",
    "nohup": "nohup sleep {s} >/dev/null 2>&1 & sleep {s}",
    "double fork": "( ( sleep {s} & ) & ); sleep {s}",
    "ignores TERM": "trap '' TERM HUP INT; sleep {s} & while :; do wait; sleep {s}; done",
    "double fork in a new session": "( setsid setsid sh -c 'sleep {s} & sleep {s}' & ); sleep {s}",
    "empty environment": "env -i setsid nohup sh -c 'trap \"\" TERM; sleep {s}; sleep {s}' & sleep {s}",
    "stopped": "sleep {s} & kill -STOP $!; sleep {s}",
    "grandchildren of an ended parent": "setsid sh -c 'setsid sh -c \"sleep {s} & sleep {s}\" &'; sleep {s}",
    "keeps starting more": "while :; do setsid sleep {s} & sleep 0.01; done",
}


@pytest.mark.parametrize("name", HARD_TO_END)
async def test_a_timeout_ends_the_whole_tree(sandbox: LocalSandbox, mark: Mark, name: str) -> None:
    result = await sandbox.run(HARD_TO_END[name].format(s=mark.seconds), session="a", timeout=0.4)
    assert result.exit_code == 124
    assert result.timed_out
    assert mark.living() == []


@pytest.mark.parametrize("name", HARD_TO_END)
async def test_a_stop_ends_the_whole_tree(sandbox: LocalSandbox, mark: Mark, name: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.3, stop.set)
    result = await sandbox.run(
        "echo begun; " + HARD_TO_END[name].format(s=mark.seconds), session="a", timeout=30, stop=stop
    )
    assert result.exit_code == 130
    assert result.interrupted
    assert result.output.startswith("begun\n")
    assert mark.living() == []


async def test_cancelling_the_task_ends_the_whole_tree(sandbox: LocalSandbox, mark: Mark) -> None:
    command = HARD_TO_END["empty environment"].format(s=mark.seconds)
    task = asyncio.create_task(sandbox.run(command, session="a", timeout=30))
    await asyncio.to_thread(mark.wait_for, 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert mark.living() == []


async def test_a_stop_during_the_start_is_not_lost(sandbox: LocalSandbox, mark: Mark) -> None:
    stop = asyncio.Event()
    stop.set()
    result = await sandbox.run(f"sleep {mark.seconds}", session="a", timeout=30, stop=stop)
    assert result.interrupted
    assert mark.living() == []


async def test_what_a_command_leaves_running_lives_until_the_sandbox_closes(
    sandbox: LocalSandbox, mark: Mark
) -> None:
    started = time.monotonic()
    result = await sandbox.run(f"setsid sleep {mark.seconds} & echo done", session="a", timeout=30)
    assert (result.exit_code, result.output) == (0, "done\n")
    assert time.monotonic() - started < 3
    mark.wait_for(1)
    await sandbox.close()
    assert mark.living() == []


async def test_killing_the_keeper_ends_the_command(sandbox: LocalSandbox, mark: Mark) -> None:
    result = await sandbox.run(
        f"setsid sleep {mark.seconds} & kill -9 $PPID; sleep {mark.seconds}", session="a", timeout=30
    )
    assert result.exit_code == 137
    assert "guards this command was killed" in result.output
    mark.wait_for(0)
    assert (await sandbox.run("echo on", session="a", timeout=5)).output == "on\n"


async def test_killing_the_runner_ends_everything_and_the_next_command_has_a_new_one(
    sandbox: LocalSandbox, mark: Mark
) -> None:
    await sandbox.run("cd /usr; x=1", session="a", timeout=5)
    command = f"setsid sleep {mark.seconds} & kill -9 $(ps -o ppid= -p $PPID); sleep {mark.seconds}"
    result = await sandbox.run(command, session="a", timeout=30)
    assert result.exit_code == 137
    assert "starts anew" in result.output
    mark.wait_for(0)
    again = await sandbox.run('echo "[$x]"; pwd', session="a", timeout=5)
    assert again.output == "[]\n/usr\n"


@pytest.mark.parametrize("name", ["new session", "ignores TERM", "empty environment", "double fork"])
def test_nothing_survives_the_death_of_the_process_that_asked(mark: Mark, tmp_path: Path, name: str) -> None:
    script = f"""
        import asyncio
        from pathlib import Path
        from hermes.sandbox.local import LocalSandbox

        async def main():
            sandbox = LocalSandbox(
                cwd="/",
                environment={{"PATH": {os.environ["PATH"]!r}}},
                spool_folder=Path({str(tmp_path)!r}),
                grace=0.2,
            )
            await sandbox.start({HARD_TO_END[name].format(s=mark.seconds)!r}, session="a")
            await sandbox.run({HARD_TO_END[name].format(s=mark.seconds)!r}, session="a", timeout=100)

        asyncio.run(main())
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    try:
        limit = time.monotonic() + 15
        while len(mark.living()) < 2:
            assert time.monotonic() < limit
            time.sleep(0.02)
        parent.send_signal(signal.SIGKILL)
    finally:
        parent.kill()
        parent.wait()
    mark.wait_for(0)


async def test_sandboxes_do_not_touch_each_other(make_sandbox: MakeSandbox, mark: Mark) -> None:
    one, other = make_sandbox(), make_sandbox()
    await one.start(f"sleep {mark.seconds}", session="a")
    await other.start(f"sleep {mark.seconds}", session="a")
    mark.wait_for(2)
    await one.close()
    assert len(mark.living()) == 1
