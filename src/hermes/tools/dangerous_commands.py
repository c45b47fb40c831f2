"""Which shell commands a person must agree to first, and which none may agree to. Pure: looks at the text
only."""

import re
import unicodedata
from collections.abc import Callable, Mapping

import msgspec

from hermes.tools.command_nesting import all_calls
from hermes.tools.command_targets import named_paths, written_paths
from hermes.tools.danger_table import RULES
from hermes.tools.hard_floor import floor_reason
from hermes.tools.invocation import Invocation
from hermes.tools.shell_words import TooComplexError

ASSISTANT_DATA = "assistant_data_write"
_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD), None)

_OUR_HOME = re.compile(r"HERMES_(?:REAL_)?HOME|\.hermes(?![\w-])")
_TOO_COMPLEX = "it is nested too deeply or too long to be checked, so write it more simply"

Guard = Callable[[str], str | None]
"""Why a path is not the agent's to write, as one sentence; None when it is."""


class Assessment(msgspec.Struct, frozen=True):
    """What was found in a command."""

    hard_floor: str | None = None
    """Why it is never run."""
    reasons: tuple[tuple[str, str], ...] = ()
    """(rule id, phrase for people), each rule once; the ids are what approvals are remembered by."""

    @property
    def rule_ids(self) -> tuple[str, ...]:
        return tuple(rule for rule, _ in self.reasons)


def assess(
    command: str,
    *,
    directory: str | None = None,
    variables: Mapping[str, str] | None = None,
    guard: Guard | None = None,
) -> Assessment:
    """Look at a command line that would run in `directory` with these `variables`, as far as they are known.
    `guard` tells the paths of the assistant's own data.

    The text is read as it is, and again with look-alike and invisible characters made plain.
    """
    plain = unicodedata.normalize("NFKC", command).translate(_INVISIBLE)
    readings = [command] if plain == command else [command, plain]
    floor: str | None = None
    reasons: dict[str, str] = {}
    for text in readings:
        try:
            calls = all_calls(text, directory, variables)
        except TooComplexError:
            return Assessment(_TOO_COMPLEX)
        floor = floor or floor_reason(calls)
        for rule in RULES:
            if rule.test(calls):
                reasons.setdefault(rule.id, rule.phrase)
        why = _guarded(calls, guard)
        if why:
            reasons.setdefault(ASSISTANT_DATA, why)
    return Assessment(floor, tuple(reasons.items()))


def _guarded(calls: list[Invocation], guard: Guard | None) -> str | None:
    if guard is None:
        return None
    for call in calls:
        for path in written_paths(call):
            why = guard(path)
            if why:
                return f"writes what the assistant trusts ({why.rstrip('.')})"
        names = named_paths(call)
        if any(_OUR_HOME.search(name) or guard(name) for name in names):
            return "runs code that names what the assistant trusts"
    return None
