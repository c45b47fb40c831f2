"""The reserve: 64 MiB, or one per cent of a small volume."""

from pathlib import Path

import pytest

from hermes.store.disk import Space, check_space, measure_space
from hermes.store.errors import StoreError

MIB = 2**20


@pytest.mark.parametrize(
    ("total", "free", "refused"),
    [
        (10**6 * MIB, 65 * MIB, False),
        (10**6 * MIB, 63 * MIB, True),
        (100 * MIB, 2 * MIB, False),
        (100 * MIB, MIB // 2, True),
        (100 * MIB, 0, True),
    ],
)
def test_reserve(total: int, free: int, refused: bool) -> None:
    def measure(path: Path) -> Space:
        return Space(total=total, free=free)

    if refused:
        with pytest.raises(StoreError, match="nearly full"):
            check_space(Path("/data"), measure)
    else:
        check_space(Path("/data"), measure)


def test_a_real_volume_is_measured(tmp_path: Path) -> None:
    space = measure_space(tmp_path)
    assert 0 < space.free <= space.total
