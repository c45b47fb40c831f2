"""`-p NAME` anywhere on the command line, taken out before the rest is parsed.

The rule: words are read from the left until a bare `--`. `-p NAME`, `--profile NAME` and `--profile=NAME`
are taken out wherever they stand, except where the word is the text of another option: what follows `-q`,
`-z` and the others in `TEXT_OPTIONS` belongs to that option, whatever it looks like. To pass `-p` to
something else, write it after `--`.
"""

import re
from collections.abc import Sequence

from hermes.home.errors import HomeError

TEXT_OPTIONS = frozenset(
    {"-z", "--oneshot", "-q", "--query", "--description", "--usage-file", "--image", "--title", "--source"}
)
"""Options whose next word is free text."""
_CLUSTER = re.compile(r"-[A-Za-z]+[qz]")
"""Short options written together, the last of which takes text: `-Qq TEXT`."""


def split_profile_argument(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """The name given by `-p` or `--profile`, if any, and the words without it. The last one counts.

    Raises HomeError when the name is missing.
    """
    name: str | None = None
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in ("-p", "--profile"):
            name = _checked(next(words, None), word)
        elif word.startswith("--profile="):
            name = _checked(word.removeprefix("--profile="), "--profile=")
        else:
            rest.append(word)
            if word in TEXT_OPTIONS or _CLUSTER.fullmatch(word):
                rest += [text for text in [next(words, None)] if text is not None]
    return name, rest


def _checked(name: str | None, option: str) -> str:
    if not name or name.startswith("-"):
        raise HomeError(f"{option} needs the name of a profile, as in: hermes -p NAME")
    return name
