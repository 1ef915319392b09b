"""How long a session may take."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.sessions.durations import KIND_FROM, Durations, Usual

RANDOM = Random(1)
QUICK = [RANDOM.lognormvariate(-1.2, 0.3) for _ in range(500)]  # about 0.3 s


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(0.0, False, id="at once"),
        pytest.param(0.9, False, id="within a second"),
        pytest.param(1.2, False, id="somewhat long"),
        pytest.param(41.0, True, id="far longer than any"),
    ],
)
def test_too_long_is_what_none_comes_near(*, seconds: float, expected: bool) -> None:
    assert expected == (Usual.of(QUICK).score(seconds) > 1)


def test_one_that_took_long_before_raises_no_limit() -> None:
    assert Usual.of([*QUICK, 600.0]).limit < 10


@given(st.lists(st.floats(0, 600), min_size=1, max_size=50))
def test_what_was_usual_is_within_the_limit_unless_it_stands_alone(seconds: list[float]) -> None:
    usual = Usual.of(seconds)
    beyond = sum(usual.score(one) > 1 for one in seconds)
    assert beyond <= len(seconds) // 2
    assert usual.score(usual.limit * 1.01) > 1 > usual.score(usual.middle)


def test_each_kind_has_a_duration_of_its_own_where_enough_of_it_are_known() -> None:
    quick, slow, rare = frozenset({"a"}), frozenset({"a", "b"}), frozenset({"c"})
    held = [(quick, 0.3)] * 100 + [(slow, 60.0)] * KIND_FROM + [(rare, 200.0)]
    found = Durations.of(held)
    assert (0.3, 60.0) == (round(found.usual(quick).middle, 3), round(found.usual(slow).middle, 3))
    assert found.all is found.usual(rare)
    assert found.usual(quick).score(30) > 1 > found.usual(slow).score(90)
