"""From the words on the command line to an open profile, store or runtime."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from hermes.cli.errors import Refused, say
from hermes.cli.options import ChatOptions
from hermes.cli.personality import take_on
from hermes.home.config import Overlay, flag_values, load_settings, read_config, read_overlay
from hermes.home.environment import Environment, load_environment, process_environment
from hermes.home.logs import start_logging
from hermes.home.profile import Profile
from hermes.home.profiles import find_profile, prepare_home
from hermes.home.settings import Settings
from hermes.store.records import Scope

if TYPE_CHECKING:
    from hermes.runs.runtime import Runtime
    from hermes.store.database import Store

T = TypeVar("T")


class Place(msgspec.Struct, frozen=True):
    """A profile with its environment, before its settings are read."""

    profile: Profile
    environment: Environment

    @property
    def scope(self) -> Scope:
        return Scope(profile=self.profile.name)

    def overlay(self) -> Overlay:
        """What the administrator has set. Raises ConfigError."""
        return read_overlay(self.environment)

    def permitted_environment(self) -> Environment:
        """The environment without the variables that speak about what the administrator has set."""
        return self.overlay().permitted(self.environment)

    def settings(self) -> Settings:
        """What is configured. Raises ConfigError naming file, line and key."""
        return load_settings(self.profile, self.environment)


def open_place(profile_name: str | None) -> Place:
    """Find the profile and make its folders. Raises HomeError when there is none of that name."""
    environ = process_environment()
    profile = find_profile(profile_name, environ)
    prepare_home(profile, environ)
    return Place(profile, load_environment(profile, environ))


_OPTIONS = {
    "yolo": ("--yolo", "approvals.mode"),
    "model": ("-m", "model.default"),
    "provider": ("--provider", "model.provider"),
    "max_turns": ("--max-turns", "agent.max_turns"),
    "toolsets": ("-t", "toolsets", "platform_toolsets"),
    "worktree": ("-w", "worktree"),
    "verbose": ("-v", "display.tool_progress"),
}
"""Option -> how it is written, and the settings that it stands for."""


def permitted(place: Place, options: ChatOptions) -> ChatOptions:
    """The options without those whose setting the administrator has set. Says which."""
    overlay, unset = place.overlay(), ChatOptions()
    refused = []
    for name, (written, *keys) in _OPTIONS.items():
        held = [key for key in keys if overlay.holds(key)]
        if held and getattr(options, name) != getattr(unset, name):
            refused.append(name)
            say(f"hermes: {written} has no effect: {overlay.refusal(held[0])}")
    if overlay.holds("approvals.mode") and flag_values(place.environment).get("approvals.mode"):
        say(f"hermes: HERMES_YOLO_MODE has no effect: {overlay.refusal('approvals.mode')}")
    return msgspec.structs.replace(options, **{name: getattr(unset, name) for name in refused})


def asked_model(
    overlay: Overlay, environment: Environment, model: str | None, provider: str | None
) -> tuple[str | None, str | None]:
    """The model and the provider that are asked for. Where one is asked for and the administrator has set
    the other, both are named, so that the one does not bring along another of the other."""
    variables = ("HERMES_INFERENCE_MODEL", "HERMES_INFERENCE_PROVIDER")
    if not (model or provider or any(environment.get(name) for name in variables)):
        return None, None
    return overlay.value("model.default") or model, overlay.value("model.provider") or provider


def conversation_settings(place: Place, options: ChatOptions) -> Settings:
    """The settings of a conversation: the file's, or the built-in ones, under what the command line says."""
    overlay = place.overlay()
    if options.ignore_user_config:
        settings = overlay.settings()
    else:
        config = read_config(place.profile, place.environment)
        settings = config.settings
        for key in config.unknown:
            if not key.known_upstream:
                where = (
                    place.profile.config_file
                    if key.line is None
                    else f"{place.profile.config_file}:{key.line}"
                )
                say(f"hermes: {where}: {key}")
    if options.max_turns is not None:
        settings.agent = msgspec.structs.replace(settings.agent, max_turns=options.max_turns)
    own_prompt = overlay.holds("agent.system_prompt") and not overlay.holds("display.personality")
    if settings.display.personality and not own_prompt:
        try:
            take_on(settings, settings.display.personality, settings.agent.system_prompt)
        except Refused as error:
            say(f"hermes: {error.format_message()}")
    if options.verbose:
        settings.display = msgspec.structs.replace(settings.display, tool_progress="verbose")
    return settings


@asynccontextmanager
async def open_runtime(
    place: Place, settings: Settings, options: ChatOptions, cwd: Path
) -> AsyncIterator["Runtime"]:
    """Everything a run needs, closed at the end."""
    from hermes.runs.runtime import Choices, Runtime

    environment = place.permitted_environment()
    model, provider = asked_model(place.overlay(), environment, options.model, options.provider)
    choices = Choices(
        source=options.source or "cli",
        cwd=cwd,
        model=model,
        provider=provider,
        toolsets=tuple(options.toolsets) or None,
        skills=tuple(options.skills),
        ignore_rules=options.ignore_rules,
        pass_session_id=options.pass_session_id,
        yolo=options.yolo,
    )
    runtime = await Runtime.open(place.profile, settings, environment, choices)
    try:
        yield runtime
    finally:
        await runtime.close()


def with_store(place: Place, work: Callable[["Store"], Awaitable[T]]) -> T:
    """Open the profile's store, do `work` with it, close it."""
    from hermes.store.database import Store

    async def go() -> T:
        store = Store.open(place.profile)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(go())


def begin_logging(place: Place, settings: Settings) -> None:
    """Write the log files from here on."""
    start_logging(place.profile, settings, place.environment)
