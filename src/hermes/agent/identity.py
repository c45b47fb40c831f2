"""Who the agent is: the persona in SOUL.md, else a built-in one."""

from hermes.agent.context_files import Presented, load_file
from hermes.home.profile import Profile

BUILT_IN = (
    "You are Hermes, an assistant with real tools on the user's own machine. You are capable, honest and "
    "direct: you do the work, tell in few words what you did, and say so when you are unsure."
)


def load_identity(profile: Profile, limit: int) -> Presented:
    """The persona of this profile; the built-in one when SOUL.md is absent, empty, unreadable or unsafe.

    `limit`: characters. The note says for people why the file was not taken whole.
    """
    persona = load_file(profile.persona_file, "SOUL.md", limit)
    return Presented(BUILT_IN, persona.note) if persona.refused or not persona.text else persona
