"""The client over real sockets: retries, keys, fallbacks, and an honest end."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import pytest

from hermes.models.client import PRIMARY_COOLDOWN, ModelClient
from hermes.models.contract import (
    Endpoint,
    Failed,
    ModelEvent,
    ModelRequest,
    Replied,
    Retrying,
    Switching,
    TextDelta,
)
from hermes.models.credentials import Credential, CredentialPool
from hermes.models.retry import RetryLimits
from hermes.store.records import Message
from hermes.testing.model_server import ModelServer
from hermes.testing.script import Break, RecordedRequest, Reply, Script, Tokens

pytestmark = pytest.mark.anyio

Kind = TypeVar("Kind")

REQUEST = ModelRequest(system="Be brief.", messages=(Message(role="user", content="hello"),))
LIMITED = Reply(status=429, error="Too many requests.")
BROKEN = Reply(status=500, error="It broke.")


class Waits:
    """A clock that only sleeping moves, and a chance that is always the same."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def waits() -> Waits:
    return Waits()


def endpoint(server: ModelServer, **more: Any) -> Endpoint:
    fields: dict[str, Any] = {
        "provider": "custom",
        "model": "scripted-model",
        "wire": "chat_completions",
        "base_url": server.base_url,
    }
    return Endpoint(**(fields | more))


def client(waits: Waits, first: Endpoint, *, attempts: int = 3, **more: Any) -> ModelClient:
    return ModelClient(
        first,
        limits=RetryLimits(attempts=attempts),
        clock=waits.clock,
        sleep=waits.sleep,
        chance=lambda: 0.5,
        **more,
    )


async def ask(model: ModelClient, request: ModelRequest = REQUEST) -> list[ModelEvent]:
    return [event async for event in model.stream(request)]


def last(events: Sequence[ModelEvent], kind: type[Kind]) -> Kind:
    event = events[-1]
    assert isinstance(event, kind), event
    return event


def only(events: Sequence[ModelEvent], kind: type[Kind]) -> list[Kind]:
    return [event for event in events if isinstance(event, kind)]


def pool(*keys: str) -> CredentialPool:
    credentials = [
        Credential(id=key, label=key, source="manual", key=key, priority=place)
        for place, key in enumerate(keys)
    ]
    return CredentialPool("custom", credentials)


def key_of(request: RecordedRequest) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


class TestAnswer:
    @pytest.mark.parametrize("wire", ["chat_completions", "responses", "messages"])
    async def test_each_wire_answers(self, waits: Waits, wire: str) -> None:
        async with ModelServer([Reply(text="Hello there.")]) as server:
            model = client(waits, endpoint(server, wire=wire))
            events = await ask(model)
            await model.close()
        assert "".join(delta.text for delta in only(events, TextDelta)) == "Hello there."
        reply = last(events, Replied).reply
        assert (reply.text, reply.usage.model_calls, reply.usage.input_tokens) == ("Hello there.", 1, 100)

    async def test_a_local_answer_costs_nothing_and_a_reported_cost_stands(self, waits: Waits) -> None:
        script = [Reply(text="a"), Reply(text="b", usage=Tokens(cost=0.25))]
        async with ModelServer(script) as server:
            model = client(waits, endpoint(server, local=True))
            first = last(await ask(model), Replied).reply.usage
            second = last(await ask(model), Replied).reply.usage
            await model.close()
        assert (first.cost_usd, first.cost_status) == (0.0, "included")
        assert (second.cost_usd, second.cost_status) == (0.25, "actual")

    async def test_the_configured_effort_is_used_where_a_request_names_none(self, waits: Waits) -> None:
        async with ModelServer([Reply(text="a"), Reply(text="b")]) as server:
            model = client(
                waits,
                endpoint(server, reasoning_style="effort"),
                effort_for=lambda name: "high" if name == "scripted-model" else "",
            )
            await ask(model)
            await ask(model, msgspec.structs.replace(REQUEST, reasoning_effort="low"))
            await model.close()
        assert [request.json["reasoning_effort"] for request in server.requests] == ["high", "low"]


class TestRetry:
    async def test_failures_are_retried_with_growing_waits_and_counted(self, waits: Waits) -> None:
        async with ModelServer([BROKEN, BROKEN, Reply(text="At last.")]) as server:
            model = client(waits, endpoint(server))
            events = await ask(model)
            await model.close()
        assert waits.slept == [2.5, 5.0]
        assert [(event.attempt, event.discards_text) for event in only(events, Retrying)] == [
            (1, False),
            (2, False),
        ]
        usage = last(events, Replied).reply.usage
        assert (usage.model_calls, usage.calls_without_usage, usage.input_tokens) == (3, 2, 100)

    async def test_after_the_last_attempt_the_failure_is_told_in_one_sentence(self, waits: Waits) -> None:
        async with ModelServer([BROKEN] * 3) as server:
            model = client(waits, endpoint(server))
            events = await ask(model)
            await model.close()
        failed = last(events, Failed)
        assert failed.failure.reason == "server_error"
        assert "Traceback" not in failed.failure.message
        assert (failed.usage.model_calls, failed.usage.calls_without_usage) == (3, 3)
        assert failed.usage.cost_usd == 0.0
        assert len(server.requests) == 3

    async def test_the_server_says_how_long_to_wait(self, waits: Waits) -> None:
        limited = msgspec.structs.replace(LIMITED, headers={"Retry-After": "17"})
        too_long = msgspec.structs.replace(LIMITED, headers={"Retry-After": "86400"})
        async with ModelServer([limited, too_long, Reply(text="ok")]) as server:
            model = client(waits, endpoint(server))
            last(await ask(model), Replied)
            await model.close()
        assert waits.slept == [17.0, 600.0]

    async def test_a_stream_that_breaks_after_text_is_tried_again_and_its_text_is_void(
        self, waits: Waits
    ) -> None:
        broken = Reply(text="This text will be cut in the middle.", breaks=Break(after="text"))
        async with ModelServer([broken, Reply(text="Whole.")]) as server:
            model = client(waits, endpoint(server))
            events = await ask(model)
            await model.close()
        place = next(index for index, event in enumerate(events) if isinstance(event, Retrying))
        assert only(events[:place], TextDelta)
        assert only(events, Retrying)[0].discards_text
        after = "".join(delta.text for delta in only(events[place:], TextDelta))
        reply = last(events, Replied).reply
        assert after == reply.text == "Whole."
        assert reply.usage.model_calls == 2

    async def test_what_came_before_the_last_break_is_kept(self, waits: Waits) -> None:
        broken = Reply(text="This text will be cut in the middle.", breaks=Break(after="text"))
        async with ModelServer([broken]) as server:
            model = client(waits, endpoint(server), attempts=1)
            failed = last(await ask(model), Failed)
            await model.close()
        assert failed.partial is not None
        assert failed.partial.text.startswith("This text")
        assert failed.usage.cost_status == "unknown"

    async def test_a_stalled_stream_is_given_up_and_tried_again(self, waits: Waits) -> None:
        stalled = Reply(text="so slow", breaks=Break(after=1, how="stall"))
        async with ModelServer([stalled, Reply(text="ok")]) as server:
            model = client(waits, endpoint(server, stall_timeout=0.2))
            events = await ask(model)
            await model.close()
        assert only(events, Retrying)[0].failure.reason == "timeout"
        assert last(events, Replied).reply.text == "ok"

    async def test_nothing_listening_is_an_error_and_never_the_demo(self, waits: Waits) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        gone = Endpoint(
            provider="custom", model="m", wire="chat_completions", base_url=f"http://127.0.0.1:{port}/v1"
        )
        model = client(waits, gone)
        failed = last(await ask(model), Failed)
        await model.close()
        assert failed.failure.reason == "connection"
        assert str(port) in failed.failure.message

    @pytest.mark.parametrize(
        ("status", "error", "reason"),
        [
            (400, "This model's maximum context length is 8192 tokens.", "context_overflow"),
            (413, "Request too large.", "payload_too_large"),
            (400, "max_tokens is too large: 99999. This model supports at most 4096.", "output_limit"),
            (400, "Image is too large.", "image_rejected"),
        ],
    )
    async def test_what_the_loop_must_change_comes_back_at_once(
        self, waits: Waits, status: int, error: str, reason: str
    ) -> None:
        async with ModelServer([Reply(status=status, error=error), Reply(text="never asked")]) as server:
            spare = endpoint(server, provider="spare", model="other")
            model = client(waits, endpoint(server), fallbacks=[spare])
            events = await ask(model)
            await model.close()
        assert last(events, Failed).failure.reason == reason
        assert len(events) == len(server.requests) == 1
        assert waits.slept == []

    async def test_a_window_that_was_learned_is_known(self, waits: Waits) -> None:
        async with ModelServer([]) as server:
            model = client(waits, endpoint(server))
            model.learn_window(8192)
            assert model.endpoint.context_length == 8192

    async def test_cancelling_closes_the_connection(self, waits: Waits) -> None:
        begun, ended = asyncio.Event(), asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            begun.set()
            while await reader.read(65536):
                pass
            ended.set()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            there = Endpoint(
                provider="custom", model="m", wire="chat_completions", base_url=f"http://127.0.0.1:{port}/v1"
            )
            model = client(waits, there)
            asking = asyncio.ensure_future(ask(model))
            await asyncio.wait_for(begun.wait(), 5)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await asyncio.wait_for(ended.wait(), 5)
            await model.close()


class TestKeys:
    async def test_the_first_rate_limit_is_forgiven_and_the_second_changes_the_key(
        self, waits: Waits
    ) -> None:
        async with ModelServer([LIMITED, LIMITED, Reply(text="ok")]) as server:
            first = endpoint(server, api_key="one")
            model = client(waits, first, pools={("custom", "one"): pool("one", "two")})
            events = await ask(model)
            await model.close()
        last(events, Replied)
        assert [key_of(request) for request in server.requests] == ["one", "one", "two"]
        assert waits.slept == [2.5]

    async def test_a_refused_key_is_changed_at_once(self, waits: Waits) -> None:
        refused = Reply(status=401, error="Invalid key.")
        async with ModelServer([refused, Reply(text="a"), Reply(text="b")]) as server:
            first = endpoint(server, api_key="one")
            model = client(waits, first, pools={("custom", "one"): pool("one", "two")})
            last(await ask(model), Replied)
            last(await ask(model), Replied)
            await model.close()
        assert [key_of(request) for request in server.requests] == ["one", "two", "two"]
        assert waits.slept == []

    async def test_an_only_key_that_is_refused_ends_the_call(self, waits: Waits) -> None:
        async with ModelServer([Reply(status=401, error="Invalid key.")]) as server:
            model = client(waits, endpoint(server, api_key="one"), pools={("custom", "one"): pool("one")})
            failed = last(await ask(model), Failed)
            await model.close()
        assert failed.failure.reason == "auth"
        assert "one" not in failed.failure.message.split()

    async def test_a_key_never_goes_to_another_endpoint_of_the_same_provider(self, waits: Waits) -> None:
        async with ModelServer([BROKEN]) as first_server, ModelServer([Reply(text="ok")]) as second_server:
            first = endpoint(first_server, api_key="one")
            second = endpoint(second_server, api_key="other", model="m2")
            model = client(
                waits, first, attempts=1, fallbacks=[second], pools={("custom", "one"): pool("one", "two")}
            )
            last(await ask(model), Replied)
            await model.close()
        assert [key_of(request) for request in second_server.requests] == ["other"]


class TestFallback:
    @pytest.fixture
    def chain(self) -> Callable[[ModelServer], dict[str, Any]]:
        def build(server: ModelServer) -> dict[str, Any]:
            names = ("second", "third")
            return {"fallbacks": [endpoint(server, provider=name, model=name) for name in names]}

        return build

    async def test_after_its_attempts_the_next_model_is_asked(
        self, waits: Waits, chain: Callable[[ModelServer], dict[str, Any]]
    ) -> None:
        async with ModelServer([BROKEN, BROKEN, Reply(text="ok")]) as server:
            model = client(waits, endpoint(server), attempts=2, **chain(server))
            events = await ask(model)
            await model.close()
        (switching,) = only(events, Switching)
        assert (switching.from_model, switching.to_model) == ("custom/scripted-model", "second/second")
        replied = last(events, Replied)
        assert (replied.endpoint.model, replied.reply.usage.model_calls) == ("second", 3)

    async def test_the_whole_chain_may_be_walked_and_then_it_fails(
        self, waits: Waits, chain: Callable[[ModelServer], dict[str, Any]]
    ) -> None:
        async with ModelServer([BROKEN] * 3) as server:
            model = client(waits, endpoint(server), attempts=1, **chain(server))
            events = await ask(model)
            await model.close()
        assert [event.to_model for event in only(events, Switching)] == ["second/second", "third/third"]
        assert last(events, Failed).usage.model_calls == 3

    async def test_refused_content_is_not_asked_twice_of_the_same_model(
        self, waits: Waits, chain: Callable[[ModelServer], dict[str, Any]]
    ) -> None:
        refused = Reply(status=400, error="Rejected by content_policy.")
        async with ModelServer([refused, Reply(text="ok")]) as server:
            model = client(waits, endpoint(server), **chain(server))
            events = await ask(model)
            await model.close()
        assert [type(event) for event in events if not isinstance(event, TextDelta)] == [Switching, Replied]
        assert waits.slept == []

    async def test_the_same_model_at_the_same_place_is_no_fallback(self, waits: Waits) -> None:
        async with ModelServer([BROKEN]) as server:
            same = endpoint(server, provider="renamed")
            model = client(waits, endpoint(server), attempts=1, fallbacks=[same])
            events = await ask(model)
            await model.close()
        assert [type(event) for event in events] == [Failed]

    async def test_nobody_waits_for_minutes_where_another_model_can_answer(
        self, waits: Waits, chain: Callable[[ModelServer], dict[str, Any]]
    ) -> None:
        limited = msgspec.structs.replace(LIMITED, headers={"Retry-After": "300"})
        async with ModelServer([limited, Reply(text="ok")]) as server:
            model = client(waits, endpoint(server), **chain(server))
            last(await ask(model), Replied)
            await model.close()
        assert waits.slept == []

    async def test_a_new_turn_goes_back_to_the_primary(
        self, waits: Waits, chain: Callable[[ModelServer], dict[str, Any]]
    ) -> None:
        async with ModelServer([BROKEN, Reply(text="a"), Reply(text="b"), Reply(text="c")]) as server:
            model = client(waits, endpoint(server), attempts=1, **chain(server))
            await ask(model)
            assert last(await ask(model), Replied).endpoint.model == "second"
            model.begin_turn()
            assert last(await ask(model), Replied).endpoint.model == "scripted-model"
            await model.close()

    async def test_a_rate_limited_primary_is_left_alone_for_a_while(
        self, waits: Waits, chain: Callable[[ModelServer], dict[str, Any]]
    ) -> None:
        async with ModelServer([LIMITED, Reply(text="a")]) as server:
            model = client(waits, endpoint(server), attempts=1, **chain(server))
            await ask(model)
            waits.now += PRIMARY_COOLDOWN - 1
            model.begin_turn()
            assert model.endpoint.model == "second"
            waits.now += 1
            model.begin_turn()
            assert model.endpoint.model == "scripted-model"
            await model.close()

    async def test_an_endpoint_that_keeps_stalling_is_left_early(
        self, waits: Waits, chain: Callable[[ModelServer], dict[str, Any]]
    ) -> None:
        stalled = Reply(text="so slow", breaks=Break(after=1, how="stall"), repeat=5)
        async with ModelServer([stalled, Reply(text="ok")]) as server:
            model = client(waits, endpoint(server, stall_timeout=0.1), attempts=99, **chain(server))
            events = await ask(model)
            await model.close()
        assert len(only(events, Retrying)) == 4
        assert last(events, Replied).endpoint.model == "second"


class TestUnnamedModel:
    async def test_the_only_model_of_a_server_is_used_and_asked_for_once(self, waits: Waits) -> None:
        script = Script(replies=(Reply(text="a", repeat=2),), models=("embed-small", "the-one"))
        async with ModelServer(script) as server:
            model = client(waits, endpoint(server, model="", api_key="k"))
            replied = last(await ask(model), Replied)
            await ask(model)
            await model.close()
        assert (replied.endpoint.model, model.endpoint.model) == ("the-one", "the-one")
        assert [request.path for request in server.requests] == [
            "/v1/models",
            "/v1/chat/completions",
            "/v1/chat/completions",
        ]
        assert key_of(server.requests[0]) == "k"
        assert server.requests[1].json["model"] == "the-one"

    async def test_several_models_elsewhere_are_the_owners_choice(self, waits: Waits) -> None:
        async with ModelServer(Script(replies=(), models=("a", "b", "c", "d"))) as server:
            model = client(waits, endpoint(server, model=""))
            failed = last(await ask(model), Failed)
            await model.close()
        assert failed.failure.reason == "not_configured"
        assert "4 models (a, b, c, ...)" in failed.failure.message

    async def test_of_several_models_on_this_machine_the_first_is_used(self, waits: Waits) -> None:
        async with ModelServer(Script(replies=(Reply(text="x"),), models=("a", "b"))) as server:
            model = client(waits, endpoint(server, model="", local=True))
            assert last(await ask(model), Replied).endpoint.model == "a"
            await model.close()

    async def test_a_server_without_a_list_says_what_to_do(self, waits: Waits) -> None:
        async with ModelServer([]) as server:
            model = client(waits, endpoint(server, model="", base_url=server.origin + "/nowhere"))
            failed = last(await ask(model), Failed)
            await model.close()
        assert "name one with -m" in failed.failure.message
