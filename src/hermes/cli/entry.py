"""One run of the command line: pick the profile, find the command, turn every outcome into an exit code."""

from collections.abc import Sequence
from pathlib import Path

import click

from hermes.cli import errors
from hermes.home.environment import process_environment
from hermes.home.errors import HomeError


def run(arguments: Sequence[str]) -> int:
    """Do what `arguments` ask and return the exit code. Nothing escapes but the exit itself."""
    try:
        return _dispatch(arguments)
    except click.UsageError as error:
        errors.complain_about_usage(error)
        return errors.USAGE
    except click.ClickException as error:
        errors.complain(error.format_message())
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        errors.say("")
        return errors.INTERRUPTED
    except BrokenPipeError:
        errors.silence_stdout()
        return errors.FAILED
    except errors.OutputFailed as failure:
        errors.silence_stdout()
        errors.complain(str(failure))
        return errors.FAILED
    except Exception as error:  # noqa: BLE001 - the border: a person gets a sentence, the log gets the rest
        errors.complain(errors.sentence_of(error) or errors.write_traceback(error, _logs()))
        return errors.FAILED


def _dispatch(arguments: Sequence[str]) -> int:
    from hermes.cli.root import root
    from hermes.home.profiles import split_profile_argument

    name, rest = split_profile_argument(arguments)
    result = root.main(args=list(rest), prog_name="hermes", standalone_mode=False, obj=name)
    errors.put_out()
    return result if isinstance(result, int) else errors.OK


def _logs() -> Path | None:
    from hermes.home.profiles import root_home

    try:
        return root_home(process_environment()) / "logs"
    except HomeError:
        return None
