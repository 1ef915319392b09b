"""A language model behind a scripted server, and questions to it, for tests."""

from __future__ import annotations

from typing import Any

from adapters.llm.client import OpenAiModel
from benchmarks.evals.scripted import Server
from domain.llm import Message, Question, Role, Tool, ToolCall
from domain.llm_settings import LlmSettings
from domain.settings import CallSettings

KEY = "sk-scripted-0123456789abcdef"
SECRET_LOG = "card 4111-1111 of zebra@example.com declined by quokka-gateway"
MESSAGES = (Message(Role.SYSTEM, "You analyse incidents."), Message(Role.USER, f"What does this mean: {SECRET_LOG}"))
SCHEMA = {
    "type": "object",
    "properties": {"cause": {"type": "string"}},
    "required": ["cause"],
    "additionalProperties": False,
}
LOGS = Tool("logs", "Logs of a service.", {"type": "object", "properties": {"service": {"type": "string"}}})
# A conversation in which a tool was called and has answered.
CONVERSATION = (
    *MESSAGES,
    Message(Role.ASSISTANT, "", calls=(ToolCall("call_9", "logs", '{"service": "web"}'),)),
    Message(Role.TOOL, "web: 14 errors", answers="call_9"),
)


def a_question(**changes: Any) -> Question:
    fields: dict[str, Any] = {"messages": MESSAGES, "seconds": 20.0}
    return Question(**(fields | changes))


def a_model(server: Server | str, *, retries: int = 0, **settings: Any) -> OpenAiModel:
    """A client of that server, or of that address."""
    url = server if isinstance(server, str) else server.url
    made = LlmSettings.model_validate({"base_url": url, "model": "scripted", "api_key": KEY, **settings})
    return OpenAiModel(made, CallSettings(max_retries=retries))
