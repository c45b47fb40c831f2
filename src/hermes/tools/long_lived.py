"""Commands that would never come back by themselves: they belong in the background."""

import re
from itertools import pairwise

from hermes.tools.command_nesting import all_calls, program
from hermes.tools.invocation import Invocation
from hermes.tools.shell_syntax import invocations
from hermes.tools.shell_words import TooComplexError

_DETACHERS = frozenset({"nohup", "setsid", "disown", "daemonize"})
_SERVERS = frozenset(
    {
        "vite",
        "nodemon",
        "uvicorn",
        "gunicorn",
        "hypercorn",
        "daphne",
        "waitress-serve",
        "http-server",
        "live-server",
    }
    | {
        "json-server",
        "webpack-dev-server",
        "jupyter-lab",
        "jupyter-notebook",
        "streamlit",
        "caddy",
        "ngrok",
        "watch",
    }
)
# Program -> a pattern on its arguments
_SUBCOMMANDS = {
    **{
        name: re.compile(r"(?:run(?:-script)? )?(?:dev|start|serve|watch|preview)(?:[ :]|$)")
        for name in ("npm", "pnpm", "yarn", "bun")
    },
    "next": re.compile(r"(?:dev|start)\b"),
    "ng": re.compile(r"serve\b"),
    "flask": re.compile(r".*\brun\b"),
    "rails": re.compile(r"(?:s|server)\b"),
    "php": re.compile(r".*-S\b"),
    "tail": re.compile(r".*-(?:[a-zA-Z]*[fF]\b|-follow)"),
    "journalctl": re.compile(r".*-(?:[a-z]*f\b|-follow)"),
    "jupyter": re.compile(r"(?:lab|notebook|server)\b"),
    "tsc": re.compile(r".*(?:-w\b|--watch)"),
    "webpack": re.compile(r"serve\b|.*--watch"),
    "hugo": re.compile(r"(?:server|serve)\b"),
    "mkdocs": re.compile(r"serve\b"),
    "kubectl": re.compile(r"port-forward\b|logs .*-f\b"),
    **{
        name: re.compile(r".*\b(?:http\.server|runserver|flask run|uvicorn|gunicorn|streamlit)\b")
        for name in ("python", "python3")
    },
}
_COMPOSE_UP = re.compile(r"(?:compose )?(?:.* )?up\b(?!.*(?:-d\b|--detach|--wait))")
_HARMLESS = frozenset({"--help", "-h", "--version", "-V"})


def why_background(command: str) -> str | None:
    """Why this command is refused in the foreground, with advice; None when it may run there."""
    advice = "Use background=true, then process(action='poll') or process(action='log')."
    try:
        calls, every_call = invocations(command), all_calls(command)
    except TooComplexError:
        return None  # approvals refuse it
    detached = next((program(call) for call in calls if program(call) in _DETACHERS), None)
    if detached:
        return f"'{detached}' detaches the command from this call. {advice}"
    if calls and calls[-1].background and "&&" not in command and len(calls) == 1:
        return f"A trailing '&' leaves the command running behind this call. {advice}"
    for before, call in pairwise([None, *every_call]):
        limited = before is not None and program(before) == "timeout"
        if call is not None and not limited and not call.background and _stays(call):
            return f"'{' '.join(call.words[:3])}' does not end by itself. {advice}"
    return None


def _stays(call: Invocation) -> bool:
    name, arguments = program(call), " ".join(call.words[1:])
    if _HARMLESS & set(call.words[1:]):
        return False
    if name in _SERVERS:
        return True
    if name in ("docker", "docker-compose", "podman") and "up" in call.words:
        return bool(_COMPOSE_UP.match(arguments))
    pattern = _SUBCOMMANDS.get(name)
    return bool(pattern and pattern.match(arguments))
