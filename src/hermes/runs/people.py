"""Who can be asked during a run."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

from hermes.agent.journal import Journal
from hermes.store.events import ApprovalDecided, ApprovalRequested, QuestionAnswered, QuestionAsked
from hermes.tools.contract import ApprovalRequest, Decision, People


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

    The run waits in the state `waiting_for_approval` meanwhile. No answer in time is a no.
    """

    def __init__(
        self, people: People, journal: Journal, approval_timeout: float, by: str = "operator"
    ) -> None:
        self._people = people
        self._journal = journal
        self._timeout = approval_timeout
        self._by = by

    @property
    def attended(self) -> bool:
        return self._people.attended

    async def approve(self, request: ApprovalRequest, call_id: str) -> Decision:
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
        if self.attended:
            decision, by = await self._within_time(lambda: self._people.approve(request, call_id))
        decided = ApprovalDecided(approval_id=approval_id, decision=decision, by=by)
        await self._journal.record(events=[decided], status="running" if self.attended else None)
        return decision

    async def _within_time(self, ask: Callable[[], Awaitable[Decision]]) -> tuple[Decision, str]:
        try:
            async with asyncio.timeout(self._timeout):
                return await ask(), self._by
        except TimeoutError:
            return "deny", "timeout"

    async def ask(self, question: str, choices: tuple[str, ...]) -> str | None:
        question_id = f"question_{uuid.uuid4().hex[:12]}"
        await self._journal.record(
            events=[QuestionAsked(question_id=question_id, question=question, choices=choices)]
        )
        answer = await self._people.ask(question, choices) if self.attended else None
        answered = QuestionAnswered(
            question_id=question_id, answer=answer or "", by=self._by if answer is not None else "nobody"
        )
        await self._journal.record(events=[answered])
        return answer
