"""The scripted server does what its script says, also where that is wrong."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest

from hermes.testing.model_server import ModelServer
from hermes.testing.script import Break, Call, RecordedRequest, Reply, Script, ScriptError, load_script

pytestmark = pytest.mark.anyio

PATHS = ["/chat/completions", "/responses", "/messages"]
ASK: dict[str, Any] = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}


async def post(server: ModelServer, path: str = "/chat/completions", **fields: Any) -> tuple[int, bytes]:
    async with (
        aiohttp.ClientSession() as http,
        http.post(server.base_url + path, json={**ASK, **fields}) as response,
    ):
        return response.status, await response.read()


def texts(stream: bytes) -> list[str]:
    """The text deltas of a Chat Completions stream."""
    found = []
    for line in stream.decode().splitlines():
        if line.startswith("data: {"):
            for choice in json.loads(line[6:])["choices"]:
                found.append(choice["delta"].get("content") or "")
    return [text for text in found if text]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("stream", [True, False])
async def test_an_exhausted_script_says_so(path: str, stream: bool) -> None:
    async with ModelServer([Reply(text="only one")]) as server:
        assert (await post(server, path, stream=stream))[0] == 200
        status, body = await post(server, path, stream=stream)
    assert status == 500
    assert json.loads(body)["error"]["message"] == (
        "The script is exhausted: it has 1 replies, and this asks for number 2."
    )


async def test_requests_are_recorded_as_they_arrived() -> None:
    async with ModelServer([Reply()]) as server, aiohttp.ClientSession() as http:
        url = server.base_url + "/chat/completions?x=1"
        async with http.post(url, data=b'{"model": "m" }', headers={"X-One": "1"}) as response:
            assert response.status == 200
        async with http.get(server.base_url + "/models") as response:
            assert (await response.json())["data"][0]["id"] == "scripted-model"
    first, second = server.requests
    assert (first.method, first.path, first.body) == ("POST", "/v1/chat/completions?x=1", b'{"model": "m" }')
    assert (first.headers["x-one"], first.json) == ("1", {"model": "m"})
    assert (second.method, second.path, second.json) == ("GET", "/v1/models", None)


async def test_repeat_numbers_text_and_arguments() -> None:
    step = Reply(text="Step {n}", calls=(Call(name="f", arguments={"a": ["{n}"]}),), repeat=2)
    async with ModelServer([step, Reply(text="Done {n}")]) as server:
        replies = [json.loads((await post(server, stream=False))[1]) for _ in range(3)]
    messages = [reply["choices"][0]["message"] for reply in replies]
    assert [message["content"] for message in messages] == ["Step 1", "Step 2", "Done {n}"]
    calls = [message["tool_calls"][0] for message in messages[:2]]
    assert [call["function"]["arguments"] for call in calls] == ['{"a":["1"]}', '{"a":["2"]}']
    assert [call["id"] for call in calls] == ["call_0_0", "call_1_0"]


async def test_forever_never_ends() -> None:
    async with ModelServer([Reply(text="{n}", repeat="forever")]) as server:
        seen = [texts((await post(server))[1]) for _ in range(5)]
    assert seen == [["1"], ["2"], ["3"], ["4"], ["5"]]


@pytest.mark.parametrize("path", PATHS)
async def test_a_script_that_follows_the_conversation(path: str) -> None:
    user = {"role": "user", "content": "Go"}
    model: list[dict[str, Any]] = [{"role": "assistant", "content": "Hm"}]
    if path == "/responses":
        model = [{"type": "reasoning", "summary": []}, {"type": "function_call", "name": "f"}]
    script = Script(replies=(Reply(text="first"), Reply(text="second")), follow="conversation")
    async with ModelServer(script) as server:
        for rows, expected in (([user], b"first"), ([user, *model, user], b"second"), ([user], b"first")):
            assert expected in (await post(server, path, messages=rows, input=rows, stream=False))[1]


@pytest.mark.parametrize("path", PATHS)
async def test_echo(path: str) -> None:
    async with ModelServer([Reply(echo=True)]) as server:
        rows = ASK["messages"]
        assert b"Hello" in (await post(server, path, stream=False, input=rows))[1]


async def test_a_script_may_be_a_function() -> None:
    async def decide(request: RecordedRequest) -> Reply:
        return Reply(text=f"{request.path} {request.json['model']}")

    async with ModelServer(decide) as server:
        assert b"/v1/chat/completions m" in (await post(server, stream=False))[1]


async def test_chunks_and_delays() -> None:
    async with ModelServer([Reply(text="abcdefg", chunk_chars=3, delay=0.05)]) as server:
        began = time.monotonic()
        assert texts((await post(server))[1]) == ["abc", "def", "g"]
        assert time.monotonic() - began > 0.2


async def test_a_dropped_stream_ends_without_its_end() -> None:
    broken = Reply(text="abcdef", chunk_chars=1, breaks=Break(after=3))
    seen: list[bytes] = []

    async def read_all(response: aiohttp.ClientResponse) -> None:
        async for chunk in response.content.iter_any():
            seen.append(chunk)

    async with (
        ModelServer([broken]) as server,
        aiohttp.ClientSession() as http,
        http.post(server.base_url + "/chat/completions", json=ASK) as response,
    ):
        with pytest.raises(aiohttp.ClientPayloadError):
            await read_all(response)
    assert texts(b"".join(seen)) == ["a", "b"]


async def test_status_body_and_headers_are_the_scripts() -> None:
    teapot = Reply(status=418, headers={"X-Tea": "yes"}, body={"short": True})
    async with ModelServer([teapot, Reply(status=503, body="busy")]) as server:
        async with (
            aiohttp.ClientSession() as http,
            http.post(server.base_url + "/messages", json=ASK) as response,
        ):
            assert (response.status, response.headers["X-Tea"]) == (418, "yes")
            assert await response.json() == {"short": True}
        assert await post(server) == (503, b"busy")


async def test_other_paths_and_bodies_are_refused_in_words() -> None:
    async with ModelServer([]) as server, aiohttp.ClientSession() as http:
        async with http.get(server.origin + "/api/tags") as response:
            assert response.status == 404
            assert "has no GET /api/tags" in (await response.json())["error"]["message"]
        async with http.post(server.base_url + "/messages", data=b"[") as response:
            assert response.status == 400
            assert "not a JSON object" in (await response.json())["error"]["message"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"txt": "a"}]', "unknown field `txt`"),
        ('{"replies": "no"}', "Expected `array`"),
        ("{", "truncated"),
    ],
)
def test_a_bad_script_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "script.json"
    path.write_text(text)
    with pytest.raises(ScriptError, match=said):
        load_script(path)
    with pytest.raises(ScriptError, match="can't be read: No such file"):
        load_script(tmp_path / "absent.json")


PROGRAM = [sys.executable, "-m", "hermes.testing.model_server"]


async def test_as_a_program(tmp_path: Path) -> None:
    script, record = tmp_path / "script.json", tmp_path / "requests.jsonl"
    script.write_text('{"models": ["a", "b"], "replies": [{"text": "Hi", "raw_base64": ""}]}')
    ready, told = os.pipe()
    command = [*PROGRAM, "--script", str(script), "--record", str(record), "--ready-fd", str(told)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, pass_fds=(told,), env=_environment()
    )
    os.close(told)
    assert process.stdout is not None
    with anyio.fail_after(20):
        url = (await process.stdout.readline()).decode().strip()
    with os.fdopen(ready) as pipe:
        assert pipe.read().strip() == url
    async with aiohttp.ClientSession() as http, http.post(url + "/chat/completions", json=ASK) as response:
        assert texts(await response.read()) == ["Hi"]
    process.terminate()
    assert await process.wait() == 0
    assert json.loads(record.read_text())["json"] == ASK


async def test_the_program_refuses_a_bad_script(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "--script", str(tmp_path / "no.json"), stderr=asyncio.subprocess.PIPE, env=_environment()
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode().startswith("The script ")
    assert "Traceback" not in said.decode()


def _environment() -> dict[str, str]:
    """The package may be found by path only."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
