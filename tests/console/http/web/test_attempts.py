"""Wrong passwords in a row, by name and by address, over a clock of the test's own."""

from __future__ import annotations

from datetime import timedelta

from console.http.web import attempts
from console.http.web.attempts import Attempts
from domain.access import FREE, LONGEST_WAIT
from tests.parts.http_part import Clock
from tests.parts.logs_part import NOON

SECOND = timedelta(seconds=1)


def failing(clock: Clock, times: int) -> Attempts:
    made = Attempts(clock)
    for _ in range(times):
        made.failure(["name ann", "address a"])
    return made


def test_the_right_password_forgets_the_name_and_not_the_address() -> None:
    made = failing(Clock(NOON), FREE)
    made.success("name ann")
    assert timedelta(0) == made.wait(["name ann"])
    assert SECOND == made.wait(["name ann", "address a"])


def test_a_wait_is_over_when_its_time_is() -> None:
    clock = Clock(NOON)
    made = failing(clock, FREE + 3)
    assert 8 * SECOND == made.wait(["name ann"])
    clock.now += 7 * SECOND
    assert SECOND == made.wait(["name ann"])
    clock.now += SECOND
    assert timedelta(0) == made.wait(["name ann"])
    made.failure(["name ann"])
    assert 16 * SECOND == made.wait(["name ann"])


def test_what_was_long_ago_no_longer_counts() -> None:
    clock = Clock(NOON)
    made = failing(clock, 40)
    assert LONGEST_WAIT == made.wait(["name ann"])
    clock.now += 2 * LONGEST_WAIT
    made.failure(["name ann"])
    assert timedelta(0) == made.wait(["name ann"])


def test_memory_is_bounded(monkeypatch) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - pytest's
    monkeypatch.setattr(attempts, "MOST", 10)
    made = Attempts(Clock(NOON))
    for number in range(100):
        made.failure([f"name {number}"])
    assert 10 == len(made.failed)
