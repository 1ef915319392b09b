"""Which refusal speaks of what, and whether a schema may be strict."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.llm.bodies import may_be_strict
from adapters.llm.ways import MOST_STEPS, Way, lesser
from tests.parts.llm_part import LOGS, SCHEMA, a_question

FULL = a_question(tools=(LOGS,), schema=SCHEMA)
PLAIN = a_question()


@pytest.mark.parametrize(
    ("words", "left_out"),
    [
        ("tools param requires --jinja flag", ("tools",)),
        ("Unsupported param: tools", ("tools",)),
        ('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set', ("tools",)),
        ("registry.ollama.ai/library/gemma:2b does not support tools", ("tools",)),
        ("No endpoints found that support tool use", ("tools",)),
        ('response_format type must be one of "text" or "json_object", but got: json_schema', ("schema",)),
        ("Failed to initialize samplers: Unexpected empty grammar stack", ("schema",)),
        ("Cannot use custom grammar constraints with tools.", ("schema",)),
        ("Function calling with a response mime type: 'application/json' is unsupported", ("schema",)),
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", ("max_tokens",)),
        ("Unsupported value: 'temperature' does not support 0 with this model.", ("temperature",)),
        ("Extra inputs are not permitted; body; tools", ("tools",)),
        ("max_tokens is too large: 9000. This model's maximum context length is 8192 tokens", None),
        ("Please reduce the length of the messages, 90 of them in the functions; cannot", None),
        ("the disk's temperature is high", None),
        ("Internal Server Error", None),
        ("", None),
    ],
)
def test_a_refusal_is_read_for_what_it_speaks_of(words: str, left_out: tuple[str, ...] | None) -> None:
    found = lesser(Way(), FULL, words)
    assert left_out == (found.left_out if found else None)


def test_only_what_was_asked_for_can_be_refused() -> None:
    assert lesser(Way(), PLAIN, "tools and response_format are not supported") is None
    assert lesser(Way(tools=False), FULL, "tools are not supported") is None


@given(st.lists(st.sampled_from(["tools", "json_schema", "max_tokens", "temperature", "nothing"]), max_size=30))
def test_ways_become_less_and_come_to_an_end(refused: list[str]) -> None:
    way, steps = Way(), 1
    for name in refused:
        found = lesser(way, FULL, f"{name} is not supported")
        if found is not None:
            assert len(found.left_out) == len(way.left_out) + 1
            assert found & way == found
            way, steps = found, steps + 1
    assert steps <= MOST_STEPS


def an_object(**changes: Any) -> dict[str, Any]:
    return SCHEMA | changes


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param(SCHEMA, True, id="all-named-and-required"),
        pytest.param(an_object(required=[]), False, id="one-is-optional"),
        pytest.param(an_object(additionalProperties=True), False, id="others-are-allowed"),
        pytest.param(an_object(properties={"cause": {"type": "object"}}), False, id="an-object-of-any-shape-within"),
        pytest.param(an_object(properties={"cause": SCHEMA}), True, id="one-within-another"),
        pytest.param(an_object(properties={"cause": {"items": {"type": "object"}}}), False, id="in-a-list"),
        pytest.param(an_object(properties={"cause": {"anyOf": [SCHEMA, {"type": "null"}]}}), True, id="or-null"),
        pytest.param(SCHEMA | {"$defs": {"x": {"type": "object"}}}, False, id="in-a-definition"),
    ],
)
def test_a_schema_is_strict_where_openai_takes_it_as_such(schema: dict[str, Any], *, expected: bool) -> None:
    assert expected == may_be_strict(schema)
