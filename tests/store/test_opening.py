"""Opening: made when missing, brought up to date, refused with one sentence and untouched otherwise."""

import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hermes.store.database import Store, StoreError
from hermes.store.opening import open_file
from hermes.store.records import Scope
from hermes.store.schema import Migration, migrations, newest_version

pytestmark = pytest.mark.anyio


def opened_and_closed(file: Path) -> Path:
    open_file(file).close()
    return file


def test_a_missing_store_is_made_private_and_in_wal_mode(tmp_path: Path) -> None:
    file = tmp_path / "hermes.db"
    with closing(open_file(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
        assert connection.execute("SELECT MAX(version) FROM schema_info").fetchone()[0] == newest_version()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["hermes.db"]


def empty(file: Path) -> None:
    file.write_bytes(b"")


def garbage(file: Path) -> None:
    file.write_bytes(b"not a database at all" * 100)


def short_header(file: Path) -> None:
    file.write_bytes(b"SQLite format 3\x00")


def cut_in_half(file: Path) -> None:
    opened_and_closed(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def someone_elses(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE sessions (id TEXT)")


def without_a_version(file: Path) -> None:
    opened_and_closed(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("DELETE FROM schema_info")


def from_the_future(file: Path) -> None:
    opened_and_closed(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("INSERT INTO schema_info VALUES (999, 'later', 0)")


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (empty, "it is empty (0 bytes)"),
        (garbage, "it is not an SQLite database"),
        (short_header, "it is not an SQLite database"),
        (cut_in_half, "its header says"),
        (someone_elses, "not a store of this program"),
        (without_a_version, "its schema version is missing"),
        (from_the_future, "schema version 999"),
    ],
)
def test_what_is_no_sound_store_is_refused_and_left_alone(
    tmp_path: Path, spoil: Callable[[Path], None], found: str
) -> None:
    file = tmp_path / "hermes.db"
    spoil(file)
    before = file.read_bytes()
    with pytest.raises(StoreError) as refused:
        open_file(file)
    sentence = str(refused.value)
    assert str(file) in sentence
    assert found in sentence
    assert "nothing was changed" in sentence
    assert "\n" not in sentence
    assert file.read_bytes() == before


def test_a_folder_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        open_file(tmp_path / "nowhere" / "hermes.db")


def test_a_folder_in_the_place_of_the_store_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "hermes.db").mkdir()
    with pytest.raises(StoreError, match="cannot be opened"):
        open_file(tmp_path / "hermes.db")


ADDED = Migration(newest_version() + 1, "notes", "CREATE TABLE notes (id IDENTITY_KEY, body TEXT);")
BROKEN = Migration(newest_version() + 2, "broken", "CREATE TABLE half (id TEXT); CREATE TABLE oops (;")


def test_an_older_store_is_brought_up_to_date(tmp_path: Path) -> None:
    file = opened_and_closed(tmp_path / "hermes.db")
    with closing(open_file(file, [*migrations(), ADDED])) as connection:
        assert connection.execute("SELECT MAX(version) FROM schema_info").fetchone()[0] == ADDED.version
        connection.execute("INSERT INTO notes (body) VALUES ('kept')")
    with pytest.raises(StoreError, match="use the newer program"):
        open_file(file)


def test_a_step_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    file = opened_and_closed(tmp_path / "hermes.db")
    with pytest.raises(StoreError):
        open_file(file, [*migrations(), ADDED, BROKEN])
    with closing(sqlite3.connect(file)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        assert connection.execute("SELECT MAX(version) FROM schema_info").fetchone()[0] == ADDED.version
    assert "notes" in tables
    assert "half" not in tables


def test_opening_a_current_store_takes_under_five_milliseconds(tmp_path: Path) -> None:
    file = opened_and_closed(tmp_path / "hermes.db")
    seconds = []
    for _ in range(20):
        started = time.perf_counter()
        connection = open_file(file)
        seconds.append(time.perf_counter() - started)
        connection.close()
    assert sorted(seconds)[10] < 0.005


OPEN_AND_PRINT_ID = """
import sys
from pathlib import Path
from hermes.store.opening import open_file
from hermes.store.records import Scope
print(open_file(Path(sys.argv[1])).execute("SELECT value FROM store_facts").fetchone()[0])
"""


def test_processes_that_start_together_make_one_store(tmp_path: Path) -> None:
    file = tmp_path / "hermes.db"
    command = [sys.executable, "-c", OPEN_AND_PRINT_ID, str(file)]
    starts = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    ids = {process.communicate(timeout=60)[0].strip() for process in starts}
    assert [process.returncode for process in starts] == [0, 0, 0, 0]
    assert len(ids) == 1
    assert [path.name for path in tmp_path.glob("*hermes.db*") if "-" not in path.name] == ["hermes.db"]


async def test_a_closed_store_says_so(store: Store, scope: Scope) -> None:
    await store.close()
    with pytest.raises(StoreError, match="is closed"):
        await store.search.search(scope, "tea")
    with pytest.raises(StoreError, match="is closed"):
        await store.sessions.latest(scope)
    await store.close()
