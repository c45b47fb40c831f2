"""How hard a model is asked to think."""

from hermes.home.settings import AgentSettings

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra")

_OFF = frozenset({"false", "disabled", "off", "no"})


def reasoning_effort(settings: AgentSettings, model: str) -> str:
    """The effort configured for a model: its own, else the general one; empty for the provider's default.

    An override may name the model with or without its vendor.
    """
    bare = model.rpartition("/")[2]
    overrides = settings.reasoning_overrides
    effort = overrides.get(model) or overrides.get(bare) or settings.reasoning_effort
    return "none" if effort.lower() in _OFF else effort.lower()
