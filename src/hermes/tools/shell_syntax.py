"""A shell command line taken apart: which programs would be called, with which words, fed by what.

Not a shell: an over-approximation made to answer "what might this run?". Every branch, loop body,
function body and substitution counts as run. Quotes and escapes are removed, `$HOME` and `~` become `~`,
assignments made in the text are followed, what can't be known stays as `$NAME`. It never fails: broken
input gives what could be read of it.
"""

import re
from collections.abc import Iterable, Mapping

from hermes.tools.invocation import Invocation, Redirect, is_plain_print, resolved
from hermes.tools.shell_words import (
    GAP,
    Effort,
    TooComplexError,
    ansi_c,
    closing_arithmetic,
    closing_brace,
    closing_parenthesis,
    expand_braces,
    here_document,
    index_or_end,
)

_SEPARATORS = ";&|()\n"
_OPENING = frozenset({"{", "if", "while", "until", "for", "case", "select"})
_CLOSING = frozenset({"}", "fi", "done", "esac"})
_BETWEEN = frozenset({"then", "do", "else", "elif", "!", "time", "coproc", "in"})
_DECLARING = frozenset({"export", "declare", "typeset", "local", "readonly"})
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=(.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]")
_REDIRECT = re.compile(r"(?:\d+|\{\w+\})?(?:<<<|<<-?|<>|>\||>>|&>>?|[<>]&|[<>](?!\())")
_DEFAULT = re.compile(r"([A-Za-z_]\w*):?([-=+])(.*)", re.DOTALL)
_SUBSCRIPT = re.compile(r"[A-Za-z_]\w*\[[^]\n`$]*\]\+?=")
_BLANK = re.compile(r"\s+")
_DEEPEST = 12
_MOST_OPEN = 100
_LONGEST_VALUE = 10_000


def invocations(
    text: str,
    directory: str | None = None,
    effort: Effort | None = None,
    variables: Mapping[str, str] | None = None,
) -> list[Invocation]:
    """Every simple command in the text, in order, those of substitutions before the ones they stand in.
    `variables` are known from outside. Raises TooComplexError when it takes more than the effort allows."""
    reader = _Reader(text, directory, effort or Effort(), variables or {})
    reader.read()
    return reader.found


class _Reader:
    def __init__(
        self, text: str, directory: str | None, effort: Effort, known: Mapping[str, str], depth: int = 0
    ) -> None:
        if depth > _DEEPEST:
            raise TooComplexError
        self.text = text
        self.position = 0
        self.effort = effort
        self.depth = depth
        self.directory = directory
        self.variables = {"HOME": "~", "IFS": GAP, "PWD": directory or "$PWD", **known}
        self.found: list[Invocation] = []
        self.open: list[tuple[int, str]] = []
        self.functions: list[str] = []
        self.pending: list[tuple[Invocation, str, bool]] = []
        self.function_named = ""
        self.inner: list[Invocation] = []
        self._begin()

    def _begin(self, upstream: Iterable[Invocation] = ()) -> None:
        """Start a new simple command."""
        self.words: list[str] = []
        self.redirects: list[Redirect] = []
        self.stdin_text: str | None = None
        self.heredocs: list[tuple[str, bool]] = []
        self.upstream = tuple(upstream)
        self.inner = []
        self.expects_name = True

    def read(self) -> None:
        while self.position < len(self.text):
            character = self.text[self.position]
            if character in " \t\r":
                self.position += 1
            elif self.text.startswith("\\\n", self.position):
                self.position += 2
            elif character == "#":
                self.position = index_or_end(self.text, "\n", self.position)
            elif match := _REDIRECT.match(self.text, self.position):
                self._redirect(match)
            elif character in _SEPARATORS:
                self._separator(character)
            else:
                self._word()
        self._finish()

    def _separator(self, character: str) -> None:
        following = self.text[self.position + 1 : self.position + 2]
        self.position += 1
        if character == "\n":
            self._finish()
            self._read_heredocs()
        elif character == "(":
            self._parenthesis(following)
        elif character == ")":
            self._finish()
            self._close()
        elif character == "|" and following != "|":
            self.position += following == "&"
            self._finish(piped=True)
        elif character == "&" and following != "&":
            self._finish(background=True)
        else:
            self.position += following == character
            self._finish()

    def _parenthesis(self, following: str) -> None:
        if len(self.words) == 1 and following == ")":  # name () { ... }
            self.function_named = self.words[0]
            self.position += 1
            self._begin()
            if self.text.startswith("{", self.position):
                self.position += 1
                self._open("{")
            return
        end = closing_arithmetic(self.text, self.position + 1) if following == "(" else None
        if end is not None:
            self._run_inside(self.text[self.position + 1 : end])
            self.position = end + 2
            return
        self._finish()
        self._open("(")

    def _open(self, kind: str) -> None:
        name, self.function_named = self.function_named, ""
        if len(self.open) >= _MOST_OPEN:
            raise TooComplexError
        self.open.append((len(self.found), name))
        if name:
            self.functions.append(name)

    def _close(self) -> None:
        """A compound ends. What stood in it writes into a pipe that may follow."""
        if not self.open:
            return
        start, name = self.open.pop()
        if name and name in self.functions:
            self.functions.remove(name)
        rest = self.text[self.position :].lstrip(" \t")
        if rest.startswith("|") and not rest.startswith("||"):
            self.position = len(self.text) - len(rest) + 1
            self._begin(self.found[start:])

    def _finish(self, *, piped: bool = False, background: bool = False) -> None:
        """The simple command that was being read is complete."""
        upstream: tuple[Invocation, ...] = ()
        if self.words or self.redirects:
            call = Invocation(
                words=tuple(self.words),
                redirects=tuple(self.redirects),
                upstream=self.upstream,
                inner=tuple(self.inner),
                stdin_text=self.stdin_text,
                background=background,
                functions=tuple(self.functions),
                directory=self.directory,
            )
            for stage in self.upstream if background else ():
                stage.background = True
            self.effort.spend(calls=1)
            self.found.append(call)
            self.pending += [(call, end, quoted) for end, quoted in self.heredocs]
            if len(self.pending) > _MOST_OPEN:
                raise TooComplexError
            self._follow(call)
            if piped:
                upstream = (*self.upstream, call)
        self._begin(upstream)

    def _follow(self, call: Invocation) -> None:
        """Keep what the command changes for those after it: the directory, variables."""
        if not call.words:
            return
        name, arguments = call.words[0], call.words[1:]
        if name in ("cd", "pushd"):
            targets = [word for word in arguments if not word.startswith("-")]
            self.directory = resolved(targets[0] if targets else "~", self.directory)
            self.variables["PWD"] = self.directory or "$PWD"
        elif name in _DECLARING:
            for word in arguments:
                self._assign(word)

    def _assign(self, word: str) -> bool:
        match = _ASSIGNMENT.fullmatch(word)
        if match:
            if len(match[2]) > _LONGEST_VALUE:
                raise TooComplexError
            self.variables[match[1]] = match[2]
        return match is not None

    def _redirect(self, match: re.Match[str]) -> None:
        operator = match[0][match[0].find("}") + 1 :].lstrip("0123456789")
        self.position = match.end()
        while self.text[self.position : self.position + 1] in (" ", "\t"):
            self.position += 1
        start = self.position
        target = " ".join(self._fields())
        if operator == "<<<":
            self.stdin_text = target
        elif operator.startswith("<<"):
            raw = self.text[start : self.position]
            self.heredocs.append((target, any(mark in raw for mark in "'\"\\")))
        else:
            self.redirects.append(Redirect(operator, target))

    def _read_heredocs(self) -> None:
        for call, end, quoted in self.pending:
            body, position = here_document(self.text, self.position, end)
            call.stdin_text = body
            self.position = self.position if position is None else position
            if not quoted:
                self._quoted_inside(call.stdin_text)
        self.pending = []

    def _word(self) -> None:
        before = self.position
        fields = self._fields()
        raw = self.text[before : self.position]
        if self.expects_name and fields:
            if raw in _OPENING or raw in _CLOSING or raw in _BETWEEN or raw == "function":
                self._reserved(raw)
                return
            if _ASSIGNMENT.match(raw) and self._assign(" ".join(fields)):
                return
            self.expects_name = False
        self.words += fields

    def _reserved(self, raw: str) -> None:
        if raw == "function":
            self.position += len(self.text[self.position :]) - len(self.text[self.position :].lstrip(" \t"))
            self.function_named = " ".join(self._fields())
            match = re.compile(r"\s*\(\s*\)").match(self.text, self.position)
            self.position = match.end() if match else self.position
        elif raw in ("for", "select"):
            self._open(raw)
            match = re.compile(r"\s+(\w+)\s+in\s+").match(self.text, self.position)
            if match:
                self.position = match.end()
                self.variables[match[1]] = GAP.join(self._rest_of_list())
        elif raw in _OPENING:
            self._open(raw)
        elif raw in _CLOSING:
            self._close()

    def _rest_of_list(self) -> list[str]:
        values: list[str] = []
        while self.position < len(self.text) and self.text[self.position] not in ";\n":
            if self.text[self.position] in " \t":
                self.position += 1
            else:
                before = self.position
                values += self._fields()
                self.position = max(self.position, before + 1)
        return values

    def _fields(self) -> list[str]:
        """One word of the text, expanded; an unquoted expansion can make several fields of it, or none."""
        parts: list[str] = []
        braces = False
        start = self.position
        if subscript := _SUBSCRIPT.match(self.text, start):  # `<` in it is a comparison
            parts.append(subscript[0])
            self.position = subscript.end()
        while self.position < len(self.text):
            character = self.text[self.position]
            if character in " \t\r\n;|" or (character in "&()<>" and not self._substitution(parts)):
                break
            if character in "<>":
                continue
            if character == "\\":
                parts.append(self.text[self.position + 1 : self.position + 2].replace("\n", ""))
                self.position += 2
            elif character == "'":
                end = index_or_end(self.text, "'", self.position + 1)
                parts.append(self.text[self.position + 1 : end])
                self.position = end + 1
            elif character == '"':
                self.position += 1
                parts.append(self.quoted(len(self.text)).replace(GAP, " "))
            elif character in "$`":
                parts.append(_BLANK.sub(GAP, self._expansion(quoted=False)))
            elif character == "~" and self.position == start:
                parts.append(self._tilde())
            else:
                braces = braces or character == "{"
                parts.append(character)
                self.position += 1
        quoted_tilde = self.text[start : start + 1] in "'\"\\" and "".join(parts).startswith("~")
        word = ("./" if quoted_tilde and "$" not in self.text[start : self.position] else "") + "".join(parts)
        self.effort.spend(characters=len(word))
        fields = [field for field in word.split(GAP) if field] if GAP in word else [word]
        return [expanded for field in fields for expanded in (expand_braces(field) if braces else [field])]

    def _substitution(self, parts: list[str]) -> bool:
        """`<(...)` or `>(...)` here: its commands are found, and a mark stands for the pipe."""
        if self.text[self.position] not in "<>" or self.text[self.position + 1 : self.position + 2] != "(":
            return False
        end = closing_parenthesis(self.text, self.position + 2)
        self._run_inside(self.text[self.position + 2 : end])
        parts.append(f"{self.text[self.position]}()")
        self.position = end + 1
        return True

    def _tilde(self) -> str:
        match = re.compile(r"~([a-z_][\w-]*)?").match(self.text, self.position)
        assert match is not None
        self.position = match.end()
        if not match[1]:
            return "~"
        return "/root" if match[1] == "root" else f"/home/{match[1]}"

    def quoted(self, limit: int, stop_at: str = '"') -> str:
        """The inside of double quotes (or of a here document), after which the position is behind the end."""
        parts: list[str] = []
        while self.position < limit:
            character = self.text[self.position]
            if character == stop_at:
                self.position += 1
                break
            if character == "\\":
                escaped = self.text[self.position + 1 : self.position + 2]
                parts.append("" if escaped == "\n" else escaped if escaped in '$`"\\' else "\\" + escaped)
                self.position += 2
            elif character in "$`":
                parts.append(self._expansion(quoted=True))
            else:
                parts.append(character)
                self.position += 1
        return "".join(parts)

    def _expansion(self, *, quoted: bool) -> str:
        text, start = self.text, self.position
        if text[start] == "`":
            end = index_or_end(text, "`", start + 1)
            self.position = end + 1
            return self._run_inside(text[start + 1 : end].replace("\\`", "`"))
        following = text[start + 1 : start + 2]
        if following == "(":
            arithmetic = closing_arithmetic(text, start + 3) if text.startswith("$((", start) else None
            end = closing_parenthesis(text, start + 2) if arithmetic is None else arithmetic + 1
            self.position = end + 1
            value = self._run_inside(text[start + 2 : end])
            return value if arithmetic is None else "0"
        if following == "{":
            end = closing_brace(text, start + 2)
            self.position = end + 1
            return self._parameter(text[start + 2 : end])
        if following == "'" and not quoted:
            value, self.position = ansi_c(text, start + 2)
            return value
        if match := _NAME.match(text, start + 1):
            self.position = match.end()
            return self.variables.get(match[0], "" if match[0] in "@*" else f"${match[0]}")
        self.position += 1
        return "" if following == '"' else "$"

    def _parameter(self, inside: str) -> str:
        """`${...}`: the variable's value if the text gave it one, else a default if there is one."""
        expanded = self._quoted_inside(inside)
        default = _DEFAULT.fullmatch(expanded)
        name = default[1] if default else (match[0] if (match := _NAME.match(inside.lstrip("!#"))) else "")
        if name in self.variables and not (default and default[2] == "+"):
            return self.variables[name]
        return default[3] if default else f"${name}"

    def _run_inside(self, script: str) -> str:
        """Find the commands of a substitution. What a plain `echo` or `printf` in it prints is its value."""
        reader = self._nested(script)
        reader.read()
        calls = reader.found
        self.found += calls
        self.inner += calls
        return GAP.join(calls[0].words[1:]) if len(calls) == 1 and is_plain_print(calls[0]) else "$()"

    def _quoted_inside(self, text: str) -> str:
        """Find the commands in a text that is expanded as between double quotes. Returns what it becomes."""
        reader = self._nested(text)
        value = reader.quoted(len(text), stop_at="")
        self.found += reader.found
        self.inner += reader.inner
        return value

    def _nested(self, text: str) -> "_Reader":
        self.effort.spend(characters=len(text))
        return _Reader(text, self.directory, self.effort, self.variables, self.depth + 1)
