"""The provider table holds together."""

import pytest

from hermes.models.provider import host_of
from hermes.models.providers import PROVIDERS, find_provider, nearest, provider_at


def test_ids_and_aliases_name_one_row_each() -> None:
    names = [name for row in PROVIDERS for name in (row.id, *row.aliases)]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)


def test_every_hosted_row_has_a_secure_address_and_a_key_variable() -> None:
    for row in PROVIDERS:
        if row.key_needed:
            assert row.base_url.startswith("https://"), row.id
            assert row.key_variables, row.id
            assert not row.base_url.endswith("/"), row.id


def test_addresses_of_the_messages_protocol_end_where_its_path_begins() -> None:
    for row in PROVIDERS:
        if row.wire == "messages":
            assert row.base_url.endswith("/v1"), row.id


def test_a_key_variable_belongs_to_one_provider() -> None:
    variables = [variable for row in PROVIDERS for variable in row.key_variables]
    assert len(variables) == len(set(variables))


@pytest.mark.parametrize(
    ("name", "row_id"),
    [
        ("openai", "openai-api"),
        ("OR", "openrouter"),
        ("claude", "anthropic"),
        ("google", "gemini"),
        ("grok", "xai"),
        ("glm", "zai"),
        ("kimi", "kimi-coding"),
        ("hf", "huggingface"),
        ("local", "custom"),
    ],
)
def test_aliases_find_their_row(name: str, row_id: str) -> None:
    row = find_provider(name)
    assert row is not None
    assert row.id == row_id


def test_a_row_is_found_by_its_host_and_local_hosts_belong_to_nobody() -> None:
    found = provider_at("https://api.groq.com/openai/v1")
    assert found is not None
    assert found.id == "groq"
    assert provider_at("http://127.0.0.1:11434/v1") is None
    assert provider_at("https://models.example.com/v1") is None


def test_a_text_that_is_no_address_has_no_host() -> None:
    assert host_of("http://[broken") == ""
    assert host_of("") == ""


def test_cache_marks_go_where_the_wire_and_the_model_can_take_them() -> None:
    openrouter, anthropic = find_provider("openrouter"), find_provider("anthropic")
    assert openrouter is not None
    assert anthropic is not None
    assert anthropic.cache_layout("messages", "claude-sonnet-4-5") == "blocks"
    assert openrouter.cache_layout("chat_completions", "anthropic/claude-sonnet-4.5") == "envelope"
    assert openrouter.cache_layout("chat_completions", "openai/gpt-5.1") == "none"


def test_a_misspelt_name_has_a_nearest_one() -> None:
    assert nearest("anthropc", ["openrouter", "anthropic"]) == "anthropic"
    assert nearest("zzzz", ["openrouter", "anthropic"]) is None
