"""The JSON object in what models write, and that no text of theirs costs more than a moment."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.llm.json_text import LONGEST, json_object, parsed, without_thoughts

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(max_size=8), VALUES, min_size=1, max_size=4)
AROUND = st.text(st.characters(exclude_characters="{}"), max_size=40)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"a": 1}', {"a": 1}, id="plain"),
        pytest.param('```json\n{"a": 1}\n```', {"a": 1}, id="in-a-fence"),
        pytest.param('Sure! {"a": 1} Anything else?', {"a": 1}, id="within-text"),
        pytest.param('He said "here:\n{"a": "x, }",}', {"a": "x, }"}, id="behind-an-open-quote"),
        pytest.param('{"a": [1, 2,], "b": {"c": 3,},}', {"a": [1, 2], "b": {"c": 3}}, id="commas-too-many"),
        pytest.param('{"a": "1,}", "b": 2,}', {"a": "1,}", "b": 2}, id="a-comma-within-a-string-stays"),
        pytest.param('<think>{"a": 1, "b": 2}</think>{"a": 3}', {"a": 3}, id="behind-a-thought"),
        pytest.param('{"a": 1}</think>{"a": 3}', {"a": 3}, id="behind-half-a-thought"),
        pytest.param('{"a": "a log with </think> in it"}', {"a": "a log with </think> in it"}, id="a-quoted-thought"),
        pytest.param('For {} it is {"a": 1}', {"a": 1}, id="the-longest"),
        pytest.param("see {this}", None, id="braces-of-prose"),
        pytest.param('{"a": 1,,}', None, id="two-commas-too-many"),
        pytest.param('{"a": NaN}', None, id="no-number"),
        pytest.param('{"a": 1', None, id="cut"),
        pytest.param("[1]", None, id="a-list"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_an_object_is_found_in_what_a_model_wrote(text: str, expected: dict[str, Any] | None) -> None:
    found = json_object(text)
    assert expected == (None if found is None else json.loads(found))


@given(OBJECTS, AROUND, AROUND)
def test_an_object_is_found_whatever_is_around_it(value: dict[str, Any], before: str, after: str) -> None:
    found = json_object(f"{before}{json.dumps(value)}{after}")
    assert found is not None
    assert value == json.loads(found)


@given(st.text(st.sampled_from('{}[],:"\\ a1\n') | st.characters(), max_size=200))
def test_what_is_found_is_always_an_object(text: str) -> None:
    found = json_object(text)
    assert found is None or isinstance(parsed(found), dict)


@pytest.mark.parametrize(
    "unit", ["{", '{"a":', '\\"', '{"', '" ', "{,", '{"a":1,}', "<think>", "[", ", ", "}"], ids=repr
)
def test_no_text_takes_long(unit: str) -> None:
    text = '{"a": "' + unit * (LONGEST // len(unit))
    begun = time.monotonic()
    for each in (text, text[7:], text * 10):
        json_object(each)
        without_thoughts(each)
        parsed(each)
    assert time.monotonic() - begun < 30


def test_only_a_thought_at_the_beginning_is_taken_away() -> None:
    assert "b <think>c</think>" == without_thoughts(" <think>a</think>\nb <think>c</think>")
    assert "<think>never ended" == without_thoughts("<think>never ended")
