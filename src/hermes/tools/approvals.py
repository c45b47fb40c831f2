"""Whether a command may run: the one place that decides, for every tool that runs commands.

In this order: the hard floor (nothing lifts it), `approvals.deny` (nothing lifts it either), the yolo
switch or mode `off`, `command_allowlist`, what was approved for the session, and then the table of
dangerous classes; a command in one of those is asked about. Nobody there to ask, or no answer in time,
means no.
"""

import asyncio
import glob
import itertools
import os
import posixpath
from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from hermes.home.errors import HomeError
from hermes.home.profile import Profile
from hermes.tools.command_nesting import all_calls
from hermes.tools.contract import ApprovalRequest, ToolContext
from hermes.tools.dangerous_commands import Assessment, Guard, assess
from hermes.tools.file_safety import denied_write
from hermes.tools.shell_syntax import invocations


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """The decision about one command."""

    allowed: bool
    reason: str = ""
    """When refused: one sentence for the model."""
    note: str = ""
    """When allowed by a person: how, for the result."""


_MOST_MATCHES = 1_000

_ALLOWED = Authorization(allowed=True)


async def authorize(
    ctx: ToolContext, command: str, *, workdir: str | None = None, tool: str = "terminal"
) -> Authorization:
    """Decide about a shell command, asking the people behind the run if it must be asked. `workdir`: where
    it would run, if not where the session is."""
    approvals = ctx.settings.approvals
    cwd = ctx.sandbox.cwd(ctx.session_id)
    variables = ctx.sandbox.variables
    found = assess(
        command,
        directory=cwd if workdir is None else await ctx.sandbox.files.resolve(workdir, cwd),
        variables={name: value for name, value in variables.items() if name != "HOME"},  # it is `~` there
        guard=trusted_paths(ctx.profile, variables.get("HOME", "~")),
    )
    if found.hard_floor is not None:
        return Authorization(
            allowed=False, reason=f"Refused: {found.hard_floor}. No approval and no setting lifts this."
        )
    denied = denying_glob(approvals.deny, command)
    if denied is not None:
        return Authorization(
            allowed=False, reason=f"Refused: the command matches '{denied}' in approvals.deny of config.yaml."
        )
    if ctx.yolo or approvals.mode == "off" or allowed_by_globs(ctx.settings.command_allowlist, command):
        return _ALLOWED
    open_reasons = _unapproved(ctx, found)
    if not open_reasons:
        return _ALLOWED
    return await _ask(ctx, command, open_reasons, tool)


def trusted_paths(profile: Profile, home: str) -> Guard:
    """Guards the assistant's own data against shell writes: configuration, secrets, hooks, other profiles,
    and the folder with all of it. `home` is what `~` stands for. Links are followed, and patterns that files
    on this machine match."""
    real = Profile(name=profile.name, home=profile.home.resolve(), root=profile.root.resolve())

    def guard(path: str) -> str | None:
        if "\0" in path:
            return None
        full = posixpath.normpath(home + path[1:] if path == "~" or path.startswith("~/") else path)
        matches = itertools.islice(glob.iglob(full), _MOST_MATCHES) if glob.has_magic(full) else ()
        for name in (full, *matches):
            why = _trusted(name, profile) or _trusted(os.path.realpath(name), real)
            if why:
                return why
        return None

    return guard


def _trusted(path: str, profile: Profile) -> str | None:
    for home in (str(profile.home), str(profile.root)):
        if path == home:
            return f"{path} is the folder of its data"
        if path.startswith(f"{home}/") and (why := denied_write(path, profile)):
            return why
    return None


def denying_glob(globs: Sequence[str], command: str) -> str | None:
    """The first glob that the command line matches, or any command in it; case does not count."""
    if not globs:
        return None
    texts = [command, *(" ".join(call.words) for call in all_calls(command))]
    return next((glob for glob in globs if any(_matches(text, glob) for text in texts)), None)


def allowed_by_globs(globs: Sequence[str], command: str) -> bool:
    """Whether the command line is listed word for word, or each command in it matches a glob.

    Each: `git *` must not allow `git status; rm -rf build`. And none that writes a file by a redirect:
    the glob speaks of the words, not of where the output goes.
    """
    if any(command.strip() == glob.strip() for glob in globs):
        return True
    calls = invocations(command) if globs else []
    return bool(calls) and all(
        not any(redirect.writes_file for redirect in call.redirects)
        and any(_matches(" ".join(call.words), glob) for glob in globs)
        for call in calls
    )


def _matches(text: str, glob: str) -> bool:
    return fnmatchcase(text.strip().casefold(), glob.strip().casefold())


def _unapproved(ctx: ToolContext, found: Assessment) -> dict[str, str]:
    approved = ctx.state.approved.union(ctx.settings.command_allowlist)
    return {rule: phrase for rule, phrase in found.reasons if rule not in approved}


async def _ask(ctx: ToolContext, command: str, reasons: dict[str, str], tool: str) -> Authorization:
    phrases = "; ".join(reasons.values())
    request = ApprovalRequest(
        tool=tool, subject=command, reasons=tuple(reasons.values()), rule_ids=tuple(reasons)
    )
    attended = ctx.people.attended
    decision = await ctx.people.approve(request, ctx.call_id)
    if decision == "deny":
        return Authorization(allowed=False, reason=_refusal(phrases, list(reasons), attended))
    if decision == "once":
        return Authorization(allowed=True, note=f"Approved once by the user ({phrases}).")
    ctx.state.approved.update(reasons)
    if decision == "always":
        problem = await asyncio.to_thread(_remember, ctx.profile, list(reasons))
        if problem:
            return Authorization(
                allowed=True, note=f"Approved for this session ({phrases}); not stored: {problem}"
            )
    lasting = "for good" if decision == "always" else "for this session"
    return Authorization(allowed=True, note=f"Approved {lasting} by the user ({phrases}).")


def _refusal(phrases: str, rules: list[str], attended: bool) -> str:
    if attended:
        return (
            f"The user did not approve this command ({phrases}). Do not try it in another form; "
            "go on without it or ask what to do."
        )
    return (
        f"This command needs approval ({phrases}) and nobody is there to give it. The user can start with "
        f"--yolo, or add {', '.join(rules)} to command_allowlist in config.yaml. Go on without it."
    )


def _remember(profile: Profile, rules: list[str]) -> str | None:
    """Add rule ids to `command_allowlist` in config.yaml. Returns what went wrong, if anything."""
    from hermes.home.config import get_key
    from hermes.home.config_edit import set_key
    from hermes.home.environment import load_environment, process_environment

    try:
        environment = load_environment(profile, process_environment())
        known = get_key(profile, environment, "command_allowlist")
        set_key(profile, environment, "command_allowlist", [*known, *(r for r in rules if r not in known)])
    except HomeError as error:
        return str(error)
    return None
