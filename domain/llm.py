"""What is asked of a language model and what it answers, whoever serves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class Role(StrEnum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a model asks one of the tools."""

    id: str
    name: str
    arguments: str  # JSON, as the model wrote it: anything may stand there


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    text: str
    calls: tuple[ToolCall, ...] = ()  # of the assistant
    answers: str = ""  # of a tool: the id of the call


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as it is offered to a model."""

    name: str
    description: str
    parameters: Mapping[str, Any]  # JSON schema of an object


@dataclass(frozen=True, slots=True)
class Question:
    """One call of a model."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()  # offered only where the model is able to call tools
    schema: Mapping[str, Any] | None = None  # JSON schema of the answer; None: free text, or a call of a tool
    max_tokens: int = 2_000
    seconds: float = 60.0  # for the answer, tries and pauses included

    @property
    def size(self) -> int:
        """Bytes of what is sent, by which its tokens are estimated before anybody counted them."""
        told = sum(_bytes(one.text) + sum(_bytes(call.arguments) + 40 for call in one.calls) for one in self.messages)
        return told + _bytes(str(self.schema or "")) + sum(_bytes(str(tool)) for tool in self.tools)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    tokens_in: int = 0  # as the server counts them; 0 where it does not
    tokens_out: int = 0
    cut: bool = False  # it ended because `max_tokens` was reached
    model: str = ""  # as the server calls it


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a server is able to do beside answering a prompt; found out as it refuses."""

    tools: bool = True
    schema: bool = True  # `response_format` with a JSON schema
    json: bool = True  # `response_format` with JSON of any shape


class Model(Protocol):
    """A language model behind an endpoint."""

    @property
    def name(self) -> str:
        """Its name, as the settings have it."""
        ...

    @property
    def abilities(self) -> Abilities:
        """What is known of it so far; becomes less as it refuses, never more within a process."""
        ...

    def ask(self, question: Question) -> Reply:
        """Its answer, within the question's seconds whatever the server does.

        Where it refuses tools or a schema, it is asked once more without, and `abilities` says so from then on; a
        schema is then part of the prompt. Raises Unavailable where trying again may help (429, 5xx, no connection, no
        answer in time), Refused where it does not (a wrong key, a model that does not exist, what is no answer of
        this protocol).
        """
        ...


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls of a model came to."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0  # in the currency of the settings' prices
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """In and out."""
        return self.tokens_in + self.tokens_out

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.cost + other.cost,
            self.seconds + other.seconds,
        )


NOTHING = Usage()
