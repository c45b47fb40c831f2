"""Opening a model: the one call that everything else makes."""

import logging

from hermes.home.profile import Profile
from hermes.home.settings import Settings
from hermes.models.client import ModelClient
from hermes.models.contract import Endpoint
from hermes.models.credentials import AuthFile, CredentialPool, open_pool
from hermes.models.local_servers import find_local_server
from hermes.models.provider import Variables
from hermes.models.reasoning import reasoning_effort
from hermes.models.resolve import configured, fallback_endpoints, provider_row, resolve
from hermes.models.retry import RetryLimits

_log = logging.getLogger(__name__)


async def open_model(
    settings: Settings,
    environment: Variables,
    profile: Profile,
    *,
    model: str | None = None,
    provider: str | None = None,
) -> ModelClient:
    """The model that answers, with its fallbacks and keys. No network, except that this machine is searched
    for a model server when nothing is configured (HERMES_DISABLE_LOCAL_DISCOVERY=1 turns that off).

    Raises ModelNotConfigured when something is named that can't be called, HomeError when `auth.json` is
    broken.
    """
    file = AuthFile(profile.auth_file)
    keys = file.stored_keys()
    endpoint = configured(settings, environment, model=model, provider=provider, stored_keys=keys)
    if endpoint is None:
        local = None if environment.get("HERMES_DISABLE_LOCAL_DISCOVERY") else await find_local_server()
        endpoint = resolve(
            settings, environment, model=model, provider=provider, local=local, stored_keys=keys
        )
    fallbacks, skipped = fallback_endpoints(settings, environment, stored_keys=keys)
    for sentence in skipped:
        _log.warning("%s", sentence)
    return ModelClient(
        endpoint,
        fallbacks=fallbacks,
        pools=_pools([endpoint, *fallbacks], settings, environment, file),
        limits=RetryLimits(attempts=max(1, settings.agent.api_max_retries)),
        effort_for=lambda model_id: reasoning_effort(settings.agent, model_id),
    )


def _pools(
    endpoints: list[Endpoint], settings: Settings, environment: Variables, file: AuthFile
) -> dict[tuple[str, str], CredentialPool]:
    """The keys of each endpoint that needs one. Endpoints with the same provider and key share them."""
    pools: dict[tuple[str, str], CredentialPool] = {}
    for endpoint in endpoints:
        place = (endpoint.provider, endpoint.api_key)
        if not endpoint.api_key or place in pools:
            continue
        row = provider_row(settings, endpoint.provider)
        strategy = settings.credential_pool_strategies.get(row.id, "fill_first")
        pools[place] = open_pool(row, endpoint, environment, file, strategy=strategy)
    return pools
