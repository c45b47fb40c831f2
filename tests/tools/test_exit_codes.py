"""The one classifier of exit codes."""

import pytest

from hermes.tools.exit_codes import exit_meaning


@pytest.mark.parametrize(
    ("command", "code", "benign"),
    [
        ("grep x f", 1, True),
        ("cat f | grep -c x", 1, True),
        ("cd d && rg x", 1, True),
        ("git diff --exit-code", 1, True),
        ("/usr/bin/diff a b", 1, True),
        ("[ -f x ]", 1, True),
        ("command -v tool", 1, True),
        ("grep x f", 2, None),
        ("grep x f; make", 1, None),
        ("git push", 1, None),
        ("make", 2, None),
        ("curl http://x", 6, False),
        ("nosuch", 127, False),
        ("python x.py", 137, False),
        ("ls", 0, None),
    ],
)
def test_what_a_code_means(command: str, code: int, benign: bool | None) -> None:
    meaning = exit_meaning(command, code)
    assert (meaning and meaning.benign) == benign
