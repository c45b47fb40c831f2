"""Owners: a process is dead only when that is certain."""

import os
import subprocess
import sys

import pytest

from hermes.store.owners import is_dead, this_process


def test_this_process_lives() -> None:
    assert not is_dead(this_process())


@pytest.mark.parametrize("owner", [None, "", "x", "a:b:c", "another-host:1:1", "::"])
def test_who_cannot_be_judged_counts_as_alive(owner: str | None) -> None:
    assert not is_dead(owner)


def test_a_reused_number_is_another_process() -> None:
    host, pid, started = this_process().rsplit(":", 2)
    assert is_dead(f"{host}:{pid}:{int(started) - 1}")


def test_a_killed_process_is_dead_even_before_its_parent_has_noticed() -> None:
    code = "from hermes.store.owners import this_process; print(this_process(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        owner = child.stdout.readline().strip()
        assert not is_dead(owner)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(owner)
    assert is_dead(owner)
