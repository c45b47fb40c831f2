"""What a scripted model server says, in a form that Python tests and JSON files share."""

import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

Finish = Literal["auto", "stop", "tool_calls", "length", "content_filter", "function_call", "none"]
"""`auto`: `tool_calls` where there are calls, else `stop`. `none`: the stream ends without saying why."""


class Call(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A tool call of the scripted model."""

    name: str
    arguments: dict[str, Any] | str = {}
    """Text is sent as it stands, so that a script can write malformed JSON."""
    id: str = ""
    """Default: one that is unique in the conversation, such as `call_3_0`."""


class Tokens(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The usage a reply reports."""

    input: int = 100
    """All prompt tokens, cached ones included."""
    cached: int = 0
    cache_write: int = 0
    output: int = 20
    """All generated tokens, reasoning included."""
    reasoning: int = 0
    cost: float | None = None
    """US dollars, as OpenRouter reports them."""


class Break(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What goes wrong in the middle of a reply."""

    after: int | Literal["text", "arguments"] = 1
    """Frames sent before it happens; or the middle of the text, or of the calls' arguments."""
    how: Literal["drop", "end", "stall", "error", "garbage", "invalid_json"] = "drop"
    """`drop` closes the connection; `end` ends the response properly but too early; `stall` says nothing
    for `seconds` and goes on; `error` sends an error object and ends; `garbage` sends bytes that are no
    text and ends; `invalid_json` sends one event that does not parse and goes on."""
    seconds: float = 3600.0
    error: dict[str, Any] = msgspec.field(
        default_factory=lambda: {"message": "The server had an error.", "type": "server_error"}
    )


class Reply(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One answer to one request."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    finish: Finish = "auto"
    usage: Tokens | None = msgspec.field(default_factory=Tokens)
    """None: the reply reports no usage."""
    echo: bool = False
    """The text is the last thing the user said."""
    repeat: int | Literal["forever"] = 1
    """Times in a row this reply is given. `{n}` in text and arguments is the number of the time, from 1."""
    chunk_chars: int = 16
    """Characters of text, reasoning or arguments in one frame."""
    wait: float = 0.0
    """Seconds before the first byte."""
    delay: float = 0.0
    """Seconds between frames."""
    pieces: tuple[int, ...] = ()
    """Byte offsets at which the stream is split into separate writes, instead of at frames."""
    breaks: Break | None = None
    ignore_stream: bool = False
    """Answer with one JSON document even where a stream was asked for."""
    reasoning_field: str = "reasoning_content"
    """Chat Completions only: the field that carries reasoning."""
    status: int = 200
    """Anything but 200 answers with `body`, or with an error object of the protocol that says `error`."""
    error: str = ""
    headers: dict[str, str] = {}
    body: Any = None
    """JSON (or text) of the whole answer, in place of what the protocol would say."""
    raw: str = ""
    """Sent as the whole stream, byte for byte, in place of what the protocol would say."""
    raw_base64: bytes = b""
    """The same for bytes that are no text. Base64 in a JSON file."""

    @property
    def raw_bytes(self) -> bytes:
        return self.raw_base64 or self.raw.encode()


class RecordedRequest(msgspec.Struct, kw_only=True, frozen=True):
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    json: Any
    """The parsed body; None where it was empty or no JSON."""
    at: float
    """Seconds of the monotonic clock."""


Answer = Callable[[RecordedRequest], Reply | Awaitable[Reply]]
"""A script as a function, for tests that decide by what was asked."""


class Script(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Replies and how they are picked. The form of a JSON script file."""

    replies: tuple[Reply, ...]
    follow: Literal["arrival", "conversation"] = "arrival"
    """`arrival`: the n-th request gets the n-th reply. `conversation`: a request gets the reply numbered
    by the assistant turns in it, so that a repeated request gets the same reply again and
    concurrent conversations do not disturb each other."""
    models: tuple[str, ...] = ("scripted-model",)
    """What `GET /v1/models` lists."""


class ScriptError(Exception):
    """A script file that can't be used; one sentence."""


class ScriptExhaustedError(Exception):
    """More was asked than the script has replies for."""


def load_script(path: Path) -> Script:
    """Reads a JSON script: an object (`replies`, `follow`, `models`), or only the list of replies."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ScriptError(f"The script {path} can't be read: {error.strerror}.") from error
    try:
        if data.lstrip().startswith(b"["):
            return Script(replies=msgspec.json.decode(data, type=tuple[Reply, ...]))
        return msgspec.json.decode(data, type=Script)
    except msgspec.DecodeError as error:
        raise ScriptError(f"The script {path} is not valid: {error}.") from error


class Player:
    """Picks the reply to each request."""

    def __init__(self, script: Script | Answer) -> None:
        self._script = script
        self._arrivals = 0

    async def reply_to(self, request: RecordedRequest, assistant_turns: int) -> tuple[Reply, int]:
        """The reply, and the number that makes its ids unique. Raises ScriptExhaustedError."""
        arrival, self._arrivals = self._arrivals, self._arrivals + 1
        if not isinstance(self._script, Script):
            answer = self._script(request)
            return (await answer if inspect.isawaitable(answer) else answer), arrival
        position = arrival if self._script.follow == "arrival" else assistant_turns
        return _numbered(self._script.replies, position), position


def _numbered(replies: tuple[Reply, ...], position: int) -> Reply:
    passed = 0
    for reply in replies:
        if reply.repeat == "forever" or position < passed + reply.repeat:
            return reply if reply.repeat == 1 else _with_number(reply, position - passed + 1)
        passed += reply.repeat
    raise ScriptExhaustedError(
        f"The script is exhausted: it has {passed} replies, and this asks for number {position + 1}."
    )


def _with_number(reply: Reply, number: int) -> Reply:
    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{n}", str(number))
        if isinstance(value, dict):
            return {key: fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [fill(item) for item in value]
        return value

    calls = tuple(msgspec.structs.replace(call, arguments=fill(call.arguments)) for call in reply.calls)
    return msgspec.structs.replace(reply, text=fill(reply.text), reasoning=fill(reply.reasoning), calls=calls)
