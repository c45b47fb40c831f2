"""Slash commands that change how the chat works. They hold for this chat; `hermes config set` is for good."""

from typing import TYPE_CHECKING

import msgspec

from hermes.cli.errors import Refused
from hermes.cli.interactive.screen import Choice
from hermes.cli.opening import asked_model
from hermes.cli.personality import take_on
from hermes.cli.text import table
from hermes.home.config_edit import set_key
from hermes.home.settings import AgentSettings, DisplaySettings
from hermes.models.contract import Endpoint

if TYPE_CHECKING:
    from hermes.cli.interactive.conversation import Conversation

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra")
PROGRESS = ("off", "new", "all", "verbose")
BUSY_MODES = ("interrupt", "queue", "steer")


async def config(conversation: "Conversation", rest: str) -> None:
    settings, profile = conversation.runtime.settings, conversation.place.profile
    display = msgspec.to_builtins(settings.display)
    rows = [("file", str(profile.config_file)), ("secrets", str(profile.env_file))]
    rows += [(f"display.{name}", str(value)) for name, value in display.items()]
    rows += [
        ("agent.max_turns", str(settings.agent.max_turns)),
        ("agent.reasoning_effort", settings.agent.reasoning_effort or "(the provider's)"),
        ("approvals.mode", settings.approvals.mode),
        ("terminal.backend", settings.terminal.backend),
    ]
    conversation.screen.say("\n".join(table(rows, conversation.screen.width)))
    conversation.screen.say("`hermes config set KEY VALUE` changes a setting for good.", "dim")


async def model(conversation: "Conversation", rest: str) -> None:
    words = rest.split()
    for_good = "--global" in words
    words = [word for word in words if word not in ("--global", "--session")]
    provider = _taken(words, "--provider")
    if len(words) > 1 or (words and words[0].startswith("-")):
        raise Refused("/model takes one model id, --provider NAME, and --global or --session.")
    if not words and provider is None:
        await _say_model(conversation, conversation.runtime.model.endpoint)
        return
    overlay = conversation.place.overlay()
    for asked, key in ((words, "model.default"), (provider, "model.provider")):
        if asked and overlay.holds(key):
            raise Refused(overlay.refusal(key))
    wanted, provider = asked_model(
        overlay, conversation.runtime.environment, words[0] if words else None, provider
    )
    await conversation.runtime.switch_model(conversation.session.id, wanted or "", provider)
    await conversation.refresh()
    endpoint = conversation.runtime.model.endpoint
    if for_good:
        profile, environment = conversation.place.profile, conversation.place.environment
        set_key(profile, environment, "model.default", endpoint.model)
        set_key(profile, environment, "model.provider", endpoint.provider)
    scope = "from now on, everywhere" if for_good else "in this chat"
    conversation.screen.say(f"{endpoint.model} ({endpoint.provider}) answers {scope}.", "dim")


async def _say_model(conversation: "Conversation", endpoint: Endpoint) -> None:
    name = (
        "the offline demo model" if endpoint.provider == "demo" else f"{endpoint.model} ({endpoint.provider})"
    )
    conversation.screen.say(f"This chat is answered by {name}.")
    conversation.screen.say(
        "/model ID [--provider NAME] [--global] chooses another; `hermes model list` shows providers.", "dim"
    )


def _taken(words: list[str], option: str) -> str | None:
    """Take an option with its value out of `words`."""
    if option not in words:
        return None
    place = words.index(option)
    if place + 1 == len(words):
        raise Refused(f"{option} needs a value.")
    value = words[place + 1]
    del words[place : place + 2]
    return value


async def personality(conversation: "Conversation", rest: str) -> None:
    runtime = conversation.runtime
    names = list(runtime.settings.personalities)
    if not rest:
        current = conversation.display.personality or "none"
        known = ", ".join(names) or "none are configured; add one under `personalities` in config.yaml"
        conversation.screen.say(f"Personality: {current}. There is: {known}.")
        return
    _refuse_managed(conversation, "display.personality", "agent.system_prompt")
    name = "" if rest in ("none", "off", "default") else rest
    take_on(runtime.settings, name, conversation.place.settings().agent.system_prompt)
    await runtime.store.sessions.update(runtime.scope, conversation.session.id, system_prompt=None)
    await conversation.refresh()
    conversation.screen.say(f"Personality: {name or 'none'}, from the next answer on.", "dim")


async def statusbar(conversation: "Conversation", rest: str) -> None:
    conversation.show_status = _switched(conversation.show_status, rest, "/statusbar")
    conversation.screen.say(f"Status line {_on(conversation.show_status)}.", "dim")


async def timestamps(conversation: "Conversation", rest: str) -> None:
    change(conversation, timestamps=_switched(conversation.display.timestamps, rest, "/timestamps"))
    conversation.screen.say(f"Timestamps {_on(conversation.display.timestamps)}.", "dim")


async def verbose(conversation: "Conversation", rest: str) -> None:
    following = PROGRESS[(PROGRESS.index(conversation.display.tool_progress) + 1) % len(PROGRESS)]
    change(conversation, tool_progress=_one_of(rest or following, PROGRESS, "/verbose"))
    conversation.screen.say(f"Tool lines: {conversation.display.tool_progress}.", "dim")


async def yolo(conversation: "Conversation", rest: str) -> None:
    runtime = conversation.runtime
    switched_on = _switched(runtime.yolo, rest, "/yolo")
    if switched_on:
        _refuse_managed(conversation, "approvals.mode")
    runtime.yolo = switched_on
    if runtime.yolo:
        conversation.screen.say("Dangerous commands run without asking, from the next input on.", "warn")
    else:
        conversation.screen.say("Dangerous commands are asked about again.", "dim")


async def reasoning(conversation: "Conversation", rest: str) -> None:
    agent = conversation.runtime.settings.agent
    word = rest.lower()
    if word in ("show", "on", "hide", "off"):
        change(conversation, show_reasoning=word in ("show", "on"))
        conversation.screen.say(
            f"Reasoning is {'shown' if conversation.display.show_reasoning else 'hidden'}.", "dim"
        )
    elif word:
        _refuse_managed(conversation, "agent.reasoning_effort")
        effort = _one_of(word, EFFORTS, "/reasoning")
        conversation.runtime.settings.agent = msgspec.convert(
            {**msgspec.structs.asdict(agent), "reasoning_effort": effort}, AgentSettings
        )
        conversation.screen.say(f"Reasoning effort: {effort}.", "dim")
    else:
        shown = "shown" if conversation.display.show_reasoning else "hidden"
        conversation.screen.say(
            f"Effort: {agent.reasoning_effort or 'the provider’s default'}; reasoning is {shown}."
        )


async def busy(conversation: "Conversation", rest: str) -> None:
    mode = rest.lower()
    if not mode:
        choices = [Choice(name, f"{name}: {meaning}") for name, meaning in BUSY_MEANINGS.items()]
        mode = await conversation.screen.choose(
            "What does a line do that is sent while a run works?",
            (),
            choices,
            default=conversation.display.busy_input_mode,
        )
    change(conversation, busy_input_mode=_one_of(mode, BUSY_MODES, "/busy"))
    conversation.screen.say(
        f"A line sent while a run works: {BUSY_MEANINGS[conversation.display.busy_input_mode]}.", "dim"
    )


BUSY_MEANINGS = {
    "interrupt": "stops the run and takes its place",
    "queue": "waits for the run's end",
    "steer": "goes into the run with its next tool result",
}


def change(conversation: "Conversation", **values: object) -> None:
    """Change display settings of this chat."""
    _refuse_managed(conversation, *(f"display.{name}" for name in values))
    for name, value in values.items():
        assert name in DisplaySettings.__struct_fields__
        setattr(conversation.display, name, value)


def _refuse_managed(conversation: "Conversation", *keys: str) -> None:
    """Raise Refused when an administrator has set one of the keys."""
    overlay = conversation.place.overlay()
    for key in keys:
        if overlay.holds(key):
            raise Refused(overlay.refusal(key))


def _switched(now: bool, word: str, command: str) -> bool:
    if not word:
        return not now
    return _one_of(word.lower(), ("on", "off"), command) == "on"


def _on(value: bool) -> str:
    return "on" if value else "off"


def _one_of(word: str, words: tuple[str, ...], command: str) -> str:
    if word not in words:
        raise Refused(f"{command} takes {', '.join(words[:-1])} or {words[-1]}, not '{word}'.")
    return word
