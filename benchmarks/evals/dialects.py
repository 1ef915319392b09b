"""How servers that call themselves compatible differ: what they refuse, in which words, and how they write calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from benchmarks.evals.answers import Answer, as_json
from benchmarks.evals.turns import Turn

CHARACTERS = 4  # of one token

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request is refused."""

    status: int
    message: str
    param: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What a server does not take."""

    applies: Callable[[Body], bool]
    fault: Fault


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of server."""

    error: Callable[[Fault], Mapping[str, Any]]  # how it writes a refusal
    unknown: str  # its words for a model that it does not have, with {model}
    rules: tuple[Rule, ...] = ()  # the first that applies is what it says
    ids: bool = True  # whether calls of tools have one
    text_arguments: bool = True  # else an object
    usage: bool = True  # whether it counts tokens

    def refusal(self, body: Body) -> Answer | None:
        """The answer to a request that it does not take."""
        fault = next((rule.fault for rule in self.rules if rule.applies(body)), None)
        return as_json(self.error(fault), fault.status) if fault else None

    def knows_no(self, model: object) -> Answer:
        """The answer to a request for another model."""
        fault = Fault(404, self.unknown.format(model=model), "model", "model_not_found")
        return as_json(self.error(fault), fault.status)

    def completion(self, turn: Turn, body: Body, number: int) -> Answer:
        """A turn as a chat completion."""
        message: dict[str, Any] = {"role": "assistant", "content": turn.text or None}
        if turn.calls:
            message["tool_calls"] = list(self._calls(turn, number))
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if turn.calls else "stop"}
        document = {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": 1_767_614_400,
            "model": body.get("model"),
            "choices": [choice],
        }
        if self.usage:
            document["usage"] = used(body, turn)
        return as_json(document)

    def _calls(self, turn: Turn, number: int) -> Iterator[dict[str, Any]]:
        for place, (name, arguments) in enumerate(turn.calls):
            given = arguments if self.text_arguments or not _is_json(arguments) else json.loads(arguments)
            its_id = {"id": f"call_{number}_{place}"} if self.ids else {}
            yield {**its_id, "type": "function", "function": {"name": name, "arguments": given}}


def used(body: Body, turn: Turn) -> dict[str, int]:
    """Tokens, by characters."""
    sent = len(json.dumps([body.get("messages"), body.get("tools")], ensure_ascii=False))
    told, said = sent // CHARACTERS, len(turn) // CHARACTERS
    return {"prompt_tokens": told, "completion_tokens": said, "total_tokens": told + said}


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _has(name: str) -> Callable[[Body], bool]:
    return lambda body: name in body


def _asks_for(kind: str) -> Callable[[Body], bool]:
    return lambda body: body.get("response_format", {}).get("type") == kind


def _no_word_of_json(body: Body) -> bool:
    return _asks_for("json_object")(body) and "json" not in json.dumps(body["messages"]).lower()


def _broken_call_before(body: Body) -> bool:
    """Whether a call in the conversation has arguments that the template cannot read."""
    calls = [call for message in body["messages"] for call in message.get("tool_calls", ())]
    return not all(_is_json(call["function"]["arguments"]) for call in calls)


def _openai(fault: Fault) -> Mapping[str, Any]:
    told = {"message": fault.message, "type": "invalid_request_error", "param": fault.param, "code": fault.code}
    return {"error": told}


def _llama_cpp(fault: Fault) -> Mapping[str, Any]:
    kind = "server_error" if fault.status >= 500 else "invalid_request_error"  # noqa: PLR2004 - as HTTP has it
    return {"error": {"code": fault.status, "message": fault.message, "type": kind}}


def _vllm(fault: Fault) -> Mapping[str, Any]:
    kind = "NotFoundError" if fault.code == "model_not_found" else "BadRequestError"
    return {"object": "error", "message": fault.message, "type": kind, "param": None, "code": fault.status}


def _ollama(fault: Fault) -> Mapping[str, Any]:
    return {"error": {"message": fault.message, "type": "api_error", "param": None, "code": None}}


def _fastapi(fault: Fault) -> Mapping[str, Any]:
    if fault.code == "model_not_found":
        return {"detail": fault.message}
    return {"detail": [{"type": "extra_forbidden", "loc": ["body", fault.param], "msg": fault.message, "input": ""}]}


_JINJA = Rule(_has("tools"), Fault(500, "tools param requires --jinja flag"))
_UNREADABLE = Rule(_broken_call_before, Fault(500, "Failed to parse the arguments of a call as JSON"))
_JSON_WORD = Rule(
    _no_word_of_json,
    Fault(
        400,
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        "messages",
    ),
)
_NEW = (
    Rule(
        _has("max_tokens"),
        Fault(
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        ),
    ),
    Rule(
        lambda body: body.get("temperature", 1) != 1,
        Fault(
            400,
            "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is "
            "supported.",
            "temperature",
            "unsupported_value",
        ),
    ),
)
_AUTO = Rule(
    _has("tools"),
    Fault(400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
)
_NO_TOOLS = Rule(_has("tools"), Fault(400, "registry.ollama.ai/library/scripted does not support tools"))
_PLAIN = tuple(
    Rule(_has(name), Fault(422, "Extra inputs are not permitted", name)) for name in ("tools", "response_format")
)
_OLD_FORMAT = tuple(
    Rule(
        _asks_for(kind),
        Fault(
            400,
            f"Invalid parameter: 'response_format' of type '{kind}' is not supported with this model.",
            "response_format",
        ),
    )
    for kind in ("json_schema", "json_object")
)

_GPT_UNKNOWN = "The model `{model}` does not exist or you do not have access to it."
_OLLAMA_UNKNOWN = 'model "{model}" not found, try pulling it first'

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "openai": Dialect(_openai, _GPT_UNKNOWN, (_JSON_WORD,)),
        "openai_new": Dialect(_openai, _GPT_UNKNOWN, (*_NEW, _JSON_WORD)),
        # gpt-4 as it first was: it calls tools and knows no format of answers
        "openai_old": Dialect(_openai, _GPT_UNKNOWN, _OLD_FORMAT),
        "llama_cpp": Dialect(_llama_cpp, "model '{model}' not found", (_JINJA,)),
        "llama_cpp_jinja": Dialect(_llama_cpp, "model '{model}' not found", (_UNREADABLE,), ids=False),
        "vllm": Dialect(_vllm, "The model `{model}` does not exist.", (_AUTO,)),
        "vllm_tools": Dialect(_vllm, "The model `{model}` does not exist.", (_UNREADABLE,)),
        "ollama": Dialect(_ollama, _OLLAMA_UNKNOWN, text_arguments=False),
        "ollama_no_tools": Dialect(_ollama, _OLLAMA_UNKNOWN, (_NO_TOOLS,)),
        "plain": Dialect(_fastapi, "Model {model} not found", _PLAIN, usage=False),
    }
)
