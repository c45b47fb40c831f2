"""Log files: their lines, their size, their secrets, and several processes at them."""

import logging
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hermes.home.environment import Environment
from hermes.home.logs import LogFile, log_session, start_logging, stop_logging
from hermes.home.profile import Profile
from hermes.home.settings import LoggingSettings, Settings

log = logging.getLogger("hermes.test")
NOTHING = Environment({})


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    level = logging.getLogger().level
    yield
    stop_logging()
    logging.getLogger().setLevel(level)


def test_a_line_has_time_level_session_and_logger(profile: Profile) -> None:
    start_logging(profile, Settings(), NOTHING)
    log.info("before %s", 1)
    with log_session("20260101_000000_abcdef"):
        log.warning("within")
    lines = (profile.logs / "agent.log").read_text().splitlines()
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} "
    assert re.fullmatch(time + r"INFO hermes\.test: before 1", lines[0])
    assert re.fullmatch(time + r"WARNING \[20260101_000000_abcdef\] hermes\.test: within", lines[1])
    assert (profile.logs / "errors.log").read_text().splitlines() == [lines[1]]


def test_files_are_private_and_made_at_the_first_record(profile: Profile) -> None:
    start_logging(profile, Settings(), NOTHING)
    assert list(profile.logs.iterdir()) == []
    log.info("x")
    assert [entry.name for entry in profile.logs.iterdir()] == ["agent.log"]
    assert stat.S_IMODE(profile.logs.stat().st_mode) == 0o700
    assert stat.S_IMODE((profile.logs / "agent.log").stat().st_mode) == 0o600


def test_the_level_is_the_settings_and_libraries_are_quiet(profile: Profile) -> None:
    start_logging(profile, Settings(logging=LoggingSettings(level="DEBUG")), NOTHING)
    log.debug("ours")
    logging.getLogger("aiohttp.client").info("theirs")
    assert "ours" in (profile.logs / "agent.log").read_text()
    assert "theirs" not in (profile.logs / "agent.log").read_text()


def test_secrets_are_masked_in_messages_arguments_and_tracebacks(profile: Profile) -> None:
    settings = Settings()
    settings.security.redact_secrets = False
    settings.model.api_key = "from-the-config-file"
    start_logging(profile, settings, Environment({"MY_TOKEN": "plainlookingword"}))
    log.info("token %s and key sk-proj-abcdef0123456789 and from-the-config-file", "plainlookingword")
    try:
        raise ValueError("plainlookingword")
    except ValueError:
        log.exception("failed")
    for name in ("agent.log", "errors.log"):
        text = (profile.logs / name).read_text()
        assert "plainlookingword" not in text
        assert "abcdef0123456789" not in text
        assert "config-file" not in text
    assert "Traceback" in text


def test_a_full_file_is_put_aside(tmp_path: Path) -> None:
    handler = LogFile(tmp_path / "a.log", size=100, backups=2)
    for number in range(8):
        handler.emit(logging.LogRecord("n", logging.INFO, "", 0, f"{number}" * 60, None, None))
    handler.close()
    kept = {entry.name: entry.read_text()[0] for entry in tmp_path.iterdir() if entry.name != "a.log.lock"}
    assert kept == {"a.log": "7", "a.log.1": "6", "a.log.2": "5"}


def test_a_file_that_somebody_moved_is_opened_anew(profile: Profile) -> None:
    start_logging(profile, Settings(), NOTHING)
    file = profile.logs / "agent.log"
    log.info("one")
    file.rename(file.with_name("moved"))
    log.info("two")
    file.unlink()
    log.info("three")
    assert "one" in file.with_name("moved").read_text()
    assert file.read_text().endswith("three\n")


def test_starting_again_does_not_write_twice(profile: Profile) -> None:
    for _ in range(2):
        start_logging(profile, Settings(), NOTHING)
    log.info("once")
    assert (profile.logs / "agent.log").read_text().count("once") == 1


def test_a_log_that_can_not_be_written_does_not_stop_work(
    profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    (profile.logs / "agent.log").mkdir(parents=True)
    start_logging(profile, Settings(), NOTHING)
    log.info("one")
    log.info("two")
    assert capsys.readouterr().err.count("can't be written") == 1


def test_several_processes_lose_no_line(tmp_path: Path) -> None:
    program = (
        "import logging, pathlib, sys; from hermes.home.logs import LogFile\n"
        "handler = LogFile(pathlib.Path(sys.argv[1]), size=2000, backups=1000)\n"
        "for number in range(300):\n"
        "    handler.emit(logging.LogRecord('n', 20, '', 0, f'{sys.argv[2]}-{number}', None, None))\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "a.log"), name], env=env)
        for name in ("x", "y", "z")
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    lines = [line for file in tmp_path.glob("a.log*") for line in file.read_text().split() if "-" in line]
    written = [line for line in lines if line[0] in "xyz"]
    assert sorted(written) == sorted(f"{name}-{number}" for name in "xyz" for number in range(300))


def test_importing_sets_nothing_up() -> None:
    program = (
        "import logging, hermes.home.logs; print(logging.getLogger().handlers, logging.getLogger().level)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[] 30\n"
