"""`clarify`: ask the person behind the run."""

from typing import Annotated

import msgspec
from msgspec import Meta

from hermes.tools.contract import ToolContext, ToolResult, tool

UNANSWERED = (
    "[Nobody answered. Decide yourself with the best judgment you have, say what you assumed, and go on.]"
)


@tool(toolset="clarify", housekeeping=True, preview="question")
async def clarify(
    ctx: ToolContext,
    question: str,
    choices: Annotated[
        tuple[str, ...], Meta(max_length=4, description="Up to 4 answers; 'Other' is added")
    ] = (),
) -> ToolResult:
    """Ask the user when the task is ambiguous and a wrong guess would cost much. Not for permission: risky
    commands ask by themselves."""
    if not question.strip():
        return ToolResult.error("'question' is empty; say what you want to know.")
    offered = tuple(choice.strip() for choice in choices if choice.strip())
    answer = await ctx.people.ask(question.strip(), offered)
    result = {
        "question": question.strip(),
        "choices_offered": list(offered),
        "user_response": UNANSWERED if answer is None else answer,
    }
    return ToolResult(
        content=msgspec.json.encode(result).decode(),
        summary="nobody answered" if answer is None else f"answered: {answer[:80]}",
    )
