"""Numbers and spans of time, as people read them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.amounts import ago, lasting, number


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0"), (0.05, "0.05"), (61204, "61,204"), (1234.5, "1,234"), (float("nan"), "nan"), (True, "yes")],
)
def test_numbers_have_the_digits_that_say_something(value: float, expected: str) -> None:
    assert expected == number(value)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0 s"), (9.4, "9 s"), (60, "1 min"), (90, "90 s"), (7200, "2 h"), (259_200, "3 days")]
)
def test_spans_of_time(seconds: float, expected: str) -> None:
    assert expected == lasting(seconds)
    assert f"{expected} ago" == ago(timedelta(seconds=seconds))
