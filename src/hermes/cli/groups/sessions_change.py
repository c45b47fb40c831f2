"""`hermes sessions`: what changes or removes sessions, repairs the store, or brings sessions in."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hermes.cli.asking import agree
from hermes.cli.errors import FAILED, OK, say
from hermes.cli.opening import open_place, with_store
from hermes.cli.printing import emit
from hermes.cli.resume import find_session
from hermes.cli.root import outer
from hermes.cli.text import moment, plural
from hermes.store.records import Session

if TYPE_CHECKING:
    from hermes.store.database import Store
    from hermes.store.upstream import ImportReport

DAY = 86_400.0
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command("delete")
@click.argument("names", nargs=-1, required=True, metavar="SESSION...")
@yes_option
@click.pass_context
def delete(ctx: click.Context, names: tuple[str, ...], yes: bool) -> None:
    """Remove sessions with all that was said in them."""
    place = open_place(outer(ctx).profile)

    async def find(store: "Store") -> list[Session]:
        return [await find_session(store, place.scope, name) for name in names]

    found = with_store(place, find)
    agree(f"Delete {', '.join(session.title or session.id for session in found)} for good?", yes)

    async def remove(store: "Store") -> None:
        for session in found:
            await store.sessions.delete(place.scope, session.id)

    with_store(place, remove)
    emit(f"✓ {plural(len(found), 'session')} deleted")


@click.command("prune")
@click.option(
    "--older-than",
    type=click.IntRange(min=0),
    metavar="DAYS",
    help="Last used so long ago; sessions.retention_days otherwise.",
)
@click.option("--source", metavar="NAME", help="Only from here.")
@click.option("--dry-run", is_flag=True, help="Only say which.")
@yes_option
@click.pass_context
def prune(ctx: click.Context, older_than: int | None, source: str | None, dry_run: bool, yes: bool) -> None:
    """Remove sessions that have ended and were last used long ago."""
    place = open_place(outer(ctx).profile)
    days = place.settings().sessions.retention_days if older_than is None else older_than
    before = time.time() - days * DAY
    found = with_store(
        place, lambda store: store.sessions.prunable(place.scope, last_used_before=before, source=source)
    )
    if not found:
        emit(f"No session that has ended was last used more than {plural(days, 'day')} ago.")
        return
    if dry_run:
        for session in found:
            emit(f"{session.id}  {moment(session.updated_at)}  {session.title or ''}".rstrip())
        return
    agree(f"Delete {plural(len(found), 'session')} last used more than {plural(days, 'day')} ago?", yes)
    removed = with_store(
        place, lambda store: store.sessions.prune(place.scope, last_used_before=before, source=source)
    )
    emit(f"✓ {plural(removed, 'session')} deleted")


@click.command("archive")
@click.argument("names", nargs=-1, required=True, metavar="SESSION...")
@click.option("--undo", is_flag=True, help="Bring them back into the list.")
@click.pass_context
def archive(ctx: click.Context, names: tuple[str, ...], undo: bool) -> None:
    """Take sessions out of the list. They are kept and can be resumed."""
    place = open_place(outer(ctx).profile)

    async def mark(store: "Store") -> None:
        found = [await find_session(store, place.scope, name) for name in names]
        for session in found:
            await store.sessions.update(place.scope, session.id, archived=not undo)

    with_store(place, mark)
    emit(f"✓ {plural(len(names), 'session')} {'back in the list' if undo else 'archived'}")


@click.command("rename")
@click.argument("session")
@click.argument("title")
@click.pass_context
def rename(ctx: click.Context, session: str, title: str) -> None:
    """Give a session a title; an empty one takes it away."""
    place = open_place(outer(ctx).profile)

    async def change(store: "Store") -> Session:
        found = await find_session(store, place.scope, session)
        return await store.sessions.update(place.scope, found.id, title=title or None)

    changed = with_store(place, change)
    emit(f"✓ {changed.id} is called: {changed.title}" if changed.title else f"✓ {changed.id} has no title")


@click.command("repair")
@click.pass_context
def repair(ctx: click.Context) -> int:
    """Check the whole store, and build the search index anew. Exit code 1: the store is damaged."""
    place = open_place(outer(ctx).profile)

    async def work(store: "Store") -> tuple[list[str], str]:
        findings = store.check()
        if findings:
            return findings, ""
        await store.search.rebuild()
        return [], f"✓ {store.file} is sound, and its search index is new"

    findings, done = with_store(place, work)
    for finding in findings:
        say(f"✗ {finding}")
    if findings:
        say("Nothing was changed; restore a backup, or save what can be read with `hermes sessions export`.")
        return FAILED
    emit(done)
    return OK


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.pass_context
def import_(ctx: click.Context, file: Path | None) -> None:
    """Bring in the sessions of an existing installation's state.db. It is only read."""
    place = open_place(outer(ctx).profile)
    source = file or place.profile.upstream_database

    async def bring_in(store: "Store") -> "ImportReport":
        from hermes.store.upstream import import_sessions

        return await import_sessions(store, place.scope, source)

    report = with_store(place, bring_in)
    emit(f"✓ {plural(report.sessions, 'session')} with {plural(report.messages, 'message')} imported")
    if report.already_here:
        say(f"{plural(report.already_here, 'session')} were here already and stay as they are.")
    for session in report.untitled:
        say(f"{session} was imported without its title, which another session has.")


COMMANDS: tuple[click.Command, ...] = (delete, prune, archive, rename, repair, import_)
