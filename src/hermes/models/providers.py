"""The provider table: one row for each service that can be named with `--provider` or in `config.yaml`.

A provider is data until it truly differs in code. What a row can't say is said by the wire protocol it
names. Order matters: with nothing configured but keys in the environment, the first row with a key wins.
"""

import difflib

from hermes.models.provider import KeyRoute, Provider, host_of, is_loopback


def _chat(row_id: str, label: str, variable: str, base_url: str, **more: object) -> Provider:
    """A row of the common kind: a bearer key in `<NAME>_API_KEY`, an address in `<NAME>_BASE_URL`, chat."""
    stem = variable.removesuffix("_API_KEY").removesuffix("_TOKEN")
    fields: dict[str, object] = {
        "id": row_id,
        "label": label,
        "key_variables": (variable,),
        "base_url_variable": f"{stem}_BASE_URL",
        "base_url": base_url,
    }
    return Provider(**(fields | more))  # type: ignore[arg-type]


def _local(row_id: str, label: str, port: int, **more: object) -> Provider:
    """A model server of one's own, usually on this machine; a key is sent only if there is one."""
    fields: dict[str, object] = {
        "id": row_id,
        "label": label,
        "key_needed": False,
        "base_url": f"http://127.0.0.1:{port}/v1",
        "reasoning": "effort",
        "local": True,
    }
    return Provider(**(fields | more))  # type: ignore[arg-type]


_APP_HEADERS = {"X-Title": "Hermes Agent"}

PROVIDERS: tuple[Provider, ...] = (
    _chat(
        "openrouter",
        "OpenRouter",
        "OPENROUTER_API_KEY",
        "https://openrouter.ai/api/v1",
        aliases=("or", "open-router"),
        headers=_APP_HEADERS,
        cache="claude_envelope",
        reasoning="object",
        default_model="anthropic/claude-sonnet-4.5",
        aggregator=True,
    ),
    _chat(
        "nous",
        "Nous Portal",
        "NOUS_API_KEY",
        "https://inference-api.nousresearch.com/v1",
        aliases=("nous-portal",),
        cache="claude_envelope",
        reasoning="object",
        model_prefixes=("hermes-",),
        aggregator=True,
    ),
    _chat(
        "openai-api",
        "OpenAI",
        "OPENAI_API_KEY",
        "https://api.openai.com/v1",
        aliases=("openai",),
        wire="responses",
        reasoning="object",
        default_model="gpt-5.1",
        model_prefixes=("gpt-", "o1", "o3", "o4", "chatgpt-"),
    ),
    Provider(
        id="anthropic",
        label="Anthropic",
        aliases=("claude", "claude-code"),
        key_variables=("ANTHROPIC_API_KEY", "ANTHROPIC_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
        base_url_variable="ANTHROPIC_BASE_URL",
        base_url="https://api.anthropic.com/v1",
        wire="messages",
        auth_header="x-api-key",
        key_routes=(
            KeyRoute(
                prefix="sk-ant-oat",
                auth_header="bearer",
                headers={"anthropic-beta": "oauth-2025-04-20"},
            ),
        ),
        cache="blocks",
        reasoning="thinking",
        default_model="claude-sonnet-4-5",
        model_prefixes=("claude-",),
    ),
    Provider(
        id="gemini",
        label="Google AI Studio",
        aliases=("google", "google-gemini"),
        key_variables=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        base_url_variable="GEMINI_BASE_URL",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        base_suffix="/openai",
        reasoning="effort",
        default_model="gemini-flash-latest",
        model_prefixes=("gemini-", "gemma-"),
    ),
    _chat(
        "deepseek",
        "DeepSeek",
        "DEEPSEEK_API_KEY",
        "https://api.deepseek.com/v1",
        default_model="deepseek-chat",
        model_prefixes=("deepseek-",),
    ),
    _chat(
        "xai",
        "xAI",
        "XAI_API_KEY",
        "https://api.x.ai/v1",
        aliases=("grok", "x-ai"),
        wire="responses",
        default_model="grok-4",
        model_prefixes=("grok-",),
    ),
    _chat(
        "groq",
        "Groq",
        "GROQ_API_KEY",
        "https://api.groq.com/openai/v1",
        default_model="llama-3.3-70b-versatile",
    ),
    _chat(
        "mistral",
        "Mistral",
        "MISTRAL_API_KEY",
        "https://api.mistral.ai/v1",
        aliases=("mistralai",),
        default_model="mistral-medium-latest",
        model_prefixes=("mistral-", "magistral-", "codestral-", "devstral-", "ministral-"),
    ),
    Provider(
        id="zai",
        label="Z.AI (GLM)",
        aliases=("glm", "z-ai", "zhipu"),
        key_variables=("GLM_API_KEY", "ZAI_API_KEY", "Z_AI_API_KEY"),
        base_url_variable="GLM_BASE_URL",
        base_url="https://api.z.ai/api/paas/v4",
        default_model="glm-4.6",
        model_prefixes=("glm-",),
    ),
    Provider(
        id="kimi-coding",
        label="Kimi",
        aliases=("kimi", "moonshot"),
        key_variables=("KIMI_API_KEY", "KIMI_CODING_API_KEY"),
        base_url_variable="KIMI_BASE_URL",
        base_url="https://api.moonshot.ai/v1",
        key_routes=(KeyRoute(prefix="sk-kimi-", base_url="https://api.kimi.com/coding/v1", wire="messages"),),
        default_model="kimi-k2-turbo-preview",
        model_prefixes=("kimi-", "moonshot-"),
    ),
    Provider(
        id="kimi-coding-cn",
        label="Kimi (China)",
        aliases=("kimi-cn", "moonshot-cn"),
        key_variables=("KIMI_CN_API_KEY",),
        base_url_variable="KIMI_CN_BASE_URL",
        base_url="https://api.moonshot.cn/v1",
        default_model="kimi-k2-turbo-preview",
    ),
    _chat(
        "minimax",
        "MiniMax",
        "MINIMAX_API_KEY",
        "https://api.minimax.io/anthropic/v1",
        wire="messages",
        cache="blocks",
        reasoning="thinking",
        default_model="MiniMax-M2",
        model_prefixes=("minimax-",),
    ),
    _chat(
        "minimax-cn",
        "MiniMax (China)",
        "MINIMAX_CN_API_KEY",
        "https://api.minimaxi.com/anthropic/v1",
        wire="messages",
        cache="blocks",
        reasoning="thinking",
        default_model="MiniMax-M2",
    ),
    _chat(
        "huggingface",
        "Hugging Face",
        "HF_TOKEN",
        "https://router.huggingface.co/v1",
        aliases=("hf", "hugging-face"),
        aggregator=True,
    ),
    _chat(
        "nvidia",
        "NVIDIA NIM",
        "NVIDIA_API_KEY",
        "https://integrate.api.nvidia.com/v1",
        aliases=("nim",),
        aggregator=True,
    ),
    _chat(
        "alibaba",
        "Qwen Cloud",
        "DASHSCOPE_API_KEY",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        aliases=("dashscope", "qwen"),
        reasoning="enable_thinking",
        default_model="qwen-plus",
        model_prefixes=("qwen-",),
    ),
    Provider(
        id="alibaba-coding-plan",
        label="Alibaba Coding Plan",
        key_variables=("ALIBABA_CODING_PLAN_API_KEY",),
        base_url_variable="ALIBABA_CODING_PLAN_BASE_URL",
        base_url="https://coding-intl.dashscope.aliyuncs.com/v1",
        reasoning="enable_thinking",
        default_model="qwen3-coder-plus",
    ),
    _chat("stepfun", "StepFun", "STEPFUN_API_KEY", "https://api.stepfun.ai/step_plan/v1"),
    _chat(
        "arcee",
        "Arcee AI",
        "ARCEEAI_API_KEY",
        "https://api.arcee.ai/api/v1",
        base_url_variable="ARCEE_BASE_URL",
    ),
    _chat("gmi", "GMI Cloud", "GMI_API_KEY", "https://api.gmi-serving.com/v1", aggregator=True),
    _chat(
        "opencode-zen",
        "OpenCode Zen",
        "OPENCODE_ZEN_API_KEY",
        "https://opencode.ai/zen/v1",
        aliases=("opencode", "zen"),
        wires_by_model=(("gpt-", "responses"), ("claude-", "messages")),
        cache="blocks",
    ),
    _chat(
        "opencode-go",
        "OpenCode Go",
        "OPENCODE_GO_API_KEY",
        "https://opencode.ai/zen/go/v1",
        wires_by_model=(("minimax-", "messages"),),
    ),
    _chat(
        "kilocode",
        "Kilo Code",
        "KILOCODE_API_KEY",
        "https://api.kilo.ai/api/gateway",
        aliases=("kilo",),
        cache="claude_envelope",
        reasoning="object",
        aggregator=True,
    ),
    _chat(
        "xiaomi", "Xiaomi MiMo", "XIAOMI_API_KEY", "https://api.xiaomimimo.com/v1", model_prefixes=("mimo-",)
    ),
    _chat("tencent-tokenhub", "Tencent TokenHub", "TOKENHUB_API_KEY", "https://tokenhub.tencentmaas.com/v1"),
    _chat("ollama-cloud", "Ollama Cloud", "OLLAMA_API_KEY", "https://ollama.com/v1", reasoning="effort"),
    _chat(
        "deepinfra",
        "DeepInfra",
        "DEEPINFRA_API_KEY",
        "https://api.deepinfra.com/v1/openai",
        aggregator=True,
    ),
    _chat(
        "fireworks",
        "Fireworks",
        "FIREWORKS_API_KEY",
        "https://api.fireworks.ai/inference/v1",
        aggregator=True,
    ),
    _chat("novita", "Novita AI", "NOVITA_API_KEY", "https://api.novita.ai/openai/v1", aggregator=True),
    _chat("upstage", "Upstage", "UPSTAGE_API_KEY", "https://api.upstage.ai/v1", model_prefixes=("solar-",)),
    _local(
        "lmstudio",
        "LM Studio",
        1234,
        aliases=("lm-studio",),
        key_variables=("LM_API_KEY",),
        base_url_variable="LM_BASE_URL",
    ),
    _local("ollama", "Ollama", 11434),
    _local("llamacpp", "llama.cpp", 8080, aliases=("llama.cpp", "llama-cpp")),
    _local("vllm", "vLLM", 8000),
    Provider(
        id="custom",
        label="your own endpoint",
        aliases=("local",),
        key_needed=False,
        reasoning="effort",
    ),
    Provider(
        id="demo",
        label="offline demo model",
        aliases=("offline",),
        key_needed=False,
        wire="demo",
        auth_header="none",
        default_model="demo",
        local=True,
    ),
)


NOT_SERVED = (
    "azure-foundry",
    "bedrock",
    "copilot",
    "copilot-acp",
    "minimax-oauth",
    "moa",
    "openai-codex",
    "qwen-oauth",
    "vertex",
    "xai-oauth",
)
"""Providers that existing configurations may name and that need a login of their own, which is not built."""


def find_provider(name: str) -> Provider | None:
    """The row with this id or alias, whatever the case."""
    wanted = name.strip().lower()
    for row in PROVIDERS:
        if wanted == row.id or wanted in row.aliases:
            return row
    return None


def provider_at(base_url: str) -> Provider | None:
    """The row that lives at this host. None for local hosts and for hosts nobody in the table claims."""
    host = host_of(base_url)
    if not host or is_loopback(host):
        return None
    for row in PROVIDERS:
        doors = (row.base_url, *(route.base_url for route in row.key_routes))
        if host in {host_of(door) for door in doors if door}:
            return row
    return None


def nearest(name: str, candidates: list[str]) -> str | None:
    """The candidate that is most likely meant, for "did you mean"."""
    found = difflib.get_close_matches(name.lower(), candidates, n=1, cutoff=0.5)
    return found[0] if found else None
