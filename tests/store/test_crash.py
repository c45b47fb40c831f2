"""A process that is killed at any moment leaves a store that opens and holds all it has confirmed."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hermes.store.database import Store
from hermes.store.owners import this_process
from hermes.store.records import Scope

pytestmark = pytest.mark.anyio

WRITER = """
import asyncio, sys
from pathlib import Path
from hermes.store.database import Store
from hermes.store.ids import new_session_id
from hermes.store.owners import this_process
from hermes.store.records import Message, Scope, Session, ToolCallRecord, Usage

async def main():
    store, scope = Store(Path(sys.argv[1]), Path(sys.argv[2])), Scope()
    session = await store.sessions.create(scope, Session(id=new_session_id()))
    number = 0
    while True:
        ask = Message(role="user", content=f"ask {number}")
        run, _ = await store.runs.accept(scope, session.id, ask, source="test")
        print("accepted", run.id, flush=True)
        lease = await store.runs.claim(scope, run.id, this_process(), lease_seconds=600)
        call = ToolCallRecord(
            run_id=run.id, call_id="c", name="t", arguments="{}", state="started", started_at=1.0
        )
        await store.runs.record(lease, messages=[ask], tools_started=[call])
        print("started", run.id, flush=True)
        reply = Message(role="assistant", content="word " * 500)
        await store.runs.finish(lease, status="completed", reason="answered", usage=Usage(), messages=[reply])
        print("finished", run.id, flush=True)
        if number % 5 == 0:
            await store.search.catch_up()
        number += 1

asyncio.run(main())
"""


def write_until_killed(file: Path, seconds: float) -> dict[str, str]:
    """Run id -> the last thing the writer confirmed about it before it was killed."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file), str(file.with_name("search.db"))],
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline()]
        time.sleep(seconds)
        writer.kill()
        lines += writer.stdout.readlines()
    confirmed = {}
    for line in lines:
        if line.endswith("\n"):
            what, run_id = line.split()
            confirmed[run_id] = what
    return confirmed


@pytest.mark.parametrize("seed", range(4))
async def test_what_was_confirmed_survives_a_kill(tmp_path: Path, scope: Scope, seed: int) -> None:
    confirmed = write_until_killed(tmp_path / "hermes.db", random.Random(seed).uniform(0.02, 0.3))
    assert confirmed
    store = Store(tmp_path / "hermes.db", tmp_path / "search.db")
    assert store.check() == []
    free = {run.id for run in await store.runs.unfinished(scope)}
    for run_id, what in confirmed.items():
        run = await store.runs.get(scope, run_id)
        assert run is not None
        if what == "finished":
            assert run.status == "completed"
        elif run.status != "completed":  # its end may be stored and the word of it lost
            assert run_id in free  # at once: the holder is dead, though its lease is not over
            lease = await store.runs.claim(scope, run_id, this_process(), lease_seconds=60)
            assert lease is not None
            calls = await store.runs.tool_calls(scope, run_id)
            if what == "started":
                assert [call.state for call in calls] == ["unknown"]
    (session,) = await store.sessions.list(scope)
    rows = await store.messages.all(scope, session.id)
    assert session.message_count == len(rows)
    assert await store.search.search(scope, '"ask 0"')
    await store.close()
