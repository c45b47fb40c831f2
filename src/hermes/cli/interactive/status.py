"""The status line: what answers, how full its context is, what it has cost, how long this takes. Pure."""

import msgspec

from hermes.cli.text import cells, count, fit, money, seconds

BAR_CELLS = 10


class Status(msgspec.Struct):
    """What the status line knows."""

    model: str = ""
    provider: str = ""
    tokens: int = 0
    """In the context, as last counted."""
    window: int = 0
    cost_usd: float | None = None
    took: float = 0.0
    """Seconds of the run at work, or of the last one."""
    busy: bool = False
    yolo: bool = False
    queued: int = 0
    busy_mode: str = "interrupt"


def status_line(status: Status, width: int) -> str:
    """As much as fits, the least important left out first."""
    model = "DEMO MODEL" if status.provider == "demo" else status.model or status.provider
    share = min(status.tokens / status.window, 1.0) if status.window else 0.0
    context = f"{count(status.tokens)}/{count(status.window)}" if status.window else count(status.tokens)
    bar = "█" * round(share * BAR_CELLS) + "░" * (BAR_CELLS - round(share * BAR_CELLS))
    pieces: list[tuple[int, str]] = [
        (0, model),
        (2, context),
        (5, f"{bar} {share:.0%}"),
        (4, money(status.cost_usd) if status.cost_usd else ""),
        (3, seconds(status.took) if status.took else ""),
        (1, "YOLO" if status.yolo else ""),
        (1, f"{status.queued} queued" if status.queued else ""),
        (6, f"Ctrl-C stops · Enter: {status.busy_mode}" if status.busy else "/help"),
    ]
    shown = [(rank, text) for rank, text in pieces if text]
    while len(shown) > 1 and cells(_joined(shown)) > width:
        shown.remove(max(shown, key=lambda piece: piece[0]))
    return fit(_joined(shown), width)


def _joined(pieces: list[tuple[int, str]]) -> str:
    return " · ".join(text for _, text in pieces)
