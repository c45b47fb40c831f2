"""Bringing the chat up on a terminal, and down again."""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hermes.cli.errors import OK, say
from hermes.cli.interactive.banner import banner
from hermes.cli.interactive.completion import ChatCompleter, Words
from hermes.cli.interactive.conversation import Conversation
from hermes.cli.interactive.conversation_moves import reopen, show_recap
from hermes.cli.interactive.terminal_screen import TerminalScreen
from hermes.cli.interactive.terminal_view import TerminalView
from hermes.cli.interactive.theme import Paint
from hermes.cli.one_shot import find_resumed
from hermes.cli.opening import Place, begin_logging, conversation_settings, open_runtime
from hermes.cli.options import ChatOptions
from hermes.cli.resume import start_directory
from hermes.cli.text import ago
from hermes.cli.worktree import working_directory
from hermes.store.records import Session

if TYPE_CHECKING:
    from hermes.runs.runtime import Runtime

COMPLETED_SESSIONS = 30


async def converse(place: Place, options: ChatOptions) -> int:
    """The interactive chat, until the person leaves."""
    settings = conversation_settings(place, options)
    begin_logging(place, settings)
    resumed = await find_resumed(place, options)
    async with (
        working_directory(start_directory(resumed, options), options.worktree or settings.worktree) as cwd,
        open_runtime(place, settings, options, cwd) as runtime,
    ):
        session = resumed or await runtime.new_session()
        chat = _Chat(place, runtime, session)
        await chat.begin(resumed is not None, cwd)
        await chat.run()
        chat.say_goodbye()
        await runtime.clean_up()
    return OK


class _Chat:
    """The parts of the chat, put together."""

    def __init__(self, place: Place, runtime: "Runtime", session: Session) -> None:
        paint = Paint(colours=not place.environment.get("NO_COLOR"))
        self._sessions: list[tuple[str, str]] = []
        words: dict[str, Words] = {
            "resume": lambda: self._sessions,
            "personality": lambda: [(name, "") for name in ("none", *runtime.settings.personalities)],
            "quick": lambda: [(name, "your own") for name in runtime.settings.quick_commands],
        }
        completer = ChatCompleter(self._cwd, words)
        term = place.environment.get("TERM", "")
        self.screen = TerminalScreen(place.profile.history_file, completer, paint, term)
        view = TerminalView(self.screen, runtime.settings.display, runtime.masked)
        self.conversation = Conversation(
            place=place,
            runtime=runtime,
            session=session,
            screen=self.screen,
            view=view,
            leave=self.screen.leave,
        )

    def _cwd(self) -> str:
        return self.conversation.runtime.sandbox.cwd(self.conversation.session.id)

    async def begin(self, resumed: bool, cwd: Path) -> None:
        conversation, runtime = self.conversation, self.conversation.runtime
        self.screen.write(
            banner(
                runtime.model.endpoint,
                conversation.session,
                profile=conversation.place.profile.name,
                cwd=str(cwd),
                width=self.screen.width,
                paint=self.screen.paint,
                compact=conversation.display.compact,
            )
        )
        if resumed:
            await reopen(conversation)
            await show_recap(conversation)
        await conversation.refresh()
        await self._read_sessions()

    async def run(self) -> None:
        """Read and work until the person leaves."""
        conversation = self.conversation
        working = asyncio.create_task(self._work())
        try:
            await self.screen.run(conversation)
        finally:
            await conversation.close()
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working

    async def _work(self) -> None:
        await self.conversation.take_up_unfinished()
        await self.conversation.work()

    async def _read_sessions(self) -> None:
        runtime, now = self.conversation.runtime, time.time()
        found = await runtime.store.sessions.list(runtime.scope, limit=COMPLETED_SESSIONS)
        self._sessions = [
            (item.id, f"{item.title or ''} {ago(item.updated_at, now)}".strip())
            for item in found
            if item.message_count
        ]

    def say_goodbye(self) -> None:
        """How to come back."""
        session = self.conversation.session
        if session.message_count and not self.conversation.delete_on_leave:
            say(f"To go on: hermes --resume {session.id}")
