"""A file that no longer parses is told at once."""

import pytest

from hermes.tools.syntax_check import LARGEST_CHECKED, check

GOOD = {
    "a.json": '{"a": [1, 2]}',
    "a.yaml": "a: 1\n---\nb: !custom {x: 2}\n",
    "a.toml": 'a = "b"\n[t]\nx = 1\n',
    "a.py": 'import re\npattern = re.compile("\\d")\n',
}
BAD = {
    "a.json": ('{"a": 1,}', "line 1"),
    "a.yml": ("a: [1\nb: 2\n", "line 2"),
    "a.toml": ("a = \n", "line 1"),
    "a.py": ("x = 1\ndef f(:\n", "line 2"),
}


@pytest.mark.parametrize(("path", "text"), GOOD.items())
def test_good_files_are_ok(path: str, text: str) -> None:
    assert check(path, text).status == "ok"


@pytest.mark.parametrize(("path", "case"), BAD.items())
def test_bad_files_are_errors_with_their_line(path: str, case: tuple[str, str]) -> None:
    report = check(path, case[0])
    assert report.is_new_error
    assert case[1] in report.output


def test_an_error_that_was_there_before_is_not_the_edits() -> None:
    assert check("a.json", "{,}", before="{;}").status == "preexisting"
    assert check("a.json", "{,}", before="{}").status == "error"
    assert check("a.json", "{,}", before="").status == "error"


@pytest.mark.parametrize("text", ["x = '\x00'", "(" * 5000, "[" * 100_000])
def test_absurd_python_is_an_error_and_no_crash(text: str) -> None:
    assert check("a.py", text).status == "error"


def test_absurd_json_is_an_error_and_no_crash() -> None:
    assert check("a.json", "[" * 200_000).status == "error"


def test_other_and_huge_files_are_skipped() -> None:
    assert check("a.txt", "{").status == "skipped"
    assert check("a.json", "{" * (LARGEST_CHECKED + 1)).status == "skipped"
