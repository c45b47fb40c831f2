"""`hermes chat`, `hermes -z` and bare `hermes`: which kind of conversation it becomes."""

import asyncio
import sys
from typing import Any

import click

from hermes.cli.errors import sentence_of
from hermes.cli.one_shot import Style, answer_once, read_prompt
from hermes.cli.opening import open_place, permitted
from hermes.cli.options import ChatOptions, chat_options, conversation_options, gather
from hermes.cli.root import outer
from hermes.cli.usage_report import Outcome, need_writable, write_report


@click.command("chat")
@conversation_options
@chat_options
@click.pass_context
def chat(ctx: click.Context, /, **values: Any) -> int:
    """Talk to the agent, or ask one thing with -q."""
    invocation = outer(ctx)
    options = gather(values).over(invocation.options)
    query = values.get("query")  # an empty one is a mistake, not the wish to chat
    if query is not None:
        return ask_once(invocation.profile, options, query, style="quiet" if options.quiet else "lines")
    if options.quiet:
        raise click.UsageError("-Q goes with -q; the chat itself cannot be quiet.", ctx)
    return talk(invocation.profile, options)


def ask_once(profile: str | None, options: ChatOptions, prompt: str, *, style: Style) -> int:
    """Run one input to its end and return the exit code. The usage report is written whatever happens."""
    if options.usage_file is not None:
        need_writable(options.usage_file)
    outcome = Outcome()
    try:
        text = read_prompt(prompt)
        place = open_place(profile)
        return asyncio.run(answer_once(place, permitted(place, options), text, style, outcome))
    except KeyboardInterrupt:
        outcome.failure = "interrupted"
        raise
    except click.ClickException as error:
        outcome.failure = error.format_message()
        raise
    except Exception as error:
        outcome.failure = sentence_of(error) or f"{type(error).__name__} inside"
        raise
    finally:
        if options.usage_file is not None:
            write_report(options.usage_file, outcome)


def talk(profile: str | None, options: ChatOptions) -> int:
    """The interactive chat; lines from standard input when that is not a terminal."""
    place = open_place(profile)
    full = (
        sys.stdin.isatty() and sys.stdout.isatty() and place.environment.get("TERM", "") not in ("", "dumb")
    )
    if full:
        from hermes.cli.interactive.start import converse

        return asyncio.run(converse(place, permitted(place, options)))
    from hermes.cli.interactive.plain import converse_in_lines

    return asyncio.run(converse_in_lines(place, permitted(place, options)))
