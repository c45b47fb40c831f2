"""Safe calls share a segment; everything else runs alone and in order."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hermes.agent.batches import Prepared, split_into_segments
from hermes.store.records import ToolCall
from hermes.tools.contract import Concurrency, Tool, ToolContext, ToolResult


async def _nothing(ctx: ToolContext, **arguments: Any) -> ToolResult:
    return ToolResult(content="")


def call(name: str, concurrency: Concurrency, path: str | None = None, read_only: bool = True) -> Prepared:
    tool = Tool(
        name=name,
        toolset="test",
        description="",
        function=_nothing,
        arguments=msgspec.defstruct(name, []),
        concurrency=concurrency,
        read_only=read_only,
    )
    return Prepared(ToolCall(f"call_{name}_{path}", name, "{}"), tool, {"path": path} if path else {})


def names(segments: list[list[Prepared]]) -> list[list[str]]:
    return [[prepared.call.name for prepared in segment] for segment in segments]


def test_parallel_calls_share_a_segment_and_an_exclusive_one_parts_them() -> None:
    calls = [
        call("search", "parallel"),
        call("recall", "parallel"),
        call("terminal", "exclusive"),
        call("search", "parallel"),
    ]
    assert names(split_into_segments(calls)) == [["search", "recall"], ["terminal"], ["search"]]


def test_reads_of_one_file_go_together_but_not_with_its_write() -> None:
    calls = [
        call("read", "by_path", "a"),
        call("read", "by_path", "a"),
        call("write", "by_path", "b", read_only=False),
        call("write", "by_path", "a", read_only=False),
        call("read", "by_path", "a"),
    ]
    assert names(split_into_segments(calls)) == [["read", "read", "write"], ["write"], ["read"]]


def test_two_names_of_one_file_are_one_file() -> None:
    calls = [
        call("write", "by_path", "./a", read_only=False),
        call("write", "by_path", "a", read_only=False),
    ]
    segments = split_into_segments(calls, lambda path: path.removeprefix("./"))
    assert names(segments) == [["write"], ["write"]]


def test_a_call_without_the_path_it_should_have_runs_alone() -> None:
    calls = [call("read", "by_path"), call("search", "parallel")]
    assert names(split_into_segments(calls)) == [["read"], ["search"]]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["parallel", "by_path", "exclusive"]),
            st.sampled_from(["a", "b", "c"]),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_no_call_is_lost_or_moved_and_no_segment_has_a_conflict(rows: list[Any]) -> None:
    calls = [call(kind, kind, path, read_only) for kind, path, read_only in rows]
    segments = split_into_segments(calls)
    assert [prepared for segment in segments for prepared in segment] == calls
    for segment in segments:
        if any(prepared.tool.concurrency == "exclusive" for prepared in segment):
            assert len(segment) == 1
        writes = [
            prepared.arguments["path"]
            for prepared in segment
            if prepared.tool.concurrency == "by_path" and not prepared.tool.read_only
        ]
        touched = [
            prepared.arguments["path"] for prepared in segment if prepared.tool.concurrency == "by_path"
        ]
        assert all(touched.count(path) == 1 for path in writes)
