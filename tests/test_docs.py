"""The documentation tells the truth: its commands run and print what it shows, its links lead somewhere,
and the keys and variables that it names exist."""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from hermes.home.known_keys import served_keys, upstream_keys
from hermes.home.reference import config_reference
from hermes.store import events

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
ALL_PAGES = [*PAGES, *sorted((DOCS / "decisions").glob("*.md"))]
COMMAND_SECONDS = 30

FILE_ENDINGS = frozenset({"bak", "db", "gz", "json", "jsonl", "lock", "log", "md", "py", "txt", "yaml"})
NOT_ABOUT_SETTINGS = frozenset({"testing.md", "architecture.md"})
"""Pages about Python, where `server.requests` is no setting."""
GENERATED = re.compile(r'"(?P<page>[a-z-]+\.md)": ')

_BLOCK = re.compile(r"^(`{3,})console\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
_FENCED = re.compile(r"^(`{3,}).*?^\1$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_KEY = re.compile(r"`([a-z_]+(?:\.(?:[a-z_]+(?:\[\])?|<id>))+)`")
_VARIABLE = re.compile(r"\bHERMES_[A-Z_]*[A-Z]\b")
_EXIT = re.compile(r"\s+# exit (\d+)$")


class Step(NamedTuple):
    """A command of a page, the exit code it must have, and the lines that it prints."""

    command: str
    code: int
    output: list[str]


def steps_of(page: Path) -> list[Step]:
    """The commands in the page's console blocks, in order."""
    found: list[Step] = []
    for _, block in _BLOCK.findall(page.read_text()):
        begun = False
        for line in block.splitlines():
            if line.startswith("$ hermes "):
                code = _EXIT.search(line)
                found.append(Step(_EXIT.sub("", line)[2:], int(code[1]) if code else 0, []))
                begun = True
            else:
                assert begun, f"{page.name}: a console block begins with a command, not with {line!r}"
                found[-1].output.append(line)
    return found


PAGES_WITH_COMMANDS = [page for page in PAGES if steps_of(page)]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=name_of)
def test_the_commands_of_a_page_do_what_it_shows(page: Path, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "home" / "project"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("Buy tea.\n")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "HERMES_HOME": str(home / ".hermes"),
        "HERMES_MANAGED_DIR": str(tmp_path / "managed"),
        "HERMES_DISABLE_LOCAL_DISCOVERY": "1",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "TZ": "UTC",
    }
    for step in steps_of(page):
        done = subprocess.run(
            ["bash", "-c", step.command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        printed = done.stdout.replace(str(home), "/home/you")
        assert done.returncode == step.code, f"{step.command}\n{printed}"
        missing = first_missing(step.output, printed.splitlines())
        assert missing is None, f"{step.command}\ndoes not print: {missing}\nbut:\n{printed}"


def first_missing(shown: list[str], printed: list[str]) -> str | None:
    """The first line shown that was not printed in its place. `...` stands for any lines, and where there is
    none nothing may be left out; blank lines do not count."""
    wanted = [plain(line) for line in shown if line.strip()]
    left = [plain(line) for line in printed if line.strip()]
    skipping = False
    for line in wanted:
        if line == "...":
            skipping = True
            continue
        if skipping:
            left = left[left.index(line) :] if line in left else []
        if not left or left[0] != line:
            return line
        left, skipping = left[1:], False
    return None if skipping or not left else f"(nothing more than that, not {left[0]!r})"


def plain(line: str) -> str:
    """A line without what differs from run to run: ids, numbers and widths."""
    line = re.sub(r"\d{8}_\d{6}_[0-9a-f]{6}", "SESSION", line)
    line = re.sub(r"[\d,.]*\d", "0", line)
    return " ".join(line.split())


@pytest.mark.parametrize("page", ALL_PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(_FENCED.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists() or file in generated_pages(), f"{name_of(page)} links to {target}"
        if anchor and file.exists():
            assert anchor in anchors_of(file), f"{name_of(page)}: no heading {target}"


def test_the_index_lists_every_page() -> None:
    listed = {(DOCS / target).resolve() for target in _LINK.findall((DOCS / "README.md").read_text())}
    pages = {page.resolve() for page in DOCS.glob("*.md") if page.name != "README.md"} | generated_pages()
    assert pages <= listed


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in NOT_ABOUT_SETTINGS], ids=name_of)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    tags = {kind.__struct_config__.tag for kind in events.Event.__args__}
    known = known_keys()
    for key in _KEY.findall(_FENCED.sub("", page.read_text())):
        head, last = key.split(".")[0], key.split(".")[-1]
        if head == "hermes" or last in FILE_ENDINGS or key in tags:
            continue
        below = f"tool_loop_guardrails.{key}"  # one table there leaves out the section
        assert key in known or below in known, f"{name_of(page)} names `{key}`, and there is no such setting"


@pytest.mark.parametrize("page", ALL_PAGES, ids=name_of)
def test_every_variable_that_is_named_is_in_the_source(page: Path) -> None:
    for name in set(_VARIABLE.findall(page.read_text())):
        assert re.search(rf"\b{name}\b", source()), f"{name_of(page)} names {name}"


@cache
def known_keys() -> frozenset[str]:
    return frozenset(entry.key for entry in config_reference()) | served_keys() | upstream_keys()


@cache
def source() -> str:
    return "\n".join(file.read_text() for file in sorted((ROOT / "src").rglob("*.py")))


@cache
def generated_pages() -> frozenset[Path]:
    """The pages that `make docs` writes, whether they have been written or not."""
    table = (DOCS / "generate.py").read_text().partition("PAGES:")[2]
    return frozenset(DOCS / "reference" / page for page in GENERATED.findall(table))


def anchors_of(file: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", file.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
