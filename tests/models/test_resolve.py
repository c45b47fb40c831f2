"""Which model answers: the order of what names it, and which key goes where."""

from typing import ClassVar

import pytest

from hermes.home.settings import (
    AgentSettings,
    FallbackProvider,
    ModelSettings,
    NamedProvider,
    Settings,
)
from hermes.models.contract import Endpoint
from hermes.models.local_servers import LocalServer
from hermes.models.resolve import ModelNotConfigured, configured, fallback_endpoints, resolve

NOTHING = Settings()
OLLAMA = LocalServer(
    provider="ollama", base_url="http://127.0.0.1:11434/v1", model="qwen3:8b", context_length=8192
)


def settings(**model: object) -> Settings:
    return Settings(model=ModelSettings(**model))  # type: ignore[arg-type]


def refusal(settings: Settings, environment: dict[str, str], **asked: str) -> str:
    with pytest.raises(ModelNotConfigured) as caught:
        resolve(settings, environment, **asked)  # type: ignore[arg-type]
    return str(caught.value)


class TestOrder:
    def test_with_nothing_at_all_the_demo_answers(self) -> None:
        endpoint = resolve(NOTHING, {})
        assert (endpoint.wire, endpoint.provider, endpoint.local) == ("demo", "demo", True)
        assert configured(NOTHING, {}) is None

    def test_a_server_of_this_machine_goes_before_the_demo(self) -> None:
        endpoint = resolve(NOTHING, {}, local=OLLAMA)
        assert (endpoint.provider, endpoint.model) == ("ollama", "qwen3:8b")
        assert (endpoint.wire, endpoint.auth_header) == ("chat_completions", "none")
        assert endpoint.context_length == 8192
        assert endpoint.stall_timeout == AgentSettings().local_stream_stale_timeout

    def test_the_environment_goes_before_a_server_of_this_machine(self) -> None:
        endpoint = resolve(NOTHING, {"ANTHROPIC_API_KEY": "sk-ant-1"}, local=OLLAMA)
        assert (endpoint.provider, endpoint.wire) == ("anthropic", "messages")
        assert endpoint.auth_header == "x-api-key"

    def test_an_openai_base_url_goes_before_keys(self) -> None:
        environment = {"OPENAI_BASE_URL": "http://10.0.0.5:9000/v1/", "OPENROUTER_API_KEY": "or-1"}
        endpoint = resolve(NOTHING, environment)
        assert (endpoint.provider, endpoint.base_url) == ("custom", "http://10.0.0.5:9000/v1")

    def test_keys_are_tried_in_the_order_of_the_table(self) -> None:
        endpoint = resolve(NOTHING, {"GROQ_API_KEY": "g", "OPENROUTER_API_KEY": "or"})
        assert (endpoint.provider, endpoint.api_key) == ("openrouter", "or")

    def test_an_empty_key_variable_is_no_key(self) -> None:
        endpoint = resolve(NOTHING, {"OPENROUTER_API_KEY": " ", "GROQ_API_KEY": "g"})
        assert endpoint.provider == "groq"

    def test_the_config_goes_before_the_environment(self) -> None:
        chosen = settings(provider="groq", default="llama-3.1-8b-instant")
        environment = {
            "GROQ_API_KEY": "g",
            "OPENROUTER_API_KEY": "or",
            "OPENAI_BASE_URL": "http://localhost:1/v1",
        }
        endpoint = resolve(chosen, environment)
        assert (endpoint.provider, endpoint.model, endpoint.api_key) == ("groq", "llama-3.1-8b-instant", "g")

    def test_the_flags_go_before_the_config(self) -> None:
        chosen = settings(provider="groq", default="llama-3.1-8b-instant")
        environment = {"GROQ_API_KEY": "g", "DEEPSEEK_API_KEY": "d"}
        endpoint = resolve(chosen, environment, provider="deepseek", model="deepseek-reasoner")
        assert (endpoint.provider, endpoint.model, endpoint.api_key) == ("deepseek", "deepseek-reasoner", "d")

    def test_the_inference_variables_stand_for_the_flags(self) -> None:
        chosen = settings(provider="groq", default="a")
        environment = {"GROQ_API_KEY": "g", "HERMES_INFERENCE_MODEL": "b"}
        assert resolve(chosen, environment).model == "b"
        assert resolve(chosen, environment, model="c").model == "c"
        environment |= {"HERMES_INFERENCE_PROVIDER": "xai", "XAI_API_KEY": "x"}
        assert resolve(chosen, environment).provider == "xai"

    def test_a_stored_key_counts_like_one_of_the_environment(self) -> None:
        endpoint = resolve(NOTHING, {}, stored_keys={"mistral": "m"})
        assert (endpoint.provider, endpoint.api_key) == ("mistral", "m")

    def test_the_demo_can_be_asked_for(self) -> None:
        environment = {"OPENROUTER_API_KEY": "or"}
        assert resolve(NOTHING, environment, model="demo").wire == "demo"
        assert resolve(NOTHING, environment, provider="demo").wire == "demo"
        assert resolve(settings(provider="demo"), environment).wire == "demo"

    def test_a_named_model_without_a_provider_is_never_answered_by_the_demo(self) -> None:
        assert "No provider is configured for model 'gpt-5.1'" in refusal(NOTHING, {}, model="gpt-5.1")
        assert "'gpt-5.1'" in refusal(settings(default="gpt-5.1"), {})

    def test_a_named_model_is_asked_of_the_server_of_this_machine(self) -> None:
        endpoint = resolve(NOTHING, {}, model="mistral:7b", local=OLLAMA)
        assert (endpoint.provider, endpoint.model, endpoint.context_length) == ("ollama", "mistral:7b", None)


class TestKeys:
    def test_openais_key_goes_where_its_base_url_points(self) -> None:
        environment = {"OPENAI_BASE_URL": "https://models.example.com/v1", "OPENAI_API_KEY": "sk-1"}
        endpoint = resolve(NOTHING, environment)
        assert (endpoint.api_key, endpoint.auth_header, endpoint.wire) == (
            "sk-1",
            "bearer",
            "chat_completions",
        )

    def test_openais_key_does_not_go_to_a_provider_with_a_key_of_its_own(self) -> None:
        environment = {
            "OPENAI_BASE_URL": "https://api.groq.com/openai/v1",
            "OPENAI_API_KEY": "sk-openai",
            "GROQ_API_KEY": "gsk-1",
        }
        endpoint = resolve(NOTHING, environment)
        assert (endpoint.provider, endpoint.api_key) == ("groq", "gsk-1")

    def test_no_key_of_another_provider_goes_to_an_address_of_the_config(self) -> None:
        keys = {"OPENAI_API_KEY": "sk", "OPENROUTER_API_KEY": "or"}
        endpoint = resolve(settings(base_url="https://models.example.com/v1", default="m"), keys)
        assert (endpoint.api_key, endpoint.auth_header) == ("", "none")

    def test_openais_key_goes_to_an_address_of_the_config_that_its_base_url_names_too(self) -> None:
        environment = {"OPENAI_API_KEY": "sk", "OPENAI_BASE_URL": "https://models.example.com/v1"}
        endpoint = resolve(settings(base_url="https://models.example.com/other", default="m"), environment)
        assert endpoint.api_key == "sk"

    def test_a_known_host_in_the_config_gets_the_key_of_its_provider(self) -> None:
        chosen = settings(base_url="https://openrouter.ai/api/v1", default="anthropic/claude-sonnet-4.5")
        endpoint = resolve(chosen, {"OPENAI_API_KEY": "sk", "OPENROUTER_API_KEY": "or"})
        assert (endpoint.provider, endpoint.api_key, endpoint.cache) == ("openrouter", "or", "envelope")

    def test_a_key_in_the_config_goes_first(self) -> None:
        chosen = settings(provider="groq", default="m", api_key="inline")
        assert resolve(chosen, {"GROQ_API_KEY": "g"}).api_key == "inline"

    def test_a_missing_key_is_named_with_the_way_to_set_it(self) -> None:
        said = refusal(settings(provider="anthropic"), {})
        assert "ANTHROPIC_API_KEY" in said
        assert "hermes config set" in said

    def test_a_key_of_another_kind_goes_to_its_own_door(self) -> None:
        code = resolve(NOTHING, {"KIMI_API_KEY": "sk-kimi-1"})
        assert (code.base_url, code.wire) == ("https://api.kimi.com/coding/v1", "messages")
        token = resolve(NOTHING, {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-x"})
        assert (token.auth_header, token.headers["anthropic-beta"]) == ("bearer", "oauth-2025-04-20")


class TestWires:
    @pytest.mark.parametrize(
        ("environment", "wire"),
        [
            ({"OPENAI_API_KEY": "k"}, "responses"),
            ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://eu.api.openai.com/v1"}, "responses"),
            ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, "chat_completions"),
            ({"XAI_API_KEY": "k"}, "responses"),
            ({"XAI_API_KEY": "k", "XAI_BASE_URL": "https://proxy.example.com/v1"}, "chat_completions"),
            ({"MINIMAX_API_KEY": "k"}, "messages"),
            ({"DEEPSEEK_API_KEY": "k"}, "chat_completions"),
        ],
    )
    def test_the_protocol_follows_the_provider_and_the_address(
        self, environment: dict[str, str], wire: str
    ) -> None:
        assert resolve(NOTHING, environment).wire == wire

    @pytest.mark.parametrize(
        ("name", "wire"),
        [
            ("codex_responses", "responses"),
            ("responses", "responses"),
            ("anthropic_messages", "messages"),
            ("messages", "messages"),
            ("chat_completions", "chat_completions"),
        ],
    )
    def test_both_names_of_a_protocol_are_accepted(self, name: str, wire: str) -> None:
        chosen = settings(base_url="https://models.example.com", default="m", api_mode=name, api_key="k")
        assert resolve(chosen, {}).wire == wire

    def test_a_protocol_that_is_not_served_is_refused_with_those_that_are(self) -> None:
        chosen = settings(base_url="https://models.example.com/v1", api_mode="bedrock_converse")
        said = refusal(chosen, {})
        assert "bedrock_converse" in said
        assert "chat_completions" in said

    def test_one_address_may_serve_several_protocols(self) -> None:
        environment = {"OPENCODE_ZEN_API_KEY": "z"}
        wires = [
            resolve(NOTHING, environment, provider="zen", model=model).wire
            for model in ("gpt-5.1", "claude-sonnet-4-5", "glm-4.6")
        ]
        assert wires == ["responses", "messages", "chat_completions"]


class TestAddresses:
    def test_an_address_loses_what_the_protocol_appends(self) -> None:
        chosen = settings(base_url="https://models.example.com/v1/chat/completions", default="m")
        assert resolve(chosen, {}).base_url == "https://models.example.com/v1"

    def test_a_root_address_of_a_messages_provider_is_completed(self) -> None:
        environment = {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": "https://api.anthropic.com/"}
        assert resolve(NOTHING, environment).base_url == "https://api.anthropic.com/v1"

    def test_geminis_own_address_becomes_its_compatible_one(self) -> None:
        environment = {
            "GEMINI_API_KEY": "k",
            "GEMINI_BASE_URL": "https://generativelanguage.googleapis.com/v1beta",
        }
        assert resolve(NOTHING, environment).base_url.endswith("/v1beta/openai")

    def test_what_is_no_address_is_refused(self) -> None:
        assert "localhost:8000" in refusal(settings(base_url="localhost:8000/v1", default="m"), {})

    def test_custom_without_an_address_says_what_is_missing(self) -> None:
        assert "model.base_url" in refusal(settings(provider="custom", default="m"), {})

    def test_custom_without_a_model_leaves_it_to_the_server(self) -> None:
        assert resolve(settings(base_url="http://127.0.0.1:9/v1"), {}).model == ""


class TestModelIds:
    KEYS: ClassVar = {"OPENROUTER_API_KEY": "or", "ANTHROPIC_API_KEY": "an"}

    def test_a_prefix_names_a_provider_that_can_be_called(self) -> None:
        for model in ("anthropic/claude-sonnet-4-5", "anthropic:claude-sonnet-4-5"):
            endpoint = resolve(NOTHING, self.KEYS, model=model)
            assert (endpoint.provider, endpoint.model) == ("anthropic", "claude-sonnet-4-5")

    def test_without_that_providers_key_an_aggregator_gets_the_whole_id(self) -> None:
        endpoint = resolve(NOTHING, {"OPENROUTER_API_KEY": "or"}, model="anthropic/claude-sonnet-4.5")
        assert (endpoint.provider, endpoint.model) == ("openrouter", "anthropic/claude-sonnet-4.5")

    def test_a_configured_aggregator_gets_the_whole_id(self) -> None:
        chosen = settings(provider="openrouter")
        endpoint = resolve(chosen, self.KEYS, model="anthropic/claude-opus-4.5")
        assert (endpoint.provider, endpoint.model) == ("openrouter", "anthropic/claude-opus-4.5")

    def test_a_prefix_switches_away_from_a_configured_vendor(self) -> None:
        chosen = settings(provider="groq", default="x")
        endpoint = resolve(chosen, {**self.KEYS, "GROQ_API_KEY": "g"}, model="anthropic:claude-haiku-4-5")
        assert (endpoint.provider, endpoint.model) == ("anthropic", "claude-haiku-4-5")

    def test_a_server_of_ones_own_may_name_models_as_it_likes(self) -> None:
        environment = {**self.KEYS, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
        assert resolve(NOTHING, environment, model="anthropic/tiny").model == "anthropic/tiny"
        chosen = settings(provider="ollama", default="mistral:7b")
        endpoint = resolve(chosen, {"MISTRAL_API_KEY": "m"})
        assert (endpoint.provider, endpoint.model) == ("ollama", "mistral:7b")

    def test_a_prefix_that_repeats_the_provider_is_dropped(self) -> None:
        endpoint = resolve(NOTHING, {"OPENAI_API_KEY": "k"}, provider="openai", model="openai/gpt-5.1")
        assert endpoint.model == "gpt-5.1"

    def test_a_bare_id_goes_to_its_vendor_if_that_can_be_called(self) -> None:
        assert resolve(NOTHING, self.KEYS, model="claude-sonnet-4-5").provider == "anthropic"
        assert resolve(NOTHING, self.KEYS, model="unheard-of").provider == "openrouter"

    def test_a_prefix_whose_key_is_missing_is_named(self) -> None:
        assert "GROQ_API_KEY" in refusal(NOTHING, {}, model="groq/llama-3.1-8b-instant")

    def test_a_provider_without_a_model_of_its_own_asks_for_one(self) -> None:
        assert "no model is named" in refusal(NOTHING, {"HF_TOKEN": "hf"})


class TestNamedProviders:
    BOX = NamedProvider(
        base_url="http://10.1.1.1:8000/v1",
        key_env="BOX_KEY",
        default_model="big",
        models={"big": {"context_length": 65536, "max_tokens": 4096, "timeout_seconds": 60}, "small": {}},
        stale_timeout_seconds=33,
        extra_body={"top_k": 5},
        headers={"X-Box": "1"},
    )

    def test_a_section_of_its_own_is_a_provider(self) -> None:
        chosen = Settings(providers={"box": self.BOX})
        for name in ("box", "custom:box"):
            endpoint = resolve(chosen, {"BOX_KEY": "b"}, provider=name)
            assert (endpoint.provider, endpoint.model, endpoint.api_key) == ("box", "big", "b")
        assert (endpoint.context_length, endpoint.max_output_tokens) == (65536, 4096)
        assert (endpoint.request_timeout, endpoint.stall_timeout) == (60, 33)
        assert (endpoint.extra_body, endpoint.headers) == ({"top_k": 5}, {"X-Box": "1"})

    def test_it_is_named_in_the_config_and_by_a_prefix(self) -> None:
        chosen = Settings(
            providers={"box": self.BOX}, model=ModelSettings(provider="custom:box", default="small")
        )
        assert resolve(chosen, {"BOX_KEY": "b"}).model == "small"
        other = Settings(providers={"box": self.BOX})
        assert resolve(other, {"BOX_KEY": "b"}, model="box/small").provider == "box"

    def test_its_missing_key_is_named(self) -> None:
        assert "BOX_KEY" in refusal(Settings(providers={"box": self.BOX}), {}, provider="box")

    def test_a_section_may_add_to_a_row_of_the_table(self) -> None:
        chosen = Settings(providers={"groq": NamedProvider(request_timeout_seconds=5)})
        endpoint = resolve(chosen, {"GROQ_API_KEY": "g"})
        assert (endpoint.provider, endpoint.request_timeout) == ("groq", 5)
        assert endpoint.base_url == "https://api.groq.com/openai/v1"

    def test_a_wrong_limit_names_where_it_is(self) -> None:
        broken = NamedProvider(base_url="http://10.1.1.1/v1", models={"big": {"context_length": "lots"}})
        said = refusal(Settings(providers={"box": broken}), {}, provider="box", model="big")
        assert "providers.box.models.big" in said


class TestMistakes:
    def test_an_unknown_provider_is_named_with_its_nearest_match(self) -> None:
        assert "did you mean 'anthropic'" in refusal(NOTHING, {}, provider="anthropc")

    def test_a_provider_that_needs_a_login_says_so(self) -> None:
        assert "not served yet" in refusal(NOTHING, {}, provider="bedrock")

    def test_a_timeout_that_is_no_number_is_refused(self) -> None:
        said = refusal(NOTHING, {"GROQ_API_KEY": "g", "HERMES_API_TIMEOUT": "soon"})
        assert "HERMES_API_TIMEOUT" in said


class TestLimits:
    def test_the_configured_window_is_that_of_the_configured_model(self) -> None:
        chosen = settings(provider="groq", default="a", context_length=9000)
        environment = {"GROQ_API_KEY": "g"}
        assert resolve(chosen, environment).context_length == 9000
        assert resolve(chosen, environment, model="other").context_length is None

    def test_the_table_knows_windows_of_hosted_models_only(self) -> None:
        assert resolve(NOTHING, {"ANTHROPIC_API_KEY": "k"}).context_length == 200_000
        endpoint = resolve(settings(base_url="http://127.0.0.1:9/v1", default="gpt-4o"), {})
        assert (endpoint.context_length, endpoint.local) == (None, True)

    def test_headers_of_the_config_are_sent(self) -> None:
        chosen = settings(
            provider="groq", default="m", default_headers={"A": "1", "B": "1"}, extra_headers={"B": "2"}
        )
        assert resolve(chosen, {"GROQ_API_KEY": "g"}).headers == {"A": "1", "B": "2"}


class TestFallbacks:
    def test_entries_that_can_be_called_are_kept_in_order_and_others_explained(self) -> None:
        chosen = Settings(
            fallback_providers=[
                FallbackProvider(provider="anthropic", model="claude-haiku-4-5"),
                FallbackProvider(provider="groq", model="m"),
                FallbackProvider(provider="grok-typo", model="m"),
                FallbackProvider(
                    provider="custom", base_url="http://10.0.0.9/v1", model="x", key_env="X_KEY"
                ),
                FallbackProvider(),
            ]
        )
        endpoints, skipped = fallback_endpoints(chosen, {"GROQ_API_KEY": "g", "X_KEY": "x"})
        assert [(one.provider, one.api_key) for one in endpoints] == [("groq", "g"), ("custom", "x")]
        assert [sentence.partition(" ")[0] for sentence in skipped] == [
            "fallback_providers[0]",
            "fallback_providers[2]",
            "fallback_providers[4]",
        ]
        assert "ANTHROPIC_API_KEY" in skipped[0]


def test_equal_questions_have_equal_answers() -> None:
    first: Endpoint = resolve(NOTHING, {"OPENROUTER_API_KEY": "or"})
    assert first == resolve(NOTHING, {"OPENROUTER_API_KEY": "or"})
