"""A process that works on one run and kills itself at a given write of the store.

    python victim.py HOME BASE_URL N before|after

It counts the transactions that it writes. At the N-th it ends by SIGKILL: `before` it commits (what it did is
lost), or right `after` (nothing that follows happens). Prints the session's id first, `finished` last.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hermes.home.environment import load_environment
from hermes.home.profile import Profile
from hermes.home.profiles import prepare_home
from hermes.home.settings import Settings
from hermes.models.open import open_model
from hermes.runs.prompting import SessionPrompt
from hermes.runs.runtime import Runtime
from hermes.sandbox.open import open_sandbox
from hermes.store.backend import Transaction
from hermes.store.database import Store
from hermes.store.opening import open_file
from hermes.store.sqlite import SqliteBackend
from hermes.tools.registry import enabled_tools

T = TypeVar("T")


class DeadlyBackend(SqliteBackend):
    """A database whose N-th transaction is the last thing that this process does."""

    def __init__(self, file: Path, deadly: int, moment: str) -> None:
        super().__init__(file, open_file(file))
        self._left = deadly
        self._moment = moment

    async def write(self, work: Callable[[Transaction], T], *, durable: bool = False) -> T:
        self._left -= 1
        deadly = self._left == 0

        def last(transaction: Transaction) -> T:
            result = work(transaction)
            if deadly and self._moment == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        result = await super().write(last, durable=durable)
        if deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


async def work(home: Path, base_url: str, deadly: int, moment: str) -> None:
    profile = Profile(name="default", home=home, root=home)
    variables = {
        "HERMES_HOME": str(home),
        "HOME": str(home.parent),
        "PATH": os.environ["PATH"],
        "OPENAI_BASE_URL": base_url,
        "HERMES_INFERENCE_MODEL": "scripted-model",
    }
    prepare_home(profile, variables)
    environment = load_environment(profile, variables)
    settings = Settings()
    runtime = Runtime(
        profile=profile,
        settings=settings,
        environment=environment,
        store=Store(
            profile.database,
            profile.search_index,
            backend=DeadlyBackend(profile.database, deadly, moment),
        ),
        model=await open_model(settings, environment, profile),
        tools=enabled_tools(settings, source="cli"),
        sandbox=open_sandbox(settings, environment, profile, str(home.parent)),
        prompt=SessionPrompt(profile, settings, "cli"),
    )
    session = await runtime.new_session()
    print(session.id, flush=True)
    run = await runtime.submit(session.id, "do the dozen steps")
    await runtime.execute(run.id)
    await runtime.close()
    print("finished", flush=True)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]))
