"""Injection scan: does a text try to take the agent over? Pure; for what the agent reads as instructions.

It looks for orders that belong to an attack and not to a project's notes: dropping earlier instructions,
pretending to be another role, sending secrets away, hiding from people. It is one layer, not a boundary:
an attack in fresh words is not found. A quoted example after a word such as "like" or "rejects" is let
through, because projects about language models are full of them. The stricter set is for texts that the
agent writes itself and reads again in every session, such as memory.
"""

import base64
import binascii
import functools
import re
import unicodedata
from collections.abc import Iterator

import msgspec

SCANNED_CHARACTERS = 65_536
EXCERPT_CHARACTERS = 80
MOST_BLOBS = 50
MOST_BLOB_CHARACTERS = 16_384


class Finding(msgspec.Struct, frozen=True):
    """One reason to distrust a text."""

    id: str
    phrase: str
    """What it is, to be read after "it holds": `an order to drop earlier instructions`."""
    excerpt: str
    """Where it was found, on one line, for people. Never show it to a model."""


def scan(text: str, *, strict: bool = False) -> list[Finding]:
    """What the first 65,536 characters of `text` hold, each kind once. Empty: nothing was found."""
    text = text[:SCANNED_CHARACTERS]
    plain = _without_disguise(text)
    findings = [*_invisible(text), *_instructions(plain, strict), *_hidden(plain), *_encoded(plain, strict)]
    return list({finding.id: finding for finding in reversed(findings)}.values())[::-1]


class _Rule(msgspec.Struct, frozen=True):
    id: str
    phrase: str
    pattern: re.Pattern[str]
    strict: bool = False


_SECRET_FILE = (
    r"(?:\.ssh/(?!config\b|known_hosts\b|\S*\.pub\b)\S*|\bid_(?:rsa|dsa|ecdsa|ed25519)\b(?!\.pub)|\.aws/credentials|\.netrc"
    r"|\.pgpass|\.git-credentials|/etc/shadow|(?<![\w.])\.env(?:\.(?:local|production))?(?![\w.-]))"
)
_SENDER = r"\b(?:curl|wget|nc|ncat|netcat|scp|rsync|telnet|Invoke-WebRequest|iwr|Invoke-RestMethod)\b"
_SECRET_VARIABLE = r"\$\{?(?:env:)?\w*(?:API_?KEY|SECRET|TOKEN|PASSW(?:OR)?D|CREDENTIAL)\w*\}?"
_ELSEWHERE = r"https?://(?!localhost\b|127\.0\.0\.1\b|\[::1\])"

_PATTERNS: tuple[tuple[str, str, str], ...] = (
    (
        "override_instructions",
        "an order to drop earlier instructions",
        r"\b(?:ignore|disregard|forget|overrule|override)\s+(?:(?:all|any|every|each|everything|of|the|and|your|"
        r"these|those|in|other)\s+){0,5}(?:"
        r"(?:(?:previous|prior|earlier|preceding|foregoing|existing|original|initial|system|safety|developer)"
        r"(?:\s+(?:and|or|system|safety|user)){0,2}\s+)(?:instructions?|prompts?|directives?|guidelines|messages?|"
        r"programming|constraints|orders)\b"
        r"|(?:above|aforementioned)\s+(?:instructions?|prompts?|directives?)\b(?!\s+(?:for|if|when|on|in)\b)"
        r"|(?<=your )(?:instructions|guidelines|programming|training|restrictions|safety\s+\w+)\b"
        r"|(?<=all )(?:instructions|restrictions)\b)"
        r"(?!\s+(?:found|inside|within|contained|embedded|hidden|that\s+(?:appear|come|arrive)|"
        r"(?:in|from)\s+(?:it|them|any|tool|user|web|external|fetched|untrusted))\b)",
    ),
    (
        "override_previous",
        "an order to drop earlier instructions",
        r"\b(?:ignore|disregard|forget)\s+(?:everything|all|anything)\s+(?:that\s+(?:came|was\s+said)\s+)?(?:above|before\s+this|"
        r"you\s+(?:were|have\s+been)\s+told|previously\s+(?:said|stated|instructed))\b",
    ),
    (
        "system_prompt_override",
        "a made-up system prompt",
        r"(?:^|[\n>\]*#\-])[ \t]{0,20}\W{0,3}"
        r"(?:new|updated|revised|real)\s+(?:system\s+(?:prompt|message|instructions?)|"
        r"instructions?\s+from\s+(?:the\s+)?(?:system|developers?|anthropic|openai|admin(?:istrator)?))\b\W{0,3}:"
        r"|\bsystem\s+(?:prompt\s+)?override\s*[:\]]",
    ),
    (
        "jailbreak",
        "an order to act without restrictions",
        r"\b(?:you\s+are\s+now|act\s+as|become|pretend\s+(?:to\s+be|you\s+are|that\s+you\s+are))\s+(?:an?\s+|in\s+)?"
        r"(?:DAN\b|jailbroken|unrestricted|unfiltered|uncensored|(?:god|developer|jailbreak|admin|debug)\s+mode)"
        r"|\b(?:act|behave|respond|pretend)\s+(?:as\s+if|as\s+though|like|that)?\s*you\s+have\s+no\s+"
        r"(?:restrictions|rules|guidelines|limits|filters|limitations)"
        r"|\b(?:enable|enter|activate)\s+(?:god|jailbreak|DAN)\s+mode\b",
    ),
    (
        "secrecy",
        "an order to hide something from the user",
        r"\b(?:do\s+not|don['’]t|never)\s+(?:tell|inform|notify|alert|warn|show|mention\s+(?:this|it|that)\s+to|"
        r"reveal\s+(?:this|it|that)\s+to|disclose\s+(?:this|it|that)\s+to)\s+the\s+user"
        r"(?=\s*(?:[.!,;\n]|$|that\s+you\b|about\s+(?:this|these|it)\b|of\s+(?:this|these|it)\b|(?:this|these)\b))"
        r"|\b(?:hide|conceal|keep)\s+(?:this|these\s+\w+|it)\s+(?:secret\s+|hidden\s+)?from\s+the\s+user\b"
        r"|\bthe\s+user\s+must\s+(?:not|never)\s+(?:know|notice|find\s+out|learn|see)\b",
    ),
    (
        "role_tokens",
        "tokens that mark another speaker",
        r"<\|(?:im_start|start_header_id)\|>\s*(?:system|assistant|developer)\b|<<SYS>>|<\|(?:system|assistant)\|>"
        r"|(?:^|\n)[ \t]*</?system(?:[_-](?:prompt|message|instructions?|override))?>",
    ),
    (
        "role_lines",
        "a line that pretends to come from the system",
        r"(?:^|\n)[ \t>#*\[]{0,6}(?:system|developer|administrator)(?:\s+(?:message|prompt|notice))?\s*"
        r"[\]*]{0,3}:[*\s]*(?:you\s+(?:are\s+now|must\s+now|will\s+now)|your\s+new|ignore|disregard|new\s+instructions|override)\b",
    ),
    (
        "marker_spoofing",
        "a forged marker of this assistant",
        r"</?\s*(?:user_steering|untrusted_tool_result)\b",
    ),
    (
        "secret_sent",
        "a command that sends secrets away",
        rf"{_SENDER}[^\n]{{0,200}}?(?:@|\$\(\s*(?:cat|base64|head)\s+|<\s*|`cat\s+"
        rf"|--post-file[= ]|-T\s*|--upload-file[= ])"
        rf"['\"]?[^\s'\"`]{{0,80}}?{_SECRET_FILE}"
        rf"|(?:\b(?:cat|base64|xxd|tar|zip|gzip|head|tail)\b[^\n|]{{0,120}}{_SECRET_FILE}"
        rf"|\b(?:env|printenv|set))[^\n]{{0,40}}\|[^\n]{{0,80}}{_SENDER}"
        rf"|{_SENDER}[^\n]{{0,200}}?\$\(\s*(?:env|printenv)\b"
        rf"|\b(?:scp|rsync)\b(?![^\n]{{0,40}}\s-\w*[ie]\s)[^\n]{{0,60}}{_SECRET_FILE}[^\n]{{0,60}}\S:",
    ),
    (
        "secret_in_url",
        "a command that sends a key away in an address or a form",
        rf"{_SENDER}[^\n]{{0,200}}?{_ELSEWHERE}[^\s'\"]{{0,200}}{_SECRET_VARIABLE}"
        rf"|{_SENDER}(?=[^\n]{{0,200}}{_ELSEWHERE})[^\n]{{0,160}}?"
        rf"\s(?:-d|-F|--data\S*|--form|--post-data)[= ]?['\"]?[^\n'\"]{{0,80}}{_SECRET_VARIABLE}",
    ),
    (
        "private_key_read",
        "an order to read private keys",
        r"\b(?:cat|less|more|base64|xxd|strings|open|print|read|dump)\s+(?:the\s+(?:file|contents\s+of)\s+)?['\"`]?\S{0,60}"
        r"(?:\.ssh/id_\w+|\bid_(?:rsa|ed25519)|\.aws/credentials|\.git-credentials|/etc/shadow)(?!\S*\.pub)\b",
    ),
    (
        "secrets_requested",
        "an order to send private data to an address",
        r"\b(?:send|post|upload|exfiltrate|transmit|forward|leak|e-?mail|submit|copy)\s+(?:\S+\s+){0,8}?"
        r"(?:[~./\w]*\.ssh\b|id_rsa|[`'\"]?\.env[`'\"]?|private\s+keys?|environment\s+variables|credentials"
        r"|(?:all|any|every|user['’]?s?|their|your)\s+(?:\w+\s+){0,2}(?:api\s+keys?|secrets?|passwords?|tokens?)"
        r"|system\s+prompt|conversation(?:\s+history)?|chat\s+history|memory\s+file)[^\n]{0,80}?"
        rf"\b(?:to|at)\s+[<`'\"(]*(?:{_ELSEWHERE}|[\w.+-]+@[\w-]+\.\w)",
    ),
    (
        "image_beacon",
        "an image address that carries data away",
        r"!\[[^\]\n]{0,200}\]\(https?://[^)\s]{0,300}[?&][\w-]+=(?:\{|\$\{|\[|<|%7B)",
    ),
)

_STRICT_PATTERNS: tuple[tuple[str, str, str], ...] = (
    ("ssh_access", "a way into the machine by SSH", r"\bauthorized_keys\b"),
    (
        "scheduled_command",
        "a command that is scheduled to come back",
        r"\bcrontab\s+-|\|\s*crontab\b|/etc/cron|/var/spool/cron|@reboot\b|\bschtasks\b",
    ),
    (
        "startup_file",
        "a change to a file that runs at login",
        r"(?:>>?|\b(?:append|add|write|echo|tee|insert|put)\b)[^\n]{0,120}"
        r"(?:\.(?:bashrc|bash_profile|bash_login|zshrc|zprofile|zshenv|profile)\b|config\.fish|/etc/profile|/etc/environment)",
    ),
    (
        "service_installed",
        "a service that starts by itself",
        r"\bsystemctl\s+(?:--user\s+)?enable\b|\blaunchctl\s+(?:load|bootstrap)\b|/etc/systemd/|LaunchAgents",
    ),
    (
        "remote_script",
        "a script run straight from the network",
        r"\b(?:curl|wget|iwr)\b[^\n|]{0,200}\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b|\b(?:iex|eval)\b[^\n]{0,40}\b(?:curl|wget|iwr)\b",
    ),
    (
        "tool_call_text",
        "a tool call written as text",
        r"<(?:tool_call|function_calls?|invoke\s+name)|\{\s*\"name\"\s*:\s*\"\w+\"\s*,\s*\"(?:arguments|parameters|input)\"\s*:",
    ),
    (
        "standing_order",
        "a standing order to run tools unseen",
        r"\b(?:always|silently|secretly|automatically|quietly)\s+(?:call|invoke|execute|run)\s+(?:the\s+)?[`'\"]?"
        r"(?:terminal|shell|execute_code|write_file|patch|process|cronjob|send_message|delegate_task)\b",
    ),
    (
        "safety_disabled",
        "an order to switch safety off",
        r"\b(?:disable|bypass|circumvent|turn\s+off|switch\s+off|deactivate)\s+(?:the\s+|all\s+|any\s+|your\s+)?"
        r"(?:approvals?|safety|guardrails?|permission\s+checks?|confirmations?|security\s+(?:checks?|filters?))\b|--yolo\b",
    ),
    (
        "instructions_rewritten",
        "an order to rewrite the agent's own instructions",
        r"\b(?:edit|modify|overwrite|append\s+to|add\s+to|rewrite|change)\s+(?:the\s+|your\s+)?(?:file\s+)?[`'\"]?\S{0,60}"
        r"(?:SOUL\.md|AGENTS\.md|CLAUDE\.md|\.cursorrules|system\s+prompt|\.hermes/)",
    ),
)

_NEGATED = re.compile(
    r"(?:\bnever|\bnot|n['’]t|\bcannot)\s+(?:ever\s+|just\s+|simply\s+|blindly\s+)?$", re.IGNORECASE
)
_MENTIONED = re.compile(
    r"\b(?:such\s+as|like|e\.g\.|examples?|attempts?|injections?|phrases?|patterns?|payloads?|prompts?|"
    r"detect\w*|reject\w*|refuse\w*|block\w*|tests?)\b[^\n]{0,60}[\"'`“]$",
    re.IGNORECASE,
)
_POLARITY_FREE = frozenset({"secrecy", "role_tokens", "role_lines", "marker_spoofing"})


@functools.cache
def _rules() -> tuple[_Rule, ...]:
    flags = re.IGNORECASE
    plain = [_Rule(id, phrase, re.compile(pattern, flags)) for id, phrase, pattern in _PATTERNS]
    strict = [_Rule(id, phrase, re.compile(pattern, flags), True) for id, phrase, pattern in _STRICT_PATTERNS]
    return (*plain, *strict)


def _instructions(text: str, strict: bool, prefix: str = "") -> Iterator[Finding]:
    for rule in _rules():
        if rule.strict and not strict:
            continue
        for match in rule.pattern.finditer(text):
            before = text[max(0, match.start() - 100) : match.start()]
            if rule.id in _POLARITY_FREE or not (
                _NEGATED.search(before) or (not strict and _MENTIONED.search(before))
            ):
                yield Finding(f"{prefix}{rule.id}", rule.phrase, _excerpt(match.group()))
                break


_BIDI = "\u202a-\u202e\u2066-\u2069"
_ZERO_WIDTH = "\u200b\u2060-\u2064\u180e\ufeff"
_TAGS = "\U000e0000-\U000e007f"
_REGIONAL_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,8}\U000e007f"


@functools.cache
def _disguises() -> re.Pattern[str]:
    """Characters that no reader sees, each in a named group; flags of regions match without one.

    Joiners count between Latin letters only: other scripts and emoji need them.
    """
    joiner = "(?<=[a-zA-Z])(?P<joiner>[\u200c\u200d])(?=[a-zA-Z])"
    return re.compile(
        f"{_REGIONAL_FLAG}|(?P<bidi>[{_BIDI}])|(?P<tags>[{_TAGS}]+)|(?P<zero>[{_ZERO_WIDTH}])|{joiner}"
    )


def _invisible(text: str) -> Iterator[Finding]:
    body = text.removeprefix("\ufeff")
    for match in _disguises().finditer(body):
        around = _excerpt(body[max(0, match.start() - 20) : match.end() + 20])
        if match.lastgroup == "bidi":
            yield Finding("bidirectional_override", "characters that reverse the reading order", around)
        elif match.lastgroup:
            yield Finding("invisible_characters", "characters that no reader can see", around)


def _without_disguise(text: str) -> str:
    """What a model would read: no unseen characters, plain letters, one space or line break at a time."""
    seen = _disguises().sub(lambda match: "" if match.lastgroup else match.group(), text)
    return _BREAKS.sub("\n", _SPACES.sub(" ", unicodedata.normalize("NFKC", seen)))


_SPACES = re.compile(r"[^\S\n]+")
_BREAKS = re.compile(r" ?\n[ \n]*")

_COMMENT = re.compile(r"<!--(.{0,4000}?)-->", re.DOTALL)
_UNSEEN = re.compile(
    r"<(\w{1,12})\b[^>]{0,300}(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?!\.))"
    r"[^>]{0,300}>(.{1,2000}?)</\1>",
    re.DOTALL | re.IGNORECASE,
)
_ADDRESSED = re.compile(
    r"\b(?:you\s+(?:must|should|are|will|have)|assistants?|agents?|AI|LLMs?|language\s+models?|instructions?)\b",
    re.IGNORECASE,
)
_ORDERED = re.compile(
    r"\b(?:send|upload|exfiltrate|curl|wget|delete|execute|download|leak|secretly|silently|disregard|override|reveal|"
    r"ignore\s+(?:all|any|previous|prior|your|the\s+user))\b",
    re.IGNORECASE,
)


def _hidden(text: str) -> Iterator[Finding]:
    """Orders to an agent where a person who views the page sees nothing."""
    spans = [match.group(1) for match in _COMMENT.finditer(text)]
    spans += [match.group(2) for match in _UNSEEN.finditer(text)]
    for span in spans:
        if _ADDRESSED.search(span) and _ORDERED.search(span):
            yield Finding("hidden_instructions", "orders hidden from people", _excerpt(span))
            return


_BLOB = re.compile(r"[A-Za-z0-9+/_-]{24,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*={0,2}")


def _encoded(text: str, strict: bool) -> Iterator[Finding]:
    """Base64 that decodes to a text with findings of its own."""
    for number, match in enumerate(_BLOB.finditer(text)):
        if number == MOST_BLOBS:
            return
        lines = match.group()[:MOST_BLOB_CHARACTERS].split()
        for blob in {"".join(lines), *lines}:
            decoded = _decoded(blob)
            if decoded is not None:
                yield from _instructions(_without_disguise(decoded), strict, "encoded_")


def _decoded(blob: str) -> str | None:
    body = blob.rstrip("=").replace("-", "+").replace("_", "/")
    body = body[: len(body) // 4 * 4] if len(body) % 4 == 1 else body + "=" * (-len(body) % 4)
    try:
        text = base64.b64decode(body, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text if len(text) >= 16 and all(char.isprintable() or char.isspace() for char in text) else None


def _excerpt(found: str) -> str:
    line = " ".join(found.split())
    visible = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in line)
    return visible if len(visible) <= EXCERPT_CHARACTERS else f"{visible[: EXCERPT_CHARACTERS - 1]}…"
