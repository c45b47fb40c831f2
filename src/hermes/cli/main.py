"""The `hermes` command.

What an answer does not need is not imported: `--version` loads nothing but this file.
"""

import sys

from hermes import __version__


def main() -> None:
    """Console entry point. Ends the process with the exit code of what was asked."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"], ["version"]):
        sys.stdout.write(f"hermes {__version__}\n")
        return
    from hermes.cli.entry import run

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
