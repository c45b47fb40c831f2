"""What exit codes say: an answer that is no failure, or a failure with a name. The one classifier, for tool
results and for guardrails."""

import msgspec

from hermes.tools.command_nesting import program
from hermes.tools.invocation import Invocation
from hermes.tools.shell_syntax import invocations
from hermes.tools.shell_words import TooComplexError


class ExitMeaning(msgspec.Struct, frozen=True):
    text: str
    benign: bool = False
    """The command did its work; the code is its answer."""


_ANSWERS: dict[tuple[str, int], str] = {
    **{
        (name, 1): "no match"
        for name in ("grep", "egrep", "fgrep", "zgrep", "rg", "ag", "ack", "pgrep", "pidof", "git grep")
    },
    **{(name, 1): "the files differ" for name in ("diff", "cmp", "colordiff", "zdiff", "git diff")},
    **{(name, 1): "the condition is false" for name in ("test", "[", "[[", "expr", "git merge-base")},
    **{(name, 1): "not found" for name in ("which", "command", "type", "whereis", "hash")},
    **{("systemctl", code): "the unit is not active" for code in (3, 4)},
}
_FAILURES: dict[tuple[str, int], str] = {
    ("curl", 3): "malformed URL",
    ("curl", 5): "the proxy's name could not be resolved",
    ("curl", 6): "the host's name could not be resolved",
    ("curl", 7): "the connection was refused",
    ("curl", 22): "the server answered with an error (4xx or 5xx)",
    ("curl", 28): "the transfer timed out",
    ("curl", 35): "the TLS handshake failed",
    ("curl", 52): "the server answered nothing",
    ("curl", 56): "the connection broke",
    ("curl", 60): "the server's certificate is not trusted",
    ("find", 1): "some directories could not be read",
    ("ssh", 255): "the connection failed",
    ("pytest", 5): "no tests were found",
    ("timeout", 124): "the command ran into its own `timeout`",
}
_ANY_PROGRAM = {
    126: "the command could not be executed",
    127: "command not found",
    134: "aborted (SIGABRT)",
    137: "killed (SIGKILL, perhaps out of memory)",
    139: "crashed (SIGSEGV)",
    143: "ended (SIGTERM)",
}


def exit_meaning(command: str, exit_code: int) -> ExitMeaning | None:
    """What the exit code means for this command; None when there is nothing to say beyond the number."""
    if exit_code == 0:
        return None
    try:
        calls = invocations(command)
    except TooComplexError:
        calls = []
    name = _name(calls[-1]) if calls else ""
    answer = _ANSWERS.get((name, exit_code)) or _ANSWERS.get((name.split(" ")[0], exit_code))
    if answer:
        return ExitMeaning(f"{answer} (not an error)", benign=True)
    failure = _FAILURES.get((name.split(" ")[0], exit_code)) or _ANY_PROGRAM.get(exit_code)
    return ExitMeaning(failure) if failure else None


def _name(call: Invocation) -> str:
    """The program, for git with its command."""
    name = program(call)
    words = [word for word in call.words[1:] if not word.startswith("-")]
    return f"git {words[0]}" if name == "git" and words else name
