"""Masking of secrets in text that is shown, logged, stored or sent to a model.

A rule is a pattern and the marks without which it can't match; text without any of the marks costs one pass
each and no pattern. Secrets under 18 characters vanish, longer ones keep their first six and last four, so
that a person can tell which key it was. What is masked once is left alone the next time.
"""

import functools
import re
import typing
from collections.abc import Callable, Collection, Mapping

from hermes.home.secret_names import is_secret_name

if typing.TYPE_CHECKING:
    from hermes.home.settings import AuxiliaryTask, FallbackProvider, ModelSettings, NamedProvider, Settings

SHORTEST_KNOWN = 8
"""Known values shorter than this are not searched for: they occur in ordinary text."""
_MASK = "***"
_MASKED = re.compile(r"\*+|.{6}\.\.\..{4}", re.DOTALL)
_KEY_REMOVED = "[private key removed]"


class _Rule(typing.NamedTuple):
    marks: tuple[str, ...]
    """In lower case; one of them must be in the text."""
    pattern: re.Pattern[str]
    replace: Callable[[re.Match[str]], str]


def redact(text: str, known: Collection[str] = ()) -> str:
    """The text with its secrets masked. `known` are values that are secret whatever they look like."""
    if not text:
        return text
    for value in sorted(known, key=len, reverse=True):
        if len(value) >= SHORTEST_KNOWN and value in text:
            text = text.replace(value, mask(value))
    lowered = text.lower()
    for rule in _rules():
        if any(mark in lowered for mark in rule.marks):
            text = rule.pattern.sub(rule.replace, text)
    return text


def mask(secret: str) -> str:
    """What is shown in the place of a secret."""
    if _MASKED.fullmatch(secret):
        return secret
    return _MASK if len(secret) < 18 else f"{secret[:6]}...{secret[-4:]}"


def known_secrets(environment: Mapping[str, str], settings: "Settings | None" = None) -> frozenset[str]:
    """The secrets we were given: those of the environment, and the keys written into the settings."""
    values = {value for name, value in environment.items() if is_secret_name(name)}
    if settings is not None:
        owners: list[ModelSettings | NamedProvider | FallbackProvider | AuxiliaryTask] = [
            settings.model,
            *settings.providers.values(),
            *settings.fallback_providers,
            settings.auxiliary.compression,
            settings.auxiliary.title_generation,
        ]
        values.update(owner.api_key for owner in owners)
    return frozenset(value for value in values if len(value) >= SHORTEST_KNOWN)


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


@functools.cache
def _rules() -> tuple[_Rule, ...]:
    """All rules, compiled at the first use. The order matters: whole blocks first, loose shapes last.

    No pattern may take more than linear time: what they are run over comes from anywhere.
    """
    any_case = re.IGNORECASE
    starts = "|".join(rf"{re.escape(start)}(?=[\w.-]{{{least}}})" for start, least in _TOKEN_STARTS)
    return (
        _Rule(
            ("-----begin",),
            re.compile(
                r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
                re.DOTALL,
            ),
            lambda match: _KEY_REMOVED,
        ),
        _Rule(
            ("eyj",),
            re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"),
            lambda match: mask(match[0]),
        ),
        _Rule(
            ("://",),
            re.compile(r"(?<=://)([^\s/?#@:'\"<>]*)(?::([^\s/?#@'\"<>]*))?@"),
            _without_password,
        ),
        _Rule(
            ("authorization", "api-key", "apikey", "auth-token", "auth-key", "bearer"),
            re.compile(
                r"(\b(?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?(?:(?:bearer|basic|token|digest|apikey)\s+)?"
                r"|\bx-(?:[a-z]{1,20}-){0,3}(?:api-?key|auth-token|auth-key)['\"]?\s*[:=]\s*['\"]?"
                r"|\bbearer\s+(?=[^\s'\"]*\d)(?=[^\s'\"]{16}))([^\s'\",;<>${}()\[\]]{6,})",
                any_case,
            ),
            _masked_value,
        ),
        _Rule(
            tuple(start.lower() for start, _ in _TOKEN_STARTS),
            re.compile(rf"(?<![\w-])(?:{starts})[\w.-]*[\w]"),
            _masked_if_mixed,
        ),
        _Rule(
            (":",),
            re.compile(r"(?<![\w.:-])(?:bot)?\d{8,10}:[\w-]{35}(?![\w-])"),
            lambda match: mask(match[0]),
        ),
        _Rule(
            ("?", "&"),
            re.compile(
                r"([?&](?:key|sig|signature|code|auth|jwt|pass|x-amz-(?:signature|credential|security-token)"
                rf"|(?:[\w.-]*[_.-])?(?:{_SECRET_WORD}))=)([^\s&#'\"<>]+)",
                any_case,
            ),
            _masked_value,
        ),
        _Rule(
            _SECRET_MARKS,
            # NAME_API_KEY=value, as in .env files, `env` and `export`
            re.compile(
                r"(\b(?:[A-Z][A-Z0-9]*_)*(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)=['\"]?)"
                r"([^\s'\"&;|<>$(){}]+)"
            ),
            _masked_assignment,
        ),
        _Rule(
            _SECRET_MARKS,
            # "api_key": "value", api_key: value, api_key = "value", model.api_key=value
            re.compile(
                rf"((?<![A-Za-z])(?:{_SECRET_WORD})['\"]?[ \t]*(?:=>|:=|[:=])[ \t]*)"
                r"(?:(['\"])([^'\"\n]+)\2|([^\s'\",;&|<>(){}\[\]$]+)(?![(\[{\w]))",
                any_case,
            ),
            _masked_field,
        ),
        _Rule(
            ("+",),
            re.compile(r"(?<=[^\w+.\n*/-])\+[1-9]\d{7,14}(?![\w.])"),
            lambda match: f"{match[0][:3]}****{match[0][-2:]}",
        ),
    )


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
