"""What is found in commands: from an attacker's view, and from that of somebody who only wants to work."""

import base64
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.tools.danger_table import RULES
from hermes.tools.dangerous_commands import ASSISTANT_DATA, assess
from hermes.tools.hard_floor import FLOOR
from tests.tools.command_cases import ASKED, FINE, MULTILINE_FINE, MULTILINE_NEVER, NEVER


@pytest.mark.parametrize("command", [*NEVER, *MULTILINE_NEVER])
def test_the_floor_holds(command: str) -> None:
    assert assess(command).hard_floor is not None


@pytest.mark.parametrize("command", ASKED)
def test_a_person_is_asked(command: str) -> None:
    found = assess(command)
    assert found.hard_floor is None
    assert ASKED[command] in found.rule_ids


@pytest.mark.parametrize("command", [*FINE, *MULTILINE_FINE])
def test_ordinary_work_is_not_disturbed(command: str) -> None:
    found = assess(command)
    assert (found.hard_floor, found.reasons) == (None, ())


def test_where_the_session_is_counts() -> None:
    assert assess("rm -rf *", directory="/").hard_floor is not None
    assert assess("rm -rf ..", directory="/usr").hard_floor is not None
    assert assess("rm -rf *", directory="/work/project").hard_floor is None


def test_the_assistants_own_data_is_guarded_by_the_given_rule() -> None:
    def guard(path: str) -> str | None:
        return "it is guarded." if path.startswith("/data/h/") else None

    for command in (
        "echo x > /data/h/config.yaml",
        "cp evil /data/h/plugins",
        "cd /data/h && sed -i s/a/b/ x",
    ):
        assert ASSISTANT_DATA in assess(command + "/" * command.endswith("plugins"), guard=guard).rule_ids
    assert assess("cat /data/h/config.yaml", guard=guard).reasons == ()


def test_the_table_is_sound() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids)) >= 60
    assert len(FLOOR) == 12
    assert all(rule.phrase for rule in RULES)
    unproved = set(ids) - {rule for command in ASKED for rule in assess(command).rule_ids}
    without_case = (
        "windows_delete capabilities attributes database_drop mongo_drop device_write kernel history"
    )
    assert unproved <= set(without_case.split())


PREFIXES = st.sampled_from(["sudo {}", "env A=1 {}", "nohup {}", "timeout 5 {}", "nice -n 3 {}", "exec {}"])
COMPOUNDS = st.sampled_from(
    [
        "({})",
        "{{ {}; }}",
        "true && {}",
        "x=$({})",
        "if true; then {}; fi",
        "echo a; {}",
        "ls | {}",
        "{} &",
        "f() {{ {}; }}; f",
        "{{ {}; }} > /dev/null 2>&1",
        "while :; do {}; done",
        "! {{ {}; }}",
        'echo "$({})"',
    ]
)
FLOORED = st.sampled_from(
    ["rm -rf /", "reboot", "mkfs.ext4 /dev/sda", "kill -9 -1", "dd of=/dev/sda", "rm -r ~"]
)


@given(FLOORED, st.lists(PREFIXES, max_size=3), st.lists(COMPOUNDS, max_size=3))
def test_wrapping_does_not_hide(command: str, prefixes: list[str], compounds: list[str]) -> None:
    for wrapper in (*prefixes, *compounds):
        command = wrapper.format(command)
    assert assess(command).hard_floor is not None, command


QUOTING: dict[str, Callable[[str], str]] = {
    "plain": str,
    "single": lambda word: f"'{word}'",
    "double": lambda word: f'"{word}"',
    "halves": lambda word: f"'{word[:1]}'\"{word[1:]}\"",
    "escaped": lambda word: "".join(f"\\{character}" for character in word),
    "hexadecimal": lambda word: "$'" + "".join(f"\\x{ord(character):02x}" for character in word) + "'",
}


@given(FLOORED, st.data())
def test_quoting_does_not_hide(command: str, data: st.DataObject) -> None:
    words = []
    for word in command.split():
        style = "plain" if word == "~" else data.draw(st.sampled_from(sorted(QUOTING)))
        words.append(QUOTING[style](word))
    assert assess(" ".join(words)).hard_floor is not None, words


@given(FLOORED)
def test_being_an_argument_of_a_harmless_program_is_harmless(command: str) -> None:
    for harmless in (f"echo '{command}'", f'grep -F "{command}" notes', f"git commit -m '{command}'"):
        assert assess(harmless).hard_floor is None


@given(FLOORED)
def test_encoding_does_not_hide(command: str) -> None:
    text = base64.b64encode(command.encode()).decode()
    assert assess(f"echo {text} | base64 --decode | bash").hard_floor is not None


HEAVY = [
    '"$(' * 3000,
    "(" * 20_000,
    "{" * 5000,
    "{a," * 500,
    "$((" * 3000,
    "<(" * 3000,
    "${a:-" * 2000,
    "cat <<A\n" * 3000,
    "a;" * 20_000,
    "sudo " * 3000,
    "eval " * 3000,
    "{1,2}" * 30,
    "for i in a; do " * 1000,
    "a=xx;" + "a=$a$a;" * 40 + "$a",
    "a='x y';" + "a=$a$a;" * 30 + "echo $a",
    "`" * 5000,
    "\\" * 9999,
]


@pytest.mark.parametrize("command", HEAVY, ids=lambda command: command[:12])
def test_no_text_takes_long_or_much(command: str) -> None:
    start = time.monotonic()
    assess(command)
    assert time.monotonic() - start < 5


def test_what_is_too_complex_to_check_is_not_run() -> None:
    assert "write it more simply" in (assess("$(" * 40 + "ls" + ")" * 40).hard_floor or "")
    lines = "a line, (with) some $things & more; it's long\n" * 2000
    assert assess(f"cat > notes <<'EOF'\n{lines}EOF\n").hard_floor is None


@given(st.text(max_size=120))
def test_any_text_is_assessed_without_failing(text: str) -> None:
    assess(text)


@given(st.text(alphabet="rm-f /~$(){}'\"`\\;|&<>\n#*=aIFS", max_size=60))
def test_any_shell_like_text_is_assessed_without_failing(text: str) -> None:
    assess(text)
