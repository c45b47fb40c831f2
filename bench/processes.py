"""Measuring whole processes: wall time, processor time and peak memory, as the operating system counts."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Sample(NamedTuple):
    """One finished process."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    """Largest resident size of the process itself (not of its children), MB."""
    exit_code: int


class Product(NamedTuple):
    """A command to measure, and how it is told where its home and its model are."""

    name: str
    command: Path

    def environment(self, home: Path, base_url: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "HERMES_HOME": str(home / ".hermes"),
            "OPENAI_BASE_URL": base_url,
            "OPENAI_API_KEY": "bench-key-0123456789",
            "HERMES_INFERENCE_MODEL": "scripted-model",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
        }


def run_once(argv: Sequence[str], environment: Mapping[str, str], cwd: Path) -> Sample:
    """Run to the end with output thrown away; raises when it can't be started."""
    began = time.perf_counter()
    with subprocess.Popen(
        argv,
        env=dict(environment),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)


def in_turn(measures: Sequence[Callable[[], Sample]], runs: int) -> list[list[Sample]]:
    """Each measure `runs` times after one warm-up, A B A B ..., so that a drifting machine is fair to all."""
    samples: list[list[Sample]] = [[] for _ in measures]
    for turn in range(runs + 1):
        for position, measure in enumerate(measures):
            sample = measure()
            if turn:
                samples[position].append(sample)
    return samples


def median(samples: Sequence[Sample], field: str) -> float:
    return statistics.median(getattr(sample, field) for sample in samples)


@contextmanager
def scripted_server(script: Path) -> Iterator[str]:
    """A scripted model server in a process of its own; gives the base URL with `/v1`."""
    read_end, write_end = os.pipe()
    command = [sys.executable, "-m", "hermes.testing.model_server", "--script", str(script)]
    server = subprocess.Popen(
        [*command, "--ready-fd", str(write_end)],
        pass_fds=(write_end,),
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        with os.fdopen(read_end) as ready:
            base_url = ready.readline().strip()
        if not base_url:
            raise SystemExit("The scripted model server did not start.")
        yield base_url if base_url.endswith("/v1") else f"{base_url}/v1"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def temporary_home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="hermes-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
