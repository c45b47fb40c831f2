"""What a call acts on: its options, its targets, and the files it would write or remove."""

import posixpath
import re

from hermes.tools.command_nesting import INTERPRETERS, inline_code, program
from hermes.tools.invocation import Invocation, resolved

_WRITING = frozenset({">", ">>", ">|", "&>", "&>>", "<>", ">&"})
_COPIES = frozenset({"cp", "mv", "install", "ln", "rsync", "scp"})
_EVERY_OPERAND = frozenset(
    "tee truncate rm unlink shred touch chattr sponge rmdir trash patch ed ex".split()  # noqa: SIM905
)
_INTO_FOLDER = {"cp": "-t", "mv": "-t", "install": "-t", "ln": "-t", "tar": "-C", "unzip": "-d"}
"""Option by which a program is told the folder that it writes into."""
_QUOTED = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"|`([^`\n]*)`")
_BETWEEN_MARKS = re.compile(r"[\s'\"`,;()\[\]{}<>|=+]+")
_AWK = re.compile(r"[gmn]?awk")
_IN_PLACE = re.compile(r"-[a-zA-Z]*i.*|--in-place.*")


def short_flags(call: Invocation) -> set[str]:
    """Letters of the clustered options before `--`."""
    letters: set[str] = set()
    for word in call.words[1:]:
        if word == "--":
            break
        if re.fullmatch(r"-[A-Za-z0-9]+", word):
            letters |= set(word[1:])
    return letters


def has_option(call: Invocation, letters: str, *names: str) -> bool:
    """Whether one of the short options or of the long ones (also shortened, or with a value) is given."""
    if short_flags(call) & set(letters):
        return True
    given = [word.partition("=")[0] for word in call.words[1:] if word.startswith("--") and len(word) > 3]
    return any(name.startswith(word) for name in names for word in given)


def operands(call: Invocation) -> list[str]:
    """Arguments that are not options."""
    if "--" in call.words:
        split = call.words.index("--")
        before = [word for word in call.words[1:split] if not word.startswith("-")]
        return [*before, *call.words[split + 1 :]]
    return [word for word in call.words[1:] if not (word.startswith("-") and len(word) > 1)]


def removed_paths(call: Invocation) -> list[str]:
    """What a recursive removal removes, made absolute where that can be told."""
    return [resolved(word, call.directory) or word for word in operands(call)]


def written_paths(call: Invocation) -> list[str]:
    """Files that the call would write, replace or remove, made absolute where that can be told."""
    found = [redirect.target for redirect in call.redirects if redirect.operator in _WRITING]
    name, targets = program(call), operands(call)
    if name in _EVERY_OPERAND:
        found += targets
    elif name in _COPIES and targets:
        found.append(targets[-1])
        found += [posixpath.join(targets[-1], posixpath.basename(source)) for source in targets[:-1]]
        found += [word.partition("=")[2] for word in call.words if word.startswith("--target-directory=")]
        found += targets[:-1] if name in ("mv", "ln") else []  # what it is linked to is written by its name
        found += [posixpath.basename(targets[0])] if name == "ln" and len(targets) == 1 else []
    elif name in ("chmod", "chown", "chgrp", "setfacl"):
        found += targets[1:]
    elif name in ("sed", "perl", "ruby", "gawk") and any(_IN_PLACE.fullmatch(word) for word in call.words):
        found += targets
    elif name == "dd":
        found += [word[3:] for word in call.words if word.startswith("of=")]
    elif name in ("curl", "wget", "sort", "gcc", "cc"):
        options = ("-o", "--output", "-O", "--output-document")
        pairs = zip(call.words, call.words[1:], strict=False)
        found += [value for option, value in pairs if option in options]
    if name in _INTO_FOLDER:
        pairs = zip(call.words, call.words[1:], strict=False)
        found += [value for option, value in pairs if option == _INTO_FOLDER[name]]
    return [resolved(path, call.directory) or path for path in found]


def named_paths(call: Invocation) -> list[str]:
    """What might be a path in the program text that an interpreter is given, made absolute where that can
    be told."""
    if _AWK.fullmatch(program(call)):
        code = " ".join(operands(call)[:1])
    else:
        code = inline_code(call) if INTERPRETERS.fullmatch(program(call)) else ""
    names = {"".join(groups) for groups in _QUOTED.findall(code)} | set(_BETWEEN_MARKS.split(code))
    return [resolved(name, call.directory) or name for name in sorted(names) if name]
