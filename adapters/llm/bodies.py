"""A question as the body of a chat completion, in the way that a server takes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from adapters.llm.json_text import parsed, storable
from adapters.llm.ways import Way
from domain.llm import Message, Question, Role, Tool, ToolCall
from domain.llm_settings import LlmSettings

BY_SCHEMA = "Answer with one JSON object and no other text. It has to fit this JSON schema:\n"

Entry = dict[str, Any]


def body_of(question: Question, way: Way, settings: LlmSettings) -> Entry:
    """What is sent."""
    uses = way.uses(question)
    body: Entry = {"model": settings.model, "messages": _messages(question, way)}
    body["max_tokens" if "max_tokens" in uses else "max_completion_tokens"] = question.max_tokens
    if "temperature" in uses:
        body["temperature"] = settings.temperature
    if "tools" in uses:
        body |= {"tools": [_tool(one) for one in question.tools], "tool_choice": "auto"}
    if question.schema is not None and "schema" in uses:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {
                "name": "answer",
                "schema": dict(question.schema),
                "strict": may_be_strict(question.schema),
            },
        }
    elif "json" in uses:
        body["response_format"] = {"type": "json_object"}
    return body


def _tool(tool: Tool) -> Entry:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def _messages(question: Question, way: Way) -> list[Entry]:
    entry = _with_calls if way.tools else _as_text
    told = [entry(message) for message in question.messages]
    if question.schema is not None and not way.schema:
        told.append({"role": Role.USER.value, "content": BY_SCHEMA + json.dumps(question.schema, ensure_ascii=False)})
    return list(_in_turn(told))


def _with_calls(message: Message) -> Entry:
    """A message that may call tools or answer their calls."""
    entry: Entry = {"role": message.role.value, "content": storable(message.text)}
    if message.role is Role.TOOL:
        entry["tool_call_id"] = message.answers
    if message.calls:
        entry |= {"content": entry["content"] or None, "tool_calls": [_call(one) for one in message.calls]}
    return entry


def _call(call: ToolCall) -> Entry:
    """A call of before. Servers read its arguments and fail at what is no JSON, so none are told then."""
    arguments = storable(call.arguments) if isinstance(parsed(call.arguments), dict) else "{}"
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _as_text(message: Message) -> Entry:
    """The same for a server that knows no tools."""
    if message.role is Role.TOOL:
        return {"role": Role.USER.value, "content": storable(f"The tool answered:\n{message.text}")}
    asked = [f"I ask the tool {call.name} with {call.arguments}" for call in message.calls]
    return {"role": message.role.value, "content": storable("\n".join(filter(None, [message.text, *asked])))}


def _in_turn(entries: Iterable[Entry]) -> Iterable[Entry]:
    """Neighbours of one role as one: many templates want user and assistant to speak in turn."""
    for (role, plain), found in groupby(entries, key=lambda one: (one["role"], one.keys() == {"role", "content"})):
        if plain:
            yield {"role": role, "content": "\n\n".join(one["content"] for one in found)}
        else:
            yield from found


def may_be_strict(schema: Mapping[str, Any]) -> bool:
    """Whether OpenAI would take it as strict: each object names all its properties, and all of them are required."""
    if "properties" in schema or schema.get("type") == "object":
        names = set(schema.get("properties", {}))
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != names:
            return False
    return all(may_be_strict(one) for one in _within(schema))


def _within(schema: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The schemas that a schema is made of."""
    for name in ("properties", "$defs"):
        yield from schema.get(name, {}).values()
    yield from schema.get("anyOf", ())
    if isinstance(schema.get("items"), Mapping):
        yield schema["items"]
