"""One simple command of a shell line, as data."""

import posixpath

import msgspec


class Redirect(msgspec.Struct, frozen=True):
    operator: str
    target: str

    @property
    def writes_file(self) -> bool:
        """False for input, for another descriptor, and for what swallows everything."""
        return ">" in self.operator and self.target != "/dev/null" and not self.target.lstrip("-").isdigit()


class Invocation(msgspec.Struct):
    """One simple command."""

    words: tuple[str, ...]
    """Program and arguments. Words of assignments before it are left out."""
    redirects: tuple[Redirect, ...] = ()
    upstream: tuple["Invocation", ...] = ()
    """What writes into its stdin: the stages before it in the pipeline."""
    inner: tuple["Invocation", ...] = ()
    """What is run by substitutions inside its words."""
    stdin_text: str | None = None
    """A here document or here string."""
    background: bool = False
    functions: tuple[str, ...] = ()
    """Functions in whose body it stands."""
    directory: str | None = None
    """Where it runs, as far as a `cd` before it tells."""


def is_plain_print(call: Invocation) -> bool:
    return bool(call.words) and posixpath.basename(call.words[0]) in ("echo", "printf") and not call.redirects


def resolved(path: str, directory: str | None) -> str | None:
    """The path made absolute (or below `~`) and without `.` and `..`; None when that can't be known."""
    if path.startswith(("$", "-")):
        return None
    if not path.startswith(("/", "~")):
        if directory is None:
            return None
        path = f"{directory}/{path}"
    normal = posixpath.normpath(path)
    if path.startswith("~") and not normal.startswith("~"):
        return path  # it leads out of the home, and where that lies is not known here
    return "/" + normal.lstrip("/") if normal.startswith("/") else normal
