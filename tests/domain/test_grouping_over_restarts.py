"""Fault 7: what was kept quiet before a restart must not fire after it; grouping is derived from stored incidents."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta

from domain.correlation import Fold
from domain.folded import Anomaly, Correlation, Folded, Known, Name
from domain.incidents import Evidence, Incident, Kind, Route, Severity

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RULES = Correlation(
    quiet=timedelta(minutes=15),
    confirm_logs=3,
    storm_after=20,
    fleet_after=50,
    late=timedelta(minutes=2),
    group=timedelta(minutes=1),
)


def anomalies(template: str, second: int) -> list[Anomaly]:
    at = NOON + timedelta(seconds=second)
    seen = Evidence(at, 4, None, template, "WORDS", {"confidence": 0.9})
    name = Name(Kind.LOG, template)
    return [Anomaly(row, "billing", (name,), name, 4, at, Severity.HIGH, "rules", lambda: seen) for row in range(3)]


def fold(known: list[Incident], seen: list[Anomaly]) -> Folded:
    found = Fold(Known(open=known), rules=RULES, classify=lambda _: (Route.HUMAN, ""), now=None)
    return found.run(seen)


def test_an_incident_that_joined_a_page_stays_quiet_after_a_restart() -> None:
    first = fold([], anomalies("disk full", 0))
    second = fold(list(first.touched.values()), anomalies("queue full", 5))
    assert [1, 0] == [len(first.pages), len(second.pages)]
    # A new process knows only what was stored.
    stored = deepcopy([*first.touched.values(), *second.touched.values()])
    assert [] == fold(stored, [*anomalies("queue full", 50), *anomalies("disk full", 51)]).pages


def test_another_failure_after_the_group_s_time_pages_anew() -> None:
    first = fold([], anomalies("disk full", 0))
    assert 1 == len(fold(deepcopy(list(first.touched.values())), anomalies("queue full", 61)).pages)
