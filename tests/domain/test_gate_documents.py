"""A question to the gate that was kept is answered as it was when it is asked again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from domain.asking import Policy, Purpose, Question
from domain.autonomy import Autonomy, Trust
from domain.errors import BadInput
from domain.gate import objections
from domain.gate_documents import gate_answer, question_document, question_of
from domain.questions import Answered, answered_of
from tests.domain.test_budgets import CASES as BUDGET_CASES
from tests.domain.test_gate import CASES, FINE
from tests.parts.asking_part import NOW, POLICY, a_question
from tests.parts.logs_part import NOON


def read_again(asked: Question) -> Question:
    found, paused = question_of(orjson.loads(orjson.dumps(question_document(asked, paused=True))))
    assert paused
    return found


def answered_again(answered: Answered) -> Answered:
    return answered_of(orjson.loads(orjson.dumps(answered.document())))


@pytest.mark.parametrize(("changed", "policy", "expected"), [*CASES, *BUDGET_CASES])
def test_every_objection_comes_again(changed: dict[str, Any], policy: Policy, expected: object) -> None:
    asked = a_question(**changed)
    found = objections(read_again(asked), policy, now=NOW)
    assert [expected] == [one.objection for one in found]
    assert gate_answer(objections(asked, policy, now=NOW)) == answered_again(gate_answer(found))


@pytest.mark.parametrize("changed", FINE)
def test_what_was_allowed_is_allowed_again(changed: dict[str, Any]) -> None:
    assert [] == objections(read_again(a_question(**changed)), POLICY, now=NOW)


@pytest.mark.parametrize("purpose", Purpose)
def test_nothing_of_a_question_is_lost(purpose: Purpose) -> None:
    trusted = Trust(Autonomy.SUGGEST, "it failed twice")
    asked = a_question(purpose=purpose, trusted=trusted, allowed_at=NOON, acted=True, maintenance="patches")
    assert replace(asked, incident=replace(asked.incident, alerts=[])) == read_again(asked)


@pytest.mark.parametrize("kept", [{}, {"purpose": "exorcise"}, {"incident": {"id": "x"}}])
def test_what_is_no_question_is_refused(kept: dict[str, Any]) -> None:
    whole = question_document(a_question(), paused=False)
    with pytest.raises(BadInput, match="cannot be read"):
        question_of(whole | kept if kept else {})
