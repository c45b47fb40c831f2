"""What a run may spend. Pure: a call is refused before it is made, never regretted after it."""

import msgspec

from hermes.home.settings import BudgetSettings
from hermes.store.records import Usage


class Refusal(msgspec.Struct, frozen=True):
    """A call that would cross a limit."""

    budget: str
    """`run.tokens`, `run.cost`, `day.tokens` or `day.cost`."""
    limit: float
    spent: float
    projected: float

    @property
    def message(self) -> str:
        unit = "US dollars" if self.budget.endswith("cost") else "tokens"
        key = self.budget.replace(".cost", "_cost_usd").replace(".tokens", "_tokens")
        whose = "This run" if self.budget.startswith("run") else "Today's work"
        return (
            f"{whose} has used {self.spent:,.6g} {unit} and the next call may need {self.projected:,.6g}, "
            f"which is over the limit of {self.limit:,.6g}; raise budgets.{key} (0 = no limit) to go on."
        )


class Budget:
    """The limits of one run, and what was spent so far in it and, before it, today."""

    def __init__(
        self, limits: BudgetSettings, *, attended: bool, spent_today: Usage, spent: Usage | None = None
    ) -> None:
        """`spent`: what the run itself has used before, where it was taken over. Today's holds it, too."""
        self.active = limits.enabled == "always" or (limits.enabled == "unattended" and not attended)
        self._limits = limits
        self._run = spent or Usage()
        self._today = spent_today

    def add(self, usage: Usage) -> None:
        """Book what a call has used."""
        self._run = self._run.plus(usage)
        self._today = self._today.plus(usage)

    def refusal(self, tokens: int, cost_usd: float | None) -> Refusal | None:
        """Why a call of about `tokens` (prompt and answer) may not be made, or None."""
        if not self.active:
            return None
        limits = self._limits
        cost = cost_usd or 0.0
        rows = (
            ("run.tokens", limits.run_tokens, _tokens(self._run), tokens),
            ("run.cost", limits.run_cost_usd, self._run.cost_usd or 0.0, cost),
            ("day.tokens", limits.day_tokens, _tokens(self._today), tokens),
            ("day.cost", limits.day_cost_usd, self._today.cost_usd or 0.0, cost),
        )
        for name, limit, spent, projected in rows:
            if limit and spent + projected > limit:
                return Refusal(name, limit, spent, projected)
        return None


def _tokens(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens
