"""What a server answered, as a reply; whatever shape it has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.channels.calls import Answer
from adapters.llm.json_text import json_object, parsed, storable, without_thoughts
from domain.errors import Unreadable
from domain.llm import Question, Reply, ToolCall

MOST_TOKENS = 1_000_000_000  # that a server is believed to have counted
LONGEST_NAME = 200  # characters of what it calls its model

Fields = Mapping[str, Any]


def fields_of(value: object) -> Fields:
    """Its fields; none where it is no object."""
    return value if isinstance(value, dict) else {}


def reply_of(answer: Answer, question: Question, where: str) -> Reply:
    """The reply that the answer holds. Raises Unreadable where it holds none."""
    document = fields_of(parsed(answer.body))
    choices = document.get("choices")
    choice = fields_of(choices[0]) if isinstance(choices, list) and choices else {}
    if not isinstance(choice.get("message"), dict):
        raise Unreadable(f"{where}: what came back is no answer: it is no chat completion (see llm.base_url)")
    message, cut = choice["message"], choice.get("finish_reason") == "length"
    calls, text = tuple(_calls(message, turn=len(question.messages))), _text(message.get("content"))
    if why := _no_answer(choice, has_one=bool(calls or text.strip() or cut)):
        raise Unreadable(f"{where}: what came back is no answer: {why}")
    usage = fields_of(document.get("usage"))
    return Reply(
        text=_asked_for(text, question),
        calls=calls,
        tokens_in=_tokens(usage.get("prompt_tokens")),
        tokens_out=_tokens(usage.get("completion_tokens")),
        cut=cut,
        model=storable(document.get("model"))[:LONGEST_NAME],
    )


def _no_answer(choice: Fields, *, has_one: bool) -> str:
    """Why the choice is none; empty where it is one."""
    if choice.get("finish_reason") == "content_filter":
        return "a content filter took it"
    if choice["message"].get("refusal"):
        return "the model declines"
    return "" if has_one else "it is empty"


def _text(content: object) -> str:
    """The text, or the texts of its parts."""
    if isinstance(content, list):
        return "".join(storable(fields_of(part).get("text")) for part in content)
    return storable(content)


def _asked_for(text: str, question: Question) -> str:
    """The JSON in it, where JSON was asked for and there is some."""
    if question.schema is None:
        return without_thoughts(text)
    return json_object(text) or text


def _calls(message: Fields, *, turn: int) -> Iterator[ToolCall]:
    """Its calls of tools; those without a name are dropped, those without an id of their own are given one."""
    found: Sequence[object] = message["tool_calls"] if isinstance(message.get("tool_calls"), list) else ()
    seen: set[str] = set()
    for number, call in enumerate(found):
        function = fields_of(fields_of(call).get("function"))
        name, its_id = storable(function.get("name")), storable(fields_of(call).get("id"))
        if not name:
            continue
        if not its_id or its_id in seen:
            its_id = f"call_{turn}_{number}"
        seen.add(its_id)
        yield ToolCall(its_id, name, _arguments(function.get("arguments")))


def _arguments(given: object) -> str:
    """As text, which they are by the protocol and not with every server."""
    if isinstance(given, str):
        return storable(given)
    return "{}" if given is None else json.dumps(given)


def _tokens(count: object) -> int:
    return min(max(count, 0), MOST_TOKENS) if isinstance(count, int) else 0
