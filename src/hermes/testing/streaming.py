"""Sends a reply as a stream, with the faults that the script asks for."""

import asyncio
from collections.abc import Iterator

from aiohttp import web

from hermes.testing.dialects.dialect import Dialect, Frame, Turn
from hermes.testing.script import Break, Reply

GARBAGE = b"\x00\xff\xfe\x9c\x1f\x8b" * 8


async def send_stream(request: web.Request, dialect: Dialect, turn: Turn) -> web.StreamResponse:
    reply = turn.reply
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **reply.headers})
    await response.prepare(request)
    frames = [Frame("other", reply.raw_bytes)] if reply.raw_bytes else list(dialect.frames(turn))
    if reply.breaks is None:
        await _send(response, reply, frames)
        return response
    at = break_position(frames, reply.breaks)
    await _send(response, reply, frames[:at])
    if await _suffer(request, response, dialect, reply.breaks):
        await _send(response, reply, frames[at:])
    return response


def break_position(frames: list[Frame], damage: Break) -> int:
    """How many frames are sent before it happens."""
    if isinstance(damage.after, int):
        return damage.after
    places = [index for index, frame in enumerate(frames) if frame.kind == damage.after]
    return places[(len(places) - 1) // 2] + 1 if places else len(frames)


async def _suffer(
    request: web.Request, response: web.StreamResponse, dialect: Dialect, damage: Break
) -> bool:
    """Does the damage; true if the stream goes on after it."""
    match damage.how:
        case "drop":
            if request.transport is not None:
                request.transport.close()
        case "stall":
            await asyncio.sleep(damage.seconds)
            return True
        case "error":
            await response.write(dialect.error_frame(damage.error))
        case "garbage":
            await response.write(GARBAGE)
        case "invalid_json":
            await response.write(b'data: {"choices": [{"delta"\n\n')
            return True
        case "end":
            pass
    return False


async def _send(response: web.StreamResponse, reply: Reply, frames: list[Frame]) -> None:
    for number, part in enumerate(_writes(reply, frames)):
        if number and reply.delay:
            await asyncio.sleep(reply.delay)
        await response.write(part)


def _writes(reply: Reply, frames: list[Frame]) -> Iterator[bytes]:
    if not reply.pieces:
        yield from (frame.data for frame in frames)
        return
    data = b"".join(frame.data for frame in frames)
    start = 0
    for end in sorted({*reply.pieces, len(data)}):
        if start < end <= len(data):
            yield data[start:end]
            start = end
