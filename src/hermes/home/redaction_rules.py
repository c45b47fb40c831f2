"""The shapes of secrets, as a table.

No pattern may take more than linear time: what they are run over comes from anywhere. The order matters:
whole blocks first, loose shapes last.
"""

import functools
import re
import typing
from collections.abc import Callable

_MASK = "***"
_MASKED = r"(?s)\*+|.{6}\.\.\..{4}"
_KEY_REMOVED = "[private key removed]"


class Rule(typing.NamedTuple):
    """A shape, and what becomes of it."""

    marks: tuple[str, ...]
    """In lower case; without any of them in the text, the pattern can't match."""
    pattern: str
    replace: Callable[[re.Match[str]], str]

    def apply(self, text: str) -> str:
        """The text with everything of this shape masked."""
        return _compiled(self.pattern).sub(self.replace, text)


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled when a text first has one of the marks; most processes never need most of them."""
    return re.compile(pattern)


def mask(secret: str) -> str:
    """What is shown in the place of a secret."""
    if _compiled(_MASKED).fullmatch(secret):
        return secret
    return _MASK if len(secret) < 18 else f"{secret[:6]}...{secret[-4:]}"


def _masked_value(match: re.Match[str]) -> str:
    return match[1] + mask(match[2])


def _masked_if_mixed(match: re.Match[str]) -> str:
    """Issued tokens have digits in them; `sk-learn-contrib-package` has none."""
    return mask(match[0]) if any(character.isdigit() for character in match[0]) else match[0]


def _without_password(match: re.Match[str]) -> str:
    user, password = match[1], match[2]
    if password is not None:
        return f"{user}:{_MASK if password else ''}@"
    return f"{mask(user)}@" if len(user) >= 16 else match[0]


def _masked_assignment(match: re.Match[str]) -> str:
    return match[1] + (match[2] if match[2].lower() in _NOT_A_VALUE else mask(match[2]))


def _masked_field(match: re.Match[str]) -> str:
    """Mask the value of a field with a secret's name, unless it is code or a word about the field."""
    quote, quoted, bare = match[2], match[3], match[4]
    if quote:
        return f"{match[1]}{quote}{_masked_quoted(quoted)}{quote}"
    return match[1] + (mask(bare) if _looks_like_a_secret(bare) else bare)


def _masked_quoted(value: str) -> str:
    if value.lower() in _NOT_A_VALUE or value.startswith(("$", "<", "{")) or " " in value.strip():
        return value
    return mask(value) if len(value) >= 6 else value


def _looks_like_a_secret(value: str) -> bool:
    if len(value) < 6 or value.lower() in _NOT_A_VALUE or value.isdigit():
        return False
    has_digit = any(character.isdigit() for character in value)
    # Without a digit `settings.api_key`, `get_token` and `str` are code or prose.
    return has_digit or (len(value) >= 16 and not re.fullmatch(r"[A-Za-z]+(?:[._-][A-Za-z]+)*[.:!?]?", value))


_TOKEN_STARTS = (
    # (start, fewest characters after it)
    ("sk-", 16),
    ("sk_live_", 10),
    ("sk_test_", 10),
    ("rk_live_", 10),
    ("sk_", 24),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("xoxb-", 10),
    ("xoxa-", 10),
    ("xoxp-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xapp-", 10),
    ("AIza", 30),
    ("AKIA", 16),
    ("ASIA", 16),
    ("hf_", 20),
    ("npm_", 20),
    ("pypi-", 20),
    ("gsk_", 20),
    ("xai-", 20),
    ("nvapi-", 20),
    ("pplx-", 20),
    ("tvly-", 12),
    ("fc-", 24),
    ("bb_live_", 10),
    ("r8_", 20),
    ("dop_v1_", 20),
    ("dckr_pat_", 16),
    ("shpat_", 20),
    ("lin_api_", 16),
    ("figd_", 16),
    ("ya29.", 20),
    ("SG.", 20),
    ("sntrys_", 20),
    ("whsec_", 16),
)
_SECRET_WORD = (
    r"api[_-]?keys?|access[_-]?keys?|secret[_-]?(?:access[_-]?)?keys?|private[_-]?key|client[_-]?secret"
    r"|(?:access|auth|refresh|bearer|session|bot|app|id)[_-]?token|secret|token"
    r"|password|passwd|passphrase|credentials?"
)
_SECRET_MARKS = ("key", "secret", "token", "passw", "passphrase", "credential")
_NOT_A_VALUE = frozenset(
    """
    none null true false yes no on off str string bytes text required optional unset empty missing disabled
    enabled changeme placeholder redacted hidden unknown invalid expired default password secret token
    undefined
    """.split()  # noqa: SIM905 - quotes and commas would not read better
)


def _value(excluded: str, least: int = 1) -> str:
    """A group for a value that is not quoted. A backtick ends it, and marks behind it belong to the sentence
    around it: else what was masked would have another end the next time."""
    return rf"([^{excluded}`]{{{least - 1},}}[^{excluded}`.,:;!?])"


_STARTS = "|".join(rf"{re.escape(start)}(?=[\w.-]{{{least}}})" for start, least in _TOKEN_STARTS)

RULES: tuple[Rule, ...] = (
    Rule(
        ("-----begin",),
        r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
        lambda match: _KEY_REMOVED,
    ),
    Rule(
        ("eyj",),
        r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?",
        lambda match: mask(match[0]),
    ),
    Rule(
        ("://",),
        r"(?<=://)([^\s/?#@:'\"<>]*)(?::([^\s/?#@'\"<>]*))?@",
        _without_password,
    ),
    Rule(
        ("authorization", "api-key", "apikey", "auth-token", "auth-key", "bearer"),
        r"(?i)(\b(?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?(?:(?:bearer|basic|token|digest|apikey)\s+)?"
        r"|\bx-(?:[a-z]{1,20}-){0,3}(?:api-?key|auth-token|auth-key)['\"]?\s*[:=]\s*['\"]?"
        r"|\bbearer\s+(?=[^\s'\"]*\d)(?=[^\s'\"]{16}))"
        r"(?!(?:bearer|basic|token|digest|apikey)\s)" + _value(r"\s'\",;<>${}()\[\]", least=6),
        _masked_value,
    ),
    Rule(
        tuple(start.lower() for start, _ in _TOKEN_STARTS),
        rf"(?<![\w-])(?:{_STARTS})[\w.-]*[\w]",
        _masked_if_mixed,
    ),
    Rule(
        (":",),
        r"(?<![\w.:-])(?:bot)?\d{8,10}:[\w-]{35}(?![\w-])",
        lambda match: mask(match[0]),
    ),
    Rule(
        ("?", "&"),
        r"(?i)([?&](?:key|sig|signature|code|auth|jwt|pass|x-amz-(?:signature|credential|security-token)"
        rf"|(?:[\w.-]*[_.-])?(?:{_SECRET_WORD}))=)" + _value(r"\s&#'\"<>"),
        _masked_value,
    ),
    Rule(
        _SECRET_MARKS,
        # NAME_API_KEY=value, as in .env files, `env` and `export`
        r"(\b(?:[A-Z][A-Z0-9]*_)*(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)=['\"]?)"
        + _value(r"\s'\"&;|<>$(){}"),
        _masked_assignment,
    ),
    Rule(
        _SECRET_MARKS,
        # "api_key": "value", api_key: value, api_key = "value", model.api_key=value
        rf"(?i)((?<![A-Za-z])(?:{_SECRET_WORD})['\"]?[ \t]*(?:=>|:=|[:=])[ \t]*)"
        r"(?:(['\"])([^'\"\n]+)\2|" + _value(r"\s'\",;&|<>(){}\[\]$") + r"(?![(\[{\w]))",
        _masked_field,
    ),
    Rule(
        ("+",),
        r"(?<=[^\w+.\n*/-])\+[1-9]\d{7,14}(?![\w.])",
        lambda match: f"{match[0][:3]}****{match[0][-2:]}",
    ),
)
