"""What a rule about commands is, and the ways to say one."""

import re
from collections.abc import Callable

import msgspec

from hermes.tools.command_nesting import INTERPRETERS, SHELLS, inline_code, piped_text, program
from hermes.tools.command_targets import has_option, operands, written_paths
from hermes.tools.invocation import Invocation

Test = Callable[[list[Invocation]], bool]

_SQL_CLIENTS = re.compile(
    r"mysql|mariadb|psql|sqlite3?|duckdb|sqlcmd|bq|snowsql|clickhouse(?:-client)?|cockroach"
)


class Rule(msgspec.Struct, frozen=True):
    """A class of commands that a person must agree to."""

    id: str
    """By which approvals are remembered; never renamed."""
    phrase: str
    """What the command does, for people."""
    test: Test


def any_call(test: Callable[[Invocation], bool]) -> Test:
    return lambda calls: any(test(call) for call in calls)


def called(
    names: str,
    *,
    first: str = "",
    word: str = "",
    unless: str = "",
    options: str = "",
    long: str = "",
    matching: str = "",
) -> Test:
    """One of the programs, with all that is asked of its arguments.

    `first`: one of these is its first operand. `word`: one of these is an argument. `unless`: none of
    these is. `options`, `long`: one of these letters or long options. `matching`: a pattern in the joined
    arguments.
    """
    programs, firsts = frozenset(names.split()), frozenset(first.split())
    words, exceptions, long_options = set(word.split()), set(unless.split()), long.split()
    pattern = re.compile(matching)

    def test(call: Invocation) -> bool:
        if program(call).removesuffix(".exe") not in programs:
            return False
        given = set(call.words[1:])
        return (
            (not firsts or bool(firsts & set(operands(call)[:1])))
            and (not words or bool(words & given))
            and not exceptions & given
            and (not (options or long) or has_option(call, options, *long_options))
            and bool(pattern.search(" ".join(call.words[1:])))
        )

    return any_call(test)


def either(*tests: Test) -> Test:
    return lambda calls: any(test(calls) for test in tests)


def writes(*patterns: str) -> Test:
    """A file whose whole path matches one of the patterns is written, replaced or removed."""
    compiled = re.compile("|".join(patterns))
    return any_call(lambda call: any(compiled.fullmatch(path) for path in written_paths(call)))


def in_code(pattern: str) -> Test:
    """The pattern occurs in program text given to an interpreter on the command line or its stdin."""
    compiled = re.compile(pattern)
    return any_call(
        lambda call: bool(INTERPRETERS.fullmatch(program(call))) and bool(compiled.search(inline_code(call)))
    )


def in_sql(pattern: str) -> Test:
    """The pattern occurs in what a database client is given."""
    compiled = re.compile(pattern, re.IGNORECASE | re.DOTALL)

    def test(call: Invocation) -> bool:
        if not _SQL_CLIENTS.fullmatch(program(call)):
            return False
        texts = (*call.words[1:], call.stdin_text or "", piped_text(call) or "")
        return any(compiled.search(text) for text in texts)

    return any_call(test)


def runs_stdin(call: Invocation) -> bool:
    """A shell or an interpreter that takes its program from its stdin."""
    name = program(call)
    if name not in SHELLS and not INTERPRETERS.fullmatch(name):
        return False
    return not [word for word in operands(call) if word != "-"] or "-s" in call.words


def fed_by(names: frozenset[str]) -> Test:
    """A pipe from one of the programs into something that runs what it reads."""
    return any_call(lambda call: runs_stdin(call) and any(program(stage) in names for stage in call.upstream))


def runs_output_of(names: frozenset[str]) -> Test:
    """`bash <(curl ...)`, `sh -c "$(wget ...)"`, `eval`, `source`, or a program's name made in such a way."""
    runners = SHELLS | {"source", ".", "eval", "$()"}

    def test(call: Invocation) -> bool:
        name = program(call)
        if name not in runners and not INTERPRETERS.fullmatch(name):
            return False
        return any(program(inside) in names for inside in call.inner)

    return any_call(test)
