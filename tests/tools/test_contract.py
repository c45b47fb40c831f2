"""Schemas and validation come from a tool's signature."""

from typing import Annotated, Literal, cast

import pytest
from msgspec import Meta

from hermes.home.settings import Settings
from hermes.tools.contract import TodoItem, ToolArgumentError, ToolContext, ToolResult, tool

pytestmark = pytest.mark.anyio
NO_CONTEXT = cast(ToolContext, None)


@tool(toolset="test", preview="name")
async def sample(
    ctx: ToolContext,
    name: Annotated[str, Meta(description="What to call it")],
    count: Annotated[int, Meta(ge=1, le=9)] = 3,
    kind: Literal["a", "b"] = "a",
    note: str | None = None,
    items: list[TodoItem] | None = None,
    tags: tuple[str, ...] = (),
    loud: bool = False,
) -> ToolResult:
    """First line
    second line."""
    return ToolResult(content=f"{name} {count} {kind} {note} {items} {tags} {loud}")


@tool(toolset="test", available=lambda settings: settings.memory.memory_enabled)
async def bare(ctx: ToolContext) -> ToolResult:
    """Nothing to say."""
    return ToolResult(content="done")


def test_the_schema_is_small_and_inline() -> None:
    spec = sample.spec()
    assert (spec.name, spec.description) == ("sample", "First line second line.")
    assert spec.parameters == {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "What to call it"},
            "count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
            "kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
            "note": {"type": "string"},
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string"},
                        "content": {"type": "string"},
                        "status": {
                            "type": "string",
                            "enum": ["cancelled", "completed", "in_progress", "pending"],
                            "default": "pending",
                        },
                    },
                    "required": ["id", "content"],
                },
            },
            "tags": {"type": "array", "items": {"type": "string"}},
            "loud": {"type": "boolean", "default": False},
        },
        "required": ["name"],
    }


def test_a_tool_without_arguments_has_an_empty_object() -> None:
    assert bare.spec().parameters == {"type": "object", "properties": {}}


def test_availability_follows_the_settings() -> None:
    settings = Settings()
    assert bare.available(settings)
    settings.memory.memory_enabled = False
    assert not bare.available(settings)


async def test_arguments_arrive_typed_with_their_defaults() -> None:
    result = await sample(NO_CONTEXT, {"name": "x", "items": [{"id": "1", "content": "c"}], "tags": ["t"]})
    assert result.content == f"x 3 a None {[TodoItem(id='1', content='c')]} ('t',) False"


async def test_a_number_or_a_flag_written_as_text_is_understood() -> None:
    result = await sample(NO_CONTEXT, {"name": "x", "count": "5", "loud": "true"})
    assert result.content == "x 5 a None None () True"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "name"),
        ({"name": 3}, "name"),
        ({"name": "x", "count": 10}, "count"),
        ({"name": "x", "count": "many"}, "count"),
        ({"name": "x", "kind": "c"}, "kind"),
        ({"name": "x", "items": [{"id": "1"}]}, "content"),
        ({"name": "x", "colour": "red"}, "colour"),
    ],
)
async def test_what_does_not_fit_is_one_sentence_naming_the_argument(
    arguments: dict[str, object], named: str
) -> None:
    with pytest.raises(ToolArgumentError) as caught:
        await sample(NO_CONTEXT, arguments)
    message = str(caught.value)
    assert f"{named}" in message.replace("`", "'")
    assert message.startswith("sample")
    assert message.endswith(".")
    assert "\n" not in message


def test_an_error_result_is_json_with_more_fields() -> None:
    result = ToolResult.error("It failed.", hint="Try again.")
    assert result.content == '{"error":"It failed.","hint":"Try again."}'
    assert (result.ok, result.summary) == (False, "It failed.")
