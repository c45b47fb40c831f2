"""Tool results that are too long to read: the whole goes into a file, the model gets its beginning.

A result's share of the context window is bounded, and so is that of all results of one batch.
"""

from hermes.sandbox.contract import FileSystem

RESULT_CHARACTERS = 100_000
RESULT_SHARE = 0.15
RESULT_FLOOR = 8_000
BATCH_CHARACTERS = 200_000
BATCH_SHARE = 0.30
BATCH_FLOOR = 16_000
PREVIEW_CHARACTERS = 1_500
CHARACTERS_PER_TOKEN = 4


class ResultRoom:
    """How much room the results of one batch have left. `window`: the model's context in tokens."""

    def __init__(self, window: int) -> None:
        characters = window * CHARACTERS_PER_TOKEN
        self.result = max(RESULT_FLOOR, min(RESULT_CHARACTERS, int(characters * RESULT_SHARE)))
        self.batch = max(BATCH_FLOOR, min(BATCH_CHARACTERS, int(characters * BATCH_SHARE)))

    async def fit(self, content: str, *, call_id: str, files: FileSystem, directory: str) -> str:
        """The text as it is when it fits, else a notice naming the file that now holds all of it."""
        if len(content) <= min(self.result, max(self.batch, PREVIEW_CHARACTERS * 2)):
            self.batch -= len(content)
            return content
        path = f"{directory}/{_file_name(call_id)}.txt"
        preview = content[:PREVIEW_CHARACTERS]
        self.batch -= len(preview)
        try:
            await files.write(path, content.encode("utf-8", "replace"))
        except OSError as error:
            return (
                f"{preview}\n[... {len(content) - len(preview):,} characters left out; they could not be kept"
                f": {error.strerror or error} ...]"
            )
        return (
            f'<persisted-output characters="{len(content)}" path="{path}">\n{preview}\n</persisted-output>\n'
            "Only the beginning is shown. Read on with read_file on that path (offset and limit), or search "
            "it with search_files."
        )


def _file_name(call_id: str) -> str:
    return "".join(char if char.isalnum() or char in "-_" else "_" for char in call_id)[:80] or "result"
