"""Banner, status line, recap and completion: what they show at every width."""

import re
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from hermes.cli.interactive.banner import banner
from hermes.cli.interactive.completion import ChatCompleter
from hermes.cli.interactive.recap import recap
from hermes.cli.interactive.slash.table import BY_NAME, COMMANDS, NOT_SERVED
from hermes.cli.interactive.status import Status, status_line
from hermes.cli.interactive.theme import Paint
from hermes.cli.text import cells
from hermes.models.contract import Endpoint
from hermes.store.records import Message, Session

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
DEMO = Endpoint(provider="demo", model="demo", wire="demo")
SESSION = Session(id="20260101_120000_abcdef", message_count=12)


@pytest.mark.parametrize("width", [10, 25, 40, 80, 200])
def test_the_banner_fits_and_names_the_demo(width: int) -> None:
    text = banner(
        DEMO, SESSION, profile="work", cwd="/a/long/way/down", width=width, paint=Paint(), compact=False
    )
    lines = ESCAPES.sub("", text).split("\n")
    assert max(map(cells, lines)) <= width
    if width >= 40:
        assert "DEMO MODEL (offline)" in text
        assert "work" in text
        assert SESSION.id in text
        assert len({cells(line) for line in lines[:6]}) == 1, "the box is straight"


@pytest.mark.parametrize("width", [10, 20, 40, 80, 200])
def test_the_status_line_fits_and_keeps_the_model(width: int) -> None:
    status = Status(
        model="model-1",
        provider="p",
        tokens=50_000,
        window=200_000,
        cost_usd=0.5,
        took=3.0,
        busy=True,
        yolo=True,
    )
    line = status_line(status, width)
    assert cells(line) <= width
    assert line.startswith("model-1")
    if width >= 40:
        assert "YOLO" in line
    if width == 200:
        assert "50k/200k" in line
        assert "25%" in line
        assert "$0.50" in line


def test_the_recap_shows_the_last_exchanges() -> None:
    rows = [
        Message(role=role, content=f"{role} {number}\nmore\nand\nmore")
        for number in range(5)
        for role in ("user", "assistant")
    ]
    rows.insert(3, Message(role="tool", content="not shown"))
    text = recap(SESSION, rows, exchanges=2, width=60, paint=Paint(plain=True), full=True)
    assert "user 3" in text
    assert "user 2" not in text
    assert "assistant 4" in text
    assert "not shown" not in text
    assert "6 earlier messages" in text
    short = recap(SESSION, rows, exchanges=2, width=60, paint=Paint(plain=True), full=False)
    assert short == "Resumed 20260101_120000_abcdef · 12 messages"


def completed(folder: Path, text: str, *, asked: bool = True) -> list[str]:
    completer = ChatCompleter(
        lambda: str(folder),
        {
            "resume": lambda: [("20260101_120000_abcdef", "Tea time")],
            "personality": lambda: [("none", "")],
            "quick": lambda: [("deploy", "your own")],
        },
    )
    event = CompleteEvent(completion_requested=asked)
    return [item.text for item in completer.get_completions(Document(text), event)]


def test_completion_of_commands(tmp_path: Path) -> None:
    assert completed(tmp_path, "/st") == ["/stop", "/steer", "/status", "/statusbar"]
    assert completed(tmp_path, "/dep") == ["/deploy"]
    assert completed(tmp_path, "/rese") == ["/reset"]
    assert completed(tmp_path, "/busy q") == ["queue"]
    assert completed(tmp_path, "/resume tea") == ["20260101_120000_abcdef"]


def test_completion_of_paths(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("")
    (tmp_path / "data.csv").write_text("")
    (tmp_path / ".hidden").write_text("")
    assert completed(tmp_path, "read ./d") == ["docs/", "data.csv"]
    (tmp_path / "docs" / "two words.md").write_text("")
    assert completed(tmp_path, "read @d") == ["@folder:docs/", "@file:data.csv"]
    assert completed(tmp_path, "read @file:docs/a") == ["@file:docs/a.md"]
    assert completed(tmp_path, "read @folder:docs/t") == ['@file:"docs/two words.md"']
    (tmp_path / "docs" / "two words.md").unlink()
    assert completed(tmp_path, "read docs/") == ["a.md"]
    assert completed(tmp_path, "look at @.h") == ["@file:.hidden"]
    assert completed(tmp_path, "plain d") == []
    assert completed(tmp_path, "read ./d", asked=False) == [], "paths are completed when asked for only"


def test_the_table_of_commands_is_consistent() -> None:
    names = [name for command in COMMANDS for name in (command.name, *command.aliases)]
    assert len(names) == len(set(names)) == len(BY_NAME)
    assert not NOT_SERVED & set(names)
    for command in COMMANDS:
        assert command.help.endswith(".")
