"""The models that a server says it serves."""

from typing import TYPE_CHECKING

import msgspec

from hermes.models.contract import Endpoint, FailureReason, ModelError, ModelFailure
from hermes.models.local_servers import chats

if TYPE_CHECKING:
    import aiohttp

DEADLINE = 15.0
"""Seconds for a list that any server has at hand."""


class _Entry(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    data: list[_Entry]


async def served_models(http: "aiohttp.ClientSession", endpoint: Endpoint) -> list[str]:
    """Ids from `GET /models`, in the server's order. Raises ModelError with one sentence."""
    import aiohttp

    from hermes.models.wires.exchange import request_headers
    from hermes.models.wires.transport import transport_failure

    url = f"{endpoint.base_url}/models"
    timeout = aiohttp.ClientTimeout(total=DEADLINE, sock_connect=endpoint.connect_timeout)
    patient = msgspec.structs.replace(endpoint, request_timeout=DEADLINE)
    try:
        async with http.get(
            url, headers=request_headers(endpoint, {}), timeout=timeout, allow_redirects=False
        ) as response:
            body = await response.read()
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ModelError(transport_failure(error, patient)) from error
    if status in {401, 403}:
        message = f"{url} refused the key (HTTP {status}) when asked which models it serves."
        raise _failure("auth", message, status=status)
    if status != 200:
        message = (
            f"No model is named, and {url} answered HTTP {status} when asked which it serves; "
            "name one with -m."
        )
        raise _failure("not_configured", message, status=status, retryable=status >= 500)
    try:
        return [entry.id for entry in msgspec.json.decode(body, type=_List).data]
    except msgspec.DecodeError as error:
        message = f"No model is named, and {url} did not answer with a list of models; name one with -m."
        raise _failure("not_configured", message) from error


async def served_model(http: "aiohttp.ClientSession", endpoint: Endpoint) -> str:
    """The model to use where none is named: the only one, or the first that a server of this machine has.

    Elsewhere a choice among several is the owner's, since each has its price. Raises ModelError.
    """
    models = [model for model in await served_models(http, endpoint) if chats(model)]
    if len(models) == 1 or (models and endpoint.local):
        return models[0]
    if not models:
        raise _failure("not_configured", f"{endpoint.base_url} lists no model; name one with -m.")
    some = ", ".join(models[:3]) + (", ..." if len(models) > 3 else "")
    raise _failure(
        "not_configured",
        f"{endpoint.base_url} serves {len(models)} models ({some}): "
        "name one with -m, or run `hermes config set model.default <model id>`.",
    )


def _failure(
    reason: FailureReason, message: str, *, status: int | None = None, retryable: bool = False
) -> ModelError:
    return ModelError(
        ModelFailure(
            reason=reason,
            message=message,
            status=status,
            retryable=retryable,
            rotate_credential=reason == "auth",
            fall_back=True,
        )
    )
