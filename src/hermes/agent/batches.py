"""Which calls of one assistant message may run side by side. Pure."""

from collections.abc import Callable, Sequence

import msgspec

from hermes.store.records import ToolCall
from hermes.tools.contract import Tool


class Prepared(msgspec.Struct, frozen=True):
    """A call that can be run: its tool was found and its arguments parsed."""

    call: ToolCall
    tool: Tool
    arguments: dict[str, object]


def split_into_segments(
    calls: Sequence[Prepared], same_file: Callable[[str], str] = lambda path: path
) -> list[list[Prepared]]:
    """Ordered segments; the calls within one may run at the same time.

    A call joins the segment before it when both are safe beside others, and calls that touch a file name
    different ones. `same_file` maps a path to a key that is equal for equal files.
    """
    segments: list[list[Prepared]] = []
    open_for_more = False
    written: set[str] = set()
    read: set[str] = set()
    for prepared in calls:
        path = _path(prepared, same_file)
        clashes = path is not None and (path in written or (not prepared.tool.read_only and path in read))
        safe = prepared.tool.concurrency == "parallel" or path is not None
        if not (open_for_more and safe and not clashes):
            segments.append([])
            written, read = set(), set()
        segments[-1].append(prepared)
        open_for_more = safe
        if path is not None:
            (read if prepared.tool.read_only else written).add(path)
    return segments


def _path(prepared: Prepared, same_file: Callable[[str], str]) -> str | None:
    if prepared.tool.concurrency != "by_path":
        return None
    path = prepared.arguments.get("path")
    return same_file(path) if isinstance(path, str) and path else None
