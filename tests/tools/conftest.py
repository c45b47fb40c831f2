"""A place for tools to work in: a real sandbox, a real store, a home of their own."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hermes.home.profile import Profile
from hermes.home.settings import Settings
from hermes.sandbox.local import LocalSandbox
from hermes.store.database import Store
from hermes.store.records import Scope
from hermes.tools.contract import ApprovalRequest, Decision, SessionState, Tool, ToolContext, ToolResult


class Answers:
    """A person who gives these answers, one after the other, and then none."""

    def __init__(self, *answers: str, decision: Decision = "deny") -> None:
        self.answers = list(answers)
        self.decision: Decision = decision
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    @property
    def attended(self) -> bool:
        return bool(self.answers)

    async def approve(self, request: ApprovalRequest, call_id: str) -> Decision:
        return self.decision

    async def ask(self, question: str, choices: tuple[str, ...]) -> str | None:
        self.asked.append((question, choices))
        return self.answers.pop(0) if self.answers else None


class Workplace:
    """A context for calls, and shorthands to make them."""

    def __init__(self, context: ToolContext, folder: Path) -> None:
        self.context = context
        self.folder = folder
        self.home = context.profile.home

    async def call(self, tool: Tool, **arguments: Any) -> ToolResult:
        return await tool(self.context, arguments)

    async def ask(self, tool: Tool, **arguments: Any) -> dict[str, Any]:
        """The result as the model's JSON; the call must have worked."""
        result = await self.call(tool, **arguments)
        assert result.ok, result.content
        return msgspec.json.decode(result.content)  # type: ignore[no-any-return]

    async def refusal(self, tool: Tool, **arguments: Any) -> dict[str, Any]:
        """The JSON of a call that must fail."""
        result = await self.call(tool, **arguments)
        assert not result.ok, result.content
        return msgspec.json.decode(result.content)  # type: ignore[no-any-return]

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


@pytest.fixture
async def workplace(tmp_path: Path) -> AsyncIterator[Workplace]:
    folder, home, person = tmp_path / "work", tmp_path / "hermes", tmp_path / "person"
    for path in (folder, home, person):
        path.mkdir()
    profile = Profile(name="default", home=home, root=home)
    sandbox = LocalSandbox(
        cwd=str(folder),
        environment={
            "PATH": os.environ["PATH"],
            "HOME": str(person),
            "HERMES_HOME": str(home),
            "HERMES_REAL_HOME": str(person),
            "LANG": "C.UTF-8",
        },
        spool_folder=tmp_path / "spool",
    )
    store = Store.in_memory()
    context = ToolContext(
        run_id="run_1",
        session_id="20260101_000000_abcdef",
        call_id="call_1",
        profile=profile,
        settings=Settings(),
        scope=Scope(),
        sandbox=sandbox,
        store=store,
        people=Answers(),
        state=SessionState(),
        stop=asyncio.Event(),
        output=lambda text: None,
    )
    yield Workplace(context, folder)
    await sandbox.close()
    await store.close()
