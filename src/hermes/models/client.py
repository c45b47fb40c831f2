"""A model that answers as well as the world allows: retries, other keys, other models, and an honest end.

`ModelClient` puts one call through the wire protocol of its endpoint. When an attempt fails it says so as
an event, goes on with what is left, and only when nothing is left ends with `Failed`. The clock, the sleep
and the chance are arguments.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

import msgspec

from hermes.models.contract import (
    Endpoint,
    Failed,
    ModelError,
    ModelEvent,
    ModelFailure,
    ModelRequest,
    Replied,
    Retrying,
    Switching,
)
from hermes.models.credentials import Credential, CredentialPool
from hermes.models.pricing import with_cost
from hermes.models.provider import host_of, is_loopback
from hermes.models.retry import FOR_THE_LOOP, RetryLimits, may_retry, wait_before
from hermes.store.records import Usage

if TYPE_CHECKING:
    import aiohttp

PRIMARY_COOLDOWN = 60.0
"""Seconds that a rate-limited or unpaid primary is left alone before a new turn goes back to it."""

_log = logging.getLogger(__name__)


class ModelClient:
    """One model and those that stand in for it. Made for one run or many; not for concurrent calls of one."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        fallbacks: Sequence[Endpoint] = (),
        pools: Mapping[tuple[str, str], CredentialPool] | None = None,
        limits: RetryLimits | None = None,
        effort_for: Callable[[str], str] = lambda model: "",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`pools`: (provider, key of the endpoint) -> the keys that may take turns there.
        `effort_for`: model id -> reasoning effort, for requests that name none."""
        self._endpoints = [endpoint, *(one for one in fallbacks if not _same_target(one, endpoint))]
        self._pools = pools or {}
        self._limits = limits or RetryLimits()
        self._effort_for = effort_for
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._active = 0
        self._primary_rests_until = 0.0
        self._stalls = 0
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that the next call will try first."""
        return self._endpoints[self._active]

    def begin_turn(self) -> None:
        """Go back to the configured model for a new input, unless it was just refused for its limits."""
        if self._active and self._clock() >= self._primary_rests_until:
            self._active = 0
            self._stalls = 0

    def learn_window(self, tokens: int) -> None:
        """Take over the context window that an overflow error named."""
        self._endpoints[self._active] = msgspec.structs.replace(self.endpoint, context_length=tokens)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Answer one request. The last event is `Replied`, with the usage of all attempts, or `Failed`."""
        course = _Course()
        while True:
            course.shown = False
            credential = self._credential()
            try:
                async with aclosing(self._attempt(request, credential)) as events:
                    async for event in events:
                        if isinstance(event, Replied):
                            self._stalls = 0
                            yield self._finished(event, course)
                            return
                        course.shown = True
                        yield event
                error = ModelError(_no_reply(self.endpoint))
            except ModelError as caught:
                error = caught
            self._note(error, course)
            step = self._next_step(error.failure, course, credential)
            yield step or Failed(error.failure, error.partial, course.usage)
            if step is None:
                return
            if isinstance(step, Retrying) and step.wait_seconds:
                await self._sleep(step.wait_seconds)

    async def close(self) -> None:
        """Close connections and remember the use of keys."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        for pool in self._pools.values():
            pool.close()

    # One attempt.

    async def _attempt(
        self, request: ModelRequest, credential: Credential | None
    ) -> AsyncGenerator[ModelEvent, None]:
        if not self.endpoint.model:
            await self._learn_model(credential)
        endpoint = _with_key(self.endpoint, credential)
        if not request.reasoning_effort and (effort := self._effort_for(endpoint.model)):
            request = msgspec.structs.replace(request, reasoning_effort=effort)
        # A wire protocol is an async generator: closing it closes its connection at once.
        stream = cast(AsyncGenerator[ModelEvent, None], self._open_stream(endpoint, request))
        async with aclosing(stream) as events:
            async for event in events:
                yield event

    def _open_stream(self, endpoint: Endpoint, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """The wire protocol is imported here, so that a process loads only those that it speaks."""
        if endpoint.wire == "demo":
            from hermes.models import demo

            return demo.stream(endpoint, request)
        http = self._session(endpoint)
        if endpoint.wire == "responses":
            from hermes.models.wires import responses

            return responses.stream(http, endpoint, request)
        if endpoint.wire == "messages":
            from hermes.models.wires import messages

            return messages.stream(http, endpoint, request)
        from hermes.models.wires import chat_completions

        return chat_completions.stream(http, endpoint, request)

    def _session(self, endpoint: Endpoint) -> "aiohttp.ClientSession":
        """One connection pool for the process; a proxy of the environment is never asked about loopback."""
        import aiohttp

        direct = is_loopback(host_of(endpoint.base_url))
        if direct not in self._sessions:
            timeout = aiohttp.ClientTimeout(total=None)
            self._sessions[direct] = aiohttp.ClientSession(timeout=timeout, trust_env=not direct)
        return self._sessions[direct]

    async def _learn_model(self, credential: Credential | None) -> None:
        """Ask the server which model it serves, where nobody has named one."""
        from hermes.models.model_list import served_model

        endpoint = _with_key(self.endpoint, credential)
        model = await served_model(self._session(endpoint), endpoint)
        self._endpoints[self._active] = msgspec.structs.replace(self.endpoint, model=model)

    def _credential(self) -> Credential | None:
        pool = self._pool()
        return pool.select() if pool is not None else None

    def _pool(self) -> CredentialPool | None:
        return self._pools.get((self.endpoint.provider, self.endpoint.api_key))

    # After an attempt.

    def _finished(self, event: Replied, course: "_Course") -> Replied:
        usage = course.usage.plus(with_cost(event.reply.usage, event.endpoint))
        reply = msgspec.structs.replace(event.reply, usage=usage)
        return Replied(reply, self.endpoint)

    def _note(self, error: ModelError, course: "_Course") -> None:
        """Count a failed attempt."""
        course.attempt += 1
        course.usage = course.usage.plus(with_cost(_usage_of(error, course.shown), self.endpoint))
        self._stalls = self._stalls + 1 if error.failure.reason == "timeout" else 0

    def _next_step(
        self, failure: ModelFailure, course: "_Course", credential: Credential | None
    ) -> Retrying | Switching | None:
        """How to go on; None when there is no way left."""
        if failure.reason in FOR_THE_LOOP:
            return None
        if failure.rotate_credential and credential and self._rotate(failure, course, credential):
            return Retrying(failure, course.attempt, 0.0, course.shown)
        wait = wait_before(failure, course.attempt, self._chance())
        # Where another model can answer now, nobody should wait for minutes.
        patient = wait <= PRIMARY_COOLDOWN or self._following() is None
        if patient and may_retry(failure, course.attempt, self._stalls, self._limits):
            return Retrying(failure, course.attempt, wait, course.shown)
        if failure.fall_back or failure.retryable:
            return self._switch(failure, course)
        return None

    def _rotate(self, failure: ModelFailure, course: "_Course", credential: Credential) -> bool:
        """Go on with another key at once. A first rate limit gets a second try with the same one."""
        if failure.reason == "rate_limit" and credential.id not in course.forgiven:
            course.forgiven.add(credential.id)
            return False
        pool = self._pool()
        if pool is None or not pool.reject(credential, failure):
            return False
        course.attempt -= 1
        return True

    def _following(self) -> int | None:
        """Place of the next endpoint in the chain that is not the one that just failed."""
        for place in range(self._active + 1, len(self._endpoints)):
            if not _same_target(self._endpoints[place], self.endpoint):
                return place
        return None

    def _switch(self, failure: ModelFailure, course: "_Course") -> Switching | None:
        following = self._following()
        if following is None:
            return None
        if self._active == 0 and failure.reason in {"rate_limit", "billing"}:
            self._primary_rests_until = self._clock() + PRIMARY_COOLDOWN
        before, self._active = self.endpoint, following
        course.attempt = 0
        self._stalls = 0
        _log.info("%s failed (%s); going on with %s", _name(before), failure.reason, _name(self.endpoint))
        return Switching(failure, _name(before), _name(self.endpoint), course.shown)


class _Course(msgspec.Struct):
    """How far one call has come."""

    attempt: int = 0
    """Failed attempts at the present endpoint."""
    shown: bool = False
    """The present attempt has already yielded something."""
    usage: Usage = msgspec.field(default_factory=Usage)
    """Of the failed attempts."""
    forgiven: set[str] = set()
    """Keys that were rate-limited once in this call."""


def _same_target(one: Endpoint, other: Endpoint) -> bool:
    return one.model == other.model and (one.provider == other.provider or one.base_url == other.base_url)


def _with_key(endpoint: Endpoint, credential: Credential | None) -> Endpoint:
    if credential is None:
        return endpoint
    return msgspec.structs.replace(endpoint, api_key=credential.key)


def _usage_of(error: ModelError, began: bool) -> Usage:
    """What a failed attempt consumed, as far as that is known. One that was refused before it began cost
    nothing."""
    reported = error.partial.usage if error.partial else Usage()
    if reported.input_tokens or reported.output_tokens:
        return msgspec.structs.replace(reported, model_calls=1)
    if began or error.failure.reason == "timeout":
        return Usage(model_calls=1, calls_without_usage=1)
    return Usage(model_calls=1, calls_without_usage=1, cost_usd=0.0, cost_status="actual")


def _no_reply(endpoint: Endpoint) -> ModelFailure:
    return ModelFailure(
        reason="bad_response",
        message=f"The model {_name(endpoint)} ended its answer without finishing it.",
        retryable=True,
        fall_back=True,
    )


def _name(endpoint: Endpoint) -> str:
    return f"{endpoint.provider}/{endpoint.model}" if endpoint.model else endpoint.provider
