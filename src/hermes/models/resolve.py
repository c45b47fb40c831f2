"""Which model answers. Pure: settings and environment in, an endpoint out, no network and no files.

In this order: what was asked for (`-m`, `--provider`, or HERMES_INFERENCE_MODEL and
HERMES_INFERENCE_PROVIDER, which stand for those flags), what `config.yaml` says under `model`, what the
environment names (OPENAI_BASE_URL, then keys in the order of the table), a model server found on this
machine, and at last the offline demo model.

A key only ever goes to the provider whose variable holds it; OPENAI_API_KEY also goes where
OPENAI_BASE_URL points, because the two are one pair.
"""

from collections.abc import Mapping

import msgspec

from hermes.home.settings import FallbackProvider, ModelSettings, NamedProvider, Settings
from hermes.models.contract import Endpoint
from hermes.models.endpoints import Choice, ModelNotConfigured, build_endpoint, missing_key, wire_of
from hermes.models.local_servers import LocalServer
from hermes.models.provider import Provider, Variables, host_of, is_openai
from hermes.models.providers import NOT_SERVED, PROVIDERS, find_provider, nearest, provider_at

__all__ = ["ModelNotConfigured", "configured", "fallback_endpoints", "provider_row", "resolve"]

DEMO_WINDOW = 1_000_000
"""Tokens. The demo reads the transcript for free, so nothing ever has to be compacted for it."""


def resolve(
    settings: Settings,
    environment: Variables,
    *,
    model: str | None = None,
    provider: str | None = None,
    local: LocalServer | None = None,
    stored_keys: Mapping[str, str] | None = None,
) -> Endpoint:
    """The endpoint that answers. `local` is a server that was found on this machine; `stored_keys` are
    keys of `auth.json` by provider. Raises ModelNotConfigured when something was named that can't be called.
    """
    search = _Search(settings, environment, stored_keys or {})
    endpoint = search.configured(model, provider)
    if endpoint is not None:
        return endpoint
    asked = _word(model) or _word(environment.get("HERMES_INFERENCE_MODEL")) or settings.model.default.strip()
    if local is not None:
        return search.found(local, asked)
    if asked:
        raise ModelNotConfigured(search.no_provider_for(asked))
    return search.demo()


def configured(
    settings: Settings,
    environment: Variables,
    *,
    model: str | None = None,
    provider: str | None = None,
    stored_keys: Mapping[str, str] | None = None,
) -> Endpoint | None:
    """The endpoint that the arguments, the config or the environment name. None: they name no provider."""
    return _Search(settings, environment, stored_keys or {}).configured(model, provider)


def fallback_endpoints(
    settings: Settings, environment: Variables, *, stored_keys: Mapping[str, str] | None = None
) -> tuple[list[Endpoint], list[str]]:
    """`fallback_providers` in order, and a sentence for each entry that had to be skipped."""
    search = _Search(settings, environment, stored_keys or {})
    usable: list[Endpoint] = []
    skipped: list[str] = []
    for place, entry in enumerate(settings.fallback_providers):
        try:
            usable.append(search.fallback(entry))
        except ModelNotConfigured as error:
            skipped.append(f"fallback_providers[{place}] is skipped: {error}")
    return usable, skipped


def provider_row(settings: Settings, name: str) -> Provider:
    """The row of the table, of `providers.<name>`, or of both together. Raises ModelNotConfigured."""
    return _Search(settings, {}, {}).row(name)[0]


class _Search(msgspec.Struct, frozen=True):
    """One resolution: what is configured, and the questions asked of it."""

    settings: Settings
    environment: Variables
    stored_keys: Mapping[str, str]

    def configured(self, model: str | None, provider: str | None) -> Endpoint | None:
        model_asked = _word(model) or _word(self.environment.get("HERMES_INFERENCE_MODEL"))
        provider_asked = _word(provider) or _word(self.environment.get("HERMES_INFERENCE_PROVIDER"))
        choice = (
            self._asked_provider(provider_asked, model_asked)
            or self._asked_demo(model_asked)
            or self._config_provider(model_asked)
            or self._from_environment(model_asked or self.settings.model.default.strip())
        )
        return None if choice is None else self._build(choice)

    def demo(self) -> Endpoint:
        row = find_provider("demo")
        assert row is not None
        return self._build(Choice(row=row, model=row.default_model))

    def found(self, server: LocalServer, model: str) -> Endpoint:
        """A server found on this machine. Its own model, unless one was asked for."""
        row, named = self.row(server.provider)
        same = not model or model == server.model
        return self._build(
            Choice(
                row=row,
                model=model or server.model,
                base_url=server.base_url,
                context_length=server.context_length if same else None,
                named=named,
            )
        )

    def fallback(self, entry: FallbackProvider) -> Endpoint:
        if not entry.provider and not entry.base_url:
            raise ModelNotConfigured("it names neither a provider nor a base_url.")
        row, named = (
            self.row(entry.provider)
            if entry.provider and entry.provider not in {"auto", "custom"}
            else self._row_at(entry.base_url)
        )
        variable = entry.key_env or entry.api_key_env
        return self._build(
            Choice(
                row=row,
                model=entry.model or _default_model(row, named),
                base_url=entry.base_url,
                api_key=entry.api_key or (_word(self.environment.get(variable)) if variable else ""),
                api_mode=entry.api_mode,
                context_length=entry.context_length,
                named=named,
            )
        )

    def no_provider_for(self, model: str) -> str:
        prefix = self._prefix(model)
        if prefix is not None:
            return missing_key(prefix[0])
        return (
            f"No provider is configured for model '{model}': run `hermes model`, "
            "or set OPENAI_BASE_URL or a provider's key such as OPENROUTER_API_KEY."
        )

    # The steps, in order. Each returns None to let the next one speak.

    def _asked_provider(self, provider: str, model: str) -> Choice | None:
        if not provider or provider == "auto":
            return None
        row, named = self.row(provider)
        section = self.settings.model
        if section.provider and self.row(section.provider)[0].id == row.id:
            return self._with_section(row, named, model)
        if row.id == "custom":
            return (
                self._with_section(*self._row_at(section.base_url), model)
                if section.base_url
                else (self._openai_pair(model) or Choice(row=row, model=model))
            )
        return Choice(row=row, model=_own_id(row, model) or _default_model(row, named), named=named)

    def _asked_demo(self, model: str) -> Choice | None:
        row = find_provider(model)
        return Choice(row=row, model=row.default_model) if row is not None and row.wire == "demo" else None

    def _config_provider(self, model: str) -> Choice | None:
        section = self.settings.model
        name = section.provider.strip()
        if name and name not in {"auto", "custom", "local"}:
            row, named = self.row(name)
        elif section.base_url:
            row, named = self._row_at(section.base_url)
        elif name in {"custom", "local"}:
            return self._openai_pair(model or section.default) or Choice(
                row=self.row("custom")[0], model=model or section.default
            )
        else:
            return None
        if not model or row.aggregator or _own_server(row, named):
            return self._with_section(row, named, model)
        return self._switched(model, row) or self._with_section(row, named, model)

    def _from_environment(self, model: str) -> Choice | None:
        own = self._openai_pair(model)
        if own is not None:
            return own
        prefix = self._prefix(model)
        if prefix is not None and self._usable(prefix[0]):
            row, rest = prefix
            return Choice(row=row, model=rest, named=self.row(row.id)[1])
        usable = [row for row in PROVIDERS if self._has_credentials(row)]
        if prefix is not None:
            usable = [row for row in usable if row.aggregator]
        elif model:
            owners = [row for row in usable if model.lower().startswith(row.model_prefixes or ("\0",))]
            usable = owners or usable
        if not usable:
            return None
        row, named = self.row(usable[0].id)
        return Choice(row=row, model=model or _default_model(row, named), named=named)

    # What the steps ask.

    def row(self, name: str) -> tuple[Provider, NamedProvider | None]:
        """The row of the table, of `providers.<id>`, or of both, where the section adds to the table."""
        plain = name.strip().removeprefix("custom:")
        known = None if name.strip().startswith("custom:") else find_provider(plain)
        named = self.settings.providers.get(plain) or (
            self.settings.providers.get(known.id) if known else None
        )
        if named is not None:
            return _with_named(known, plain, named), named
        if known is not None:
            return known, None
        raise ModelNotConfigured(self._unknown(plain))

    def _row_at(self, base_url: str) -> tuple[Provider, NamedProvider | None]:
        known = provider_at(base_url)
        return self.row(known.id) if known is not None else (self.row("custom")[0], None)

    def _unknown(self, name: str) -> str:
        if name.lower() in NOT_SERVED:
            return (
                f"Provider '{name}' needs a login that is not served yet; choose another with `hermes model`."
            )
        names = [*self.settings.providers, *(row.id for row in PROVIDERS)]
        names += [alias for row in PROVIDERS for alias in row.aliases]
        guess = nearest(name, names)
        hint = f"did you mean '{guess}'?" if guess else "`hermes model` lists the known ones."
        return f"There is no provider '{name}'; {hint}"

    def _with_section(self, row: Provider, named: NamedProvider | None, model: str) -> Choice:
        """`row` as the `model` section configures it."""
        section = self.settings.model
        chosen = _own_id(row, model or section.default.strip()) or _default_model(row, named)
        same = not model or model == section.default
        return Choice(
            row=row,
            model=chosen,
            base_url=section.base_url,
            api_key=section.api_key or self._paired_key(section),
            api_mode=section.api_mode,
            context_length=section.context_length if same else None,
            max_tokens=section.max_tokens,
            headers={**section.default_headers, **section.extra_headers},
            named=named,
        )

    def _paired_key(self, section: ModelSettings) -> str:
        """OPENAI_API_KEY belongs to a configured address only if OPENAI_BASE_URL names the same host."""
        host = host_of(section.base_url)
        if host and host == host_of(_word(self.environment.get("OPENAI_BASE_URL"))):
            return _word(self.environment.get("OPENAI_API_KEY"))
        return ""

    def _openai_pair(self, model: str) -> Choice | None:
        """OPENAI_BASE_URL and OPENAI_API_KEY, when they point away from OpenAI."""
        base_url = _word(self.environment.get("OPENAI_BASE_URL"))
        if not base_url or is_openai(host_of(base_url)):
            return None
        row, named = self._row_at(base_url)
        own_key = row.key_from(self.environment)[0]
        return Choice(
            row=row,
            model=model or _default_model(row, named),
            base_url=base_url,
            api_key=own_key or _word(self.environment.get("OPENAI_API_KEY")),
            wire="chat_completions",
            named=named,
        )

    def _switched(self, model: str, current: Provider) -> Choice | None:
        """`-m other:model` beside a configured provider names that other one, if it can be called."""
        prefix = self._prefix(model)
        if prefix is None or prefix[0].id == current.id or not self._usable(prefix[0]):
            return None
        return Choice(row=prefix[0], model=prefix[1], named=self.row(prefix[0].id)[1])

    def _prefix(self, model: str) -> tuple[Provider, str] | None:
        """`provider/model` or `provider:model`, where the first part is a known provider."""
        for separator in (":", "/"):
            head, _, rest = model.partition(separator)
            known = find_provider(head) is not None or head in self.settings.providers
            if rest and known and head not in {"custom", "local", "demo"}:
                return self.row(head)[0], rest
        return None

    def _usable(self, row: Provider) -> bool:
        return not row.key_needed or self._has_credentials(row)

    def _has_credentials(self, row: Provider) -> bool:
        if row.key_from(self.environment)[0] or row.id in self.stored_keys:
            return True
        return row.local and bool(row.base_url_variable and self.environment.get(row.base_url_variable))

    def _build(self, choice: Choice) -> Endpoint:
        endpoint = build_endpoint(choice, self.settings, self.environment, self.stored_keys)
        if endpoint.wire == "demo":
            return msgspec.structs.replace(endpoint, context_length=DEMO_WINDOW)
        if not endpoint.model and choice.row.key_needed:
            raise ModelNotConfigured(
                f"{choice.row.label} is configured but no model is named: "
                "use -m, or run `hermes config set model.default <model id>`."
            )
        return endpoint


def _with_named(known: Provider | None, name: str, named: NamedProvider) -> Provider:
    """The row that a `providers.<id>` section describes, laid over the table's row of that name."""
    base = known or Provider(id=name, label=f"Provider '{name}'", key_needed=False, reasoning="effort")
    variable = named.key_env or named.api_key_env
    return msgspec.structs.replace(
        base,
        base_url=named.base_url or named.api or base.base_url,
        base_url_variable="" if named.base_url or named.api else base.base_url_variable,
        key_variables=(variable, *base.key_variables) if variable else base.key_variables,
        key_needed=base.key_needed or bool(variable),
        wire=wire_of(named.api_mode) if named.api_mode else base.wire,
        headers={**base.headers, **named.headers},
    )


def _default_model(row: Provider, named: NamedProvider | None) -> str:
    """What to ask a provider for when no model is named. Empty: the server's own list decides."""
    if named is None:
        return row.default_model
    listed = list(named.models) if isinstance(named.models, list | dict) else []
    return named.default_model or (str(listed[0]) if listed else "") or row.default_model


def _own_id(row: Provider, model: str) -> str:
    """`model` without a prefix that only repeats the provider. Aggregators' ids are left whole."""
    for separator in (":", "/"):
        head, _, rest = model.partition(separator)
        if rest and head.lower() in {row.id, *row.aliases} and not row.aggregator:
            return rest
    return model


def _own_server(row: Provider, named: NamedProvider | None) -> bool:
    """A server of one's own may name its models as it likes, so their ids are taken as they are."""
    return row.local or row.id == "custom" or (named is not None and find_provider(row.id) is None)


def _word(text: str | None) -> str:
    return (text or "").strip()
