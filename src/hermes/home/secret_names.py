"""Which names of variables and keys mean that the value is a secret."""

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

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


def is_secret_name(name: str) -> bool:
    """Whether an environment variable of this name holds a secret."""
    upper = name.upper()
    if upper in _NOT_SECRET:
        return False
    return upper in _SECRETS_BY_NAME or upper.endswith(_SECRET_ENDINGS)


def belongs_in_env_file(key: str) -> bool:
    """Whether `config set KEY` means `.env`: the key is a variable that holds a secret or SSH access data."""
    if not _VARIABLE.fullmatch(key):
        return False
    return is_secret_name(key) or key.startswith("TERMINAL_SSH")
