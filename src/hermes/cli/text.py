"""Text for people: widths in cells, aligned tables; numbers, times and sizes in few letters. Pure."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime


def cells(text: str) -> int:
    """How many terminal columns `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_cell(char) for char in text)


def _cell(char: str) -> int:
    if unicodedata.combining(char) or char in "\u200b\u200d\ufe0e\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fit(text: str, width: int) -> str:
    """`text` as one line of at most `width` columns; what is cut off is marked with an ellipsis."""
    line = visible(" ".join(text.split()))
    if cells(line) <= width:
        return line
    if width <= 1:
        return "…"[:width]
    kept, used = [], 0
    for char in line:
        used += _cell(char)
        if used > width - 1:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…"


def visible(text: str) -> str:
    """`text` without control characters, so that it cannot move the cursor or change colours."""
    if text.isprintable():
        return text
    return "".join(
        char
        for char in text
        if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf") or char == "\u200d"
    )


def pad(text: str, width: int) -> str:
    return text + " " * max(0, width - cells(text))


def table(
    rows: Sequence[Sequence[str]], width: int, headings: Sequence[str] = (), flexible: int = -1
) -> list[str]:
    """Rows as aligned lines of at most `width` columns; column `flexible` gives way when room is short."""
    body = [[visible(" ".join(cell.split())) for cell in row] for row in rows]
    everything = [list(headings), *body] if headings else body
    if not everything:
        return []
    widths = [max(cells(row[column]) for row in everything) for column in range(len(everything[0]))]
    flexible %= len(widths)
    room = width - sum(widths) - 2 * (len(widths) - 1) + widths[flexible]
    widths[flexible] = max(min(widths[flexible], room), min(widths[flexible], 8))
    lines = []
    for row in everything:
        parts = [pad(fit(cell, size), size) for cell, size in zip(row, widths, strict=True)]
        lines.append(fit_line("  ".join(parts).rstrip(), width))
    return lines


def fit_line(line: str, width: int) -> str:
    """Cut a line that is already laid out; spaces inside it stay."""
    if cells(line) <= width:
        return line
    kept, used = [], 0
    for char in line:
        used += _cell(char)
        if used > width - 1:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…"


def seconds(value: float) -> str:
    """A duration: `0.3s`, `12s`, `4m05s`, `2h10m`."""
    if value < 10:
        return f"{value:.1f}s"
    if value < 60:
        return f"{value:.0f}s"
    if value < 3600:
        return f"{int(value // 60)}m{int(value % 60):02d}s"
    return f"{int(value // 3600)}h{int(value % 3600 // 60):02d}m"


def count(value: int) -> str:
    """A number of tokens: `840`, `12.4k`, `1.2M`."""
    if value < 1000:
        return str(value)
    if value < 1_000_000:
        return f"{value / 1000:.1f}".removesuffix(".0") + "k"
    return f"{value / 1_000_000:.1f}".removesuffix(".0") + "M"


def plural(number: int, noun: str) -> str:
    """`1 message`, `2 messages`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def money(value: float | None) -> str:
    """US dollars: `$0.0042`, `$1.20`; `?` when unknown."""
    if value is None:
        return "?"
    return f"${value:.4f}" if 0 < value < 0.1 else f"${value:.2f}"


def size(value: int) -> str:
    """Bytes: `512 B`, `1.5 KB`, `3.0 MB`."""
    amount = float(value)
    for unit in ("B", "KB", "MB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GB"


def ago(at: float, now: float) -> str:
    """How long ago: `now`, `5m ago`, `3h ago`, `2d ago`, then the date."""
    past = now - at
    if past < 60:
        return "now"
    if past < 3600:
        return f"{int(past // 60)}m ago"
    if past < 86400:
        return f"{int(past // 3600)}h ago"
    if past < 14 * 86400:
        return f"{int(past // 86400)}d ago"
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d")


def moment(at: float) -> str:
    """A local date and time."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")
