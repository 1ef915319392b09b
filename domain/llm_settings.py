"""The settings of the language model that analyses uncommon incidents, and of what it may cost."""

from __future__ import annotations

from pydantic import Field, SecretStr

from domain.settings_branch import Branch


class CapSettings(Branch):
    """The most that may be used; what is reached first ends it."""

    calls: int = Field(12, ge=0, le=1_000_000)
    """Calls of the model."""
    tokens: int = Field(60_000, ge=0, le=1_000_000_000)
    """Tokens, in and out."""
    cost: float = Field(1.0, ge=0, le=1_000_000)
    """Cost by `llm.input_price` and `llm.output_price`, in their currency."""
    seconds: float = Field(180, ge=0, le=86_400)
    """Seconds of waiting for the model."""


class LlmSettings(Branch):
    """The language model that analyses uncommon incidents; without a key or an address there is none."""

    enabled: bool = True
    """Off: uncommon incidents are analysed without a model."""
    base_url: str = Field("", pattern="^(https?://.+)?$")
    """OpenAI-compatible endpoint, up to /v1; empty: OpenAI's own, if there is a key."""
    api_key: SecretStr = SecretStr("")
    """Its key; a server of one's own may need none."""
    model: str = "gpt-4"
    """Name of the model."""
    max_tokens: int = Field(2_000, gt=0, le=1_000_000)
    """Most tokens of one answer."""
    temperature: float = Field(0.0, ge=0, le=2)
    """How much its answers vary."""
    input_price: float = Field(30.0, ge=0, le=1_000_000)
    """Price of a million tokens that are sent, in any currency; the default is that of gpt-4 in USD."""
    output_price: float = Field(60.0, ge=0, le=1_000_000)
    """Price of a million tokens that are answered."""
    call_seconds: float = Field(60, gt=0, le=3_600)
    """Longest wait for one answer, tries and pauses included."""
    tools: bool = True
    """Off: one prompt with everything, for models that call tools badly; one that cannot is found out by itself."""
    tool_characters: int = Field(4_000, ge=200, le=1_000_000)
    """Most characters of one answer of a tool to the model."""
    incident: CapSettings = CapSettings()
    """Caps of each incident's analysis."""
    day: CapSettings = CapSettings(calls=500, tokens=2_000_000, cost=20.0, seconds=14_400)
    """Caps of any 24 hours, over all incidents."""
    reuse_hours: float = Field(24, ge=0, le=8_760)
    """An analysis of the same fault that is not older is used again instead of a new one."""
    break_after: int = Field(3, gt=0, le=1_000)
    """Calls in a row in vain after which the model is left alone for a while."""
    break_seconds: float = Field(300, gt=0, le=86_400)
    """For how long."""

    @property
    def known(self) -> bool:
        """Whether there is a model to ask."""
        return bool(self.base_url or self.api_key.get_secret_value())
