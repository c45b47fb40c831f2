"""One meaning of globs."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.tools.name_globs import MOST_ALTERNATIVES, alternatives, matcher


@pytest.mark.parametrize(
    ("glob", "plain"),
    [
        ("*.py", ["*.py"]),
        ("*.{ts,tsx}", ["*.ts", "*.tsx"]),
        ("{a,b}.{c,d}", ["a.c", "a.d", "b.c", "b.d"]),
        ("{a,{b,c}}", ["a", "b", "a", "c"]),
        ("{one}", ["{one}"]),
        ("{a,b}" * 12, ["{a,b}" * 12]),
    ],
)
def test_braces_are_alternatives(glob: str, plain: list[str]) -> None:
    assert sorted(alternatives(glob)) == sorted(plain)
    assert len(alternatives(glob)) <= MOST_ALTERNATIVES


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("", "/r/a", True),
        ("*.py", "/r/x/a.py", True),
        ("*.PY", "/r/a.py", True),
        ("*.py", "/r/a.pyc", False),
        ("x/*.py", "/r/x/a.py", True),
        ("x/*.py", "/r/y/x/a.py", True),
        ("x/*.py", "/r/x/y/a.py", False),
        ("x/**/*.py", "/r/x/y/z/a.py", True),
        ("x/**/*.py", "/r/x/a.py", True),
        ("**/*.py", "/r/a.py", True),
        ("./x/?.py", "/r/x/a.py", True),
        ("x/?.py", "/r/x/ab.py", False),
        ("[!a]*.py", "/r/a.py", False),
        ("[!a]*.py", "/r/b.py", True),
        ("r/*.py", "/r/a.py", False),
        ("a+(b).py", "/r/a+(b).py", True),
        ("a[.py", "/r/a[.py", True),
        ("[b-a].py", "/r/[b-a].py", True),
        ("[b-a].py", "/r/b.py", False),
    ],
)
def test_what_fits(glob: str, path: str, fits: bool) -> None:
    assert matcher(glob, "/r")(path) is fits


@given(st.text("ab*?.", min_size=1, max_size=8), st.text("ab.", min_size=1, max_size=8))
def test_a_name_fits_as_fnmatch_says(glob: str, name: str) -> None:
    if not glob.startswith("./"):
        assert matcher(glob, "/r")(f"/r/{name}") == fnmatch.fnmatchcase(name, glob)


@given(st.text("ab[]!^{},*?\\-", max_size=12), st.text("ab/", max_size=6))
def test_no_glob_is_an_error(glob: str, path: str) -> None:
    matcher(glob, "/r")(f"/r/{path}")
