"""What can be wrong with a home. Every message is one sentence for people."""

from pathlib import Path


class HomeError(Exception):
    """Something a person can put right: the message says what was wrong and what to do."""


class ConfigError(HomeError):
    """Settings that can't be used. Knows file, line (from 1) and dotted key, as far as there are any."""

    def __init__(
        self, problem: str, *, file: Path | None = None, line: int | None = None, key: str | None = None
    ) -> None:
        self.problem = problem
        self.file = file
        self.line = line
        self.key = key
        super().__init__(problem)

    def __str__(self) -> str:
        if self.file is None:
            return self.problem
        place = str(self.file) if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.problem}"


class LockedError(HomeError):
    """Somebody else holds a lock. The message names the holder."""
