"""What failed often is left alone for a while, then tried once."""

from __future__ import annotations

from datetime import timedelta

from domain.breaker import Breaker
from tests.parts.logs_part import NOON, SECOND

REST = timedelta(minutes=5)


def broken(times: int = 3) -> Breaker:
    breaker = Breaker(3, REST)
    for _ in range(times):
        breaker = breaker.went(well=False, now=NOON)
    return breaker


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    assert [True, True, True, False] == [broken(times).lets_through(NOON) for times in range(4)]


def test_one_success_closes_it() -> None:
    assert broken(2).went(well=True, now=NOON) == Breaker(3, REST)


def test_it_is_tried_again_after_its_rest_and_one_failure_opens_it() -> None:
    assert not broken().lets_through(NOON + REST - SECOND)
    assert broken().lets_through(NOON + REST)
    assert not broken().went(well=False, now=NOON + REST).lets_through(NOON + REST + SECOND)


def test_a_clock_that_was_set_back_does_not_keep_it_open() -> None:
    assert broken().lets_through(NOON - SECOND)
