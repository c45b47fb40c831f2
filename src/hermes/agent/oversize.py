"""Tool results that are too long to read: the whole goes into a file, the model gets its beginning.

A result's share of the context window is bounded, and so is that of all results of one batch.
"""

import msgspec

from hermes.sandbox.contract import FileSystem
from hermes.tools.contract import ToolResult

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

    async def fit(self, result: ToolResult, *, call_id: str, files: FileSystem, directory: str) -> ToolResult:
        """The result as it is when it fits, else a notice naming the file that now holds all of it."""
        room = min(self.result, max(self.batch, PREVIEW_CHARACTERS * 2))
        if len(result.content) <= room:
            self.batch -= len(result.content)
            return result
        path = f"{directory}/{_file_name(call_id)}.txt"
        await files.write(path, result.content.encode())
        preview = result.content[:PREVIEW_CHARACTERS]
        self.batch -= len(preview)
        return msgspec.structs.replace(
            result,
            content=(
                f'<persisted-output characters="{len(result.content)}" path="{path}">\n{preview}\n'
                f"</persisted-output>\nOnly the beginning is shown. Read more with read_file on that path "
                f"(offset and limit), or search it with search_files."
            ),
        )


def _file_name(call_id: str) -> str:
    return "".join(char if char.isalnum() or char in "-_" else "_" for char in call_id)[:80] or "result"
