"""Stopping intake before writes fail."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from hermes.store.errors import StoreError

RESERVE_BYTES = 64 * 1024 * 1024
RESERVE_SHARE = 0.01
"""Of a small volume 64 MiB may be all there is, so the reserve is the smaller of the two."""


class Space(msgspec.Struct, frozen=True):
    """What a volume holds, in bytes."""

    total: int
    free: int
    """For people who are not root."""


Measure = Callable[[Path], Space]


def measure_space(path: Path) -> Space:
    """The volume that holds `path`."""
    volume = os.statvfs(path)
    return Space(total=volume.f_blocks * volume.f_frsize, free=volume.f_bavail * volume.f_frsize)


def check_space(path: Path, measure: Measure = measure_space) -> None:
    """Raise StoreError when the volume that holds `path` is nearly full."""
    space = measure(path)
    reserve = min(RESERVE_BYTES, int(space.total * RESERVE_SHARE))
    if space.free < reserve:
        raise StoreError(
            f"The disk that holds {path} is nearly full ({space.free / 2**20:.1f} MiB free, "
            f"{reserve / 2**20:.1f} MiB are kept in reserve); free some space and send it again."
        )
