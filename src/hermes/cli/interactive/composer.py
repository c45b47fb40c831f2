"""The line being typed: history, pasted blocks that collapse, completion, the external editor."""

import re
from collections.abc import Callable
from pathlib import Path

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory

from hermes.cli.text import plural
from hermes.home.files import PRIVATE_FILE, write_atomic

COLLAPSED_LINES = 5
COLLAPSED_CHARACTERS = 2_000
HISTORY_BYTES = 1_000_000
"""Beyond this the older half of the history file is dropped at the next start."""

_PLACEHOLDER = re.compile(r"\[pasted #(\d+): [^\]]*\]")


class Composer:
    """Owns the input buffer. What is typed leaves it only by being sent, or by the person deleting it."""

    def __init__(self, history_file: Path, completer: Completer) -> None:
        prepare_history(history_file)
        self._pastes: dict[int, str] = {}
        self.buffer = Buffer(
            multiline=True,
            history=FileHistory(str(history_file)),
            completer=completer,
            complete_while_typing=Condition(lambda: self.buffer.text.startswith("/")),
            tempfile_suffix=".md",
            name="input",
        )

    def paste(self, data: str) -> None:
        """Take pasted text. A long one is shown as a placeholder and sent in full."""
        text = data.replace("\r\n", "\n").replace("\r", "\n")
        lines = text.count("\n") + 1
        if lines < COLLAPSED_LINES and len(text) < COLLAPSED_CHARACTERS:
            self.buffer.insert_text(text)
            return
        number = len(self._pastes) + 1
        self._pastes[number] = text
        what = plural(lines, "line") if lines > 1 else plural(len(text), "character")
        self.buffer.insert_text(f"[pasted #{number}: {what}]")

    def take(self) -> str:
        """The text as it is to be sent, remembered in the history; the buffer is empty afterwards."""
        shown = self.buffer.text
        text = self.expanded(shown)
        if shown.strip():
            self.buffer.append_to_history()
        self.buffer.reset()
        return text

    def expanded(self, text: str) -> str:
        """`text` with every placeholder replaced by what was pasted."""
        return _PLACEHOLDER.sub(lambda match: self._pastes.get(int(match[1]), match[0]), text)

    def set_aside(self) -> Callable[[], None]:
        """Empty the buffer for another question; the result brings back what was typed."""
        document = self.buffer.document
        self.buffer.reset()

        def bring_back() -> None:
            self.buffer.set_document(Document(document.text, document.cursor_position))

        return bring_back


def prepare_history(file: Path) -> None:
    """Make the history file readable by its owner only, and keep it from growing without end."""
    if not file.exists():
        write_atomic(file, "", PRIVATE_FILE)
        return
    file.chmod(PRIVATE_FILE)
    if file.stat().st_size <= HISTORY_BYTES:
        return
    content = file.read_bytes()
    start = content.find(b"\n\n# ", len(content) // 2)
    write_atomic(file, content[start + 1 :] if start >= 0 else b"", PRIVATE_FILE)
