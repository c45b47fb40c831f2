"""What people type into a search, made safe for the index.

Words must all occur; `"some words"` occur in this order, `pref*` is the start of a word, `-word` (or `NOT
word`) must not occur, `one OR other` is either. Everything else is text: no input is a syntax error.
"""

import re
from functools import cache

import msgspec


class Query(msgspec.Struct, frozen=True):
    """A query as the index takes it."""

    match: str
    """In the syntax of FTS5; empty when there is nothing to look for."""
    words: tuple[str, ...]
    """What a snippet should show, in the order they were typed."""


def split_ideographs(text: str) -> str:
    """Text as it is indexed and looked for."""
    return text if text.isascii() else _ideographs().sub(r" \1 ", text)


def parse(text: str) -> Query:
    """Never raises."""
    wanted: list[list[str]] = []
    excluded: list[str] = []
    words: list[str] = []
    operator = ""
    for piece in _pieces().finditer(text.replace("\x00", " ")):
        word, phrase = piece["word"], piece["phrase"]
        if word in ("AND", "OR", "NOT") and not piece["minus"]:
            operator = word
            continue
        term = _prefix(word) if word and word.endswith("*") else _phrase(phrase if word is None else word)
        if not term:
            continue
        if piece["minus"] or operator == "NOT":
            excluded.append(term)
        else:
            words.append((phrase or word).rstrip("*"))
            if operator == "OR" and wanted:
                wanted[-1].append(term)
            else:
                wanted.append([term])
        operator = ""
    return Query(_match(wanted, excluded), tuple(words))


def _phrase(text: str) -> str:
    """In quotes, where nothing has a meaning; empty when it holds nothing that is indexed."""
    if not any(char.isalnum() for char in text):
        return ""
    return '"' + split_ideographs(text).replace('"', '""').strip() + '"'


def _prefix(text: str) -> str:
    phrase = _phrase(text.rstrip("*"))
    return phrase and phrase + "*"


def _match(wanted: list[list[str]], excluded: list[str]) -> str:
    if not wanted:
        return ""
    match = " AND ".join(f"({' OR '.join(group)})" for group in wanted)
    return f"({match}) NOT ({' OR '.join(excluded)})" if excluded else match


@cache
def _pieces() -> re.Pattern[str]:
    """Words and quoted phrases; a quote that is never closed reaches to the end."""
    return re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')


@cache
def _ideographs() -> re.Pattern[str]:
    """Scripts that write without spaces: each character is a word of its own, and a run of them a phrase."""
    return re.compile(
        "([\u2e80-\u2fdf\u3040-\u30ff\u3100-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
        "\uf900-\ufaff\U00020000-\U0003ffff])"
    )
