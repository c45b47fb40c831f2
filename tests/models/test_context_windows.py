"""How much a model can read, when nobody has said."""

from hermes.models.context_windows import DEFAULT_LOCAL_WINDOW, DEFAULT_WINDOW, context_window, known_window
from hermes.models.contract import Endpoint


def endpoint(model: str, *, local: bool = False, context_length: int | None = None) -> Endpoint:
    return Endpoint(
        provider="p", model=model, wire="chat_completions", local=local, context_length=context_length
    )


def test_the_longest_matching_name_decides() -> None:
    assert known_window("grok-4-fast-reasoning") == 2_000_000
    assert known_window("grok-4") == 256_000
    assert known_window("openai/gpt-4.1-mini") == 1_047_576
    assert known_window("unheard-of") is None


def test_what_was_configured_or_learned_goes_first() -> None:
    assert context_window(endpoint("gpt-4o", context_length=8_000)) == 8_000


def test_a_local_server_does_not_serve_the_vendors_window() -> None:
    assert context_window(endpoint("grok-4", local=True)) == DEFAULT_LOCAL_WINDOW
    assert context_window(endpoint("grok-4")) == 256_000


def test_an_unknown_hosted_model_gets_a_careful_default() -> None:
    assert context_window(endpoint("unheard-of")) == DEFAULT_WINDOW
