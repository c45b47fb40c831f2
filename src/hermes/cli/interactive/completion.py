"""Tab completion: slash commands and what they take, files, and @-references to files."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from hermes.cli.interactive.slash.settings import BUSY_MODES, EFFORTS, PROGRESS
from hermes.cli.interactive.slash.table import BY_NAME, COMMANDS

MOST_FILES = 200
ON_OFF = ("on", "off")

Words = Callable[[], Sequence[tuple[str, str]]]
"""Words that can stand somewhere, each with what it is."""


class ChatCompleter(Completer):
    """Completes what is typed in the chat. `words` are what changes while it runs: session ids, and so on."""

    def __init__(self, cwd: Callable[[], str], words: Mapping[str, Words]) -> None:
        self._cwd = cwd
        self._words = words

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """What could stand before the cursor."""
        text = document.text_before_cursor
        if text.startswith("/") and "\n" not in text:
            name, space, rest = text[1:].partition(" ")
            if not space and "/" not in name:
                yield from self._commands(name)
                return
            if name.lower() in BY_NAME:
                yield from self._arguments(BY_NAME[name.lower()].name, rest)
                return
        if complete_event.completion_requested:
            yield from self._files(text.replace("\n", " ").rpartition(" ")[2])

    def _commands(self, prefix: str) -> Iterable[Completion]:
        names = [(command.name, command.help) for command in COMMANDS]
        names += [
            (alias, f"same as /{command.name}")
            for command in COMMANDS
            for alias in command.aliases
            if prefix and alias.startswith(prefix.lower())
        ]
        names += self._words["quick"]()
        for name, meaning in names:
            if name.startswith(prefix.lower()):
                yield Completion(f"/{name}", -len(prefix) - 1, display=f"/{name}", display_meta=meaning)

    def _arguments(self, command: str, typed: str) -> Iterable[Completion]:
        fixed: dict[str, tuple[str, ...]] = {
            "busy": BUSY_MODES,
            "verbose": PROGRESS,
            "reasoning": (*EFFORTS, "show", "hide"),
            "statusbar": ON_OFF,
            "timestamps": ON_OFF,
            "yolo": ON_OFF,
            "quit": ("--delete",),
        }
        if command == "save":
            yield from self._files(typed)
            return
        words = [(word, "") for word in fixed.get(command, ())] or list(self._words.get(command, tuple)())
        for word, meaning in words:
            if typed.lower() in word.lower() or typed.lower() in meaning.lower():
                yield Completion(word, -len(typed), display=word, display_meta=meaning)

    def _files(self, word: str) -> Iterable[Completion]:
        reference = word.startswith("@")
        path = word.removeprefix("@file:").removeprefix("@folder:").removeprefix("@")
        if not reference and not path.startswith(("/", "~", ".")) and "/" not in path:
            return
        folder, _, start = path.rpartition("/")
        root = Path(self._cwd()) / Path(f"{folder}/" if folder or path.startswith("/") else ".").expanduser()
        try:
            entries = sorted(root.iterdir(), key=lambda entry: (not entry.is_dir(), entry.name.lower()))
        except OSError:
            return
        found = [
            entry
            for entry in entries
            if entry.name.startswith(start) and (start.startswith(".") or not entry.name.startswith("."))
        ]
        for entry in found[:MOST_FILES]:
            name = f"{entry.name}/" if entry.is_dir() else entry.name
            meta = "folder" if entry.is_dir() else ""
            if reference:
                yield Completion(_reference(path, start, name), -len(word), display=name, display_meta=meta)
            else:
                yield Completion(name, -len(start), display=name, display_meta=meta)


def _reference(path: str, start: str, name: str) -> str:
    """`name` as it is referred to, quoted where a space would end it."""
    kind, value = "folder" if name.endswith("/") else "file", path[: len(path) - len(start)] + name
    return f"@{kind}:{value}" if not any(letter in value for letter in " \t\"'`") else f'@{kind}:"{value}"'
