"""How a session's state outlives its commands.

Each command is a fresh shell. It sources the session's state file (variables, functions, aliases, shell
options), evaluates the command, and on its way out, also by `exit` or a failure, writes the state to a
new file that is put in place only when it is whole. The directory is handed back with it and is set
before the next shell starts. With bash everything persists except the options of `set`; another shell
keeps exported variables only.

The scripts here are one line each, so that the line numbers in error messages are those of the command.
"""

import os
import shlex
from collections.abc import Collection, Sequence

COMMAND_VARIABLE = "__hermes_command"
LONGEST_COMMAND = 120_000
"""Bytes; the kernel's limit for one string is 131,072."""

_TRANSIENT = (
    "_|BASH|BASHOPTS|BASHPID|BASH_[!E]*|COMP_*|DIRSTACK|EPOCH*|EUID|FUNCNAME|GROUPS|HISTCMD|LINENO|PIPESTATUS"
    "|PPID|PWD|RANDOM|SECONDS|SHELLOPTS|SHLVL|SRANDOM|UID|__hermes_*"
)
"""Names that the shell makes anew, or that can't be set."""
_END = r"""printf 'return 0\n%s\n#end' "$PWD" """

# Functions come before aliases: an alias would change the text of a function that is read after it.
_SAVE_BASH = (
    "{ set +efuxv; } 2>/dev/null; "
    "{ shopt -p; declare -p IFS; IFS=$' \\t\\n'; __hermes_names=(); "
    f"for __hermes_name in $(compgen -v); do case $__hermes_name in IFS|{_TRANSIENT}) ;; "
    "*) __hermes_names+=($__hermes_name);; esac; done; "
    'declare -p "${__hermes_names[@]}"; declare -f; declare -Fx; umask -p; alias -p; '
    f"{_END}; }} >|@FILE@ 2>/dev/null"
)
_SAVE_SH = f"set +efuxv; {{ export -p; umask | sed s/^/umask\\ /; {_END}; }} >|@FILE@ 2>/dev/null"

_ONLY_EXPORTED = (
    "[There is no bash here: only exported variables and the directory persist between commands.]"
)


class ShellState:
    """The scripts for one session's shells."""

    def __init__(self, shell: str, file: str, init_files: Sequence[str], withheld: Collection[str]) -> None:
        self.shell = shell
        self.file = file
        self.new_file = f"{file}.new"
        self._bash = shell.endswith("bash")
        self._init_files = init_files
        self._withheld = sorted(withheld)

    def arguments(self, *, first: bool, save: bool) -> list[str]:
        """The shell's command line. It evaluates the text in COMMAND_VARIABLE."""
        steps = [f"__hermes_c=${COMMAND_VARIABLE}; unset {COMMAND_VARIABLE}"]
        if first:
            steps += self._initial()
        steps.append(f"[ ! -s {shlex.quote(self.file)} ] || . {shlex.quote(self.file)} 2>/dev/null")
        if save:
            steps.append(f"trap {shlex.quote(self._save(self.new_file))} EXIT")
        steps.append('eval "$__hermes_c"')
        options = ["--norc", "--noprofile"] if self._bash else []
        return [self.shell, *options, "-c", "; ".join(steps), os.path.basename(self.shell)]

    def _save(self, file: str) -> str:
        return (_SAVE_BASH if self._bash else _SAVE_SH).replace("@FILE@", shlex.quote(file))

    def _initial(self) -> list[str]:
        """Source the person's start files in a subshell (they may `exit`), and keep what they leave
        behind."""
        if not self._bash:
            return [f"echo {shlex.quote(_ONLY_EXPORTED)}"]
        sources = [f"if [ -r {name} ]; then . {name}; fi" for name in map(_home_path, self._init_files)]
        if not sources:
            return ["shopt -s expand_aliases"]
        forget = f"unset {' '.join(self._withheld)}; " if self._withheld else ""
        save = f"{forget}shopt -s expand_aliases; {self._save(self.file)}"
        return [f"( trap {shlex.quote(save)} EXIT; {'; '.join(sources)} ) </dev/null >/dev/null 2>&1"]


def _home_path(path: str) -> str:
    return f'"$HOME"/{shlex.quote(path[2:])}' if path.startswith("~/") else shlex.quote(path)
