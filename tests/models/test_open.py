"""Opening a model for a profile: what is searched, what is imported, what is refused."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from hermes.home.profile import Profile
from hermes.home.settings import FallbackProvider, ModelSettings, Settings
from hermes.models.contract import ModelRequest, Replied
from hermes.models.open import open_model
from hermes.models.resolve import ModelNotConfigured
from hermes.store.records import Message
from hermes.testing.model_server import ModelServer
from hermes.testing.script import Reply

pytestmark = pytest.mark.anyio

ALONE = {"HERMES_DISABLE_LOCAL_DISCOVERY": "1"}
REQUEST = ModelRequest(system="", messages=(Message(role="user", content="hello"),))


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(name="default", home=tmp_path, root=tmp_path)


async def test_without_anything_the_demo_is_opened(profile: Profile) -> None:
    model = await open_model(Settings(), ALONE, profile)
    assert model.endpoint.wire == "demo"
    await model.close()


async def test_the_environment_is_enough_to_reach_a_server(profile: Profile) -> None:
    async with ModelServer([Reply(text="Hello.")]) as server:
        environment = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "sk-test"}
        model = await open_model(Settings(), environment, profile)
        events = [event async for event in model.stream(REQUEST)]
        await model.close()
    last = events[-1]
    assert isinstance(last, Replied)
    assert last.reply.text == "Hello."
    assert [request.path for request in server.requests] == ["/v1/models", "/v1/chat/completions"]
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer sk-test"}


async def test_opening_a_configured_model_asks_nobody(profile: Profile) -> None:
    async with ModelServer([]) as server:
        environment = {"OPENAI_BASE_URL": server.base_url}
        model = await open_model(Settings(), environment, profile)
        await model.close()
        assert server.requests == []


async def test_a_stored_key_is_used_and_fallbacks_are_kept(profile: Profile) -> None:
    entry = {"id": "a", "source": "manual", "auth_type": "api_key", "access_token": "or-stored"}
    profile.auth_file.write_text(json.dumps({"credential_pool": {"openrouter": [entry]}}))
    settings = Settings(fallback_providers=[FallbackProvider(provider="groq", model="m")])
    model = await open_model(settings, {"GROQ_API_KEY": "g"}, profile, provider="openrouter")
    assert (model.endpoint.provider, model.endpoint.api_key) == ("openrouter", "or-stored")
    await model.close()


async def test_what_is_named_and_can_not_be_called_is_refused(profile: Profile) -> None:
    with pytest.raises(ModelNotConfigured, match="ANTHROPIC_API_KEY"):
        await open_model(Settings(model=ModelSettings(provider="anthropic")), ALONE, profile)


async def test_the_search_of_this_machine_is_left_out_when_told_so(profile: Profile) -> None:
    """Opening takes no turn of the event loop, so nothing can have been connected to."""
    opening = open_model(Settings(), ALONE, profile)
    turns = 0
    task = asyncio.ensure_future(opening)
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns == 1
    await task.result().close()


def test_the_demo_does_not_load_the_http_client() -> None:
    program = """
import asyncio, sys
from pathlib import Path
from hermes.home.profile import Profile
from hermes.home.settings import Settings
from hermes.models.contract import ModelRequest
from hermes.models.local_servers import find_local_server
from hermes.models.open import open_model
from hermes.store.records import Message

async def main():
    home = Path(sys.argv[1])
    profile = Profile(name="default", home=home, root=home)
    assert await find_local_server([1]) is None
    model = await open_model(Settings(), {"HERMES_DISABLE_LOCAL_DISCOVERY": "1"}, profile)
    request = ModelRequest(system="", messages=(Message(role="user", content="help"),))
    events = [event async for event in model.stream(request)]
    await model.close()

asyncio.run(main())
print(sorted(name for name in ("aiohttp", "rich", "ruamel.yaml") if name in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "/nonexistent"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"
