"""The floor: twelve things that no approval, no switch and no allowlist lets a command do."""

import re
from collections.abc import Callable

from hermes.tools.command_nesting import INTERPRETERS, inline_code, program
from hermes.tools.command_targets import has_option, operands, removed_paths, written_paths
from hermes.tools.invocation import Invocation

_SYSTEM = (
    "bin|boot|dev|etc|home|lib|lib32|lib64|libx32|opt|proc|root|run|sbin|sys|usr|var|srv"
    "|Users|System|Library|Applications|private|Volumes"
)
_CONTENTS = r"(?:/(?:\*|\.\*|\.\[!\.\]\*|\?\*|\*\*))*"
_ROOT = re.compile(rf"/|{_CONTENTS}")
_SYSTEM_FOLDER = re.compile(rf"/(?:{_SYSTEM}){_CONTENTS}")
_HOME = re.compile(rf"(?:~|/(?:home|Users)/[^/]+){_CONTENTS}")
_RAW_DISK = re.compile(
    r"/dev/(?:sd[a-z]|hd[a-z]|vd[a-z]|xvd[a-z]|nvme\d|mmcblk\d|disk\d|rdisk\d|md\d|dm-\d|mapper/|nbd\d|zd\d)\S*"
)
_ENDLESS_FORK = re.compile(
    r"fork\s*\(?\)?\s*(?:while|until|for\b)|while\b[^\n]*\bfork\b|for\s*\(\s*;\s*;\s*\)[^\n]*fork"
)
_WRITES_DISK = frozenset(
    {"tee", "dd", "cp", "mv", "shred", "wipefs", "badblocks", "sgdisk", "blkdiscard", "truncate"}
)
_POWER = frozenset({"shutdown", "reboot", "halt", "poweroff"})
_SYSTEMD_POWER = frozenset({"poweroff", "reboot", "halt", "kexec", "soft-reboot", "emergency", "rescue"})


def removes_recursively(call: Invocation) -> bool:
    """Whether it removes whole trees at the places that `removed_places` names."""
    name = program(call)
    if name == "rm" or (name.startswith("$") and _looks_like_rm(call)):
        return has_option(call, "rR", "--recursive")
    if name == "find":
        return "-delete" in call.words or any(word in ("rm", "unlink", "shred") for word in call.words)
    if name == "rsync":
        return any(word.startswith("--delete") for word in call.words)
    return name in ("rimraf", "trash", "srm") or (name == "shred" and has_option(call, "", "--remove"))


def _looks_like_rm(call: Invocation) -> bool:
    """A program whose name can't be known, called as `rm` is: `$X -rf /`."""
    return any(re.fullmatch(r"-[rRf]*[rR][rRf]*", word) for word in call.words[1:])


def removed_places(call: Invocation) -> list[str]:
    places = removed_paths(call)
    if program(call) == "find":
        searched = []
        for word, place in zip(operands(call), places, strict=False):
            if word not in call.words[1 : _first_test(call)]:
                break
            searched.append(place)
        return searched
    return places[-1:] if program(call) == "rsync" else places


def _first_test(call: Invocation) -> int:
    """Where the tests of a `find` start: `-maxdepth`, `(`, `!`."""
    tests = [index for index, word in enumerate(call.words) if index and word[:1] in ("-", "(", "!")]
    return tests[0] if tests else len(call.words)


def _narrowed(call: Invocation) -> bool:
    """A `find` that picks by name removes what it picks, not the tree."""
    return program(call) == "find" and any(
        word
        in ("-name", "-iname", "-path", "-mtime", "-size", "-empty", "-regex", "-user", "-mmin", "-newer")
        for word in call.words
    )


def _removes(pattern: re.Pattern[str]) -> Callable[[Invocation], bool]:
    def test(call: Invocation) -> bool:
        if not removes_recursively(call) or _narrowed(call):
            return False
        return any(pattern.fullmatch(place) for place in removed_places(call))

    return test


def _removes_root(call: Invocation) -> bool:
    return _removes(_ROOT)(call) or (program(call) == "rm" and "--no-preserve-root" in call.words)


def _fork_bomb(call: Invocation) -> bool:
    """A function that starts itself in the background or in a pipe; a program that forks for ever."""
    name = call.words[0] if call.words else ""
    if name and name in call.functions:
        piped = any(stage.words[:1] == (name,) for stage in call.upstream)
        return call.background or piped
    return bool(INTERPRETERS.fullmatch(program(call))) and bool(_ENDLESS_FORK.search(inline_code(call)))


def _kills_everything(call: Invocation) -> bool:
    if program(call) == "killall5":
        return True
    if program(call) != "kill":
        return False
    words = list(call.words[1:])
    if words[:1] and re.fullmatch(r"-(?:s|n|-signal)", words[0]):
        words = words[2:]
    elif words[:1] and words[0] != "--" and len(words) > 1 and words[0].startswith("-"):
        words = words[1:]  # the signal
    return "-1" in words


def _writes_raw_disk(call: Invocation) -> bool:
    paths = [redirect.target for redirect in call.redirects if ">" in redirect.operator]
    if program(call) in _WRITES_DISK:
        paths += [word.removeprefix("of=") for word in call.words[1:] if not word.startswith("if=")]
        paths = paths if program(call) not in ("cp", "mv") else [*paths[:0], *written_paths(call)]
    return any(_RAW_DISK.fullmatch(path) for path in paths)


def _makes_file_system(call: Invocation) -> bool:
    return (
        bool(re.fullmatch(r"mkfs(\..+)?|mke2fs|newfs(_.+)?|mkswap|wipefs", program(call)))
        and len(call.words) > 1
    )


def _powers_off(call: Invocation) -> bool:
    return program(call) in _POWER and not {"--help", "--version", "-c"} & set(call.words[1:])


def _systemd_power(call: Invocation) -> bool:
    return program(call) in ("systemctl", "loginctl") and bool(_SYSTEMD_POWER & set(operands(call)[:1]))


def _changes_runlevel(call: Invocation) -> bool:
    return program(call) in ("init", "telinit") and bool({"0", "6"} & set(operands(call)[:1]))


FLOOR: tuple[tuple[str, Callable[[Invocation], bool]], ...] = (
    ("it would remove the root directory", _removes_root),
    ("it would remove a system directory", _removes(_SYSTEM_FOLDER)),
    ("it would remove a home directory", _removes(_HOME)),
    ("it would make a new file system over existing data", _makes_file_system),
    ("it would write over a disk", lambda call: program(call) == "dd" and _writes_raw_disk(call)),
    ("it would write to a raw disk device", _writes_raw_disk),
    ("it is a fork bomb", _fork_bomb),
    ("it would kill every process", _kills_everything),
    ("it would shut down or restart the machine", _powers_off),
    ("it would change the runlevel to halt or restart", _changes_runlevel),
    ("it would power off or restart the machine through systemd", _systemd_power),
    (
        "it would crash the machine through the kernel",
        lambda call: "/proc/sysrq-trigger" in written_paths(call),
    ),
)


def floor_reason(calls: list[Invocation]) -> str | None:
    """Why the floor forbids these calls, or None."""
    for call in calls:
        for reason, test in FLOOR:
            if test(call):
                return reason
    return None
