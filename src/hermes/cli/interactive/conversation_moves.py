"""From one session to another inside a conversation: a new one, an earlier one, a branch of this one."""

from typing import TYPE_CHECKING

import msgspec

from hermes.cli.interactive.recap import recap
from hermes.cli.masking import masked_messages
from hermes.store.ids import new_session_id
from hermes.store.records import Session

if TYPE_CHECKING:
    from hermes.cli.interactive.conversation import Conversation


async def start_anew(conversation: "Conversation", title: str | None = None) -> None:
    """Go on in a new session. The one before is kept, unless nothing was said in it."""
    before = conversation.session
    session = await conversation.runtime.new_session(title=title)
    await _close(conversation, before, "new_session")
    conversation.session = session
    await conversation.refresh()
    conversation.screen.say(f"New session {session.title or session.id}", "dim")


async def go_to(conversation: "Conversation", session: Session) -> None:
    """Go on in an earlier session, after finishing what it left unfinished."""
    if session.id == conversation.session.id:
        conversation.screen.say("This is the session you are in.", "dim")
        return
    before = conversation.session
    await _close(conversation, before, "resumed_other")
    conversation.session = session
    await reopen(conversation)
    await show_recap(conversation)
    await conversation.finish_unfinished()


async def reopen(conversation: "Conversation") -> None:
    """Mark the session as going on."""
    if conversation.session.ended_at is not None:
        runtime = conversation.runtime
        conversation.session = await runtime.store.sessions.update(
            runtime.scope, conversation.session.id, ended_at=None, end_reason=None
        )
    await conversation.refresh()


async def branch_off(conversation: "Conversation", title: str | None = None) -> None:
    """Go on in a copy of this session; the session itself stays as it is."""
    runtime, parent = conversation.runtime, conversation.session
    rows = await runtime.store.messages.active(runtime.scope, parent.id)
    branch = await runtime.store.sessions.create(
        runtime.scope,
        Session(
            id=new_session_id(),
            source=parent.source,
            title=title,
            model=parent.model,
            provider=parent.provider,
            system_prompt=parent.system_prompt,
            cwd=parent.cwd,
            parent_session_id=parent.id,
        ),
    )
    copies = [msgspec.structs.replace(row, id=0, session_id=branch.id, run_id=None) for row in rows]
    await runtime.store.messages.append(runtime.scope, branch.id, copies)
    conversation.session = branch
    await conversation.refresh()
    conversation.screen.say(f"On a branch of {parent.title or parent.id}: {branch.title or branch.id}", "dim")


async def show_recap(conversation: "Conversation") -> None:
    """Show what the session was about."""
    runtime, display = conversation.runtime, conversation.display
    rows = await runtime.store.messages.active(runtime.scope, conversation.session.id)
    conversation.screen.write(
        recap(
            conversation.session,
            masked_messages(rows, runtime.secrets),
            exchanges=display.resume_exchanges,
            width=conversation.screen.width,
            paint=conversation.screen.paint,
            full=display.resume_display == "full",
        )
    )


async def _close(conversation: "Conversation", session: Session, reason: str) -> None:
    runtime = conversation.runtime
    current = await runtime.store.sessions.get(runtime.scope, session.id)
    if current is None:
        return
    if current.message_count == 0:
        await runtime.store.sessions.delete(runtime.scope, session.id)
    else:
        await runtime.store.sessions.end(runtime.scope, session.id, reason)
