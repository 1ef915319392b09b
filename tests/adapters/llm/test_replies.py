"""Whatever a server sends, it is a reply or refused in our words: never a mistake of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.calls import Answer
from adapters.llm.replies import reply_of
from adapters.llm.verdicts import LONGEST_WORDS, Asked, judged, unwrapped, words_of
from domain.errors import Refused, SreError, Unavailable
from domain.llm import Reply
from tests.parts.llm_part import LOGS, SCHEMA, a_question

QUESTION = a_question(tools=(LOGS,), schema=SCHEMA)
NAMES = (
    st.sampled_from(["choices", "message", "content", "tool_calls", "function", "name", "arguments", "id", "text"])
    | st.sampled_from(["usage", "prompt_tokens", "completion_tokens", "finish_reason", "refusal", "model"])
    | st.sampled_from(["error", "detail", "msg", "loc", "code"])
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["length", "stop", "logs", "{", ""])
DOCUMENTS = st.recursive(
    LEAVES | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=30,
)
MESSAGES = st.dictionaries(NAMES, DOCUMENTS, max_size=5)
CHOICES = st.builds(lambda message, rest: {**rest, "message": message}, MESSAGES, st.dictionaries(NAMES, LEAVES))
COMPLETIONS = st.builds(
    lambda choice, rest: {**rest, "choices": [choice]}, CHOICES, st.dictionaries(NAMES, DOCUMENTS, max_size=4)
)
BODIES = st.binary(max_size=60) | (DOCUMENTS | COMPLETIONS).map(lambda value: json.dumps(value).encode())


@given(BODIES)
def test_a_body_of_any_shape_is_a_reply_or_refused(body: bytes) -> None:
    found = outcome(lambda: reply_of(Answer(200, {}, body), QUESTION, "model x"))
    if isinstance(found, Reply):
        assert found.text.strip() or found.calls or found.cut
        assert all(call.name and call.id for call in found.calls)
        assert found.tokens_in >= 0
        assert json.dumps([found.text, found.model], ensure_ascii=False).encode()
    else:
        assert str(found).startswith("model x: what came back is no answer: ")


@given(BODIES, st.sampled_from([200, 204, 302, 400, 401, 404, 409, 418, 429, 500, 503, 999]))
def test_an_answer_of_any_status_is_judged(body: bytes, status: int) -> None:
    answer = unwrapped(Answer(status, {}, body))
    found = outcome(lambda: judged(answer, Asked("model x", QUESTION)))
    assert LONGEST_WORDS >= len(words_of(answer))
    if isinstance(found, SreError):
        assert str(found).isprintable()
        assert str(found).startswith("model x: HTTP status ")
    else:
        assert answer == found


def outcome(work: Callable[[], object]) -> object:
    """What it returns, or the error of ours that it raises."""
    try:
        return work()
    except (Refused, Unavailable) as error:
        return error


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"error": {"message": "no", "param": "tools", "code": "x"}}, "no; tools; x", id="openai"),
        pytest.param({"object": "error", "message": "no", "code": 400}, "no", id="vllm"),
        pytest.param({"error": "no"}, "no", id="an-error-that-is-a-text"),
        pytest.param({"detail": "no"}, "no", id="a-detail"),
        pytest.param(
            {"detail": [{"loc": ["body", "tools"], "msg": "no", "input": "what was asked"}]},
            "no; body; tools",
            id="a-list-of-faults-without-what-was-asked",
        ),
        pytest.param({"error": {"error": {"error": {"error": {"error": "deep"}}}}}, "", id="nothing-deeper"),
    ],
)
def test_a_refusal_is_read_wherever_it_says_why(document: Any, expected: str) -> None:
    assert expected == words_of(Answer(400, {}, json.dumps(document).encode()))


def test_a_page_that_is_no_json_speaks_for_itself() -> None:
    assert "<h1>tools are not supported</h1>" == words_of(Answer(500, {}, b"<h1>tools are not supported</h1>"))
