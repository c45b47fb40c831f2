"""What names say: that the value is a secret, and that it is a variable, whose place is `.env`."""

import re

_SECRET_ENDINGS = (
    "_API_KEY",
    "_KEY",
    "_TOKEN",
    "_SECRET",
    "_PASSWORD",
    "_PASSWD",
    "_PASSPHRASE",
    "_CREDENTIALS",
    "_ACCESS_KEY",
    "_PRIVATE_KEY",
)
_SECRETS_BY_NAME = frozenset(
    {
        "API_KEY",
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "HF_TOKEN",
        "GH_TOKEN",
        "GITHUB_TOKEN",
        "AWS_ACCESS_KEY_ID",
        "TWILIO_ACCOUNT_SID",
        "DATABASE_URL",
        "HERMES_DATABASE_URL",
        "PGPASSWORD",
    }
)
_NOT_SECRET = frozenset({"SSH_KEY", "TERMINAL_SSH_KEY"})
"""Names of files, not of their content."""

_READ = frozenset(
    {
        "HERMES_INFERENCE_MODEL",
        "HERMES_INFERENCE_PROVIDER",
        "HERMES_YOLO_MODE",
        "HERMES_REDACT_SECRETS",
        "HERMES_ENVIRONMENT_HINT",
        "HERMES_WRITE_SAFE_ROOT",
        "HERMES_DISABLE_LOCAL_DISCOVERY",
        "HERMES_API_TIMEOUT",
        "HERMES_STREAM_STALE_TIMEOUT",
        "TERMINAL_ENV",
        "TERMINAL_TIMEOUT",
        "TERMINAL_CWD",
        "NO_COLOR",
    }
)

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


def is_secret_name(name: str) -> bool:
    """Whether an environment variable of this name holds a secret."""
    upper = name.upper()
    if upper in _NOT_SECRET:
        return False
    return upper in _SECRETS_BY_NAME or upper.endswith(_SECRET_ENDINGS)


def is_variable(key: str) -> bool:
    """Whether a key that a person names is a variable, not a setting: it is in capitals."""
    return _VARIABLE.fullmatch(key) is not None


def is_read_from_env_file(name: str) -> bool:
    """Whether a variable of this name has an effect in `.env`: it holds a secret, an address or SSH access
    data, or is one of those that stand for a setting."""
    return (
        is_secret_name(name) or name.startswith("TERMINAL_SSH") or name.endswith("_BASE_URL") or name in _READ
    )
