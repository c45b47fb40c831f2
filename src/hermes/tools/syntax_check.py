"""Does a file still parse? Checked after each edit, so that a slip is seen at once. Pure."""

import json
import warnings
from collections.abc import Callable

import msgspec

LARGEST_CHECKED = 1_000_000
"""Characters; longer files are not checked."""


class SyntaxReport(msgspec.Struct, frozen=True):
    """What a check found. `status`: `ok`, `error`, `preexisting` (it was broken before the edit, too) or
    `skipped` (no checker for this kind of file)."""

    status: str
    output: str = ""

    @property
    def is_new_error(self) -> bool:
        return self.status == "error"


def check(path: str, text: str, before: str | None = None) -> SyntaxReport:
    """Check `text` by the ending of `path`. Only what `before` did not have counts as an error."""
    parse = _checker(path)
    if parse is None or len(text) > LARGEST_CHECKED:
        return SyntaxReport("skipped")
    problem = parse(text)
    if problem is None:
        return SyntaxReport("ok")
    if before is not None and before.strip() and parse(before) is not None:
        return SyntaxReport("preexisting", problem)
    return SyntaxReport("error", problem)


def _checker(path: str) -> Callable[[str], str | None] | None:
    ending = path.rpartition(".")[2].lower()
    return {
        "json": _json, "ipynb": _json, "yaml": _yaml, "yml": _yaml, "toml": _toml, "py": _python,
        "pyi": _python,
    }.get(ending)  # fmt: skip


def _json(text: str) -> str | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"JSON, line {error.lineno}, column {error.colno}: {error.msg}."
    except RecursionError:
        return "JSON: nested too deeply."
    return None


def _yaml(text: str) -> str | None:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for _ in yaml.parse(text, Loader=loader):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        return f"YAML{where}: {error.problem or error.context or 'not valid'}."
    except yaml.YAMLError as error:
        return f"YAML: {' '.join(str(error).split())}."
    return None


def _toml(text: str) -> str | None:
    import tomllib

    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return f"TOML: {error}."
    except RecursionError:
        return "TOML: nested too deeply."
    return None


def _python(text: str) -> str | None:
    import ast

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return f"Python, line {error.lineno or 1}: {error.msg}."
    except (ValueError, RecursionError, MemoryError) as error:
        return f"Python: {error or 'nested too deeply'}."
    return None
