"""From a promise about false alarms to the p-value below which something is worth an alarm."""

from __future__ import annotations

# Real alarms for each wrong one that is promised: then what may just alarm is as sure as
# `detection.confidence_threshold` is by default. Where there are more, alarms are right more often than said.
REAL_FOR_WRONG = 7 / 3


def alarm_p(false_alarms: float, tests: float) -> float:
    """Largest p-value that may alarm so that `tests` normal points give `false_alarms` on average.

    Both count over the same time, for example a day: the tests are the live series times the points of
    each. By the linearity of expectation it holds however the tests depend on each other (Bonferroni).
    ValueError where one of them is not positive.
    """
    if not (false_alarms > 0 and tests > 0):
        raise ValueError(f"false alarms and tests must be positive: {false_alarms}, {tests}")
    return min(1.0, false_alarms / tests)


def alarm_p_of_fleet(series: int, points_per_day: float = 1440, false_alarms_per_day: float = 1.0) -> float:
    """The same for a fleet of `series` that have `points_per_day` each; one false alarm a day in all of it."""
    return alarm_p(false_alarms_per_day, max(series, 1) * points_per_day)


def confidence(p_value: float, limit: float) -> float:
    """How likely an alarm is right, 0–1: 0.7 where the p-value is the largest that may alarm, rising as it falls.

    At that limit as many alarms are wrong as were promised; as many again, times `REAL_FOR_WRONG`, are taken to be
    right. A p-value a tenth as large is wrong a tenth as often.
    """
    return float(1 / (1 + p_value / limit / REAL_FOR_WRONG))
