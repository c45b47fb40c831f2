"""What is masked, what is left alone, and that both hold for any text."""

import string
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hermes.home.environment import Environment
from hermes.home.redaction import known_secrets, redact
from hermes.home.redaction_rules import mask
from hermes.home.settings import FallbackProvider, Settings

LONG = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ"
"""Stands for the random part of a token."""

SECRETS = [
    f"sk-{LONG}",
    f"sk-ant-api03-{LONG}",
    f"ghp_{LONG}",
    f"github_pat_{LONG}",
    f"xoxb-123-{LONG}",
    f"AIza{LONG}{LONG}",
    "AKIAIOSFODNN7EXAMPLE",
    f"hf_{LONG}",
    f"gsk_{LONG}",
    f"123456789:AA{LONG}aaaaaaa",
    f"eyJhbGciOiJI.{LONG}.{LONG}",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "frame", ["{}", "the key is {}.", "'{}'", "a={}\n", "\t{}\n", "({})", "x,{},y", "url/{}"]
)
def test_issued_tokens_are_masked_wherever_they_stand(secret: str, frame: str) -> None:
    masked = redact(frame.format(secret))
    assert secret[6:-4] not in masked
    if frame != "a={}\n":
        assert masked == frame.format(mask(secret))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("OPENAI_API_KEY=abc", "OPENAI_API_KEY=***"),
        ("export DB_PASSWORD='hunter2' && run", "export DB_PASSWORD='***' && run"),
        ("A_SECRET=x;B=1", "A_SECRET=***;B=1"),
        ('{"api_key": "abcdefgh", "n": 1}', '{"api_key": "***", "n": 1}'),
        ('{"refreshToken": "abcdefgh1"}', '{"refreshToken": "***"}'),
        ("api_key: abcd1234\nmodel: gpt-4\n", "api_key: ***\nmodel: gpt-4\n"),
        ("model.api_key=abcd1234", "model.api_key=***"),
        ("client_secret = 'a-b-c-d-e'", "client_secret = '***'"),
        ("Authorization: Bearer abc.def-123456", "Authorization: Bearer ***"),
        ("-H 'Authorization: Basic dXNlcjpwYXNz'", "-H 'Authorization: Basic ***'"),
        ("X-Api-Key: abcdef", "X-Api-Key: ***"),
        ("postgres://me:pw@db:5432/x", "postgres://me:***@db:5432/x"),
        ("redis://:pw@db/0", "redis://:***@db/0"),
        ("https://h/p?a=1&token=abc&b=2#f", "https://h/p?a=1&token=***&b=2#f"),
        ("https://h/p?X-Amz-Signature=abc", "https://h/p?X-Amz-Signature=***"),
        ("user=me&password=hunter22&x=1", "user=me&password=***&x=1"),
        ("call +491701234567 today", "call +49****67 today"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest",
            "[private key removed]\nrest",
        ),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "[private key removed]"),
        (f"`echo API_KEY=sk-{LONG}`: done", f"`echo API_KEY={mask('sk-' + LONG)}`: done"),
        ("`export TOKEN=abc123`, then api_key: abcd1234!", "`export TOKEN=***`, then api_key: ***!"),
        (
            "Is it https://h/p?token=abc? Or `Authorization: Bearer abcdef12`?",
            "Is it https://h/p?token=***? Or `Authorization: Bearer ***`?",
        ),
    ],
)
def test_shapes_of_secrets(text: str, masked: str) -> None:
    assert redact(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "The token bucket refills; the key insight is that passwords: they expire.",
        "max_tokens: 4096",
        '{"total_tokens": 12345, "key": "value", "tokens": [1, 2]}',
        "token = get_token()",
        "api_key=settings.api_key,",
        "def login(user: str, password: str) -> Token:",
        "self.password = password",
        'headers = {"Authorization": f"Bearer {key}"}',
        "OPENAI_API_KEY=$OPENAI_API_KEY",
        "OPENAI_API_KEY=",
        "key: ${API_KEY}",
        'os.environ["OPENAI_API_KEY"]',
        "token: string\nsecret: required\npassword: none",
        "pip install sk-learn-contrib-extras",
        "git@github.com:me/repo.git https://github.com/me/repo 10:20:30 2026-01-01T10:20:30Z",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "+12345678\n-12345678\n+ 3 files",
        "ratio 1:2, 12345678:short, a ? b : c & d",
        "https://example.com/?page=2&sort=name",
        "primary_key=True, foreign_key: users.id, keyboard=us",
        "author: me\nauthorization was given",
    ],
)
def test_ordinary_text_and_code_are_left_alone(text: str) -> None:
    assert redact(text) == text


def test_known_values_are_masked_whatever_they_look_like() -> None:
    assert redact("say swordfish-please now", ["swordfish-please"]) == "say *** now"
    assert redact("say open", ["open"]) == "say open"
    both = redact("abcdefgh and abcdefgh-longer-than-that", ["abcdefgh", "abcdefgh-longer-than-that"])
    assert both == "*** and abcdef...that"


def test_the_secrets_we_were_given() -> None:
    environment = Environment(
        {"X_API_KEY": "from-env-1", "PATH": "/usr/bin:/bin", "Y_TOKEN": "short"}, {"P_SECRET": "dotenv-value"}
    )
    settings = Settings(fallback_providers=[FallbackProvider(api_key="from-file")])
    assert known_secrets(environment, settings) == {"from-env-1", "dotenv-value", "from-file"}
    assert known_secrets(environment) == {"from-env-1", "dotenv-value"}


PIECES = st.sampled_from(
    [
        *SECRETS,
        "password",
        "api_key",
        "TOKEN",
        "=",
        ": ",
        '"',
        "'",
        "://",
        "@",
        "?",
        "&",
        "+",
        "Bearer ",
        "\n",
        " ",
        "***",
        "...",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "Authorization",
        "x",
        "sk-",
        "1234567890",
        "_",
        ":",
        "`",
        "!",
        ",",
        ".",
        "API_KEY=",
        "?token=",
        "api_key: ",
        "abcdef-123456",
    ]
)
SPICED = st.lists(PIECES | st.text(max_size=12), max_size=12).map("".join)


@given(SPICED)
@example("api_key=" + LONG)
@example("https://user:***@host")
@example("Authorization: Bearer ***")
@example(f"`echo API_KEY=sk-{LONG}`:")
def test_masking_twice_is_masking_once(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(SPICED, st.lists(st.text(min_size=1, max_size=30), max_size=3))
def test_masking_hardly_lengthens_a_text(text: str, known: list[str]) -> None:
    masked = redact(text, known)
    assert len(masked) <= len(text) + 3 * (
        text.count("=") + text.count(":") + text.count('"') + len(known) + 8
    )


@given(
    st.text(string.ascii_letters + string.digits + string.punctuation + " \n", max_size=40),
    st.text(max_size=40),
)
def test_a_known_secret_is_nowhere_in_the_result(before: str, after: str) -> None:
    secret = "correct horse battery staple"
    assert secret not in redact(before + secret + after, [secret])


WORDS = st.lists(st.text(string.ascii_letters, min_size=1, max_size=12), min_size=1, max_size=30)


@given(WORDS)
def test_prose_is_never_touched(words: list[str]) -> None:
    text = " ".join(words) + "."
    assert redact(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        "a.",
        "a-",
        "a_",
        "x",
        "A_",
        "x-",
        "sk-",
        "://",
        "?a-",
        "&a.b",
        "eyJ",
        "bearer ",
        "token ",
        "token='",
        "1:",
        "password:",
        "-----BEGIN PRIVATE KEY-----",
        "://a:",
        "authorization: ",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    text = "eyJ sk- x-api-key ://" + piece * (200_000 // len(piece)) + "token"
    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 2  # quadratic patterns take minutes here
