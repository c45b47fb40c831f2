"""From settings to the sandbox they ask for."""

import os
from pathlib import Path

from hermes.home.environment import Environment
from hermes.home.errors import HomeError
from hermes.home.files import make_private_folder
from hermes.home.profile import Profile
from hermes.home.settings import Settings
from hermes.sandbox.child_environment import child_environment, withheld_names
from hermes.sandbox.contract import Sandbox
from hermes.sandbox.local import LocalSandbox

_SERVED = "local"
_KNOWN = ("docker", "ssh", "singularity", "modal", "daytona")


def open_sandbox(settings: Settings, environment: Environment, profile: Profile, cwd: str | None) -> Sandbox:
    """The sandbox that `terminal.backend` names; nothing is started yet. `cwd` is where the person is
    (None: nowhere, so the home directory). Raises HomeError for a backend that is not served: never run
    on the host instead."""
    backend = settings.terminal.backend
    if backend in _KNOWN:
        raise HomeError(
            f"terminal.backend is '{backend}', which is not served yet; set it to '{_SERVED}' to "
            "let commands run on this machine."
        )
    if backend != _SERVED:
        raise HomeError(f"terminal.backend is '{backend}', which does not exist; set it to '{_SERVED}'.")
    child = child_environment(environment, settings.terminal, profile)
    make_private_folder(Path(child["HOME"]))
    return LocalSandbox(
        cwd=_start_directory(settings.terminal.cwd, cwd, child["HERMES_REAL_HOME"]),
        environment=child,
        spool_folder=profile.cache / "tool-output",
        withheld=withheld_names(environment, settings.terminal.env_passthrough),
        init_files=_init_files(settings),
        output_limit=settings.tool_output.max_bytes,
        grace=settings.terminal.daemon_term_grace_seconds,
    )


def _start_directory(configured: str, here: str | None, home: str) -> str:
    """`terminal.cwd`, from where the person is; a directory that is gone is told at the first command."""
    base = here or home
    if configured.startswith("~"):
        configured = home + configured[1:]
    return os.path.normpath(os.path.join(base, configured))


def _init_files(settings: Settings) -> list[str]:
    if settings.terminal.shell_init_files:
        return settings.terminal.shell_init_files
    return ["~/.profile", "~/.bash_profile", "~/.bashrc"] if settings.terminal.auto_source_bashrc else []
