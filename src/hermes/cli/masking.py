"""Masking where text is shown to people or leaves the program. The transcript keeps the exact words, because
the model is sent them again byte for byte."""

import contextlib
import itertools
import string
from collections.abc import Callable, Iterable

import msgspec

from hermes.cli.opening import Place
from hermes.home.errors import ConfigError
from hermes.home.redaction import known_secrets, redact, redact_json, redact_tree
from hermes.home.settings import Settings
from hermes.store.records import Message, SearchHit, Session

Mask = Callable[[str], str]
"""The text without its secrets."""

_WORD = string.ascii_letters + string.digits + string.punctuation
"""What secrets are made of; a word of other characters need not be waited for."""
_BLOCK_START = "-----BEGIN"
"""Of a private key, the one secret that goes on over line ends."""


def secrets_of(place: Place) -> frozenset[str]:
    """The secrets that we were given. Where the settings can't be read, those of the environment."""
    settings: Settings | None = None
    with contextlib.suppress(ConfigError):  # what was said before can be looked at with a broken file, too
        settings = place.settings()
    return known_secrets(place.environment, settings)


def masked_messages(messages: Iterable[Message], secrets: frozenset[str]) -> list[Message]:
    """The messages as they may be shown."""
    return [_masked_message(message, secrets) for message in messages]


def masked_session(session: Session, secrets: frozenset[str]) -> Session:
    """The session's facts as they may be shown."""
    return msgspec.structs.replace(
        session,
        title=session.title and redact(session.title, secrets),
        system_prompt=session.system_prompt and redact(session.system_prompt, secrets),
    )


def masked_hit(hit: SearchHit, secrets: frozenset[str]) -> SearchHit:
    """What a search found, as it may be shown."""
    title = hit.session_title and redact(hit.session_title, secrets)
    return msgspec.structs.replace(hit, snippet=redact(hit.snippet, secrets), session_title=title)


def _masked_message(message: Message, secrets: frozenset[str]) -> Message:
    return msgspec.structs.replace(
        message,
        content=redact(message.content, secrets),
        wire_content=message.wire_content and redact(message.wire_content, secrets),
        tool_calls=tuple(
            msgspec.structs.replace(call, arguments=redact_json(call.arguments, secrets))
            for call in message.tool_calls
        ),
        display=message.display and redact(message.display, secrets),
        reasoning=redact(message.reasoning, secrets),
        replay=tuple(redact_tree(item, secrets) for item in message.replay),
    )


class MaskedStream:
    """Masks a text that arrives in pieces. A word is given out when it has ended: before that, nobody knows
    whether it is a secret. What stands before it in the line is looked at again with it."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._text = ""
        """The line in progress, or the block with a private key."""
        self._given = ""
        """What was given out of it."""

    def feed(self, text: str) -> str:
        """Take a piece; return what can be shown now."""
        self._text += text
        ended = self._text.rstrip(_WORD)
        shown = self._give(ended)
        start = ended.rfind("\n") + 1
        if start and _BLOCK_START not in ended:
            self._text, self._given = self._text[start:], self._mask(ended[start:])
        return shown

    def finish(self) -> str:
        """The text has ended; return the rest of it."""
        rest = self._give(self._text)
        self.drop()
        return rest

    def drop(self) -> None:
        """Forget what was held back."""
        self._text = self._given = ""

    def _give(self, text: str) -> str:
        masked = self._mask(text)
        before, self._given = self._given, masked
        if masked.startswith(before):
            return masked[len(before) :]
        alike = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(before, masked, strict=False))
        return masked[sum(1 for _ in alike) :]
