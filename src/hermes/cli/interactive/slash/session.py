"""Slash commands about the session and the run at work."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from hermes.cli.errors import Refused
from hermes.cli.export import Format, exported
from hermes.cli.interactive.conversation_moves import branch_off, go_to, start_anew
from hermes.cli.interactive.screen import Choice, confirm
from hermes.cli.narration import Line
from hermes.cli.resume import find_session
from hermes.cli.text import ago, count, fit, moment, money, plural, table
from hermes.store.events import ContextCompacted
from hermes.store.records import Session

if TYPE_CHECKING:
    from hermes.cli.interactive.conversation import Conversation

LISTED_SESSIONS = 10
HISTORY_CHARACTERS = 2_000


async def new(conversation: "Conversation", rest: str) -> None:
    if await _agreed(conversation, "Start a new session? This one is kept and can be resumed."):
        await start_anew(conversation, title=rest or None)


async def clear(conversation: "Conversation", rest: str) -> None:
    if await _agreed(conversation, "Clear the screen and start a new session? This one is kept."):
        conversation.screen.clear()
        await start_anew(conversation)


async def redraw(conversation: "Conversation", rest: str) -> None:
    conversation.screen.clear()
    await history(conversation, "")


async def history(conversation: "Conversation", rest: str) -> None:
    paint, screen = conversation.screen.paint, conversation.screen
    rows = await conversation.runtime.store.messages.active(
        conversation.runtime.scope, conversation.session.id
    )
    said = [row for row in rows if row.role in ("user", "assistant") and row.content.strip()]
    if not said:
        screen.say("Nothing has been said yet.", "dim")
    for row in said:
        who = (
            paint.tone("You", "accent", bold=True)
            if row.role == "user"
            else paint.tone("Hermes", "good", bold=True)
        )
        text = conversation.runtime.masked(row.content.strip())
        if len(text) > HISTORY_CHARACTERS:
            text = f"{text[:HISTORY_CHARACTERS]} …"
        screen.write(f"{who} {paint.tone(moment(row.created_at), 'dim')}")
        screen.say(f"{text}\n")


async def save(conversation: "Conversation", rest: str) -> None:
    file = Path(rest or f"hermes_{conversation.session.id}.md").expanduser()
    if not file.is_absolute():
        file = Path(conversation.runtime.sandbox.cwd(conversation.session.id)) / file
    form: Format = "jsonl" if file.suffix == ".jsonl" else "md"
    rows = await conversation.runtime.store.messages.all(conversation.runtime.scope, conversation.session.id)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(exported(conversation.session, rows, form, conversation.runtime.secrets))
    except FileExistsError as error:
        raise Refused(f"{file} exists already; name another file.") from error
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}.") from error
    conversation.screen.say(f"Saved to {file}", "dim")


async def retry(conversation: "Conversation", rest: str) -> None:
    text = await _take_back(conversation, 1)
    if text is None:
        conversation.screen.say("There is nothing to ask again.", "dim")
        return
    await conversation.converse(text)


async def undo(conversation: "Conversation", rest: str) -> None:
    if rest and not (rest.isdigit() and int(rest) > 0):
        raise Refused(f"/undo takes how many exchanges to take back, not '{rest}'.")
    number = int(rest or 1)
    if not await _agreed(conversation, f"Take back the last {plural(number, 'exchange')}?"):
        return
    text = await _take_back(conversation, number)
    if text is None:
        conversation.screen.say("There is nothing to take back.", "dim")
    else:
        conversation.screen.say(f"Taken back, from: {fit(text, conversation.screen.width - 20)}", "dim")


async def title(conversation: "Conversation", rest: str) -> None:
    if not rest:
        conversation.screen.say(
            conversation.session.title or "This session has no title; /title TEXT gives it one."
        )
        return
    runtime = conversation.runtime
    conversation.session = await runtime.store.sessions.update(
        runtime.scope, conversation.session.id, title=rest
    )
    conversation.screen.say(f"This session is now called: {conversation.session.title}", "dim")


async def branch(conversation: "Conversation", rest: str) -> None:
    await branch_off(conversation, title=rest or None)


async def compress(conversation: "Conversation", rest: str) -> None:
    conversation.view.begin()
    try:
        outcome = await conversation.runtime.compact(conversation.session.id, rest)
    finally:
        conversation.view.end()
    await conversation.refresh()
    if isinstance(outcome, ContextCompacted):
        sizes = f"{count(outcome.tokens_before)} → {count(outcome.tokens_after)} tokens"
        conversation.screen.say(
            f"Summarised {plural(outcome.compacted_messages, 'message')}, {sizes}.", "dim"
        )
    else:
        conversation.screen.line(Line("≡", "", f"Not compacted: {outcome.reason}", tone="warn"))


async def stop(conversation: "Conversation", rest: str) -> None:
    stopped = conversation.interrupt()
    running = [
        process
        for process in conversation.runtime.sandbox.processes().values()
        if process.info.state == "running"
    ]
    for process in running:
        await process.kill()
    if running:
        conversation.screen.say(f"Background processes ended: {len(running)}.", "dim")
    elif not stopped:
        conversation.screen.say("Nothing is at work.", "dim")


async def queue(conversation: "Conversation", rest: str) -> None:
    if not rest:
        waiting = list(conversation.waiting)
        lines = [f"{number}. {fit(text, 60)}" for number, text in enumerate(waiting, 1)]
        conversation.screen.say("\n".join(lines) if lines else "Nothing waits.", "dim")
        return
    conversation.enqueue(rest)


async def steer(conversation: "Conversation", rest: str) -> None:
    if not rest:
        raise Refused("/steer takes what the run at work should be told.")
    if conversation.run is not None and conversation.runtime.steer(conversation.run.id, rest):
        conversation.screen.line(Line("↪", "", f"passed on: {rest}", tone="dim"))
    else:
        conversation.enqueue(rest)


async def status(conversation: "Conversation", rest: str) -> None:
    runtime, session = conversation.runtime, conversation.session
    endpoint = runtime.model.endpoint
    rows = [
        ("Session", f"{session.id}{f' · {session.title}' if session.title else ''}"),
        ("Model", f"{endpoint.model} · {endpoint.provider}"),
        ("Profile", conversation.place.profile.name),
        ("Directory", runtime.sandbox.cwd(session.id)),
        ("Sandbox", f"{runtime.sandbox.kind}{' (isolated)' if runtime.sandbox.isolated else ''}"),
        ("Messages", str(session.message_count)),
        ("Tokens", f"{count(session.usage.input_tokens)} in, {count(session.usage.output_tokens)} out"),
        ("Cost", money(session.usage.cost_usd)),
        (
            "At work",
            fit(conversation.runtime.masked(conversation.run.input.content), 60)
            if conversation.run
            else "no",
        ),
        ("Approvals", "off (yolo)" if runtime.yolo else runtime.settings.approvals.mode),
    ]
    conversation.screen.say("\n".join(table(rows, conversation.screen.width)))


async def resume(conversation: "Conversation", rest: str) -> None:
    runtime = conversation.runtime
    if rest:
        await go_to(conversation, await find_session(runtime.store, runtime.scope, rest))
        return
    others = await runtime.store.sessions.list(runtime.scope, limit=LISTED_SESSIONS + 1)
    others = [item for item in others if item.id != conversation.session.id and item.message_count][
        :LISTED_SESSIONS
    ]
    if not others:
        conversation.screen.say("There is no other session.", "dim")
        return
    now = time.time()
    choices = [Choice(item.id, f"{item.title or item.id} · {ago(item.updated_at, now)}") for item in others]
    here = Choice(conversation.session.id, "Stay here")
    chosen = await conversation.screen.choose(
        "Go on with which session?", (), [*choices, here], default=here.value
    )
    for item in others:
        if item.id == chosen:
            await go_to(conversation, item)


async def sessions(conversation: "Conversation", rest: str) -> None:
    runtime = conversation.runtime
    found = await runtime.store.sessions.list(runtime.scope, limit=LISTED_SESSIONS, search_title=rest or None)
    now = time.time()
    rows = [
        ("❯" if item.id == conversation.session.id else "", item.id, _label(item), ago(item.updated_at, now))
        for item in found
    ]
    text = "\n".join(table(rows, conversation.screen.width, flexible=2))
    conversation.screen.say(text or "No session fits.")


def _label(session: Session) -> str:
    return session.title or plural(session.message_count, "message")


async def _agreed(conversation: "Conversation", question: str) -> bool:
    """Whether to go ahead with what throws something out of sight."""
    if (
        not conversation.runtime.settings.approvals.destructive_slash_confirm
        or not conversation.people.attended
    ):
        return True
    if conversation.session.message_count == 0:
        return True
    return await confirm(conversation.screen, question)


async def _take_back(conversation: "Conversation", number: int) -> str | None:
    """Mark the last exchanges as undone; the text of the first question among them."""
    runtime = conversation.runtime
    rows = await runtime.store.messages.undo_exchanges(runtime.scope, conversation.session.id, number)
    await conversation.refresh()
    asked = [row.content for row in rows if row.role == "user" and row.kind == "normal"]
    return asked[0] if asked else None


async def leave(conversation: "Conversation", rest: str) -> None:
    if rest not in ("", "--delete"):
        raise Refused(f"/quit takes nothing or --delete, not '{rest}'.")
    conversation.delete_on_leave = rest == "--delete"
    conversation.leave()
