"""What is usual for a service and what is not: its level, its texts, and what people said of them."""

from __future__ import annotations

import pytest

from domain.logs import Level
from ml.lines import Line
from ml.lines.habits import PLAIN, USUAL, Habit, LineHabits

THRESHOLD = 0.7
REFUSED = "connection to 10.0.0.7 refused"


def lines(service: str, many: int, level: str = "INFO", text: str = "request {} served") -> list[Line]:
    return [Line(service, level, text.format(number), at=60.0 * number) for number in range(many)]


def judged(habits: LineHabits, message: str, level: Level = Level.ERROR, service: str = "web") -> Habit:
    return habits.judge(habits.services_.index(service), level, message)


def fitted(*groups: tuple[list[Line], int | None]) -> LineHabits:
    """Habits of web and db, which served 2,000 requests each, and of what is given with its label."""
    told = [(line, None) for name in ("web", "db") for line in lines(name, 2_000)]
    told += [(line, label) for group, label in groups for line in group]
    told.sort(key=lambda one: one[0].at)
    return LineHabits().fit([line for line, _ in told], [label for _, label in told])


QUIET = fitted()
CHRONIC = fitted((lines("web", 300, "ERROR", REFUSED), 0))
ODD = "the moon is full"


@pytest.mark.parametrize(
    ("habits", "message", "level", "anomalous", "replaces"),
    [
        pytest.param(QUIET, ODD, Level.CRITICAL, True, False, id="a-level-it-never-comes-to"),
        pytest.param(QUIET, ODD, Level.ERROR, True, False, id="an-error-where-there-is-none"),
        pytest.param(QUIET, ODD, Level.WARN, False, False, id="a-first-warning-says-little"),
        pytest.param(QUIET, REFUSED, Level.WARN, True, False, id="a-first-warning-with-a-word-of-failure"),
        pytest.param(CHRONIC, REFUSED, Level.ERROR, False, True, id="called-a-false-alarm"),
        pytest.param(CHRONIC, "connection to 10.9.9.9 refused", Level.ERROR, False, True, id="the-same-text"),
        pytest.param(CHRONIC, REFUSED, Level.CRITICAL, True, False, id="the-same-text-at-a-worse-level"),
        pytest.param(fitted((lines("web", 300, "CRITICAL", ODD), None)), ODD, Level.CRITICAL, False, True, id="usual"),
        pytest.param(fitted((lines("web", 1, "ERROR", REFUSED), 0)), REFUSED, Level.ERROR, False, True, id="once"),
        pytest.param(fitted((lines("web", 300, "ERROR", REFUSED), 1)), REFUSED, Level.ERROR, True, False, id="real"),
        pytest.param(
            fitted((lines("web", 300, "ERROR", REFUSED), None), (lines("web", 3, "ERROR", REFUSED), 1)),
            REFUSED,
            Level.ERROR,
            True,
            False,
            id="usual-and-real",
        ),
    ],
)
def test_the_habit_decides(
    habits: LineHabits,
    message: str,
    level: Level,
    anomalous: bool,  # noqa: FBT001 - a table
    replaces: bool,  # noqa: FBT001 - as above
) -> None:
    found = judged(habits, message, level)
    assert (anomalous, replaces) == (found.confidence >= THRESHOLD, found.replaces)


def test_what_is_usual_in_one_service_is_not_in_another() -> None:
    assert (USUAL, True) == (judged(CHRONIC, REFUSED).confidence, judged(CHRONIC, REFUSED).usual)
    other = judged(CHRONIC, REFUSED, service="db")
    assert (True, False, 0) == (other.confidence >= THRESHOLD, other.usual, other.times)


def test_what_it_counts_is_told() -> None:
    found = judged(CHRONIC, REFUSED)
    assert (300, 300, 2_300, False, True) == (found.times, found.at_level, found.lines, found.real, found.false)
    assert (0, 0, 2_000) == (judged(QUIET, ODD).times, judged(QUIET, ODD).at_level, judged(QUIET, ODD).lines)


def test_where_every_text_is_new_one_more_says_nothing() -> None:
    def habits(*names: str) -> LineHabits:
        served = [Line("web", "INFO", "request served", at=10_000.0 * at) for at in range(2_000)]
        left = [Line("web", "ERROR", f"user {name} left", at=10_000.0 * at) for at, name in enumerate(names)]
        return LineHabits().fit([*left, *served])

    names = [chr(97 + number // 26) + chr(97 + number % 26) * 3 for number in range(30)]
    found = judged(habits(*names), "user zoe left")
    assert (0, PLAIN) == (found.times, found.confidence)
    assert judged(habits(*names), "user zoe failed").confidence >= THRESHOLD
    assert judged(habits(*["ann"] * 30), "user zoe left").confidence >= THRESHOLD


def test_a_service_of_few_lines_is_not_known() -> None:
    habits = LineHabits().fit([*lines("web", 300), *lines("db", 199)])
    assert ["web"] == habits.services_
    assert [] == LineHabits().fit([]).services_


def test_the_time_of_a_line_and_what_was_asked_before_change_nothing() -> None:
    before = judged(QUIET, REFUSED)
    for _ in range(50):
        judged(QUIET, REFUSED)
    assert before == judged(QUIET, REFUSED)


def test_labels_must_fit_to_lines() -> None:
    with pytest.raises(ValueError, match="3 lines have 1 labels"):
        LineHabits().fit(lines("web", 3), [None])
