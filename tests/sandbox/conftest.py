"""A sandbox of its own for each test, and a way to see which processes live."""

import os
import time
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hermes.sandbox.local import LocalSandbox

MakeSandbox = Callable[..., LocalSandbox]


@pytest.fixture
async def make_sandbox(tmp_path: Path) -> AsyncIterator[MakeSandbox]:
    made: list[LocalSandbox] = []

    def make(**changes: object) -> LocalSandbox:
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        arguments = {
            "cwd": str(work),
            "environment": {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"},
            "spool_folder": tmp_path / "spool",
            "grace": 0.3,
        }
        sandbox = LocalSandbox(**{**arguments, **changes})  # type: ignore[arg-type]
        made.append(sandbox)
        return sandbox

    yield make
    for sandbox in made:
        await sandbox.close()


@pytest.fixture
def sandbox(make_sandbox: MakeSandbox) -> LocalSandbox:
    return make_sandbox()


class Mark:
    """A number of seconds that no other process sleeps for, so that its sleepers can be counted."""

    def __init__(self) -> None:
        self.seconds = f"1000.{uuid.uuid4().int % 10**15:015d}"

    def living(self) -> list[int]:
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
                state = Path(f"/proc/{name}/stat").read_bytes().rpartition(b") ")[2][:1]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if words[:1] == [b"sleep"] and self.seconds.encode() in words and state != b"Z":
                found.append(int(name))
        return found

    def wait_for(self, count: int, seconds: float = 10.0) -> None:
        limit = time.monotonic() + seconds
        while len(self.living()) != count:
            assert time.monotonic() < limit, f"{len(self.living())} sleepers, not {count}"
            time.sleep(0.02)


@pytest.fixture
def mark() -> Mark:
    return Mark()
