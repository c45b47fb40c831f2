"""Who can be asked during a run."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from hermes.agent.ending import Interrupted
from hermes.agent.journal import Journal
from hermes.agent.steering import Steering
from hermes.store.events import ApprovalDecided, ApprovalRequested, QuestionAnswered, QuestionAsked
from hermes.tools.contract import ApprovalRequest, Decision, People

T = TypeVar("T")

log = logging.getLogger("hermes.runs.people")


class Nobody:
    """The people behind a run that nobody watches: every approval is a no, no question is answered."""

    @property
    def attended(self) -> bool:
        return False

    async def approve(self, request: ApprovalRequest, call_id: str) -> Decision:
        return "deny"

    async def ask(self, question: str, choices: tuple[str, ...]) -> str | None:
        return None


class RecordedPeople:
    """Asks the people behind a run, and makes what was asked and answered events of it.

    The run waits in the state `waiting_for_approval` meanwhile. No answer in time is a no, and so is an
    approval that could not be asked for. A person who stops the run meanwhile has said no; `Interrupted` is
    raised then.
    """

    def __init__(
        self,
        people: People,
        journal: Journal,
        steering: Steering,
        approval_timeout: float,
        masked: Callable[[str], str],
        by: str = "operator",
    ) -> None:
        """`approval_timeout` in seconds; `masked`: the text without secrets."""
        self._people = people
        self._journal = journal
        self._steering = steering
        self._timeout = approval_timeout
        self._masked = masked
        self._by = by

    @property
    def attended(self) -> bool:
        return self._people.attended

    async def approve(self, request: ApprovalRequest, call_id: str) -> Decision:
        request = msgspec.structs.replace(request, subject=self._masked(request.subject))
        approval_id = f"approval_{uuid.uuid4().hex[:12]}"
        asked = ApprovalRequested(
            approval_id=approval_id,
            call_id=call_id,
            tool=request.tool,
            subject=request.subject,
            reasons=request.reasons,
            expires_at=self._journal.clock() + self._timeout if self.attended else None,
        )
        await self._journal.record(events=[asked], status="waiting_for_approval" if self.attended else None)
        decision: Decision = "deny"
        by = "policy"
        try:
            if self.attended:
                decision, by = await self._decision(request, call_id)
        except Interrupted:
            by = self._by
            raise
        finally:
            decided = ApprovalDecided(approval_id=approval_id, decision=decision, by=by)
            await self._journal.record(events=[decided], status="running" if self.attended else None)
        return decision

    async def _decision(self, request: ApprovalRequest, call_id: str) -> tuple[Decision, str]:
        try:
            async with asyncio.timeout(self._timeout):
                decision = await self._said(self._people.approve(request, call_id))
        except TimeoutError:
            return "deny", "timeout"
        return ("deny", "policy") if decision is None else (decision, self._by)

    async def ask(self, question: str, choices: tuple[str, ...]) -> str | None:
        question = self._masked(question)
        question_id = f"question_{uuid.uuid4().hex[:12]}"
        asked = QuestionAsked(question_id=question_id, question=question, choices=choices)
        await self._journal.record(events=[asked])
        answer = None
        try:
            if self.attended:
                answer = await self._said(self._people.ask(question, choices))
        finally:
            by = self._by if answer is not None else "nobody"
            said = QuestionAnswered(question_id=question_id, answer=self._masked(answer or ""), by=by)
            await self._journal.record(events=[said])
        return answer

    async def _said(self, asking: Coroutine[Any, Any, T]) -> T | None:
        """What people say, or None when they could not be asked."""
        try:
            return await self._steering.unless_stopped(asking)
        except Interrupted:
            raise
        except Exception:  # the border to whatever asks people: the run goes on without their word
            log.exception("asking the people behind a run failed")
            return None
