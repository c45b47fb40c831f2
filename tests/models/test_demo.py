"""The offline demo model: what it understands, what it calls, and that it tells the truth."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hermes.models.client import ModelClient
from hermes.models.contract import (
    Endpoint,
    ModelEvent,
    ModelReply,
    ModelRequest,
    Replied,
    TextDelta,
    ToolCallDelta,
    ToolSpec,
)
from hermes.models.demo import LABEL, NOT_UNDERSTOOD, stream
from hermes.models.demo_requests import REQUESTS, reference, understand
from hermes.store.records import Message, ToolCall

pytestmark = pytest.mark.anyio

ENDPOINT = Endpoint(provider="demo", model="demo", wire="demo", auth_header="none", local=True)
TOOLS = ("terminal", "read_file", "search_files", "memory")


def request(messages: Sequence[Message], tools: Sequence[str] = TOOLS) -> ModelRequest:
    specs = tuple(ToolSpec(name, name, {"type": "object"}) for name in tools)
    return ModelRequest(system="", messages=tuple(messages), tools=specs)


def user(text: str, row_id: int = 7) -> Message:
    return Message(role="user", content=text, id=row_id)


def result(call: ToolCall, content: Any, *, ok: bool | None = True) -> Message:
    text = content if isinstance(content, str) else json.dumps(content)
    return Message(role="tool", content=text, tool_call_id=call.id, tool_name=call.name, ok=ok)


async def events(messages: Sequence[Message], tools: Sequence[str] = TOOLS) -> list[ModelEvent]:
    return [event async for event in stream(ENDPOINT, request(messages, tools))]


async def reply(messages: Sequence[Message], tools: Sequence[str] = TOOLS) -> ModelReply:
    last = (await events(messages, tools))[-1]
    assert isinstance(last, Replied)
    return last.reply


async def converse(text: str, *results: Any) -> tuple[list[tuple[str, dict[str, Any]]], str]:
    """Play a turn to its end, answering calls with `results` in order: the calls made and the last text."""
    messages, left = [user(text)], list(results)
    calls: list[tuple[str, dict[str, Any]]] = []
    while True:
        said = await reply(messages)
        if not said.tool_calls:
            return calls, said.text
        messages.append(Message(role="assistant", content=said.text, tool_calls=said.tool_calls))
        for call in said.tool_calls:
            calls.append((call.name, json.loads(call.arguments)))
            given = left.pop(0)
            content, ok = given if isinstance(given, tuple) else (given, True)
            messages.append(result(call, content, ok=ok))


class TestRequests:
    @pytest.mark.parametrize(
        ("text", "tool", "arguments"),
        [
            ("run ls -la", "terminal", {"command": "ls -la"}),
            ("Please run `echo hi`", "terminal", {"command": "echo hi"}),
            ("execute make test", "terminal", {"command": "make test"}),
            ("run echo salt and pepper", "terminal", {"command": "echo salt and pepper"}),
            ("run `echo a and list files`", "terminal", {"command": "echo a and list files"}),
            ('run "sleep 1 and then run x"', "terminal", {"command": "sleep 1 and then run x"}),
            ("run python -c 'print(1)' and run", "terminal", {"command": "python -c 'print(1)' and run"}),
            ("list the files here", "terminal", {"command": "ls -1Ap"}),
            ("List files.", "terminal", {"command": "ls -1Ap"}),
            ("list files in my docs", "terminal", {"command": "ls -1Ap -- 'my docs'"}),
            ("read README.md", "read_file", {"path": "README.md"}),
            ('show "my notes.txt"', "read_file", {"path": "my notes.txt"}),
            (
                "remember that I like tea",
                "memory",
                {"action": "add", "target": "user", "content": "I like tea"},
            ),
            (
                "remember that the build is slow",
                "memory",
                {"action": "add", "target": "memory", "content": "the build is slow"},
            ),
            ("what is the date?", "terminal", {"command": "date"}),
            ("What time is it", "terminal", {"command": "date"}),
            ("tell me the date and time", "terminal", {"command": "date"}),
            ("how much disk space is left?", "terminal", {"command": "df -h ."}),
            ("search for a.b(c) in src", "search_files", {"pattern": "a\\.b\\(c\\)", "path": "src"}),
            ("search for `x in y`", "search_files", {"pattern": "x in y", "path": "."}),
        ],
    )
    async def test_a_request_becomes_the_call_it_needs(
        self, text: str, tool: str, arguments: dict[str, Any]
    ) -> None:
        said = await reply([user(text)])
        assert said.stop == "tool_calls"
        assert [(call.name, json.loads(call.arguments)) for call in said.tool_calls] == [(tool, arguments)]

    async def test_requests_joined_by_and_are_made_at_once(self) -> None:
        said = await reply([user("list the files here and remember that I like tea")])
        assert [call.name for call in said.tool_calls] == ["terminal", "memory"]
        assert len({call.id for call in said.tool_calls}) == 2

    async def test_requests_joined_by_then_follow_each_other(self) -> None:
        calls, text = await converse(
            "run ls, then run pwd and what is the date",
            {"output": "one", "exit_code": 0},
            {"output": "two", "exit_code": 0},
            {"output": "three", "exit_code": 0},
        )
        assert [arguments["command"] for _, arguments in calls] == ["ls", "pwd", "date"]
        assert text.index("one") < text.index("two") < text.index("three")
        first = await reply([user("run ls, then run pwd and what is the date")])
        assert len(first.tool_calls) == 1

    @pytest.mark.parametrize("text", ["write a poem", "", "read a book about tea", "running", "remember"])
    async def test_anything_else_is_answered_in_one_line(self, text: str) -> None:
        said = await reply([user(text)])
        assert (said.text, said.tool_calls) == (NOT_UNDERSTOOD, ())
        assert "\n" not in said.text
        for way in ("hermes model", "OPENAI_BASE_URL", "OPENROUTER_API_KEY"):
            assert way in said.text

    async def test_help_lists_every_request_without_a_call(self) -> None:
        said = await reply([user("help")])
        assert said.tool_calls == ()
        assert all(row.form in said.text for row in REQUESTS)

    @pytest.mark.parametrize("row", REQUESTS, ids=lambda row: row.form)
    async def test_every_example_of_the_table_is_understood(self, row: Any) -> None:
        stages = understand(row.example)
        assert stages is not None
        used = {f"`{call.tool}`" for stage in stages for step in stage.steps for call in step.tries}
        assert used == ({row.tools} - {"none"})

    async def test_a_long_text_full_of_joints_is_taken_apart_in_no_time(self) -> None:
        assert understand("run a" + " and b" * 600) is not None
        assert understand("run a" + " and run a" * 300) is not None
        assert understand("x" + " and run a" * 300) is None
        assert understand("run a" + " and run b" * 100_000) is not None


class TestReports:
    async def test_results_are_reported_as_they_came(self) -> None:
        _, text = await converse(
            "list the files here and remember that I like tea",
            {"output": "a.txt\nb/", "exit_code": 0, "error": None},
            {"success": True, "message": "Saved (added 1)."},
        )
        assert text.startswith(LABEL)
        assert "a.txt\nb/" in text
        assert "Remembered: I like tea" in text

    async def test_an_exit_code_is_told(self) -> None:
        _, text = await converse("run false", ({"output": "", "exit_code": 1, "error": None}, False))
        assert text == f"{LABEL} Ran `false`; it ended with exit code 1. It printed nothing."
        late = {"output": "so far", "exit_code": 124, "error": "Timed out after 180 s."}
        _, text = await converse("run sleep 999", (late, False))
        assert "exit code 124" in text
        assert "so far\nTimed out after 180 s." in text

    async def test_a_command_that_was_refused_is_not_called_run(self) -> None:
        refused = {"output": "", "exit_code": -1, "error": "Refused: it would remove the root directory."}
        _, text = await converse("run rm -rf /", (refused, False))
        assert "Ran" not in text
        assert "did not succeed: Refused: it would remove the root directory." in text

    async def test_a_refusal_is_told_with_its_reason(self) -> None:
        _, text = await converse("run rm -rf x", ({"error": "Denied: nobody could approve it."}, False))
        assert "did not succeed: Denied: nobody could approve it." in text

    async def test_a_call_whose_outcome_is_unknown_is_not_called_done(self) -> None:
        _, text = await converse("run make", ("interrupted, outcome unknown", False))
        assert "did not succeed: interrupted, outcome unknown" in text

    async def test_a_note_that_was_not_saved_is_not_called_remembered(self) -> None:
        _, text = await converse("remember that x", ({"error": "Memory is full.", "success": False}, False))
        assert "Remembered" not in text
        assert "Memory is full." in text

    async def test_a_note_is_looked_for_in_both_memories(self) -> None:
        calls, text = await converse(
            "forget tea", ({"error": "No entry holds 'tea'."}, False), {"success": True, "message": "ok"}
        )
        assert [arguments["target"] for _, arguments in calls] == ["memory", "user"]
        assert "Forgot: tea" in text
        _, text = await converse("forget tea", ({"error": "None."}, False), ({"error": "None here."}, False))
        assert "did not succeed: None here." in text

    async def test_files_and_places_are_shown(self) -> None:
        _, text = await converse("read a.txt", {"content": "1|hello", "total_lines": 1})
        assert "1|hello" in text
        _, text = await converse("search for x", {"total_count": 1, "matches_text": "a.txt\n  3: x"})
        assert "a.txt\n  3: x" in text
        _, text = await converse("search for x", {"total_count": 0, "matches_text": ""})
        assert "nothing found" in text

    async def test_output_with_fences_in_it_can_not_end_its_block(self) -> None:
        _, text = await converse("run cat x", {"output": "```\nquoted\n```", "exit_code": 0})
        assert text.count("````") == 2

    async def test_a_word_of_the_product_behind_a_result_does_not_hide_it(self) -> None:
        _, text = await converse("run ls", '{"output": "a.txt", "exit_code": 0}\n\n[repeated 2 times]')
        assert "a.txt" in text

    async def test_a_result_that_is_no_json_is_shown_as_it_is(self) -> None:
        _, text = await converse("run ls", "plain words")
        assert "plain words" in text

    async def test_a_missing_tool_is_told_and_the_rest_is_done(self) -> None:
        messages = [user("run ls and read a.txt")]
        said = await reply(messages, tools=["read_file"])
        assert [call.name for call in said.tool_calls] == ["read_file"]
        messages.append(Message(role="assistant", tool_calls=said.tool_calls))
        messages.append(result(said.tool_calls[0], {"content": "1|x"}))
        final = await reply(messages, tools=["read_file"])
        assert "`terminal` is not available" in final.text
        assert "1|x" in final.text


class TestTranscripts:
    async def test_an_earlier_turn_does_not_answer_this_one(self) -> None:
        before = await reply([user("run ls", 1)])
        messages = [
            user("run ls", 1),
            Message(role="assistant", tool_calls=before.tool_calls, id=2),
            result(before.tool_calls[0], {"output": "old", "exit_code": 0}),
            Message(role="assistant", content="(demo model) Ran", id=4),
            user("run ls", 5),
        ]
        again = await reply(messages)
        assert len(again.tool_calls) == 1
        assert again.tool_calls[0].id != before.tool_calls[0].id

    async def test_a_turn_that_was_interrupted_goes_on_where_it_was(self) -> None:
        messages = [user("run a then run b")]
        first = await reply(messages)
        messages += [
            Message(role="assistant", tool_calls=first.tool_calls),
            result(first.tool_calls[0], {"output": "done a", "exit_code": 0}),
            Message(role="user", content="The run was resumed.", kind="notice"),
        ]
        second = await reply(messages)
        assert json.loads(second.tool_calls[0].arguments) == {"command": "b"}

    async def test_a_request_without_a_question_is_answered_too(self) -> None:
        assert (await reply([])).text == NOT_UNDERSTOOD


class TestEvents:
    async def test_deltas_add_up_to_the_reply(self) -> None:
        seen = await events([user("help")])
        text = "".join(event.text for event in seen if isinstance(event, TextDelta))
        last = seen[-1]
        assert isinstance(last, Replied)
        assert text == last.reply.text
        assert len(seen) > 3
        seen = await events([user("run ls and run pwd")])
        for index in (0, 1):
            pieces = [event for event in seen if isinstance(event, ToolCallDelta) and event.index == index]
            assert len(pieces) == 2
            assert json.loads("".join(piece.arguments for piece in pieces))

    async def test_equal_requests_give_equal_events(self) -> None:
        assert await events([user("run ls")]) == await events([user("run ls")])

    async def test_it_costs_nothing(self) -> None:
        usage = (await reply([user("help")])).usage
        assert (usage.model_calls, usage.cost_usd, usage.cost_status) == (1, 0.0, "included")

    async def test_the_client_speaks_to_it_as_to_any_model(self) -> None:
        model = ModelClient(ENDPOINT)
        seen = [event async for event in model.stream(request([user("run ls")]))]
        await model.close()
        assert isinstance(seen[-1], Replied)


def test_the_page_in_the_docs_is_made_of_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "demo-model.md"
    assert page.read_text() == reference()
