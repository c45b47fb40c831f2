"""What persists between the commands of a session."""

import asyncio
import shutil
from pathlib import Path

import pytest

from hermes.sandbox.local import LocalSandbox
from tests.sandbox.conftest import MakeSandbox

pytestmark = pytest.mark.anyio


async def output(sandbox: LocalSandbox, command: str, session: str = "a") -> str:
    return (await sandbox.run(command, session=session, timeout=10)).output


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("cd /usr", "pwd", "/usr"),
        ("export A='x y'", "sh -c 'echo \"$A\"'", "x y"),
        ("a=5", "echo $a; sh -c 'echo [$a]'", "5\n[]"),
        ('f() { echo "got $1"; }', "f it", "got it"),
        ("alias hi='echo hello'", "hi you", "hello you"),
        ("a=(1 'two words' 3)", 'echo "${a[1]}" ${#a[@]}', "two words 3"),
        ("declare -A m=([k]=v)", 'echo "${m[k]}"', "v"),
        ("declare -i n=4", "m=$n; m+=3; n+=0; echo $n $m", "4 43"),
        ("declare -r fixed=1", "echo $fixed", "1"),
        ("shopt -s extglob\nf() { case $1 in @(a|b)) echo yes;; esac; }", "f b", "yes"),
        ("shopt -s nullglob", "echo /no/such/*", ""),
        ("umask 027", "umask", "0027"),
        ("f() { :; }; export -f f", "bash -c 'type -t f'", "function"),
        ("IFS=:; x=a:b", "set -- $x; echo $#", "2"),
        ("export B=1; unset HOME", 'echo "[${HOME-none}]"', "[none]"),
        ("multi=$'one\\ntwo\"$`\\'\\\\'", 'printf %s "$multi"', "one\ntwo\"$`'\\"),
        ("cd /usr; cd /tmp", "echo $OLDPWD", "/usr"),
        ("eval() { echo mine; }; unset -f eval; a=1", "echo $a", "1"),
    ],
)
async def test_it_persists(sandbox: LocalSandbox, before: str, after: str, shown: str) -> None:
    await output(sandbox, before)
    for _ in range(2):  # and survives being saved again
        assert (await output(sandbox, after)).rstrip("\n") == shown


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("a=1; cd /usr; exit 3", 3),
        ("a=1; cd /usr; false", 1),
        ("set -e; a=1; cd /usr; false; a=2", 1),
        ("set -u; a=1; cd /usr; echo $missing; a=2", 127),
        ("set -x; a=1; cd /usr", 0),
        ("set -o noclobber; a=1; cd /usr", 0),
        ("g() { a=1; cd /usr; exit 4; }; g", 4),
        ("a=1; cd /usr; kill -TERM $$", 143),
    ],
)
async def test_state_is_saved_however_the_command_ends(
    sandbox: LocalSandbox, command: str, code: int
) -> None:
    result = await sandbox.run(command, session="a", timeout=10)
    assert result.exit_code == code
    assert "__hermes" not in result.output
    assert await output(sandbox, 'echo "$a" "$PWD" $-') == "1 /usr hBc\n"


async def test_a_syntax_error_loses_nothing(sandbox: LocalSandbox) -> None:
    await output(sandbox, "a=1; cd /usr")
    result = await sandbox.run("echo (", session="a", timeout=10)
    assert result.exit_code != 0
    assert "syntax error" in result.output
    assert await output(sandbox, "echo $a; pwd") == "1\n/usr\n"


async def test_an_alias_does_not_change_functions_that_are_saved_with_it(sandbox: LocalSandbox) -> None:
    await output(sandbox, "f() { echo x; }; alias echo='echo echo'")
    for _ in range(3):
        assert await output(sandbox, "f") == "x\n"


async def test_a_subshell_changes_nothing(sandbox: LocalSandbox) -> None:
    await output(sandbox, "a=1; (a=2; cd /usr; exit 5)")
    assert await output(sandbox, "echo $a") == "1\n"
    assert sandbox.cwd("a").endswith("/work")


async def test_the_command_sees_nothing_of_how_it_is_run(sandbox: LocalSandbox) -> None:
    await output(sandbox, "true")
    assert (
        await output(sandbox, "echo $# $0; env | grep -c hermes; ls /proc/self/fd | wc -l")
        == "0 bash\n0\n4\n"
    )


async def test_error_messages_count_lines_from_the_command(sandbox: LocalSandbox) -> None:
    assert (
        await output(sandbox, "true\nno-such-program") == "bash: line 2: no-such-program: command not found\n"
    )


async def test_two_sessions_share_files_but_neither_directory_nor_variables(sandbox: LocalSandbox) -> None:
    commands = [
        output(sandbox, f"cd /; mkdir -p $HOME/{name}; cd $HOME/{name}; v={name}; sleep 0.2; pwd", name)
        for name in ("one", "two")
    ]
    places = await asyncio.gather(*commands)
    assert [place.strip().rpartition("/")[2] for place in places] == ["one", "two"]
    assert await output(sandbox, "echo $v; ls $HOME/two -d", "one") == f"one\n{places[1]}"
    assert sandbox.cwd("two") == places[1].strip()


async def test_parallel_commands_of_one_session_leave_a_whole_state(sandbox: LocalSandbox) -> None:
    await output(sandbox, "keep=1")
    await asyncio.gather(*(output(sandbox, f"v{n}=1; sleep 0.0{n}") for n in range(8)))
    assert await output(sandbox, "echo $keep") == "1\n"


async def test_init_files_are_sourced_once_and_may_exit(make_sandbox: MakeSandbox, tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text(
        "echo noise; alias greet='echo hello'; export FROM_RC=1; export OPENAI_API_KEY=k; cd /usr\n"
        f"echo x >> {tmp_path}/count; exit 7\n"
    )
    sandbox = make_sandbox(init_files=["~/.bashrc", "~/.missing"], withheld={"OPENAI_API_KEY"})
    assert await output(sandbox, "greet; echo $FROM_RC [$OPENAI_API_KEY]") == "hello\n1 []\n"
    assert await output(sandbox, "greet; pwd") == f"hello\n{tmp_path}/work\n"
    assert (tmp_path / "count").read_text() == "x\n"


async def test_a_directory_that_is_gone_is_said_and_left(sandbox: LocalSandbox, tmp_path: Path) -> None:
    await output(sandbox, "mkdir -p gone/deep; cd gone/deep; a=1")
    shutil.rmtree(tmp_path / "work" / "gone")
    result = await sandbox.run("echo never", session="a", timeout=5)
    assert result.exit_code == 126
    assert "gone/deep can't be entered" in result.output
    assert "never" not in result.output
    assert await output(sandbox, "pwd; echo $a") == f"{tmp_path}/work\n1\n"


async def test_workdir_holds_for_one_command(sandbox: LocalSandbox, tmp_path: Path) -> None:
    result = await sandbox.run("pwd; cd /", session="a", timeout=5, workdir="/usr")
    assert result.output == "/usr\n"
    assert await output(sandbox, "pwd") == f"{tmp_path}/work\n"
    missing = await sandbox.run("pwd", session="a", timeout=5, workdir="nowhere")
    assert missing.exit_code == 126


async def test_a_logical_directory_stays_logical(sandbox: LocalSandbox, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/usr/share")
    await output(sandbox, f"cd {tmp_path}/link")
    assert await output(sandbox, "pwd; cd ..; pwd") == f"{tmp_path}/link\n{tmp_path}\n"


async def test_without_bash_exported_variables_and_the_directory_persist_and_that_is_said(
    make_sandbox: MakeSandbox, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "env", "sed", "sleep"):
        (programs / name).symlink_to(str(shutil.which(name)))
    from hermes.sandbox.shell_state import ShellState

    state = ShellState("/bin/sh", str(tmp_path / "s.state"), [], [])

    async def run(command: str, *, first: bool) -> str:
        process = await asyncio.create_subprocess_exec(
            *state.arguments(first=first, save=True),
            env={"__hermes_command": command, "PATH": str(programs)}
            if first
            else {"__hermes_command": command},
            stdout=asyncio.subprocess.PIPE,
        )
        text = (await process.communicate())[0].decode()
        (tmp_path / "s.state.new").rename(tmp_path / "s.state")
        return text

    assert "no bash here" in await run("export A='it''s'; b=2; exit 3", first=True)
    assert await run(
        'echo "$A [$b]"; env | grep -c hermes || true', first=False
    ) == "its []\n" or shutil.which("grep")
    tail = (tmp_path / "s.state").read_bytes()
    assert tail.endswith(b"#end")
