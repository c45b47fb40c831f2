"""Commands inside commands: `sudo`, `env`, `xargs` and their like taken off, and the scripts found that
shells, `eval`, interpreters and pipes would run."""

import base64
import binascii
import posixpath
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from hermes.tools.invocation import Invocation, is_plain_print
from hermes.tools.shell_syntax import invocations
from hermes.tools.shell_words import Effort, TooComplexError, unescaped

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "csh", "tcsh", "rbash"})
INTERPRETERS = re.compile(r"(?:python|pypy|perl|ruby|node|nodejs|deno|bun|php|lua|tclsh)[\d.]*")
_READS_SCRIPT = SHELLS | {"at", "batch"}
_DEEPEST = 8

# Program -> (options that take a value, how many words stand before the command)
_WRAPPERS: dict[str, tuple[frozenset[str], int]] = {
    name: (frozenset(options.split()), words)
    for name, options, words in (
        ("sudo", "-u -g -h -p -C -r -t -T -U -D -R --user --group --host --prompt --chdir --chroot", 0),
        ("doas", "-u -C", 0),
        ("env", "-u -C -S --unset --chdir", 0),
        ("nohup", "", 0),
        ("setsid", "", 0),
        ("nice", "-n --adjustment", 0),
        ("ionice", "-c -n -p --class --classdata", 0),
        ("chrt", "-T -P -D", 1),
        ("taskset", "", 1),
        ("timeout", "-k -s --kill-after --signal", 1),
        ("time", "-f -o", 0),
        ("stdbuf", "-i -o -e", 0),
        ("command", "", 0),
        ("builtin", "", 0),
        ("exec", "-a", 0),
        ("busybox", "", 0),
        ("toybox", "", 0),
        ("xargs", "-I -n -P -L -s -d -E -a --max-args --max-procs --replace --delimiter --arg-file", 0),
        ("parallel", "-j --jobs", 0),
        ("watch", "-n --interval", 0),
        ("strace", "-o -e -p -s", 0),
        ("chroot", "", 1),
        ("unshare", "", 0),
        ("nsenter", "-t", 0),
        ("flock", "-w -E", 1),
        ("systemd-run", "-p --unit", 0),
        ("caffeinate", "-t -w", 0),
    )
}
_HIDDEN_NAMES = (
    "rm",
    "dd",
    "mkfs",
    "shutdown",
    "reboot",
    "poweroff",
    "halt",
    "kill",
    "bash",
    "sh",
    "chmod",
    "chown",
)
_RUNS_SHELL = re.compile(
    r"system|popen|subprocess|exec|spawn|getoutput|rmtree|rmSync|unlink|rm_rf|remove_dir|qx|`", re.IGNORECASE
)
_CODE_FOLLOWS = re.compile(r"-[A-Za-z]*[ceErp]|--eval|--print|eval")
_CODE_ATTACHED = re.compile(r"-[ceEr]|--(?:eval|print)=")
_LITERAL = re.compile(r"'((?:[^'\\\n]|\\.)*)'|\"((?:[^\"\\\n]|\\.)*)\"|`([^`]*)`")
_WHOLE_TREE = re.compile(r"rmtree|rmSync|rm_rf|rm_r\b|remove_dir_all")


def program(call: Invocation) -> str:
    """The program's name without its directory; empty for a redirect that stands alone."""
    if not call.words:
        return ""
    name = posixpath.basename(call.words[0])
    if any(mark in name for mark in "*?["):
        return next((hidden for hidden in _HIDDEN_NAMES if fnmatchcase(hidden, name)), name)
    return name


def all_calls(
    command: str, directory: str | None = None, variables: Mapping[str, str] | None = None
) -> list[Invocation]:
    """Every call that the command line might make, nested ones included; wrappers come before what they
    wrap. `variables` are known from outside. Raises TooComplexError."""
    return list(_unfolded(command, directory, variables or {}, Effort(), 0))


def _unfolded(
    script: str, directory: str | None, variables: Mapping[str, str], effort: Effort, depth: int
) -> Iterator[Invocation]:
    effort.spend(calls=1, characters=len(script))
    for call in invocations(script, directory, effort, variables):
        yield from _unwrapped(call, variables, effort, depth)


def _unwrapped(
    call: Invocation, variables: Mapping[str, str], effort: Effort, depth: int
) -> Iterator[Invocation]:
    yield call
    if depth > _DEEPEST:
        raise TooComplexError
    for words in _wrapped(call):
        if words:
            inside = Invocation(
                words=words,
                upstream=call.upstream,
                inner=call.inner,
                stdin_text=call.stdin_text,
                background=call.background,
                functions=call.functions,
                directory=call.directory,
            )
            yield from _unwrapped(inside, variables, effort, depth + 1)
    for script in _scripts(call):
        yield from _unfolded(script, call.directory, variables, effort, depth + 1)


def _wrapped(call: Invocation) -> Iterator[tuple[str, ...]]:
    """The command lines that a wrapper would run as they stand."""
    name = program(call)
    if name == "find":
        yield from _found_commands(call.words)
        return
    if name not in _WRAPPERS:
        return
    words = list(call.words[1:])
    if name == "command" and words and words[0] in ("-v", "-V"):
        return
    options, skipped = _WRAPPERS[name]
    while words:
        word = words[0]
        if name == "env" and word in ("-S", "--split-string") and len(words) > 1:
            words = [*words[1].split(), *words[2:]]
        elif word == "--":
            words = words[1:]
            break
        elif word.startswith("-") and len(word) > 1:
            words = words[2:] if word in options else words[1:]
        elif re.match(r"[A-Za-z_]\w*=", word):
            words = words[1:]
        else:
            break
    words = words[skipped:]
    if name == "flock" and words[:1] == ["-c"]:
        words = ["sh", *words]
    yield tuple(words)


def _found_commands(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What `find ... -exec` runs, with the places that are searched in the place of `{}`."""
    places = []
    for word in words[1:]:
        if word.startswith(("-", "(", "!")):
            break
        places.append(word)
    for index, word in enumerate(words):
        if word in ("-exec", "-execdir", "-ok", "-okdir"):
            inside: list[str] = []
            for argument in words[index + 1 :]:
                if argument in (";", "+"):
                    break
                inside += places if argument == "{}" else [argument]
            yield tuple(inside)


def _scripts(call: Invocation) -> Iterator[str]:
    """Texts that the call would run as shell scripts."""
    name, arguments = program(call), call.words[1:]
    if name in _READS_SCRIPT:
        script = _script_argument(arguments)
        if script is not None:
            yield script
        else:
            yield from filter(None, (call.stdin_text, piped_text(call)))
    elif name == "eval":
        yield " ".join(arguments)
    elif name in ("su", "runuser", "script") and (script := _script_argument(arguments)) is not None:
        yield script
    elif name == "trap" and arguments:
        yield arguments[0]
    elif name == "alias":
        yield from (word.partition("=")[2] for word in arguments if "=" in word)
    elif name == "ssh":
        yield " ".join(_remote_words(arguments))
    elif INTERPRETERS.fullmatch(name):
        yield from _scripts_in_code(inline_code(call))


def _script_argument(arguments: tuple[str, ...]) -> str | None:
    """The text after `-c`, also in a cluster such as `-lc`."""
    for index, word in enumerate(arguments[:-1]):
        if re.fullmatch(r"-[a-zA-Z]*c[a-zA-Z]*|--command", word):
            return arguments[index + 1]
    return None


def _remote_words(arguments: tuple[str, ...]) -> list[str]:
    words = list(arguments)
    while words and words[0].startswith("-"):
        words = words[2:] if re.fullmatch(r"-[bcDeFiIJlLmoOpQRSwW]", words[0]) else words[1:]
    return words[1:]


def inline_code(call: Invocation) -> str:
    """The program text given to an interpreter on its command line or its stdin."""
    for index, word in enumerate(call.words[1:], 1):
        if _CODE_FOLLOWS.fullmatch(word) and index + 1 < len(call.words):
            return call.words[index + 1]
        if (attached := _CODE_ATTACHED.match(word)) and not _CODE_FOLLOWS.fullmatch(word):
            return word[attached.end() :]
    has_file = any(not word.startswith("-") for word in call.words[1:])
    return "" if has_file else call.stdin_text or piped_text(call) or ""


def _scripts_in_code(code: str) -> Iterator[str]:
    """Strings in the code that might be handed to a shell, when it has something that runs or removes."""
    if not _RUNS_SHELL.search(code):
        return
    literals = [unescaped(next(filter(None, match.groups()), "")) for match in _LITERAL.finditer(code)]
    yield from literals
    yield " ".join(literals)
    if _WHOLE_TREE.search(code):
        yield from (f"rm -r '{literal}'" for literal in literals)


def piped_text(call: Invocation) -> str | None:
    """What a pipeline of plain printing and decoding would write into the call's stdin, where that can be
    told."""
    text: str | None = None
    for stage in call.upstream:
        name, arguments = program(stage), stage.words[1:]
        if is_plain_print(stage):
            printed = " ".join(word for word in arguments if not re.fullmatch(r"-[neE]+", word))
            printed = printed.replace("%s", "").replace("%b", "") if name == "printf" else printed
            text = (f"{text}\n" if text else "") + unescaped(printed)
        elif stage.stdin_text is not None and name in ("cat", "tee"):
            text = stage.stdin_text
        elif name in ("base64", "openssl", "xxd"):
            source = text if text is not None else stage.stdin_text
            text = None if source is None else _decoded(name, arguments, source)
        elif name == "rev" and text is not None:
            text = text[::-1]
        elif name not in ("cat", "tee"):
            text = None
    return text


def _decoded(name: str, arguments: tuple[str, ...], text: str) -> str | None:
    compact = "".join(text.split())
    try:
        if name == "xxd":
            return bytes.fromhex(compact).decode("utf-8", "replace") if "-r" in arguments else None
        if name == "base64" and not {"-d", "-D", "--decode", "-di"} & set(arguments):
            return None
        return base64.b64decode(compact + "=" * (-len(compact) % 4)).decode("utf-8", "replace")
    except (ValueError, binascii.Error):
        return None
