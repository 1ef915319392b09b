"""An answer is kept with what was decided, and without the words that only say why."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.errors import BadInput
from domain.questions import Answered, answered_of, reading


def test_an_answer_is_read_as_it_was_decided() -> None:
    answered = Answered("common", {"confidence": 0.8937, "plan": "0a"}, "89 % sure")
    again = answered_of(orjson.loads(orjson.dumps(answered.document())))
    assert answered == again
    assert "" == again.words


@pytest.mark.parametrize(
    ("outcome", "details"),
    [("uncommon", {"confidence": 0.8937}), ("common", {"confidence": 0.8936}), ("common", {})],
)
def test_what_was_decided_otherwise_is_another_answer(outcome: str, details: dict[str, object]) -> None:
    assert Answered("common", {"confidence": 0.8937}) != Answered(outcome, details)


@pytest.mark.parametrize("kept", [{}, {"confidence": 1}, []])
def test_what_is_no_answer_is_refused(kept: Any) -> None:
    with pytest.raises(BadInput, match="a kept answer cannot be read"):
        answered_of(kept)


@pytest.mark.parametrize("error", [KeyError("x"), TypeError("x"), ValueError("x"), AttributeError("x")])
def test_whatever_a_document_lacks_is_said_with_what_it_is(error: Exception) -> None:
    with pytest.raises(BadInput, match=f"a kept thing cannot be read: {type(error).__name__}"), reading("thing"):
        raise error
