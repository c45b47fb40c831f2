"""What the keys of the chat do, in words."""

KEYS = (
    ("Enter", "send"),
    ("Alt-Enter, Ctrl-J", "new line"),
    ("Tab", "complete"),
    ("Up, Down", "earlier input"),
    ("Ctrl-C", "stop the run; twice within two seconds: leave"),
    ("Ctrl-D", "leave"),
    ("Ctrl-G", "write in $EDITOR"),
    ("Ctrl-L", "clear the screen"),
    ("Ctrl-Z", "suspend"),
)
"""For /help."""
