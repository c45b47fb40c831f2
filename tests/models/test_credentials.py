"""Pools of keys: which goes next, which rests, and what `auth.json` is left with."""

import json
import stat
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hermes.home.errors import HomeError
from hermes.models.contract import Endpoint, ModelFailure
from hermes.models.credentials import AuthFile, Credential, CredentialPool, Strategy, fingerprint, open_pool
from hermes.models.provider import Provider
from hermes.models.providers import find_provider

RATE_LIMIT = ModelFailure(reason="rate_limit", message="Too many requests.", status=429)
REFUSED = ModelFailure(reason="auth", message="The key was refused.", status=401)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def keys(*names: str) -> list[Credential]:
    return [
        Credential(id=name, label=name, source="manual", key=f"key-{name}", priority=place)
        for place, name in enumerate(names)
    ]


def row(name: str = "openrouter") -> Provider:
    found = find_provider(name)
    assert found is not None
    return found


def endpoint(key: str, provider: str = "openrouter") -> Endpoint:
    return Endpoint(
        provider=provider,
        model="m",
        wire="chat_completions",
        base_url=row(provider).base_url,
        api_key=key,
    )


def picks(pool: CredentialPool, count: int) -> list[str]:
    return [chosen.id for _ in range(count) if (chosen := pool.select()) is not None]


class TestStrategies:
    def test_fill_first_stays_with_the_first(self) -> None:
        assert picks(CredentialPool("p", keys("a", "b")), 3) == ["a", "a", "a"]

    def test_round_robin_takes_turns(self, clock: Clock) -> None:
        pool = CredentialPool("p", keys("a", "b", "c"), strategy="round_robin", clock=clock)
        taken = []
        for _ in range(5):
            clock.now += 1
            taken += picks(pool, 1)
        assert taken == ["a", "b", "c", "a", "b"]

    def test_least_used_evens_out(self) -> None:
        credentials = keys("a", "b")
        credentials[0].request_count = 2
        pool = CredentialPool("p", credentials, strategy="least_used")
        assert picks(pool, 4) == ["b", "b", "a", "b"]

    def test_random_asks_chance(self) -> None:
        pool = CredentialPool("p", keys("a", "b"), strategy="random", choose=lambda ready: ready[-1])
        assert picks(pool, 2) == ["b", "b"]


class TestRest:
    @pytest.mark.parametrize(
        ("failure", "seconds"),
        [
            (REFUSED, 300),
            (RATE_LIMIT, 3600),
            (ModelFailure(reason="billing", message="No credit.", status=402), 3600),
            (ModelFailure(reason="rate_limit", message="Wait.", status=429, retry_after=20), 20),
        ],
    )
    def test_a_refused_key_rests_and_comes_back(
        self, clock: Clock, failure: ModelFailure, seconds: float
    ) -> None:
        pool = CredentialPool("p", keys("a", "b"), clock=clock)
        first = pool.select()
        assert first is not None
        assert pool.reject(first, failure)
        assert picks(pool, 1) == ["b"]
        clock.now += seconds - 1
        assert picks(pool, 1) == ["b"]
        clock.now += 1
        assert picks(pool, 1) == ["a"]

    def test_when_all_rest_the_first_to_be_done_is_tried(self, clock: Clock) -> None:
        pool = CredentialPool("p", keys("a", "b"), clock=clock)
        a, b = pool._credentials
        assert pool.reject(a, RATE_LIMIT)
        assert not pool.reject(b, REFUSED)
        assert picks(pool, 1) == ["b"]

    def test_an_only_key_never_rests(self) -> None:
        pool = CredentialPool("p", keys("a"))
        chosen = pool.select()
        assert chosen is not None
        assert not pool.reject(chosen, RATE_LIMIT)
        assert picks(pool, 1) == ["a"]

    def test_a_revoked_key_is_never_tried_again(self, clock: Clock) -> None:
        pool = CredentialPool("p", keys("a", "b"), clock=clock)
        chosen = pool.select()
        assert chosen is not None
        pool.reject(chosen, ModelFailure(reason="auth", message="token_revoked", status=401))
        clock.now += 1e9
        assert picks(pool, 2) == ["b", "b"]


class TestFile:
    UPSTREAM: ClassVar[dict[str, Any]] = {
        "version": 1,
        "active_provider": "nous",
        "providers": {"nous": {"refresh_token": "r", "anything": [1, 2]}},
        "credential_pool": {
            "nous": [{"id": "n1", "auth_type": "oauth", "source": "device_code", "access_token": "jwt"}],
            "openrouter": [
                {
                    "id": "aa",
                    "label": "work",
                    "auth_type": "api_key",
                    "priority": 1,
                    "source": "manual",
                    "access_token": "or-stored",
                    "last_status": "exhausted",
                    "last_status_at": "2020-01-01T00:00:00+00:00",
                    "last_error_code": 429,
                    "token_type": "kept as it is",
                }
            ],
        },
    }

    def file(self, folder: Path) -> AuthFile:
        (folder / "auth.json").write_text(json.dumps(self.UPSTREAM))
        return AuthFile(folder / "auth.json")

    def content(self, folder: Path) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((folder / "auth.json").read_text())
        return loaded

    def test_keys_of_another_products_file_are_used_and_its_logins_left_alone(self, tmp_path: Path) -> None:
        assert self.file(tmp_path).stored_keys() == {"openrouter": "or-stored"}

    def test_a_rest_that_is_over_is_over(self, tmp_path: Path) -> None:
        pool = open_pool(row(), endpoint("or-stored"), {}, self.file(tmp_path))
        assert picks(pool, 1) == ["aa"]

    def test_what_is_not_ours_is_written_back_as_it_was(self, tmp_path: Path) -> None:
        environment = {"OPENROUTER_API_KEY": "or-environment"}
        pool = open_pool(row(), endpoint("or-environment"), environment, self.file(tmp_path))
        chosen = pool.select()
        assert chosen is not None
        assert chosen.key == "or-environment"
        assert pool.reject(chosen, RATE_LIMIT)
        after = self.content(tmp_path)
        stored, borrowed = after["credential_pool"]["openrouter"]
        assert stored == self.UPSTREAM["credential_pool"]["openrouter"][0]
        assert after["providers"] == self.UPSTREAM["providers"]
        assert after["credential_pool"]["nous"] == self.UPSTREAM["credential_pool"]["nous"]
        assert after["active_provider"] == "nous"
        assert borrowed["source"] == "env:OPENROUTER_API_KEY"
        assert (borrowed["last_status"], borrowed["last_error_code"]) == ("exhausted", 429)
        assert borrowed["last_error_reset_at"] > borrowed["last_status_at"]

    def test_a_secret_of_the_environment_is_never_written(self, tmp_path: Path) -> None:
        self.test_what_is_not_ours_is_written_back_as_it_was(tmp_path)
        text = (tmp_path / "auth.json").read_text()
        assert "or-environment" not in text
        assert fingerprint("or-environment") in text
        assert stat.S_IMODE((tmp_path / "auth.json").stat().st_mode) == 0o600

    def test_the_next_process_knows_which_key_rests_until_the_key_changes(self, tmp_path: Path) -> None:
        self.test_what_is_not_ours_is_written_back_as_it_was(tmp_path)
        file = AuthFile(tmp_path / "auth.json")
        same = {"OPENROUTER_API_KEY": "or-environment"}
        assert picks(open_pool(row(), endpoint("or-environment"), same, file), 1) == ["aa"]
        other = {"OPENROUTER_API_KEY": "or-new"}
        chosen = open_pool(row(), endpoint("or-new"), other, file).select()
        assert chosen is not None
        assert chosen.key == "or-new"

    @pytest.mark.parametrize("strategy", ["round_robin", "least_used"])
    def test_turns_go_on_in_the_next_process(self, tmp_path: Path, strategy: Strategy) -> None:
        file = AuthFile(tmp_path / "auth.json")
        environment = {"GOOGLE_API_KEY": "g1", "GEMINI_API_KEY": "g2"}
        taken = []
        for _ in range(4):
            pool = open_pool(row("gemini"), endpoint("g1", "gemini"), environment, file, strategy=strategy)
            chosen = pool.select()
            assert chosen is not None
            taken.append(chosen.key)
            pool.close()
        assert taken == ["g1", "g2", "g1", "g2"]

    def test_one_key_leaves_no_file(self, tmp_path: Path) -> None:
        file = AuthFile(tmp_path / "auth.json")
        pool = open_pool(row(), endpoint("or"), {"OPENROUTER_API_KEY": "or"}, file)
        chosen = pool.select()
        assert chosen is not None
        pool.reject(chosen, RATE_LIMIT)
        pool.close()
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("text", ["{broken", "[1]"])
    def test_a_broken_file_is_refused_by_name(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "auth.json").write_text(text)
        with pytest.raises(HomeError, match=r"auth\.json"):
            AuthFile(tmp_path / "auth.json").stored_keys()

    def test_a_file_that_can_not_be_written_does_not_stop_the_run(self, tmp_path: Path) -> None:
        file = AuthFile(tmp_path / "missing" / "auth.json")
        pool = CredentialPool("p", keys("a", "b"), file=file)
        chosen = pool.select()
        assert chosen is not None
        assert pool.reject(chosen, RATE_LIMIT)
        assert picks(pool, 1) == ["b"]


class TestWhichKeysMayGoWhere:
    def test_a_key_given_in_place_stands_alone(self, tmp_path: Path) -> None:
        pool = open_pool(
            row(), endpoint("proxy-key"), {"OPENROUTER_API_KEY": "or"}, AuthFile(tmp_path / "auth.json")
        )
        assert len(pool) == 1
        chosen = pool.select()
        assert chosen is not None
        assert chosen.key == "proxy-key"

    def test_a_stored_key_for_another_host_is_not_used(self, tmp_path: Path) -> None:
        entry = {"id": "x", "source": "manual", "access_token": "k2", "base_url": "https://proxy.example.com"}
        (tmp_path / "auth.json").write_text(json.dumps({"credential_pool": {"openrouter": [entry]}}))
        pool = open_pool(
            row(), endpoint("or"), {"OPENROUTER_API_KEY": "or"}, AuthFile(tmp_path / "auth.json")
        )
        assert len(pool) == 1

    def test_keys_of_another_kind_are_not_mixed(self, tmp_path: Path) -> None:
        environment = {"ANTHROPIC_API_KEY": "sk-ant-api-1", "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-2"}
        pool = open_pool(
            row("anthropic"),
            endpoint("sk-ant-api-1", "anthropic"),
            environment,
            AuthFile(tmp_path / "a.json"),
        )
        assert len(pool) == 1
