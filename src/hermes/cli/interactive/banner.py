"""What the chat says first: what answers, where it works, which session this is. Pure."""

from pathlib import Path

from hermes import __version__
from hermes.cli.interactive.theme import Paint
from hermes.cli.text import cells, fit, pad
from hermes.models.contract import Endpoint
from hermes.store.records import Session

DEMO = "DEMO MODEL"


def banner(
    endpoint: Endpoint, session: Session, *, profile: str, cwd: str, width: int, paint: Paint, compact: bool
) -> str:
    """The lines, with colours. One line when `compact` or when there is no room for more."""
    name = endpoint.model or endpoint.base_url
    model = f"{DEMO} (offline)" if endpoint.provider == "demo" else name
    place = _from_home(cwd)
    if compact or width < 30:
        return paint.tone(fit(f"hermes {__version__} · {model} · {place}", width), "dim")
    rows = [("model", model if endpoint.provider == "demo" else f"{model} · {endpoint.provider}")]
    if profile != "default":
        rows.append(("profile", profile))
    rows += [("in", place), ("session", session.title or session.id)]
    inner = min(max(cells(value) for _, value in rows) + 10, width - 4, 76)
    inner = max(inner, min(30, width - 4))
    title = f" hermes {__version__} "
    top = f"╭─{title}{'─' * max(0, inner - cells(title) + 1)}╮"
    lines = [
        paint.tone("╭─", "dim")
        + paint.tone(title, "accent", bold=True)
        + paint.tone(top[2 + len(title) :], "dim")
    ]
    for name, value in rows:
        text = pad(fit(value, inner - 9), inner - 9)
        strong = name == "model" and endpoint.provider == "demo"
        lines.append(
            paint.tone("│ ", "dim")
            + paint.tone(f"{name:<9}", "dim")
            + paint.tone(text, "warn" if strong else "plain", bold=strong)
            + paint.tone(" │", "dim")
        )
    lines.append(paint.tone(f"╰{'─' * (inner + 2)}╯", "dim"))
    if endpoint.provider == "demo":
        lines.append(
            paint.tone(
                fit("No language model is connected: `hermes model` tells how to connect one.", width), "dim"
            )
        )
    return "\n".join(lines)


def _from_home(path: str) -> str:
    home = str(Path.home())
    return "~" + path[len(home) :] if path == home or path.startswith(f"{home}/") else path
