"""What a person typed becomes a run: the one place where @-references are looked up."""

from pathlib import Path

import msgspec

from hermes.agent.references import expand_references
from hermes.models.context_windows import context_window
from hermes.runs.runtime import Runtime
from hermes.store.records import Run


class Accepted(msgspec.Struct, frozen=True):
    """A durable input."""

    run: Run
    warnings: tuple[str, ...] = ()
    """For the person, one sentence each: what was not attached and why."""


async def submit_typed(runtime: Runtime, session_id: str, text: str, *, attended: bool) -> Accepted:
    """Accept what was typed. People go on seeing that; the model is sent it with what is attached."""
    expanded = await expand_references(
        text,
        cwd=Path(runtime.sandbox.cwd(session_id)),
        profile=runtime.profile,
        window=context_window(runtime.model.endpoint),
        secrets=runtime.secrets if runtime.settings.security.redact_secrets else None,
    )
    wire_content = expanded.text if expanded.attached else None
    run = await runtime.submit(session_id, text, attended=attended, wire_content=wire_content)
    return Accepted(run, expanded.warnings)
