"""A case that was kept is classified as it was when it is asked about again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.autonomy import Autonomy, Word
from domain.cases import Case, case_document, case_of
from domain.classification import classify
from domain.errors import BadInput
from domain.experience import Likeness, Past
from tests.domain.test_classification import HISTORIES, histories, runs
from tests.parts.asking_part import a_question
from tests.parts.logs_part import NOON

INCIDENT = replace(a_question().incident, playbook="pool")


def read_again(case: Case) -> Case:
    return case_of(orjson.loads(orjson.dumps(case_document(case))))


@pytest.mark.parametrize(("letters", "likeness", "past", "fits"), HISTORIES)
def test_every_history_is_weighed_the_same_again(letters: str, likeness: Likeness, past: Past, fits: float) -> None:
    case = Case(INCIDENT, tuple(runs(letters, likeness)), past)
    again = read_again(case)
    first, second = (classify(fits, "it matches", one.runs, one.past, threshold=0.8) for one in (case, again))
    assert first == second


@given(histories, st.sampled_from(Likeness), st.integers(0, 500), st.sampled_from([None, *Autonomy]))
def test_nothing_of_a_case_is_lost_but_what_is_not_looked_at(
    letters: str, likeness: Likeness, alone: int, level: Autonomy | None
) -> None:
    said = None if level is None else Word(level, "ann", "it is new", NOON)
    case = Case(INCIDENT, tuple(runs(letters, likeness)), Past(alone, alone), said)
    assert replace(case, incident=replace(INCIDENT, alerts=[], evidence=[])) == read_again(case)


@pytest.mark.parametrize(
    "kept", [None, {"incident": {"id": "x"}}, {"runs": [["web"]]}, {"runs": [["web", "NEAR", "recovered", 0, "", 1]]}]
)
def test_what_is_no_case_is_refused(kept: dict[str, Any] | None) -> None:
    whole = case_document(Case(INCIDENT))
    with pytest.raises(BadInput, match="a kept question of a classification cannot be read"):
        case_of({} if kept is None else whole | kept)
