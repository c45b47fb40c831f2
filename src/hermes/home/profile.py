"""A profile: one home directory and the names of what lies in it. Passed along, never a global."""

from pathlib import Path

import msgspec


class Profile(msgspec.Struct, frozen=True):
    """One home. `default` is the root home itself; others are `<root>/profiles/<name>`."""

    name: str
    home: Path
    root: Path
    """The root home (equal to `home` for the default profile)."""

    @property
    def config_file(self) -> Path:
        return self.home / "config.yaml"

    @property
    def env_file(self) -> Path:
        return self.home / ".env"

    @property
    def auth_file(self) -> Path:
        return self.home / "auth.json"

    @property
    def database(self) -> Path:
        return self.home / "hermes.db"

    @property
    def search_index(self) -> Path:
        return self.home / "search.db"

    @property
    def upstream_database(self) -> Path:
        """Another product's store, only ever read."""
        return self.home / "state.db"

    @property
    def persona_file(self) -> Path:
        return self.home / "SOUL.md"

    @property
    def memory_file(self) -> Path:
        return self.home / "memories" / "MEMORY.md"

    @property
    def user_file(self) -> Path:
        return self.home / "memories" / "USER.md"

    @property
    def skills(self) -> Path:
        return self.home / "skills"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def history_file(self) -> Path:
        return self.home / ".hermes_history"
