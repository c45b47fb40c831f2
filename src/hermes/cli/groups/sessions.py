"""`hermes sessions`: look at what was said. What changes sessions is in `sessions_change`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from hermes.cli.asking import need_terminal, pick
from hermes.cli.errors import Refused, say
from hermes.cli.export import exported
from hermes.cli.groups import sessions_change
from hermes.cli.masking import masked_hit, masked_messages, masked_session, secrets_of
from hermes.cli.opening import open_place, with_store
from hermes.cli.options import ChatOptions
from hermes.cli.printing import emit, emit_json, emit_table
from hermes.cli.resume import find_session
from hermes.cli.root import outer
from hermes.cli.text import ago, count, fit, moment, money, plural
from hermes.store.records import Scope, Session

if TYPE_CHECKING:
    from hermes.store.database import Store

PREVIEW_CHARACTERS = 100


@click.group("sessions", invoke_without_command=True)
@click.pass_context
def sessions(ctx: click.Context) -> None:
    """List, search, export and clean up sessions."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


for command in sessions_change.COMMANDS:
    sessions.add_command(command)


@sessions.command("list")
@click.option(
    "-n", "--limit", default=20, show_default=True, type=click.IntRange(min=1), help="At most this many."
)
@click.option("--source", metavar="NAME", help="Only from here: cli, telegram, ...")
@click.option("--title", metavar="TEXT", help="Only with this in the title.")
@click.option("--all", "everything", is_flag=True, help="Archived ones too.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def list_(
    ctx: click.Context, limit: int, source: str | None, title: str | None, everything: bool, as_json: bool
) -> None:
    """List sessions, the newest first."""
    place = open_place(outer(ctx).profile)
    secrets = secrets_of(place)

    async def read(store: "Store") -> list[tuple[Session, str]]:
        found = await store.sessions.list(
            place.scope, limit=limit, source=source, include_archived=everything, search_title=title
        )
        return [await previewed(store, place.scope, session, secrets) for session in found]

    found = with_store(place, read)
    if as_json:
        emit_json([session for session, _ in found])
        return
    if not found:
        say("There are no sessions.")
    emit_table(rows(found), ("ID", "WHEN", "MESSAGES", "SOURCE", "TITLE"))


async def previewed(
    store: "Store", scope: Scope, session: Session, secrets: frozenset[str]
) -> tuple[Session, str]:
    """A session with what it is about, both masked: its title, else how it began."""
    shown = masked_session(session, secrets)
    if shown.title:
        return shown, shown.title
    first = masked_messages(await store.messages.all(scope, session.id, limit=1), secrets)
    return shown, fit(first[0].content, PREVIEW_CHARACTERS) if first else "(empty)"


def rows(found: list[tuple[Session, str]]) -> list[tuple[str, ...]]:
    """Sessions as rows of a table."""
    now = time.time()
    return [
        (
            session.id,
            ago(session.updated_at, now),
            str(session.message_count),
            f"{session.source}{' (archived)' if session.archived else ''}",
            about,
        )
        for session, about in found
    ]


@sessions.command("show")
@click.argument("session")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def show(ctx: click.Context, session: str, as_json: bool) -> None:
    """Show one session: what it is, and what was said last."""
    place = open_place(outer(ctx).profile)
    secrets = secrets_of(place)

    async def read(store: "Store") -> tuple[Session, list[str]]:
        found = await find_session(store, place.scope, session)
        messages = masked_messages(await store.messages.active(place.scope, found.id), secrets)
        said = [row for row in messages if row.role in ("user", "assistant") and row.content.strip()]
        return masked_session(found, secrets), [
            f"{'❯' if row.role == 'user' else ' '} {fit(row.content, 200)}" for row in said[-6:]
        ]

    found, said = with_store(place, read)
    if as_json:
        emit_json(found)
        return
    used = found.usage
    facts = [
        ("id", found.id),
        ("title", found.title or "-"),
        ("source", found.source),
        ("model", f"{found.model or '-'} ({found.provider or '-'})"),
        ("directory", found.cwd or "-"),
        ("started", moment(found.created_at)),
        ("last", moment(found.updated_at)),
        ("messages", f"{found.message_count}, {plural(found.tool_call_count, 'tool call')}"),
        (
            "tokens",
            f"{count(used.input_tokens)} in, {count(used.output_tokens)} out, cost {money(used.cost_usd)}",
        ),
    ]
    emit_table(facts)
    emit("\n".join(["", *said]) if said else "")


@sessions.command("search")
@click.argument("query")
@click.option(
    "-n", "--limit", default=10, show_default=True, type=click.IntRange(min=1), help="At most this many."
)
@click.option(
    "--sort", type=click.Choice(["relevance", "newest", "oldest"]), default="relevance", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def search(
    ctx: click.Context, query: str, limit: int, sort: Literal["relevance", "newest", "oldest"], as_json: bool
) -> None:
    """Find what was said, in all sessions."""
    place = open_place(outer(ctx).profile)
    found = with_store(place, lambda store: store.search.search(place.scope, query, limit=limit, sort=sort))
    secrets = secrets_of(place)
    hits = [masked_hit(hit, secrets) for hit in found]
    if as_json:
        emit_json(hits)
        return
    if not hits:
        say(f"Nothing was found for '{query}'.")
    now = time.time()
    emit_table([(hit.session_id, ago(hit.created_at, now), hit.role, hit.snippet) for hit in hits])


@sessions.command("stats")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def stats(ctx: click.Context, as_json: bool) -> None:
    """How many sessions there are, and what they have used."""
    place = open_place(outer(ctx).profile)
    found = with_store(place, lambda store: store.sessions.stats(place.scope))
    if as_json:
        emit_json(found)
        return
    by_source = ", ".join(f"{number} {source}" for source, number in found.by_source.items())
    span = f"{moment(found.oldest)} to {moment(found.newest)}" if found.oldest and found.newest else "-"
    emit_table(
        [
            ("sessions", f"{found.sessions:,} ({found.archived:,} archived)"),
            ("from", by_source or "-"),
            ("messages", f"{found.messages:,}"),
            ("tool calls", f"{found.tool_calls:,}"),
            ("tokens", f"{count(found.usage.input_tokens)} in, {count(found.usage.output_tokens)} out"),
            ("cost", money(found.usage.cost_usd)),
            ("between", span),
        ]
    )


@sessions.command("export")
@click.argument("session")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="As FILE.")
@click.option(
    "--format", "form", type=click.Choice(["jsonl", "md"]), help="By the file's name otherwise; else jsonl."
)
@click.pass_context
def export(
    ctx: click.Context,
    session: str,
    file: Path | None,
    output: Path | None,
    form: Literal["jsonl", "md"] | None,
) -> None:
    """Write a session to a file, or to standard output."""
    place = open_place(outer(ctx).profile)
    secrets = secrets_of(place)
    target = output or file
    if form is None:
        form = "md" if target is not None and target.suffix == ".md" else "jsonl"

    async def read(store: "Store") -> str:
        found = await find_session(store, place.scope, session)
        return exported(found, await store.messages.all(place.scope, found.id), form, secrets)

    text = with_store(place, read)
    if target is None or str(target) == "-":
        click.echo(text, nl=False)
        return
    try:
        with target.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise Refused(f"{target} exists already; name another file.") from error
    except OSError as error:
        raise Refused(f"{target} cannot be written: {error.strerror}.") from error
    emit(f"✓ {target}")


@sessions.command("browse")
@click.pass_context
def browse(ctx: click.Context) -> int:
    """Pick a session and go on with it."""
    need_terminal("`hermes sessions browse`")
    place = open_place(outer(ctx).profile)
    secrets = secrets_of(place)

    async def read(store: "Store") -> list[tuple[Session, str]]:
        found = await store.sessions.list(place.scope, limit=500)
        return [await previewed(store, place.scope, session, secrets) for session in found]

    found = with_store(place, read)
    if not found:
        raise Refused("There are no sessions yet.")
    now = time.time()
    chosen = pick(
        "Go on with which?",
        [f"{about} · {ago(session.updated_at, now)} · {session.id}" for session, about in found],
    )
    if chosen is None:
        return 0
    from hermes.cli.chat import talk

    return talk(outer(ctx).profile, ChatOptions(resume=found[chosen][0].id).over(outer(ctx).options))
