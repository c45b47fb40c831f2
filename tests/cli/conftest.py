"""The real command, in a process of its own, with a home of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.terminal import Terminal

Run = Callable[..., subprocess.CompletedProcess[str]]
Serve = Callable[..., str]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The directory in which commands are started."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def home(plain_environment: dict[str, str]) -> Path:
    return Path(plain_environment["HERMES_HOME"])


@pytest.fixture
def run(hermes: list[str], plain_environment: dict[str, str], work: Path) -> Run:
    """Run `hermes` to its end. Standard input is empty unless given."""

    def start(
        *arguments: str, stdin: str = "", cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*hermes, *arguments],
            input=stdin,
            env={**plain_environment, **variables},
            cwd=cwd or work,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return start


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start a scripted model server; the result is its base URL."""
    servers: list[subprocess.Popen[str]] = []

    def start(*replies: dict[str, Any], follow: str = "conversation") -> str:
        script = tmp_path / f"script{len(servers)}.json"
        script.write_text(json.dumps({"follow": follow, "replies": replies}))
        server = subprocess.Popen(
            [sys.executable, "-m", "hermes.testing.model_server", "--script", str(script)],
            stdout=subprocess.PIPE,
            text=True,
        )
        servers.append(server)
        assert server.stdout is not None
        return server.stdout.readline().strip()

    yield start
    for server in servers:
        server.terminate()
        server.wait(10)
        assert server.stdout is not None
        server.stdout.close()


@pytest.fixture
def terminal(
    hermes: list[str], plain_environment: dict[str, str], work: Path
) -> Iterator[Callable[..., Terminal]]:
    """Start `hermes` on a terminal of its own."""
    opened: list[Terminal] = []

    def start(*arguments: str, columns: int = 80, rows: int = 24, **variables: str) -> Terminal:
        environment = {**plain_environment, "TERM": "xterm-256color", **variables}
        opened.append(Terminal([*hermes, *arguments], environment, work, columns, rows))
        return opened[-1]

    yield start
    for item in opened:
        item.close()
