"""What a resumed session was about: its last exchanges, short. Pure."""

from collections.abc import Sequence

from hermes.cli.interactive.theme import Paint
from hermes.cli.text import fit, plural
from hermes.store.records import Message, Session

USER_CHARACTERS = 300
ANSWER_CHARACTERS = 200
ANSWER_LINES = 3


def recap(
    session: Session, messages: Sequence[Message], *, exchanges: int, width: int, paint: Paint, full: bool
) -> str:
    """The lines, with colours. `exchanges` is how many of the last questions are shown."""
    said = [row for row in messages if row.role in ("user", "assistant") and row.content.strip()]
    head = f"Resumed {session.title or session.id} · {plural(session.message_count, 'message')}"
    lines = [paint.tone(fit(head, width), "dim")]
    if not full or exchanges == 0:
        return lines[0]
    asked = [index for index, row in enumerate(said) if row.role == "user"]
    start = asked[-exchanges] if len(asked) >= exchanges else 0
    if start:
        lines.append(paint.tone(f"  … {plural(start, 'earlier message')}", "dim"))
    for row in said[start:]:
        lines += _rows(row, width, paint)
    return "\n".join(lines)


def _rows(row: Message, width: int, paint: Paint) -> list[str]:
    if row.role == "user":
        text = fit(row.content[:USER_CHARACTERS], width - 4)
        return [f"  {paint.tone('❯', 'accent')} {text}"]
    lines = [line for line in row.content[:ANSWER_CHARACTERS].splitlines() if line.strip()][:ANSWER_LINES]
    cut = len(row.content) > sum(map(len, lines)) + len(lines)
    shown = [fit(line, width - 4) for line in lines]
    if cut and shown and not shown[-1].endswith("…"):
        shown[-1] = fit(f"{shown[-1]} …", width - 4)
    return [paint.tone(f"    {line}", "dim") for line in shown]
