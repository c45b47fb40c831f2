"""A home in a temporary folder."""

from pathlib import Path

import pytest

from hermes.home.environment import Environment
from hermes.home.profile import Profile


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(name="default", home=tmp_path, root=tmp_path)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """Nothing is set, and no administrator's overlay is there."""
    return Environment({"HERMES_MANAGED_DIR": str(tmp_path / "managed")})
