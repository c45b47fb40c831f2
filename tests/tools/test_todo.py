"""The list of steps."""

import pytest

from hermes.store.records import Message
from hermes.tools.contract import TodoItem, ToolArgumentError
from hermes.tools.todo import LONGEST_CONTENT, todo, todos_from_history
from tests.tools.conftest import Workplace

pytestmark = pytest.mark.anyio
STEPS = [{"id": "1", "content": "look"}, {"id": "2", "content": "do", "status": "in_progress"}]


async def test_a_list_is_written_read_and_merged(workplace: Workplace) -> None:
    written = await workplace.ask(todo, todos=STEPS)
    assert written["summary"] == {"total": 2, "pending": 1, "in_progress": 1, "completed": 0, "cancelled": 0}
    assert await workplace.ask(todo) == written
    changed = [{"id": "1", "content": "look", "status": "completed"}, {"id": "3", "content": "rest"}]
    merged = await workplace.ask(todo, todos=changed, merge=True)
    assert [(item["id"], item["status"]) for item in merged["todos"]] == [
        ("1", "completed"),
        ("2", "in_progress"),
        ("3", "pending"),
    ]
    assert (await workplace.ask(todo, todos=[]))["summary"]["total"] == 0


@pytest.mark.parametrize(
    ("todos", "words"),
    [
        ([{"id": "1", "content": "a"}, {"id": "1", "content": "b"}], "used twice"),
        ([{"id": " ", "content": "a"}], "'id'"),
        ([{"id": "1", "content": " "}], "'content'"),
        ([{"id": "1", "content": "x" * (LONGEST_CONTENT + 1)}], "longer than 4,000"),
    ],
)
async def test_a_bad_list_changes_nothing(
    workplace: Workplace, todos: list[dict[str, str]], words: str
) -> None:
    await workplace.ask(todo, todos=STEPS)
    assert words in (await workplace.refusal(todo, todos=todos))["error"]
    assert len(workplace.context.state.todos) == 2


async def test_an_unknown_status_names_the_argument(workplace: Workplace) -> None:
    with pytest.raises(ToolArgumentError, match="status"):
        await workplace.call(todo, todos=[{"id": "1", "content": "a", "status": "later"}])


async def test_the_list_comes_back_from_the_transcript(workplace: Workplace) -> None:
    result = await workplace.call(todo, todos=STEPS)

    def row(content: str, ok: bool = True, name: str = "todo") -> Message:
        return Message(role="tool", tool_name=name, content=content, ok=ok)

    history = [
        row('{"todos":[]}'),
        row(result.content + "\n\n[Tool loop warning: x]"),
        row('{"error":"no"}', ok=False),
        row("{}", name="memory"),
        Message(role="assistant", content="done"),
    ]
    assert todos_from_history(history) == [
        TodoItem(id="1", content="look"),
        TodoItem(id="2", content="do", status="in_progress"),
    ]
    assert todos_from_history([row("no json")]) == []
