"""The process tool."""

import asyncio

import pytest

from hermes.tools.process import process
from hermes.tools.terminal import terminal
from tests.tools.conftest import Workplace

pytestmark = pytest.mark.anyio


async def started(workplace: Workplace, command: str) -> str:
    return str((await workplace.ask(terminal, command=command, background=True))["session_id"])


async def test_its_life(workplace: Workplace) -> None:
    name = await started(workplace, "while read -r l; do echo got $l; done; exit 5")
    written = await workplace.ask(process, action="submit", session_id=name, data="one")
    assert written == {"status": "ok", "bytes_written": 4}
    await workplace.ask(process, action="write", session_id=name, data="two\n")
    running = await workplace.ask(process, action="poll", session_id=name)
    assert (running["status"], "exit_code" in running) == ("running", False)
    await workplace.ask(process, action="close", session_id=name)
    ended = await workplace.ask(process, action="wait", session_id=name, timeout=10)
    assert (ended["status"], ended["exit_code"], ended["output"]) == ("exited", 5, "got one\ngot two\n")
    refused = await workplace.refusal(process, action="write", session_id=name, data="x")
    assert "does not run any more" in refused["error"]


async def test_kill_says_what_it_did(workplace: Workplace) -> None:
    name = await started(workplace, "sleep 100")
    assert (await workplace.ask(process, action="kill", session_id=name))["completion_reason"] == "killed"
    assert (await workplace.ask(process, action="kill", session_id=name))[
        "completion_reason"
    ] == "already_exited"


async def test_waiting_ends_with_the_time_or_the_run(workplace: Workplace) -> None:
    name = await started(workplace, "echo early; sleep 100")
    found = await workplace.ask(process, action="wait", session_id=name, timeout=1)
    assert (found["output"], found["timeout_note"]) == ("early\n", "It is still running.")
    asyncio.get_running_loop().call_later(0.2, workplace.context.stop.set)
    async with asyncio.timeout(5):
        await workplace.ask(process, action="wait", session_id=name, timeout=100)


async def test_the_log_is_paged(workplace: Workplace) -> None:
    name = await started(workplace, "seq 1 500")
    await workplace.ask(process, action="wait", session_id=name, timeout=10)
    last = await workplace.ask(process, action="log", session_id=name)
    assert (last["total_lines"], last["offset"]) == (500, 300)
    assert last["output"].splitlines()[-1] == "500"
    page = await workplace.ask(process, action="log", session_id=name, offset=10, limit=2)
    assert page["output"] == "11\n12"


async def test_the_list_masks_secrets(workplace: Workplace) -> None:
    name = await started(workplace, "API_KEY=sk-abcdefghij0123456789abcdef sleep 0.1")
    (row,) = (await workplace.ask(process, action="list"))["processes"]
    assert row["session_id"] == name
    assert "abcdefghij0123456789" not in row["command"]


async def test_an_unknown_process_is_named_with_the_known_ones(workplace: Workplace) -> None:
    assert (
        "known are: none" in (await workplace.refusal(process, action="poll", session_id="proc_x"))["error"]
    )


async def test_a_line_for_a_shell_is_authorized_like_a_command(workplace: Workplace) -> None:
    victim = workplace.write("kept/file.txt", "kept")
    name = await started(workplace, "bash")
    refused = await workplace.refusal(process, action="submit", session_id=name, data="rm -rf kept")
    assert "recursive delete" in refused["error"]
    await workplace.ask(process, action="write", session_id=name, data="r")
    await workplace.refusal(process, action="submit", session_id=name, data="m -rf kept")
    await workplace.ask(process, action="close", session_id=name)
    assert victim.read_text() == "kept"
