"""Going on with an earlier session: finding it, its directory, and the run it may have left unfinished."""

import time
from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

from hermes.cli.errors import Refused, say
from hermes.cli.options import LATEST, ChatOptions
from hermes.cli.text import ago, fit
from hermes.store.records import Run, Scope, Session

if TYPE_CHECKING:
    from hermes.runs.runtime import Runtime
    from hermes.store.database import Store
    from hermes.store.events import EventRecord
    from hermes.tools.contract import People


async def find_session(store: "Store", scope: Scope, text: str) -> Session:
    """The one session that `text` names: an id, the start of one, or a title. Raises Refused otherwise."""
    found = await store.sessions.find(scope, text)
    if not found:
        raise Refused(f"There is no session '{text}'; `hermes sessions list` shows those there are.")
    if len(found) > 1:
        now = time.time()
        some = ", ".join(f"{session.id} ({ago(session.updated_at, now)})" for session in found[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise Refused(f"'{text}' fits {len(found)} sessions: {some}{more}; give more of the id.")
    return found[0]


async def wanted_session(store: "Store", scope: Scope, options: ChatOptions) -> Session | None:
    """The session to go on with, or None for a new one."""
    if options.resume is not None:
        return await find_session(store, scope, options.resume)
    if options.continue_ is None:
        return None
    if options.continue_ != LATEST:
        return await find_session(store, scope, options.continue_)
    session = await store.sessions.latest(scope, options.source or "cli")
    if session is None:
        raise Refused("There is no session to go on with yet; start one with `hermes`.")
    return session


def start_directory(session: Session | None, options: ChatOptions) -> Path:
    """Where work begins: the session's own directory when it is resumed, else the current one."""
    here = Path.cwd()
    if session is None or session.cwd is None or options.no_restore_cwd or Path(session.cwd) == here:
        return here
    if not Path(session.cwd).is_dir():
        say(f"The session's directory {session.cwd} is gone; working in {here}.")
        return here
    return Path(session.cwd)


async def finish_unfinished(
    runtime: "Runtime",
    session: Session,
    *,
    people: "People",
    listen: Callable[["EventRecord"], None],
    begin: Callable[[Run], None] = lambda run: None,
) -> list[Run]:
    """Take over the runs that a dead process left behind in this session, and finish them, oldest first. What
    came of them is shown to people, not printed as an answer."""
    finished = []
    for run in await runtime.unfinished(session.id):
        say(f'Finishing what was interrupted first: "{fit(runtime.masked(run.input.content), 60)}"')
        begin(run)
        ended = await runtime.execute(run.id, people=people, listen=listen)
        finished.append(ended)
        if ended.answer and ended.status != "cancelled":
            say(f"Its answer:\n{indent(ended.answer, '  ')}")
        if ended.status == "failed" and ended.error != ended.answer:
            say(f"It failed: {ended.error or ended.reason}")
    return finished
