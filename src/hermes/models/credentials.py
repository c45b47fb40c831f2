"""Several keys for one provider: which to use next, which to rest, and what `auth.json` remembers of them.

`auth.json` is shared with existing installations: entries live under `credential_pool.<provider>[]`, and
everything in the file that is not ours to change is written back as it was. A key that comes from the
environment or the config is only referred to, by its source and a fingerprint, never stored.
"""

import hashlib
import logging
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from hermes.home.errors import HomeError
from hermes.home.files import lock_file, write_atomic
from hermes.models.contract import Endpoint, ModelFailure
from hermes.models.provider import Provider, Variables, host_of

Strategy = Literal["fill_first", "round_robin", "random", "least_used"]

Status = Literal["ok", "exhausted", "dead"]

REST_AFTER_AUTH_FAILURE = 300.0
"""Seconds a key rests after 401, which is often repaired soon."""

REST_AFTER_OTHER_FAILURES = 3600.0
"""Seconds a key rests after 429, 402 and the like, unless the provider names a time."""

_REVOKED = (
    "invalid_grant",
    "token_revoked",
    "token_invalidated",
    "refresh_token_reused",
    "unauthorized_client",
)

_log = logging.getLogger(__name__)


class Credential(msgspec.Struct, kw_only=True):
    """One key of a pool and how it has fared."""

    id: str
    label: str
    source: str
    """`env:NAME`, `config:<provider>`, or `manual` for a key stored in the file."""
    key: str
    priority: int = 0
    """Lower goes first."""
    status: Status = "ok"
    rests_until: float = 0.0
    """Unix seconds."""
    request_count: int = 0
    last_used_at: float = 0.0
    error_code: int | None = None
    error_reason: str | None = None


class AuthFile:
    """`auth.json` of one profile."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Any]:
        """The whole file; empty when there is none. Raises HomeError when it can't be understood."""
        try:
            content: object = msgspec.json.decode(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise HomeError(f"{self._path} can't be read: {error.strerror}.") from error
        except msgspec.DecodeError as error:
            raise HomeError(
                f"{self._path} is not valid JSON ({error}); repair it or move it away."
            ) from error
        if not isinstance(content, dict):
            raise HomeError(f"{self._path} does not hold a JSON object; repair it or move it away.")
        return cast(dict[str, Any], content)

    def entries(self, provider: str) -> list[dict[str, Any]]:
        """The pool of one provider, as it is in the file."""
        return _entries(self.read(), provider)

    def stored_keys(self) -> dict[str, str]:
        """Provider -> first key that is stored in the file itself and not known to be dead."""
        pools = self.read().get("credential_pool")
        keys: dict[str, str] = {}
        for provider in pools if isinstance(pools, dict) else {}:
            stored = [_credential(entry) for entry in self.entries(provider) if _is_stored_key(entry)]
            usable = [credential for credential in stored if credential.status != "dead"]
            if usable:
                keys[provider] = min(usable, key=lambda credential: credential.priority).key
        return keys

    def change(self, provider: str, edit: Callable[[list[dict[str, Any]]], None]) -> None:
        """Edit one pool in place, under the lock that other processes on this home use too."""
        lock = self._path.with_name("auth.lock")
        with lock_file(lock, wait_seconds=2.0, subject=str(self._path)):
            content = self.read() or {"version": 1}
            pools = content.setdefault("credential_pool", {})
            edit(pools.setdefault(provider, []))
            write_atomic(self._path, msgspec.json.format(msgspec.json.encode(content), indent=2), 0o600)


class CredentialPool:
    """The keys of one provider, in use by one process."""

    def __init__(
        self,
        provider: str,
        credentials: Sequence[Credential],
        *,
        strategy: Strategy = "fill_first",
        file: AuthFile | None = None,
        clock: Callable[[], float] = time.time,
        choose: Callable[[Sequence[Credential]], Credential] = random.choice,
    ) -> None:
        self.provider = provider
        self._credentials = sorted(credentials, key=lambda credential: credential.priority)
        self._strategy = strategy
        self._file = file
        self._clock = clock
        self._choose = choose
        self._used: set[str] = set()

    def __len__(self) -> int:
        return len(self._credentials)

    def select(self) -> Credential | None:
        """The key for the next attempt; when all are resting, the one done first; None if none is alive."""
        ready = self._ready()
        if ready:
            chosen = self._pick(ready)
        else:
            alive = [credential for credential in self._credentials if credential.status != "dead"]
            if not alive:
                return None
            chosen = min(alive, key=lambda credential: credential.rests_until)
        chosen.request_count += 1
        chosen.last_used_at = self._clock()
        self._used.add(chosen.id)
        return chosen

    def reject(self, credential: Credential, failure: ModelFailure) -> bool:
        """Let a key rest that the provider refused. False: there is no other to go on with.

        An only key never rests: trying it again is all that is left, and its owner may have paid meanwhile.
        """
        if len(self._credentials) < 2:
            return False
        now = self._clock()
        credential.status = "dead" if any(word in failure.message for word in _REVOKED) else "exhausted"
        credential.rests_until = now + _rest(failure)
        credential.error_code = failure.status
        credential.error_reason = failure.reason
        self._save([credential])
        return bool(self._ready())

    def close(self) -> None:
        """Remember how often keys were used, where the strategy goes by it."""
        if len(self._credentials) > 1 and self._strategy in {"round_robin", "least_used"} and self._used:
            self._save([credential for credential in self._credentials if credential.id in self._used])

    def _ready(self) -> list[Credential]:
        now = self._clock()
        for credential in self._credentials:
            if credential.status == "exhausted" and credential.rests_until <= now:
                credential.status = "ok"
        return [credential for credential in self._credentials if credential.status == "ok"]

    def _pick(self, ready: Sequence[Credential]) -> Credential:
        if self._strategy == "random":
            return self._choose(ready)
        if self._strategy == "round_robin":
            return min(ready, key=lambda credential: credential.last_used_at)
        if self._strategy == "least_used":
            return min(ready, key=lambda credential: credential.request_count)
        return ready[0]

    def _save(self, credentials: Sequence[Credential]) -> None:
        if self._file is None:
            return

        def edit(entries: list[dict[str, Any]]) -> None:
            for credential in credentials:
                entry = next((entry for entry in entries if _same(entry, credential)), None)
                if entry is None:
                    entry = _new_entry(credential)
                    entries.append(entry)
                entry.update(_state(credential, self._clock()))

        try:
            self._file.change(self.provider, edit)
        except HomeError as error:
            # The pool goes on in memory; only the next process will not know which keys rest.
            _log.warning("The state of the keys for %s was not saved: %s", self.provider, error)


def open_pool(
    row: Provider,
    endpoint: Endpoint,
    environment: Variables,
    file: AuthFile,
    *,
    strategy: Strategy = "fill_first",
    clock: Callable[[], float] = time.time,
) -> CredentialPool:
    """The keys that may be sent to `endpoint`: its own, and those that came the same way.

    A key given in place for one address stands alone: the provider's other keys have no business there.
    The same goes for keys of another kind (another door of the provider) or for another host.
    """
    entries = [entry for entry in file.entries(row.id) if _is_for(entry, endpoint)]
    by_source = {str(entry.get("source", "")): entry for entry in entries}
    borrowed: dict[str, Credential] = {}
    for variable in row.key_variables:
        key = (environment.get(variable) or "").strip()
        if key and key not in borrowed:
            source = f"env:{variable}"
            borrowed[key] = _borrowed(by_source.get(source), source, key, len(borrowed))
    stored = [_credential(entry) for entry in entries if _is_stored_key(entry)]
    known = [*borrowed.values(), *(one for one in stored if one.key not in borrowed)]
    if endpoint.api_key not in {credential.key for credential in known}:
        source = f"config:{row.id}"
        known = [_borrowed(by_source.get(source), source, endpoint.api_key, 0)]
    door = row.route_of(endpoint.api_key)
    credentials = [credential for credential in known if row.route_of(credential.key) == door]
    return CredentialPool(row.id, credentials, strategy=strategy, file=file, clock=clock)


def fingerprint(key: str) -> str:
    """Tells a changed key from the same one without revealing either."""
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()[:16]


def _entries(content: dict[str, Any], provider: str) -> list[dict[str, Any]]:
    pools = content.get("credential_pool")
    pool = pools.get(provider) if isinstance(pools, dict) else None
    return [entry for entry in pool if isinstance(entry, dict)] if isinstance(pool, list) else []


def _is_stored_key(entry: dict[str, Any]) -> bool:
    """A key of its own. Logins are not keys, and what came from elsewhere is looked up there."""
    borrowed = str(entry.get("source", "")).startswith(("env:", "config:"))
    return entry.get("auth_type", "api_key") == "api_key" and not borrowed and bool(entry.get("access_token"))


def _is_for(entry: dict[str, Any], endpoint: Endpoint) -> bool:
    """An entry that names an address is good for that host only."""
    base_url = entry.get("base_url")
    return not isinstance(base_url, str) or not base_url or host_of(base_url) == host_of(endpoint.base_url)


def _credential(entry: dict[str, Any]) -> Credential:
    """An entry of the file, read with the tolerance that a file of another product needs."""
    status = entry.get("last_status")
    code = entry.get("last_error_code")
    since = _timestamp(entry.get("last_status_at"))
    rest = REST_AFTER_AUTH_FAILURE if code == 401 else REST_AFTER_OTHER_FAILURES
    key = str(entry.get("access_token") or "")
    return Credential(
        id=str(entry.get("id") or fingerprint(key)[-6:]),
        label=str(entry.get("label") or entry.get("source") or "key"),
        source=str(entry.get("source") or "manual"),
        key=key,
        priority=entry["priority"] if isinstance(entry.get("priority"), int) else 0,
        status=status if status in ("exhausted", "dead") else "ok",
        rests_until=_timestamp(entry.get("last_error_reset_at")) or since + rest,
        request_count=entry["request_count"] if isinstance(entry.get("request_count"), int) else 0,
        last_used_at=_timestamp(entry.get("last_used_at")),
    )


def _borrowed(entry: dict[str, Any] | None, source: str, key: str, place: int) -> Credential:
    """A key of the environment or the config, with its history unless the key has changed since."""
    if entry is not None and entry.get("secret_fingerprint") == fingerprint(key):
        credential = _credential(entry)
        credential.key = key
        return credential
    identity = str(entry.get("id")) if entry and entry.get("id") else fingerprint(source + key)[-6:]
    label = source.partition(":")[2]
    return Credential(id=identity, label=label, source=source, key=key, priority=place)


def _new_entry(credential: Credential) -> dict[str, Any]:
    return {
        "id": credential.id,
        "label": credential.label,
        "auth_type": "api_key",
        "priority": credential.priority,
        "source": credential.source,
    }


def _state(credential: Credential, now: float) -> dict[str, Any]:
    """The fields of an entry that are ours to write."""
    failed = credential.status != "ok"
    state: dict[str, Any] = {
        "last_status": credential.status,
        "last_status_at": now,
        "last_error_code": credential.error_code if failed else None,
        "last_error_reason": credential.error_reason if failed else None,
        "last_error_reset_at": credential.rests_until if failed else None,
        "request_count": credential.request_count,
        "last_used_at": credential.last_used_at,
    }
    if credential.source.startswith(("env:", "config:")):
        state["secret_fingerprint"] = fingerprint(credential.key)
    return state


def _same(entry: dict[str, Any], credential: Credential) -> bool:
    if credential.source.startswith(("env:", "config:")):
        return entry.get("source") == credential.source
    return entry.get("access_token") == credential.key


def _rest(failure: ModelFailure) -> float:
    if failure.retry_after is not None:
        return failure.retry_after
    return REST_AFTER_AUTH_FAILURE if failure.reason == "auth" else REST_AFTER_OTHER_FAILURES


def _timestamp(value: object) -> float:
    """Unix seconds from seconds, milliseconds or ISO text; 0 for anything else."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return 0.0
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return value / 1000 if value > 1_000_000_000_000 else float(value)
