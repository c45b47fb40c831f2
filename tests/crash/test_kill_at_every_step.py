"""A run with a dozen tool calls is killed with SIGKILL at every transaction it writes, then resumed.

Each command leaves a line in a file outside. However the first process died: no finished call has run twice,
a call whose result was not stored is told to the model as unknown and not run again, and the answer arrives.
"""

import asyncio
import sqlite3
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from hermes.testing.model_server import ModelServer
from hermes.testing.script import Call, Reply, Script

pytestmark = pytest.mark.anyio

CALLS = 12
ANSWER = "All twelve steps are done."
ACCEPTED = 3
"""Writes until the input is durable: the session, and the run. The kills start at the next one."""
TRANSACTIONS = 70
"""More than such a run writes; the test below proves that."""
VICTIM = Path(__file__).with_name("victim.py")


class Outcome(NamedTuple):
    session_id: str
    killed: bool
    answer: str
    unknown: set[str]
    """Commands that the model was told to be of unknown outcome."""


def script_for(counter: Path) -> Script:
    steps = [
        Reply(
            calls=(
                Call(
                    name="terminal", arguments={"command": f"echo {number} >> {counter}"}, id=f"call_{number}"
                ),
            )
        )
        for number in range(CALLS)
    ]
    return Script(replies=(*steps, Reply(text=ANSWER, repeat="forever")), follow="conversation")


async def run_victim(home: Path, base_url: str, deadly: int, moment: str) -> tuple[str, bool]:
    victim = await asyncio.create_subprocess_exec(
        sys.executable, str(VICTIM), str(home), base_url, str(deadly), moment, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(victim.communicate(), 60)
    lines = out.decode().split()
    return (lines[0] if lines else ""), victim.returncode == -9


async def resume(hermes: list[str], home: Path, base_url: str, session_id: str, cwd: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *hermes, "--resume", session_id,
        cwd=cwd,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(home.parent),
            "HERMES_HOME": str(home),
            "OPENAI_BASE_URL": base_url,
            "HERMES_INFERENCE_MODEL": "scripted-model",
            "TERM": "dumb",
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out.decode()


def rows(database: Path, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        found = connection.execute(statement).fetchall()
    connection.close()
    return found


async def check_kill(hermes: list[str], folder: Path, deadly: int, moment: str) -> bool:
    """One kill and one resume; False when the run was over before the kill could fall."""
    home, counter = folder / "home" / ".hermes", folder / "counter"
    home.parent.mkdir(parents=True)
    async with ModelServer(script_for(counter)) as server:
        session_id, killed = await run_victim(home, server.base_url, deadly, moment)
        if killed:
            await resume(hermes, home, server.base_url, session_id, home.parent)
    database = home / "hermes.db"
    (run,) = rows(database, "SELECT status, answer FROM runs")
    assert run == ("completed", ANSWER)
    ran = [int(line) for line in counter.read_text().split()]
    told = {
        int(str(call_id).removeprefix("call_"))
        for (call_id,) in rows(
            database, "SELECT tool_call_id FROM messages WHERE role = 'tool' AND content LIKE '%unknown%'"
        )
    }
    assert len(ran) == len(set(ran)), "a call ran twice"
    assert set(range(CALLS)) - set(ran) <= told, "a call neither ran nor was told to be unknown"
    assert len(told) <= 1
    results = rows(database, "SELECT tool_call_id FROM messages WHERE role = 'tool'")
    assert sorted(results) == sorted({(f"call_{number}",) for number in range(CALLS)})
    (events,) = rows(database, "SELECT COUNT(*), MAX(seq) FROM events")
    assert events[0] == events[1], "the events have gaps"
    return killed


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("part", range(4))
async def test_kill_at_every_step(hermes: list[str], tmp_path: Path, moment: str, part: int) -> None:
    kills = 0
    for deadly in range(ACCEPTED + part, TRANSACTIONS, 4):
        kills += await check_kill(hermes, tmp_path / str(deadly), deadly, moment)
    assert kills > 8


async def test_the_last_step_is_within_the_range(hermes: list[str], tmp_path: Path) -> None:
    assert not await check_kill(hermes, tmp_path, TRANSACTIONS, "after")
