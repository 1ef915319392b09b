"""A comparison that was kept is judged as it was when it is asked about again."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.comparisons import Comparison, comparison_document, comparison_of, verdict
from domain.control import Control, Pace, Reading, Traffic
from domain.errors import BadInput
from domain.plans import Verification
from domain.questions import answered_of
from domain.verification import Because, Outcome, Samples
from tests.domain.test_verification import (
    ANOMALIES,
    BESIDES,
    CREDITED,
    ERRORS,
    IN_TIME,
    MEMORY,
    controls,
    counts,
    lasted,
    paces,
    readings,
    shares,
    times,
)
from tests.parts.logs_part import NOON, SECOND


def compared(found: Samples, wanted: Verification = ERRORS, seconds: float = 60) -> Comparison:
    return Comparison("playbook:pool", found, wanted, NOON, NOON + seconds * SECOND)


def read_again(one: Comparison) -> Comparison:
    return comparison_of(orjson.loads(orjson.dumps(comparison_document(one))))


@pytest.mark.parametrize(("seconds", "found", "wanted", "expected"), IN_TIME)
def test_every_outcome_comes_again(
    seconds: int, found: Samples, wanted: Verification, expected: Outcome | None
) -> None:
    one = compared(found, wanted, seconds)
    again = read_again(one).proof
    assert expected == (again.outcome if again else None)
    assert one.proof == again


@pytest.mark.parametrize(("found", "outcome", "because"), [*BESIDES, *CREDITED])
def test_every_reason_comes_again(found: Samples, outcome: Outcome, because: Because) -> None:
    one = compared(found)
    again = read_again(one).proof
    assert again is not None
    assert (outcome, because) == (again.outcome, again.because)
    assert one.proof is not None
    assert one.proof.numbers() == again.numbers()


@given(
    after=times,
    during=times,
    before=readings,
    control=controls,
    pace=paces,
    healed_after=lasted,
    mean=shares,
    errors=counts,
    seconds=st.floats(0, 600),
    wanted=st.sampled_from([ERRORS, ANOMALIES, MEMORY]),
)
def test_nothing_of_a_comparison_is_lost(
    *,
    after: Traffic,
    during: Traffic,
    before: Reading,
    control: Control,
    pace: Pace,
    healed_after: tuple[float, ...],
    mean: float | None,
    errors: int,
    seconds: float,
    wanted: Verification,
) -> None:
    found = Samples(after, errors, errors, mean, during, during, before, pace, control, healed_after, seconds)
    one = compared(found, wanted, seconds)
    again = read_again(one)
    assert one == again
    assert one.proof == again.proof
    answered = verdict(one.proof)
    assert answered == answered_of(orjson.loads(orjson.dumps(answered.document())))


@pytest.mark.parametrize("kept", [None, {"samples": {}}, {"wanted": {"measure": "luck"}}, {"at": "yesterday"}])
def test_what_is_no_comparison_is_refused(kept: dict[str, Any] | None) -> None:
    whole = comparison_document(compared(Samples(Traffic(0, 0, 0.0), 0, 0, None)))
    with pytest.raises(BadInput, match="a kept question of a verification cannot be read"):
        comparison_of({} if kept is None else whole | kept)
