"""What a person is told when something cannot be done: one sentence on stderr and an honest exit code."""

import os
import sys
import traceback
from pathlib import Path

import click

OK = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130


class Refused(click.ClickException):
    """A command that cannot do what was asked. The message is one sentence; the exit code is 1."""


def say(text: str) -> None:
    """A line for people, on stderr. Nobody may be there to read it."""
    if sys.stderr is not None:
        click.echo(text, err=True)


def complain(sentence: str) -> None:
    """One sentence about what went wrong, on stderr."""
    say(f"hermes: {sentence}")


def complain_about_usage(error: click.UsageError) -> None:
    """How the command is used, then what was wrong with this use of it."""
    if error.ctx is not None:
        say(error.ctx.get_usage())
    message = error.format_message()
    complain(message if message.endswith((".", "?", "!")) else f"{message}.")


def sentence_of(error: Exception) -> str | None:
    """What an error says to people, or None when it is a fault of ours."""
    from hermes.home.errors import HomeError
    from hermes.models.resolve import ModelNotConfigured
    from hermes.store.database import StoreError

    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {(error.strerror or 'it failed').lower()}."
    return str(error) if isinstance(error, HomeError | ModelNotConfigured | StoreError) else None


def write_traceback(error: Exception, logs: Path | None) -> str:
    """Append the traceback of an unexpected error to a log, and return the sentence that names the file."""
    from hermes.home.redaction import redact

    kind = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    kind = redact(" ".join(kind.split())[:200])
    text = redact("".join(traceback.format_exception(error)))
    if logs is not None:
        file = logs / "errors.log"
        try:
            logs.mkdir(mode=0o700, parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as stream:
                stream.write(text)
        except OSError as failure:
            return f"something went wrong inside ({kind}), and {file} cannot be written: {failure.strerror}."
        return f"something went wrong inside ({kind}). The details are in {file}."
    return f"something went wrong inside ({kind})."


class OutputFailed(Exception):
    """What was to be printed could not be written; the message is one sentence."""


def put_out(text: str = "") -> None:
    """Write to stdout, at once. Raises OutputFailed, or BrokenPipeError when nobody reads."""
    if sys.stdout is None:
        raise OutputFailed("standard output is closed; give it a place for the answer.")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(f"the result could not be written: {error.strerror}.") from error


def silence_stdout() -> None:
    """Nobody reads stdout any more: keep the interpreter from complaining about it at exit."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
