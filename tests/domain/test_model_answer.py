"""What a model answers is read or refused, whatever it is; and what is read is within its limits."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.model_answer import LONGEST_TEXT, MOST_CITES, MOST_CLAIMS, AnswerSaid, read

NAMES = st.sampled_from([*AnswerSaid.model_fields, "text", "cites", "exhibit", "value"])
TEXTS = st.text(st.characters(exclude_categories=()), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(NAMES, inner),
    max_leaves=20,
)
NO_ANSWER = {
    "nothing": "",
    "words": "I think it is the disk",
    "a list": '["root_cause"]',
    "a number": "17",
    "another object": '{"cause": "the disk"}',
    "nested deeply": '{"chain":' + "[" * 100_000,
    "a number without end": '{"confidence": ' + "9" * 5_000 + "}",
    "a claim that is a text": '{"chain": ["the disk is full"]}',
}
LENIENT = {
    "minutes without end": ('{"escalation": {"when": "not better", "minutes": 1e999}}', 15),
    "minutes that are many": ('{"escalation": {"when": "not better", "minutes": 1' + "0" * 400 + "}}", 15),
    "minutes that are none": ('{"escalation": {"when": "not better", "minutes": "soon"}}', 15),
    "minutes that are NaN": ('{"escalation": {"when": "not better", "minutes": NaN}}', 15),
    "minutes as text": ('{"escalation": {"when": "not better", "minutes": "20"}}', 20),
}


@pytest.mark.parametrize("text", NO_ANSWER.values(), ids=NO_ANSWER)
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="the model's answer"):
        read(text)


@pytest.mark.parametrize(("text", "minutes"), LENIENT.values(), ids=LENIENT)
def test_minutes_are_read_leniently(text: str, minutes: int) -> None:
    found = read(text).escalation
    assert found is not None
    assert minutes == found.minutes


@given(st.dictionaries(st.sampled_from(list(AnswerSaid.model_fields)), JSON, min_size=1))
def test_any_object_is_read_within_limits_or_refused(document: dict[str, object]) -> None:
    try:
        found = read(json.dumps(document))
    except BadInput:
        return
    claims = [*found.chain, *found.impact, *([found.root_cause] if found.root_cause else [])]
    assert 0 <= found.confidence <= 1
    assert max(len(found.chain), len(found.impact), len(found.hypotheses)) <= MOST_CLAIMS
    assert all(len(one.text) <= LONGEST_TEXT and len(one.cites) <= MOST_CITES for one in claims)
    assert all(one.text.isprintable() for one in claims)


@given(TEXTS)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadInput):
        read(text)
