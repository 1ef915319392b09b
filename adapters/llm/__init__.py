"""A language model behind an endpoint that speaks OpenAI's chat completions; the only importer of its client."""

from __future__ import annotations

from domain.llm import Model
from domain.llm_settings import LlmSettings
from domain.settings import CallSettings


def with_model(settings: LlmSettings, calls: CallSettings) -> Model | None:
    """The model of the settings; None where it is switched off or there is none. Raises BadSettings."""
    if not (settings.enabled and settings.known):
        return None
    from adapters.llm.client import OpenAiModel  # noqa: PLC0415 - a second, only where a model is asked

    return OpenAiModel(settings, calls)
