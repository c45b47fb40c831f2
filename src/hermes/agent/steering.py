"""A person's word while a run works: stop, steer, or follow up."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

from hermes.agent.ending import Interrupted

T = TypeVar("T")


class Steering:
    """What people said to a running run. Safe to call from the loop's thread at any time."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        """Set once by an interrupt; the run then ends at its next wait."""
        self.reason = ""
        self._steers: deque[str] = deque()
        self._follow_ups: deque[str] = deque()
        self._closed = False

    def interrupt(self, reason: str = "") -> None:
        """End the run: the model's stream is abandoned, running tools are ended."""
        self.reason = reason
        self.stop.set()

    def steer(self, text: str) -> bool:
        """Say something to the model with its next tool results, without a new turn. False: the run takes no
        more, its end is decided."""
        if not self._closed:
            self._steers.append(text)
        return not self._closed

    def follow_up(self, text: str) -> None:
        """Say something to the model when it has answered, in the same run."""
        self._follow_ups.append(text)

    def take_steers(self) -> str:
        """All pending steers as one text, or an empty one."""
        text = "\n".join(self._steers)
        self._steers.clear()
        return text

    def take_follow_up(self) -> str:
        """The next follow-up. Steers that found no tool result to ride on come first."""
        return self.take_steers() or (self._follow_ups.popleft() if self._follow_ups else "")

    def close(self) -> str:
        """Take no more steers; those that nobody has read yet, as one text."""
        self._closed = True
        return self.take_steers()

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, or, once a person stops the run, Interrupted; `work` is then cancelled, or
        not begun at all."""
        if self.stop.is_set():
            work.close()
            raise Interrupted
        task = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Interrupted
            return task.result()
        finally:
            stopped.cancel()
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
