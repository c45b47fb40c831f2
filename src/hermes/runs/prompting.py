"""The system prompt of a session, put together from what this machine and this profile have."""

import datetime
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hermes.agent.context_files import ProjectContext, context_limit, project_context
from hermes.agent.identity import load_identity
from hermes.agent.prompt import PromptInputs, Surroundings, build_system_prompt
from hermes.agent.skills_preload import preload_skills
from hermes.home.profile import Profile
from hermes.home.settings import Settings
from hermes.home.time_zone import time_zone
from hermes.models.context_windows import context_window
from hermes.models.contract import Endpoint
from hermes.sandbox.contract import Sandbox
from hermes.store.records import Session
from hermes.tools.contract import Tool
from hermes.tools.memory_store import snapshot


class BuiltPrompt(msgspec.Struct, frozen=True):
    """The system prompt of a session."""

    text: str
    notes: tuple[str, ...] = ()
    """For people, one sentence each: context files that were cut or left out."""


class SessionPrompt:
    """What a prompt is made of, apart from the session."""

    def __init__(
        self,
        profile: Profile,
        settings: Settings,
        source: str,
        *,
        ignore_rules: bool = False,
        skills: Sequence[str] = (),
        with_session_id: bool = False,
    ) -> None:
        """Raises HomeError when a skill that is asked for does not exist."""
        self._profile = profile
        self._settings = settings
        self._source = source
        self.ignore_rules = ignore_rules
        """The project has no say: no context files, and no hints from its folders."""
        self._with_session_id = with_session_id
        self._skills = preload_skills(profile, settings, skills) if skills else ""

    def build(
        self, session: Session, endpoint: Endpoint, tools: dict[str, Tool], sandbox: Sandbox
    ) -> BuiltPrompt:
        """The prompt for a session that starts now."""
        limit = context_limit(self._settings, context_window(endpoint))
        cwd = sandbox.cwd(session.id)
        identity = load_identity(self._profile, limit)
        project = ProjectContext() if self.ignore_rules else project_context(Path(cwd), limit)
        text = build_system_prompt(
            PromptInputs(
                identity=identity.text,
                surroundings=Surroundings(
                    system=f"{platform.system()} {platform.machine()}",
                    home=os.path.expanduser("~"),
                    cwd=cwd,
                    shell="bash",
                ),
                today=datetime.datetime.now(time_zone(self._settings.timezone)).date(),
                settings=self._settings.agent,
                tools=tools,
                source=self._source,
                project=project.text,
                skills=self._skills.replace("${HERMES_SESSION_ID}", session.id),
                memory=snapshot(self._profile, self._settings),
                model=endpoint.model,
                provider=endpoint.provider,
                session_id=session.id if self._with_session_id else None,
            )
        )
        return BuiltPrompt(text, tuple(note for note in (identity.note, *project.notes) if note))
