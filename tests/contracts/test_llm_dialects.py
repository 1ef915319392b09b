"""One client, every kind of server: the same question comes to the same reply, whatever the server refuses first."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from benchmarks.evals.dialects import DIALECTS
from benchmarks.evals.scripted import Script, call, say, serve
from domain.llm import Abilities, Message, Question, Reply, Role, ToolCall
from tests.parts.llm_part import CONVERSATION, LOGS, SCHEMA, a_model, a_question

ALL = Abilities()
NO_TOOLS = Abilities(tools=False)
NO_FORMAT = Abilities(schema=False, json=False)


@dataclass(frozen=True)
class Kind:
    """A kind of question, what the model says to it, and what of the reply must be the same everywhere."""

    question: Question
    script: Script
    meaning: Callable[[Reply], object]
    expected: object


def tool_or_text(request: dict[str, object]) -> object:
    """A model that calls a tool where it is offered one, and says what it knows where it is not."""
    return call("logs", {"service": "web"}) if "tools" in request else say("web fails")


def called(reply: Reply) -> object:
    return [(one.name, json.loads(one.arguments)) for one in reply.calls], bool(reply.calls) and bool(reply.calls[0].id)


KINDS = {
    "text": Kind(a_question(), say("the disk is full"), lambda reply: reply.text, "the disk is full"),
    "schema": Kind(
        a_question(schema=SCHEMA),
        say('<think>{"cause": "?"}</think>Here it is:\n```json\n{"cause": "disk",}\n```\nGood luck!'),
        lambda reply: json.loads(reply.text),
        {"cause": "disk"},
    ),
    "tools": Kind(a_question(tools=(LOGS,)), tool_or_text, called, ([("logs", {"service": "web"})], True)),
    "tools_and_schema": Kind(
        a_question(messages=CONVERSATION, tools=(LOGS,), schema=SCHEMA),
        say({"cause": "disk"}),
        lambda reply: (json.loads(reply.text), reply.calls),
        ({"cause": "disk"}, ()),
    ),
}

# Dialect -> what it is found to be able to do by each kind of question, and with how many requests.
FOUND = {
    "openai": {"schema": (ALL, 1), "tools": (ALL, 1), "tools_and_schema": (ALL, 1)},
    "openai_new": {"text": (ALL, 3), "schema": (ALL, 3), "tools": (ALL, 3), "tools_and_schema": (ALL, 3)},
    "openai_old": {"schema": (NO_FORMAT, 3), "tools": (ALL, 1), "tools_and_schema": (NO_FORMAT, 3)},
    "llama_cpp": {"schema": (ALL, 1), "tools": (NO_TOOLS, 2), "tools_and_schema": (NO_TOOLS, 2)},
    "llama_cpp_jinja": {"schema": (ALL, 1), "tools": (ALL, 1), "tools_and_schema": (ALL, 1)},
    "vllm": {"schema": (ALL, 1), "tools": (NO_TOOLS, 2), "tools_and_schema": (NO_TOOLS, 2)},
    "vllm_tools": {"schema": (ALL, 1), "tools": (ALL, 1), "tools_and_schema": (ALL, 1)},
    "ollama": {"schema": (ALL, 1), "tools": (ALL, 1), "tools_and_schema": (ALL, 1)},
    "ollama_no_tools": {"schema": (ALL, 1), "tools": (NO_TOOLS, 2), "tools_and_schema": (NO_TOOLS, 2)},
    "plain": {
        "schema": (NO_FORMAT, 3),
        "tools": (NO_TOOLS, 2),
        "tools_and_schema": (Abilities(tools=False, schema=False, json=False), 4),
    },
}
CASES = [(dialect, kind) for dialect in FOUND for kind in KINDS]


def test_every_dialect_is_tried() -> None:
    assert set(FOUND) == set(DIALECTS)


@pytest.mark.parametrize(("dialect", "name"), CASES)
def test_a_question_comes_to_the_same_reply_in_every_dialect(dialect: str, name: str) -> None:
    kind = KINDS[name]
    abilities, requests = FOUND[dialect].get(name, (ALL, 1))
    with serve(kind.script, dialect=dialect) as server:
        model = a_model(server)
        reply = model.ask(kind.question)
        assert (abilities, requests) == (model.abilities, len(server.requests))
        if name == "tools" and not abilities.tools:
            assert (reply.text, reply.calls) == ("web fails", ())
        else:
            assert kind.expected == kind.meaning(reply)


@pytest.mark.parametrize(("dialect", "name"), CASES)
def test_what_a_dialect_refused_once_is_asked_for_no_more(dialect: str, name: str) -> None:
    kind = KINDS[name]
    with serve(kind.script, dialect=dialect) as server:
        model = a_model(server)
        model.ask(kind.question)
        before = len(server.requests)
        model.ask(kind.question)
        assert before + 1 == len(server.requests)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_tokens_are_as_the_server_counts_them(dialect: str) -> None:
    with serve(say("a word of sixteen"), dialect=dialect) as server:
        reply = a_model(server).ask(a_question())
    counted = DIALECTS[dialect].usage
    assert (reply.tokens_in > 0, reply.tokens_out) == (counted, 4 if counted else 0)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_model_that_is_not_there_is_told_of_by_its_setting(dialect: str) -> None:
    with serve(say("hello"), dialect=dialect, model="another") as server:
        model = a_model(server, retries=3, model="tool-caller")
        with pytest.raises(Exception, match=r"model tool-caller .* HTTP status 404: .*see llm\.model\)"):
            model.ask(a_question(tools=(LOGS,), schema=SCHEMA))
        assert (ALL, 1) == (model.abilities, len(server.requests))


def test_a_server_that_knows_no_tools_is_told_of_earlier_calls_in_words_and_in_turn() -> None:
    with serve(say("web fails"), dialect="vllm") as server:
        a_model(server).ask(a_question(messages=CONVERSATION, tools=(LOGS,)))
        told = server.requests[-1].body["messages"]
    assert ["system", "user", "assistant", "user"] == [one["role"] for one in told]
    assert all(one.keys() == {"role", "content"} for one in told)
    assert 'I ask the tool logs with {"service": "web"}' == told[2]["content"]
    assert "The tool answered:\nweb: 14 errors" == told[3]["content"]


def test_a_schema_that_is_refused_is_part_of_the_prompt() -> None:
    with serve(say({"cause": "disk"}), dialect="plain") as server:
        a_model(server).ask(a_question(schema=SCHEMA))
        bodies = [one.body for one in server.requests]
    assert ["json_schema", "json_object", None] == [one.get("response_format", {}).get("type") for one in bodies]
    assert [False, True, True] == [json.dumps(SCHEMA) in one["messages"][-1]["content"] for one in bodies]


def test_a_server_that_passes_over_the_schema_is_told_it_in_the_prompt_of_the_next_call() -> None:
    def script(request: dict[str, object]) -> object:
        return say({"cause": "disk"} if "JSON schema" in json.dumps(request["messages"]) else "It is the disk.")

    with serve(script) as server:
        model = a_model(server)
        first, second = (model.ask(a_question(schema=SCHEMA)) for _ in range(2))
        # Each call is one that is counted: whoever asks again is asked for it.
        assert (Abilities(schema=False), 2) == (model.abilities, len(server.requests))
    assert "It is the disk." == first.text
    assert {"cause": "disk"} == json.loads(second.text)


def test_arguments_that_a_template_could_not_read_are_not_sent_back() -> None:
    broken = Message(Role.ASSISTANT, "", calls=(ToolCall("call_9", "logs", '{"service": '),))
    with serve(say("I see"), dialect="llama_cpp_jinja") as server:
        model = a_model(server)
        reply = model.ask(a_question(messages=(*CONVERSATION[:2], broken, CONVERSATION[3]), tools=(LOGS,)))
        assert ("I see", ALL, 1) == (reply.text, model.abilities, len(server.requests))
