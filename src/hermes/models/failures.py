"""Why a call to a model failed: status, codes and words become one reason and one sentence. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

from hermes.home.redaction import redact
from hermes.models.contract import Endpoint, FailureReason, ModelFailure
from hermes.models.error_bodies import ErrorBody, one_line, read_error
from hermes.models.providers import find_provider
from hermes.models.stated_limits import (
    OUTPUT_WORDS,
    output_stated,
    overrun_stated,
    wait_asked_for,
    window_stated,
)


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


OVERFLOW = _words(
    "context_length_exceeded",
    "exceed_context_size",
    "model_max_prompt_tokens_exceeded",
    r"maximum (context|prompt) length",
    r"(exceeds?|exceeded|larger than|overflows?|beyond|longer than).{0,40}context",
    r"context (length|window|size|limit).{0,20}exceed",
    r"(prompt|input|request) (is )?too long",
    r"input (token count|length).{0,60}(exceeds?|should be)",
    r"exceeded model token limit",
    r"too many (input )?tokens(?! per)",
    r"context the overflows",
    r"required for long context requests",
)
OVERLOADED = _words("overload", "at capacity", "capacity (limit|exceeded)", "high demand", "server is busy")
BILLING = _words(
    "insufficient_quota",
    "insufficient (credit|balance|fund|quota)",
    "credit balance",
    "exceeded your current quota",
    "billing",
    "payment required",
    "out of credits",
    "more credits",
    "spending.limit",
)
RESETS = _words(
    "resets?( at| in|$)", "will reset", "try again (in|at|after|later|tomorrow)", "per (minute|hour|day)"
)
UPSTREAM_LIMIT = _words("rate.limited upstream", "upstream.{0,30}rate.limit", '"provider_name"')
REFUSED_KEY = _words("api.key not valid", "incorrect api key", "invalid api.key", "api_key_invalid")
NO_SUCH_MODEL = _words(
    "model_not_found",
    "not a valid model",
    r"model\W.{0,80}(not found|does not exist|not exist|is not supported|unknown|not available)",
    r"(no such|unknown|unsupported) model",
    "try pulling it",
)
DATA_POLICY = _words("data policy", "guardrail restrictions", "privacy settings")
REFUSED_CONTENT = _words(
    "content_policy",
    "content.management policy",
    "content.?filter",
    "responsible.ai",
    "usage policy",
    "flagged",
    "safety (system|reasons|policy)",
    "data_inspection_failed",
)
REFUSED_IMAGE = _words(
    r"image.{0,80}(too large|exceed|could not|cannot|unsupported|not support|invalid|maximum)",
    r"(unsupported|invalid|does not support|not support|process).{0,40}image",
    "image_url.{0,40}only supported",
)
INVALID_REQUEST = _words("invalid_request", "validation error", "invalid parameter", "invalid_argument")

STATUS_OF_CODE = {
    "authentication_error": 401,
    "invalid_api_key": 401,
    "unauthenticated": 401,
    "permission_error": 403,
    "permission_denied": 403,
    "billing_error": 402,
    "insufficient_quota": 402,
    "not_found_error": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "too_many_requests": 429,
    "resource_exhausted": 429,
    "overloaded_error": 529,
    "server_overloaded": 529,
    "slow_down": 503,
    "service_unavailable": 503,
    "unavailable": 503,
    "timeout_error": 408,
    "deadline_exceeded": 408,
    "context_length_exceeded": 400,
    "invalid_prompt": 400,
    "invalid_request_error": 400,
    "invalid_argument": 400,
}
REASON_OF_STATUS: dict[int, FailureReason] = {
    400: "bad_request",
    401: "auth",
    402: "billing",
    403: "auth",
    404: "model_not_found",
    405: "bad_request",
    408: "timeout",
    413: "payload_too_large",
    422: "bad_request",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    524: "timeout",
    529: "overloaded",
}
RETRYABLE: frozenset[FailureReason] = frozenset(
    {
        "rate_limit",
        "upstream_rate_limit",
        "overloaded",
        "server_error",
        "timeout",
        "connection",
        "bad_response",
        "output_limit",
    }
)
ROTATES: frozenset[FailureReason] = frozenset({"auth", "billing", "rate_limit"})
STAYS: frozenset[FailureReason] = frozenset(
    {"context_overflow", "output_limit", "payload_too_large", "policy_blocked", "tls", "cancelled"}
)
"""Reasons for which another model is no help, or is not asked."""


def classify(
    status: int, headers: Mapping[str, str], body: bytes, endpoint: Endpoint, now: float | None = None
) -> ModelFailure:
    """The failure behind an HTTP answer that was no success. `now` is for dates in `Retry-After`."""
    error = read_error(body)
    if 300 <= status < 400:
        target = next((value for name, value in headers.items() if name.lower() == "location"), "elsewhere")
        said = f"{_who(endpoint)} redirects to {target}; set its base_url to that address."
        return _failure("bad_request", said, endpoint, status=status)
    reason = _reason(status, error, endpoint)
    failure = _failure(reason, _sentence(reason, status, error, endpoint), endpoint, status=status)
    failure.retry_after = wait_asked_for(headers, error.text, now)
    if status == 403 and reason == "auth":
        failure.rotate_credential = False
    return _with_limits(failure, error)


def said_in_reply(data: dict[str, Any], endpoint: Endpoint) -> ModelFailure:
    """The failure behind an error object inside a reply that began as a success."""
    error = read_error(json.dumps(data).encode())
    status = error.status or next(
        (STATUS_OF_CODE[code] for code in error.codes if code in STATUS_OF_CODE), 500
    )
    return classify(status, {}, error.text.encode(), endpoint)


def cut(endpoint: Endpoint, *, nothing_came: bool) -> ModelFailure:
    """The stream ended properly, but the model was not done."""
    how = "before it said anything" if nothing_came else "in the middle of its reply"
    said = f"{_who(endpoint)} ended the connection {how}; it can be tried again."
    return _failure("connection", said, endpoint)


def unreadable(endpoint: Endpoint, what: str) -> ModelFailure:
    """The reply is not in the protocol's form."""
    said = (
        f"{_who(endpoint)} sent a reply that can't be read ({what}); check that its base_url is a model API."
    )
    return _failure("bad_response", said, endpoint)


def no_reply(endpoint: Endpoint, body: bytes) -> ModelFailure:
    """A success that holds no reply: a web page, or another kind of document."""
    error = read_error(body)
    if error.web_page:
        what = f"a web page{f' titled {error.message!r}' if error.message else ''} instead of a model's reply"
    else:
        what = f"no model's reply: {one_line(error.text)[:120]}"
    said = f"{_who(endpoint)} sent {what}; check its base_url {endpoint.base_url}."
    failure = _failure("bad_response", said, endpoint)
    failure.retryable = not error.web_page
    return failure


def unusable_key(endpoint: Endpoint) -> ModelFailure:
    """The key holds characters that no header can carry."""
    said = f"The key for {endpoint.provider} holds characters that no key has; {_set_key(endpoint)}."
    return _failure("auth", said, endpoint)


def _reason(status: int, error: ErrorBody, endpoint: Endpoint) -> FailureReason:
    said = f"{error.message} {' '.join(error.codes)}"
    if status in (400, 413, 422, 429, 500) and (reason := _limit_reason(said, error)):
        return reason
    match status:
        case 402:
            return "rate_limit" if RESETS.search(said) and not BILLING.search(said) else "billing"
        case 403:
            return _forbidden_reason(said)
        case 404:
            return "policy_blocked" if DATA_POLICY.search(said) else "model_not_found"
        case 429:
            return _too_many_reason(said, error)
        case 400 | 405 | 422:
            return _bad_request_reason(said)
        case 500 | 502 if INVALID_REQUEST.search(said):
            return "bad_request"
    return REASON_OF_STATUS.get(status, "server_error" if status >= 500 or status == 409 else "bad_request")


def _limit_reason(said: str, error: ErrorBody) -> FailureReason | None:
    """Output that is too large is asked for in smaller; input that is too large has to be compacted."""
    if overrun_stated(error.text):
        return "output_limit"
    if OUTPUT_WORDS.search(said) and not OVERFLOW.search(said):
        return "output_limit"
    return "context_overflow" if OVERFLOW.search(said) else None


def _forbidden_reason(said: str) -> FailureReason:
    if BILLING.search(said):
        return "billing"
    return "content_refused" if REFUSED_CONTENT.search(said) else "auth"


def _too_many_reason(said: str, error: ErrorBody) -> FailureReason:
    if OVERLOADED.search(said):
        return "overloaded"
    if UPSTREAM_LIMIT.search(error.text):
        return "upstream_rate_limit"
    return "billing" if BILLING.search(said) and not RESETS.search(said) else "rate_limit"


def _bad_request_reason(said: str) -> FailureReason:
    for words, reason in _BAD_REQUESTS:
        if words.search(said):
            return reason
    return "bad_request"


_BAD_REQUESTS: tuple[tuple[re.Pattern[str], FailureReason], ...] = (
    (REFUSED_KEY, "auth"),
    (BILLING, "billing"),
    (REFUSED_IMAGE, "image_rejected"),
    (NO_SUCH_MODEL, "model_not_found"),
    (REFUSED_CONTENT, "content_refused"),
)


def _with_limits(failure: ModelFailure, error: ErrorBody) -> ModelFailure:
    overrun = overrun_stated(error.text)
    if failure.reason == "context_overflow":
        failure.context_limit = window_stated(error.text)
    elif failure.reason == "output_limit":
        failure.context_limit = overrun.window if overrun else None
        failure.output_limit = overrun.room if overrun else output_stated(error.text)
    return failure


def _failure(
    reason: FailureReason, message: str, endpoint: Endpoint, status: int | None = None
) -> ModelFailure:
    known = (endpoint.api_key,) if endpoint.api_key else ()
    return ModelFailure(
        reason=reason,
        message=redact(message, known),
        status=status,
        retryable=reason in RETRYABLE,
        rotate_credential=reason in ROTATES,
        fall_back=reason not in STAYS,
    )


def _who(endpoint: Endpoint) -> str:
    return f"{endpoint.provider} ({endpoint.model})" if endpoint.model else endpoint.provider


def _set_key(endpoint: Endpoint) -> str:
    """How to give this provider a key."""
    row = find_provider(endpoint.provider)
    if row is None or not row.key_variables:
        return f"set api_key or key_env of providers.{endpoint.provider} in config.yaml"
    variable = row.key_variables[0]
    return f"set {variable} with `hermes config set {variable} <key>`"


def _sentence(reason: FailureReason, status: int, error: ErrorBody, endpoint: Endpoint) -> str:
    """Who refused what, in the server's words where it had some, and what to do."""
    detail = f" ({error.message})" if error.message else ""
    what, advice = _WORDS.get(reason, ("failed", "try again later"))
    if reason == "auth":
        advice = _set_key(endpoint)
    elif reason == "model_not_found" and error.web_page:
        advice = f"check its base_url {endpoint.base_url}"
    return f"{_who(endpoint)} {what}, status {status}{detail}; {advice}."


_WORDS: dict[FailureReason, tuple[str, str]] = {
    "auth": ("refused the key", ""),
    "billing": ("wants payment", "add credit there or choose another model with `hermes model`"),
    "rate_limit": ("had too many requests", "wait, or add another key or a fallback model"),
    "upstream_rate_limit": ("says that the host behind it is rate limited", "wait or choose another model"),
    "overloaded": ("is overloaded", "try again later or add a fallback model"),
    "server_error": ("failed on its side", "try again later or add a fallback model"),
    "timeout": ("took too long", "try again later"),
    "context_overflow": (
        "can't take a conversation this long",
        "compact it with /compress or start a new one",
    ),
    "output_limit": ("allows less output than was asked for", "lower model.max_tokens"),
    "payload_too_large": ("refused the request as too large", "compact it with /compress or send less"),
    "image_rejected": ("refused an image", "send a smaller one in PNG or JPEG, or choose a model that sees"),
    "model_not_found": ("has no such model", "choose another with `hermes model`"),
    "policy_blocked": (
        "has no host that your privacy settings allow",
        "change them there or choose another model",
    ),
    "content_refused": ("refused the content under its policy", "rephrase, or add a fallback model"),
    "bad_request": (
        "refused the request",
        "check the model's settings or choose another with `hermes model`",
    ),
}
