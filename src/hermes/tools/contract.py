"""What a tool is: a typed async function, a record about it, and a result that separates what the model
reads from what people see.

    @tool(toolset="terminal")
    async def terminal(
        ctx: ToolContext,
        command: Annotated[str, Meta(description="Shell command to run.")],
        timeout: Annotated[int, Meta(ge=1, description="Seconds.")] = 180,
    ) -> ToolResult:
        \"\"\"Run a shell command.\"\"\"

The JSON schema, the validation and the reference in the docs come from the signature and the docstring.
"""

import asyncio
import inspect
import typing
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol

import msgspec

from hermes.home.profile import Profile
from hermes.home.settings import Settings
from hermes.models.contract import ToolSpec
from hermes.sandbox.contract import Sandbox
from hermes.store.database import Store
from hermes.store.records import Scope

Concurrency = Literal["parallel", "by_path", "exclusive"]
"""`parallel`: safe beside any other safe call. `by_path`: safe beside calls that name other paths (argument
`path`). `exclusive`: runs alone, in its place in the order."""


class ToolResult(msgspec.Struct, kw_only=True):
    """What came of a call."""

    content: str
    """What the model reads."""
    ok: bool = True
    """Whether the tool did what was asked. Guardrails count by this bit, not by words in the text."""
    summary: str = ""
    """One line for people."""
    detail: str | None = None
    """More for people, such as a diff."""
    exit_code: int | None = None
    untrusted: bool = False
    """The text came from outside (a web page, another server): the model gets it wrapped as data."""

    @classmethod
    def error(cls, message: str, **more: Any) -> "ToolResult":
        """A failed call: one clear sentence, plus fields the model can act on."""
        content = msgspec.json.encode({"error": message, **more}).decode()
        return cls(content=content, ok=False, summary=message)


class ToolArgumentError(Exception):
    """The model's arguments do not fit the signature. The message is one sentence naming the argument."""


class ApprovalRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Something a person must agree to before it is done."""

    tool: str
    subject: str
    """What would be done, such as the command line."""
    reasons: tuple[str, ...]
    rule_ids: tuple[str, ...] = ()
    """Keys under which `session` and `always` are remembered."""


Decision = Literal["once", "session", "always", "deny"]


class People(Protocol):
    """The persons behind a run, as far as there are any. Answers are events of the run."""

    @property
    def attended(self) -> bool:
        """False: nobody can answer, so every approval is a no and every question comes back unanswered."""
        ...

    async def approve(self, request: ApprovalRequest, call_id: str) -> Decision: ...

    async def ask(self, question: str, choices: tuple[str, ...]) -> str | None:
        """The answer, or None when nobody answered."""
        ...


class TodoItem(msgspec.Struct, kw_only=True):
    id: str
    content: str
    status: Literal["pending", "in_progress", "completed", "cancelled"] = "pending"


class SessionState(msgspec.Struct, kw_only=True):
    """What tools remember for the length of a session's life in this process. All of it can be lost."""

    todos: list[TodoItem] = []
    reads: dict[tuple[str, int, int], tuple[str, int]] = {}
    """(path, offset, limit) -> (digest of the file, how often in a row)."""
    seen_directories: set[str] = set()
    """Directories whose context files the model has been shown."""
    typed: dict[str, str] = {}
    """Background process -> what was written to it since its last line end."""
    approved: set[str] = set()
    """Rule ids approved for this session."""
    last_search: tuple[str, int] = ("", 0)
    """Digest of the latest search with its result, and how often in a row it came."""
    failed_edits: dict[str, int] = {}
    """Path -> failed `patch` calls in a row."""
    memory_overflows: tuple[str, int] = ("", 0)
    """Run id, and how often in it a memory write was over the limit."""


class ToolContext(msgspec.Struct, kw_only=True):
    """What a call may use. Made by the agent for each call."""

    run_id: str
    session_id: str
    call_id: str
    profile: Profile
    settings: Settings
    scope: Scope
    sandbox: Sandbox
    store: Store
    people: People
    state: SessionState
    stop: asyncio.Event
    """Set when the run is interrupted; long work ends early and says so."""
    output: Callable[[str], None]
    """Show live output to people."""
    write_roots: tuple[str, ...] = ()
    """File tools write only below these (`HERMES_WRITE_SAFE_ROOT`); empty: wherever it is not denied."""
    secrets: frozenset[str] = frozenset()
    """Values that are masked in what the model reads, whatever they look like (`known_secrets`)."""
    yolo: bool = False
    """Approvals are skipped, except what nothing lifts: the hard floor and `approvals.deny`."""
    can_be_woken: bool = False
    """The session can receive a later turn, so a background process may notify."""


ToolFunction = Callable[..., Awaitable[ToolResult]]


class Tool(msgspec.Struct, kw_only=True, frozen=True):
    """A tool: its function and what the agent must know about it."""

    name: str
    toolset: str
    description: str
    function: ToolFunction
    arguments: type[msgspec.Struct]
    """The signature as a type; decoding into it is the validation."""
    concurrency: Concurrency = "exclusive"
    read_only: bool = False
    """Calling it twice changes nothing, so the same result twice is no progress."""
    housekeeping: bool = False
    """Bookkeeping beside an answer (`todo`, `memory`, ...): text before it can stand as the answer."""
    paged: bool = False
    """It bounds its results and the model can ask for the next part, so they are never moved to a file."""
    preview: str = ""
    """The argument that people are shown in one line."""
    available: Callable[[Settings], bool] = lambda settings: True
    """False: absent from the schema, with no trace in the prompt."""

    def spec(self) -> ToolSpec:
        """The tool as the model sees it."""
        return ToolSpec(self.name, self.description, _schema(self.arguments))

    async def __call__(self, context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
        """Validate `arguments` and run. Raises ToolArgumentError when they do not fit."""
        fields = self.arguments.__struct_fields__
        unknown = [name for name in arguments if name not in fields]
        if unknown:
            known = ", ".join(fields)
            raise ToolArgumentError(f"{self.name} has no argument '{unknown[0]}'; it takes: {known}.")
        try:
            typed = msgspec.convert(dict(arguments), self.arguments, strict=False)
        except msgspec.ValidationError as error:
            raise ToolArgumentError(f"{self.name}: {_sentence(error)}") from error
        return await self.function(context, **{name: getattr(typed, name) for name in fields})


def tool(
    *,
    toolset: str,
    concurrency: Concurrency = "exclusive",
    read_only: bool = False,
    housekeeping: bool = False,
    paged: bool = False,
    preview: str = "",
    available: Callable[[Settings], bool] | None = None,
) -> Callable[[ToolFunction], Tool]:
    """Make a tool of a function whose first parameter is the context. Its docstring is the description."""

    def make(function: ToolFunction) -> Tool:
        name = function.__name__
        hints = typing.get_type_hints(function, include_extras=True)
        fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
        for parameter in list(inspect.signature(function).parameters.values())[1:]:
            if parameter.default is inspect.Parameter.empty:
                fields.append((parameter.name, hints[parameter.name]))
            else:
                fields.append((parameter.name, hints[parameter.name], parameter.default))
        return Tool(
            name=name,
            toolset=toolset,
            description=inspect.cleandoc(function.__doc__ or "").replace("\n", " "),
            function=function,
            arguments=msgspec.defstruct(name, fields, kw_only=True),
            concurrency=concurrency,
            read_only=read_only,
            housekeeping=housekeeping,
            paged=paged,
            preview=preview,
            available=available or (lambda settings: True),
        )

    return make


def _schema(arguments: type[msgspec.Struct]) -> dict[str, Any]:
    """A small inline JSON schema: no titles, no references, no defaults of None."""
    (top,), components = msgspec.json.schema_components([arguments], ref_template="#/{name}")

    def inline(node: Any) -> Any:
        if isinstance(node, list):
            return [inline(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return inline(components[node["$ref"].removeprefix("#/")])
        options = node.get("anyOf")
        if options:
            rest = [option for option in options if option != {"type": "null"}]
            if len(rest) == 1 and len(rest) != len(options):
                node = {**rest[0], **{key: value for key, value in node.items() if key != "anyOf"}}
        if all(isinstance(option, str) for option in node.get("enum", [0])):
            node = {"type": "string", **node}  # some providers want it said
        skipped = {"title"} | ({"default"} if node.get("default", ...) in (None, "", [], ()) else set())
        return {
            key: {name: inline(sub) for name, sub in value.items()} if key == "properties" else inline(value)
            for key, value in node.items()
            if key not in skipped
        }

    schema: dict[str, Any] = inline(top)
    schema.setdefault("properties", {})
    if not schema.get("required", True):
        del schema["required"]
    return schema


def _sentence(error: msgspec.ValidationError) -> str:
    """msgspec's message as a sentence that names the argument: `argument 'timeout': expected int.`"""
    text, _, path = str(error).partition(" - at `$")
    where = path.rstrip("`").lstrip(".")
    text = text[:1].lower() + text[1:]
    return f"argument '{where}': {text}." if where else f"{text}."
