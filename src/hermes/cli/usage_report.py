"""`--usage-file`: what a one-shot has used and how it ended, as JSON that always has every field."""

from pathlib import Path
from typing import Any

import click
import msgspec

from hermes.cli.errors import Refused
from hermes.home.files import write_atomic
from hermes.store.records import Run, Usage

COST_SOURCES = {"actual": "provider_api", "estimated": "docs_snapshot", "included": "none", "unknown": "none"}
"""Where a cost of this status comes from."""


class Outcome(msgspec.Struct):
    """What is known about a one-shot so far; filled in as it goes."""

    model: str | None = None
    provider: str | None = None
    session_id: str | None = None
    run: Run | None = None
    failure: str | None = None


def report(outcome: Outcome) -> dict[str, Any]:
    """The report's fields. Unknown ones are null, never absent."""
    run = outcome.run
    usage = run.usage if run is not None else Usage()
    completed = run is not None and run.status == "completed"
    failure = outcome.failure or (run.error or run.reason if run is not None and not completed else None)
    return {
        "estimated_cost_usd": usage.cost_usd,
        "cost_status": usage.cost_status,
        "cost_source": COST_SOURCES[usage.cost_status],
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "api_calls": usage.model_calls,
        "model": outcome.model,
        "provider": outcome.provider,
        "session_id": outcome.session_id,
        "completed": completed,
        "failed": not completed,
        "service_tier": None,
        "failure": None if completed else failure or "It ended before a run began.",
    }


def need_writable(file: Path) -> None:
    """Raise UsageError when the report could not be written, before there is anything to report."""
    from tempfile import TemporaryFile

    try:
        if file.exists() and not file.is_file():
            file.open("ab").close()
        else:
            TemporaryFile(dir=file.absolute().parent).close()
    except OSError as error:
        raise click.UsageError(f"The usage report cannot be written to {file}: {error.strerror}.") from error


def write_report(file: Path, outcome: Outcome) -> None:
    """Write the report. A device or pipe is written to, a file is replaced whole."""
    text = msgspec.json.format(msgspec.json.encode(report(outcome)), indent=2) + b"\n"
    if file.exists() and not file.is_file():
        try:
            file.write_bytes(text)
        except OSError as error:
            raise Refused(f"The usage report cannot be written to {file}: {error.strerror}.") from error
        return
    write_atomic(file.absolute(), text)
