"""What every test shares."""

import os
import sys
from pathlib import Path

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def hermes() -> list[str]:
    """The command, as this environment installed it."""
    return [str(Path(sys.executable).with_name("hermes"))]


@pytest.fixture
def plain_environment(tmp_path: Path) -> dict[str, str]:
    """An environment of a fresh machine: an empty home, no keys, no model server to be found."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "HERMES_HOME": str(home / ".hermes"),
        "HERMES_DISABLE_LOCAL_DISCOVERY": "1",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }
