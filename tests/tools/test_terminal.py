"""The terminal tool."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from hermes.home.settings import Settings, TerminalSettings, ToolOutputSettings
from hermes.sandbox.local import LocalSandbox
from hermes.tools.contract import ToolArgumentError
from hermes.tools.process import process
from hermes.tools.terminal import terminal
from tests.tools.conftest import Workplace

pytestmark = pytest.mark.anyio


async def test_a_command_and_its_result(workplace: Workplace) -> None:
    assert await workplace.ask(terminal, command="echo hello") == {
        "output": "hello\n",
        "exit_code": 0,
        "error": None,
    }


async def test_a_failure_is_not_ok(workplace: Workplace) -> None:
    result = await workplace.call(terminal, command="echo no; exit 4")
    assert (result.ok, result.exit_code) == (False, 4)
    assert msgspec.json.decode(result.content) == {"output": "no\n", "exit_code": 4, "error": None}


@pytest.mark.parametrize(
    "command", ["grep nothing /etc/hosts-not -s || grep zzz <<< a", "diff <(echo a) <(echo b)", "test 1 = 2"]
)
async def test_an_answer_by_exit_code_is_ok(workplace: Workplace, command: str) -> None:
    found = await workplace.ask(terminal, command=command)
    assert found["exit_code"] == 1
    assert "not an error" in found["exit_code_meaning"]


async def test_state_persists_between_calls(workplace: Workplace) -> None:
    await workplace.ask(terminal, command="mkdir d; cd d; f() { echo in f; }")
    assert (await workplace.ask(terminal, command="f; basename $PWD"))["output"] == "in f\nd\n"


async def test_a_timeout_is_124_with_what_there_was(workplace: Workplace) -> None:
    found = await workplace.refusal(terminal, command="echo part; sleep 60", timeout=1)
    assert (found["exit_code"], found["output"]) == (124, "part\n")
    assert "after 1 s" in found["error"]


async def test_an_interrupt_is_130(workplace: Workplace) -> None:
    asyncio.get_running_loop().call_later(0.3, workplace.context.stop.set)
    found = await workplace.refusal(terminal, command="echo part; sleep 60")
    assert found["exit_code"] == 130
    assert found["output"] == "part\n\n[Command interrupted]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"command": "  "}, "empty"),
        ({"command": "ls", "workdir": "a\nb"}, "workdir"),
        ({"command": "ls", "timeout": 601}, "600 s"),
        ({"command": "npm run dev"}, "background=true"),
        ({"command": "rm -rf /"}, "root directory"),
        ({"command": "rm -rf build"}, "--yolo"),
        ({"command": "rm -rf build", "background": True}, "--yolo"),
    ],
)
async def test_what_is_not_run_says_why(
    workplace: Workplace, arguments: dict[str, object], said: str
) -> None:
    found = await workplace.refusal(terminal, **arguments)
    assert found["exit_code"] == -1
    assert said in found["error"]


async def test_bad_arguments_are_named(workplace: Workplace) -> None:
    with pytest.raises(ToolArgumentError, match="timeout"):
        await workplace.call(terminal, command="ls", timeout=0)
    with pytest.raises(ToolArgumentError, match="has no argument 'cmd'"):
        await workplace.call(terminal, cmd="ls")


async def test_the_longest_timeout_in_the_settings_is_not_exceeded_silently(workplace: Workplace) -> None:
    workplace.context.settings = Settings(terminal=TerminalSettings(timeout=9999))
    assert (await workplace.ask(terminal, command="echo ok"))["output"] == "ok\n"


async def test_secrets_are_masked_for_the_model_and_for_people(workplace: Workplace) -> None:
    shown: list[str] = []
    workplace.context.output = shown.append
    workplace.context.secrets = frozenset({"plainlookingvalue"})
    command = "echo OPENAI_API_KEY=sk-abcdefghij0123456789abcdef; echo plainlooking''value"
    found = await workplace.ask(terminal, command=command)
    for text in (found["output"], "".join(shown)):
        assert "abcdefghij0123456789" not in text
        assert "plainlookingvalue" not in text


async def test_long_output_is_bounded_and_kept(workplace: Workplace, tmp_path: Path) -> None:
    sandbox = LocalSandbox(
        cwd="/", environment={"PATH": "/usr/bin:/bin"}, spool_folder=tmp_path / "long", output_limit=1000
    )
    workplace.context.sandbox = sandbox
    workplace.context.settings = Settings(tool_output=ToolOutputSettings(max_bytes=1000))
    found = await workplace.ask(terminal, command="seq 1 10000")
    await sandbox.close()
    assert len(found["output"]) < 1200
    assert found["output"].startswith("1\n2\n")
    assert found["output"].endswith("10000\n")
    assert Path(found["full_output_path"]).read_text().count("\n") == 10000


async def test_live_output_for_people_has_an_end(workplace: Workplace) -> None:
    shown: list[str] = []
    workplace.context.output = shown.append
    await workplace.ask(terminal, command="seq 1 100000")
    assert 90_000 < len("".join(shown)) < 110_000
    assert "more output" in shown[-1]


async def test_a_pty_works_in_both_ways(workplace: Workplace) -> None:
    assert (await workplace.ask(terminal, command="test -t 1 && echo tty", pty=True))["output"] == "tty\n"
    started = await workplace.ask(terminal, command="test -t 1 && echo tty", pty=True, background=True)
    ended = await workplace.ask(process, action="wait", session_id=started["session_id"], timeout=10)
    assert "tty" in ended["output"]


async def test_background_gives_an_id_and_no_notice_that_cannot_come(workplace: Workplace) -> None:
    found = await workplace.ask(terminal, command="echo x", background=True, notify_on_complete=True)
    assert found["output"] == "Background process started"
    assert found["session_id"].startswith("proc_")
    assert found["notify_on_complete"] is False
    assert "poll" in found["notify_unsupported"]
    refused = await workplace.refusal(terminal, command="echo x", background=True, workdir="/no/such")
    assert "does not exist" in refused["error"]


async def test_ten_calls_take_less_than_a_second(workplace: Workplace) -> None:
    start = time.monotonic()
    for number in range(10):
        assert (await workplace.ask(terminal, command=f"echo {number}"))["output"] == f"{number}\n"
    assert time.monotonic() - start < 2, "0.9 s is the target on a quiet machine"


def test_the_two_schemas_are_small() -> None:
    assert sum(len(msgspec.json.encode(tool.spec())) for tool in (terminal, process)) <= 2_200
