"""`hermes logs`: read the log files, filtered, and follow them."""

import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import click

from hermes.cli.errors import Refused, say
from hermes.cli.opening import open_place
from hermes.cli.printing import emit, emit_table
from hermes.cli.root import outer
from hermes.cli.text import ago, plural, size

NAMES = ("agent", "errors", "gateway", "gui", "desktop", "mcp")
FILES = {"mcp": "mcp-stderr.log"}
"""Names whose file is called otherwise than `<name>.log`."""
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
COMPONENTS = {
    "agent": ("hermes.agent", "hermes.runs", "hermes.models"),
    "tools": ("hermes.tools", "hermes.sandbox"),
    "cli": ("hermes.cli",),
    "gateway": ("hermes.gateway",),
    "cron": ("hermes.runs.schedule", "hermes.cron"),
    "gui": ("hermes.dashboard",),
}
FOLLOW_SECONDS = 0.3

_HEAD = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ (?P<level>[A-Z]+) "
    r"(?:\[(?P<session>[^\]]*)\] )?(?P<logger>[^:]+): "
)
_AGE = re.compile(r"(\d+)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Filter(NamedTuple):
    """Which records are shown."""

    level: str | None = None
    session: str | None = None
    since: datetime | None = None
    component: str | None = None

    def lets_through(self, record: str) -> bool:
        """Whether a record, with its continuation lines, is shown. One without a head is, without filters."""
        head = _HEAD.match(record)
        if head is None:
            return self == Filter()
        if self.level is not None and _rank(head["level"]) < _rank(self.level):
            return False
        if self.session is not None and self.session not in (head["session"] or ""):
            return False
        if self.since is not None and datetime.fromisoformat(head["at"]) < self.since:
            return False
        return self.component is None or head["logger"].startswith(COMPONENTS[self.component])


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else 0


def _age(ctx: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    found = _AGE.fullmatch(value.strip().lower())
    if found is None:
        raise click.BadParameter(f"'{value}' is not an age such as 30m, 1h or 2d.")
    return datetime.now() - timedelta(**{_UNITS[found[2]]: int(found[1])})


@click.command("logs")
@click.argument("name", default="agent")
@click.option(
    "-n", "--lines", default=50, show_default=True, type=click.IntRange(min=1), help="How many records."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on.")
@click.option("--level", type=click.Choice(LEVELS, case_sensitive=False), help="This level and above.")
@click.option("--session", metavar="TEXT", help="Sessions whose id holds this.")
@click.option("--since", metavar="AGE", callback=_age, help="Not older than this: 30m, 1h, 2d.")
@click.option("--component", type=click.Choice(list(COMPONENTS)), help="This part of the system.")
@click.pass_context
def logs(
    ctx: click.Context,
    name: str,
    lines: int,
    follow: bool,
    level: str | None,
    session: str | None,
    since: datetime | None,
    component: str | None,
) -> None:
    """Read the log files: agent (default), errors, gateway, ...; `list` shows which there are."""
    folder = open_place(outer(ctx).profile).profile.logs
    if name == "list":
        list_files(folder)
        return
    file = find_file(folder, name)
    wanted = Filter(level.upper() if level else None, session, since, component)
    text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    found = [record for record in records(text) if wanted.lets_through(record)][-lines:]
    say(f"{file} · {plural(len(found), 'record')}")
    for record in found:
        emit(record)
    if follow:
        for record in following(file):
            if wanted.lets_through(record):
                emit(record)


def list_files(folder: Path) -> None:
    """Every log with its size and age."""
    found = sorted(folder.glob("*.log*")) if folder.is_dir() else []
    if not found:
        say(f"There are no logs in {folder} yet.")
    now = time.time()
    status = [(file.name, file.stat()) for file in found]
    emit_table([(name, size(stat.st_size), ago(stat.st_mtime, now)) for name, stat in status])


def find_file(folder: Path, name: str) -> Path:
    """The file of a log. Raises Refused for a name that is none."""
    file = folder / FILES.get(name, f"{name}.log")
    if name in NAMES or (file.parent == folder and file.is_file()):
        return file
    others = sorted({path.stem for path in folder.glob("*.log")} - set(NAMES) - {"mcp-stderr"})
    raise Refused(f"There is no log '{name}'; there is: {', '.join([*NAMES, *others])}, and `list`.")


def records(text: str) -> Iterator[str]:
    """The records of a log: a line with a head and what follows it up to the next."""
    current: list[str] = []
    for line in text.splitlines():
        if _HEAD.match(line) and current:
            yield "\n".join(current)
            current = []
        current.append(line)
    if current:
        yield "\n".join(current)


def following(file: Path) -> Iterator[str]:
    """Records that are written from now on, also after the file was put aside and begun anew."""
    place = file.stat().st_size if file.exists() else 0
    inode = file.stat().st_ino if file.exists() else None
    while True:
        time.sleep(FOLLOW_SECONDS)
        if not file.exists():
            continue
        status = file.stat()
        if status.st_ino != inode or status.st_size < place:
            place, inode = 0, status.st_ino
        if status.st_size > place:
            with file.open("rb") as stream:
                stream.seek(place)
                whole, newline, _ = stream.read().rpartition(b"\n")
            place += len(whole) + len(newline)
            yield from records(whole.decode("utf-8", "replace"))
