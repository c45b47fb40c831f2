"""Running the tool calls of one assistant message.

Each call is stored as started before it runs and as finished after it. Safe calls run side by side; the
rest run alone, in order, with nothing between them.
"""

import asyncio
import contextlib
import json
import logging
import posixpath
import time
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec

from hermes.agent.active_run import ActiveRun
from hermes.agent.batches import Prepared, split_into_segments
from hermes.agent.context_files import subdirectory_hint
from hermes.agent.ending import Interrupted
from hermes.agent.guardrails import Halt
from hermes.agent.journal import FLUSH_SECONDS
from hermes.agent.oversize import ResultRoom
from hermes.agent.prompt import wrap_untrusted
from hermes.agent.repair import repair_arguments, repair_name
from hermes.store.events import Event, GuardrailStopped, GuardrailWarned, ToolFinished, ToolStarted
from hermes.store.records import Message, ToolCall, ToolCallRecord
from hermes.tools.contract import ToolArgumentError, ToolResult

PARALLEL_CALLS = 8
STOP_GRACE_SECONDS = 3.0
"""How long a tool has after an interrupt to end by itself and report what it has."""

log = logging.getLogger("hermes.agent.tools")


class BatchOutcome(msgspec.Struct):
    """What came of a batch, besides the stored results."""

    halt: Halt | None = None
    all_unknown: bool = False
    """Not one of the calls named a tool that exists."""


async def run_tool_calls(run: ActiveRun, calls: Sequence[ToolCall]) -> BatchOutcome:
    """Run every call and store every result. Interrupted calls have a result, too."""
    return await _Batch(run).run(calls)


class _Batch:
    def __init__(self, run: ActiveRun) -> None:
        self.active = run
        self.room = ResultRoom(run.window)
        self.slots = asyncio.Semaphore(PARALLEL_CALLS)
        self.outcome = BatchOutcome()
        self.began = False

    async def run(self, calls: Sequence[ToolCall]) -> BatchOutcome:
        self.active.guardrails.begin_batch()
        prepared: list[Prepared] = []
        unknown = 0
        for call in calls:
            ready = self._prepare(call)
            if isinstance(ready, Prepared):
                prepared.append(ready)
            else:
                unknown += call.name not in self.active.tools
                await self._run_pending(prepared)
                await self._finish_unrun(call, ready, one_line(call.arguments))
        await self._run_pending(prepared)
        self.outcome.all_unknown = unknown == len(calls)
        return self.outcome

    def _prepare(self, call: ToolCall) -> Prepared | ToolResult:
        """The call ready to run, or the result that says why it can't be."""
        tools = self.active.tools
        name = call.name if call.name in tools else repair_name(call.name, list(tools))
        if not call.name.strip():
            return ToolResult.error("The call has no tool name.")
        if name is None:
            return ToolResult.error(f"There is no tool named '{call.name}'.", available_tools=sorted(tools))
        repaired = repair_arguments(call.arguments)
        if repaired.arguments is None:
            return ToolResult.error(
                f"The arguments of {name} are not a JSON object: {repaired.error}. Send the call again."
            )
        return Prepared(call, tools[name], repaired.arguments)

    async def _run_pending(self, prepared: list[Prepared]) -> None:
        cwd = self.active.sandbox.cwd(self.active.session.id)
        for segment in split_into_segments(prepared, lambda path: _same_file(path, cwd)):
            await self._run_segment(segment)
        prepared.clear()

    async def _run_segment(self, segment: list[Prepared]) -> None:
        if self.began:
            await self._pause()
        runnable = []
        for ready in segment:
            refusal = _cancelled() if self.active.steering.stop.is_set() else self._blocked(ready)
            if refusal is not None:
                await self._finish_unrun(ready.call, refusal, preview(ready))
            else:
                runnable.append(ready)
        if runnable:
            self.began = True
            await self._start(runnable)
            await _side_by_side([self._run_one(ready) for ready in runnable])

    async def _pause(self) -> None:
        """`agent.tool_delay`, as long as nobody stops the run."""
        delay = self.active.settings.agent.tool_delay
        if delay:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.active.steering.stop.wait(), delay)

    def _blocked(self, ready: Prepared) -> ToolResult | None:
        block = self.active.guardrails.before_call(
            ready.tool.name, ready.call.arguments, ready.tool.read_only
        )
        if block is None:
            return None
        self.outcome.halt = block
        return ToolResult(content=block.result_json(), ok=False, summary=block.message)

    async def _start(self, segment: list[Prepared]) -> None:
        now = self.active.clock()
        await self.active.journal.record(
            started=[_record(self.active.run.id, ready.call, "started", now) for ready in segment],
            events=[self._started_event(ready) for ready in segment],
        )

    def _started_event(self, ready: Prepared) -> ToolStarted:
        return ToolStarted(
            call_id=ready.call.id,
            name=ready.tool.name,
            preview=self.active.masked(preview(ready)),
            arguments=self.active.masked_arguments(ready.call),
        )

    async def _run_one(self, ready: Prepared) -> None:
        async with self.slots:
            began = time.monotonic()
            result = await self._call(ready)
            await self._finish(ready, result, time.monotonic() - began)

    async def _call(self, ready: Prepared) -> ToolResult:
        context = self.active.context(ready.call)
        work = asyncio.ensure_future(ready.tool(context, ready.arguments))
        stopped = asyncio.ensure_future(self.active.steering.stop.wait())
        try:
            while not (work.done() or stopped.done()):
                await asyncio.wait(
                    {work, stopped}, timeout=FLUSH_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                if self.active.journal.due:
                    await self.active.journal.flush()
            if not work.done():
                await asyncio.wait({work}, timeout=STOP_GRACE_SECONDS)
            return work.result() if work.done() and not work.cancelled() else _cancelled()
        except Interrupted:
            return _cancelled()
        except ToolArgumentError as error:
            return ToolResult.error(str(error))
        except Exception:  # the border of a tool: our bug must not end the run
            log.exception("tool %s failed inside", ready.tool.name)
            return ToolResult.error(f"{ready.tool.name} failed inside; the log has the details.")
        finally:
            stopped.cancel()
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)

    async def _finish(self, ready: Prepared, result: ToolResult, seconds: float) -> None:
        """Store one result: bounded, marked as foreign where it is, with the guardrails' word at its end."""
        run, call = self.active, ready.call
        verdict = run.guardrails.after_call(
            ready.tool.name, call.arguments, ready.tool.read_only, result.ok, result.content
        )
        content = result.content if ready.tool.paged else await self._fitted(call, result)
        if result.untrusted:
            content = wrap_untrusted(content, ready.tool.name)
        content += await self._hint(ready)
        events: list[Event] = []
        for warning in verdict.warnings:
            content += f"\n\n{warning.line()}"
            events.append(
                GuardrailWarned(
                    code=warning.code, tool=warning.tool, count=warning.count, message=warning.message
                )
            )
        if verdict.halt is not None:
            content += f"\n\n{verdict.halt.line()}"
            self.outcome.halt = verdict.halt
        await self._store(ready.call, msgspec.structs.replace(result, content=content), seconds, events)

    async def _fitted(self, call: ToolCall, result: ToolResult) -> str:
        sandbox = self.active.sandbox
        return await self.room.fit(
            result.content, call_id=call.id, files=sandbox.files, directory=sandbox.scratch
        )

    async def _finish_unrun(self, call: ToolCall, result: ToolResult, shown: str) -> None:
        now = self.active.clock()
        arguments = self.active.masked_arguments(call)
        started = ToolStarted(
            call_id=call.id, name=call.name, preview=self.active.masked(shown), arguments=arguments
        )
        await self.active.journal.record(
            started=[_record(self.active.run.id, call, "started", now)], events=[started]
        )
        await self._store(call, result, 0.0, [])

    async def _store(self, call: ToolCall, result: ToolResult, seconds: float, events: list[Event]) -> None:
        run = self.active
        summary, detail = run.masked(result.summary), run.masked(result.detail or "") or None
        message = Message(
            role="tool",
            content=result.content,
            tool_call_id=call.id,
            tool_name=call.name,
            ok=result.ok,
            display=detail or summary or None,
            created_at=run.clock(),
        )
        done = _record(run.run.id, call, "finished", run.clock())
        done.finished_at, done.ok, done.exit_code = run.clock(), result.ok, result.exit_code
        event = ToolFinished(
            call_id=call.id,
            name=call.name,
            ok=result.ok,
            summary=summary,
            detail=detail,
            exit_code=result.exit_code,
            seconds=round(seconds, 3),
        )
        stored = await run.journal.record(messages=[message], finished=[done], events=[event, *events])
        run.transcript.extend(stored)

    async def _hint(self, ready: Prepared) -> str:
        """Context files of a directory that the model enters for the first time."""
        path = ready.arguments.get("path") or ready.arguments.get("workdir")
        if not self.active.folder_hints or not isinstance(path, str) or ready.tool.toolset != "file":
            return ""
        cwd = self.active.sandbox.cwd(self.active.session.id)
        return await subdirectory_hint(
            path, cwd=cwd, seen=self.active.state.seen_directories, files=self.active.sandbox.files
        )


async def _side_by_side(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Do all of it at the same time. When one fails, or this task is cancelled, the others have ended, too,
    before that is raised: nothing of a run goes on behind its end."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def halt_event(halt: Halt) -> GuardrailStopped:
    """The event that carries the evidence of a stop."""
    return GuardrailStopped(
        code=halt.code,
        tool=halt.tool,
        count=halt.count,
        message=halt.message,
        evidence=tuple(msgspec.to_builtins(item) for item in halt.evidence),
    )


def _cancelled() -> ToolResult:
    return ToolResult.error("The call was cancelled by a user interrupt.", status="cancelled")


def _record(run_id: str, call: ToolCall, state: str, now: float) -> ToolCallRecord:
    return ToolCallRecord(
        run_id=run_id,
        call_id=call.id,
        name=call.name,
        arguments=call.arguments,
        state=state,  # type: ignore[arg-type]
        started_at=now,
    )


def preview(ready: Prepared) -> str:
    """The arguments for people, on one line."""
    value = ready.arguments.get(ready.tool.preview) if ready.tool.preview else None
    text = value if isinstance(value, str) else json.dumps(ready.arguments, ensure_ascii=False)
    return one_line(text)


def one_line(text: str) -> str:
    """The beginning of a text, for a line."""
    return " ".join(text.split())[:400]


def _same_file(path: str, cwd: str) -> str:
    return posixpath.normpath(posixpath.join(cwd, path))
