"""The faults of two real systems; skipped where their telemetry is absent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.localise import Case, cases, found, read, suspect

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "pod_faults"
LEAST = 0.6
# A record in the shape of the scorer: `db` delays its answer, and says something new.
RECORD = {
    "time": "2026-01-05T12:00:00",
    "metrics": [
        {"timestamp": "2026-01-05T11:58:10", "service": "db", "pod": "db-1", "metrics": {"cpu_usage": 4.0}},
        {"timestamp": "2026-01-05T11:58:50", "service": "db", "pod": "db-1", "metrics": {"cpu_usage": 6.0}},
        {"timestamp": "2026-01-05T12:01:10", "service": "db", "pod": "db-1", "metrics": {"cpu_usage": 5.0}},
    ],
    "logs": [
        {"timestamp": f"2026-01-05T{at}", "service": service, "level": level, "trace": trace, "message": message}
        for at, service, level, trace, message in (
            ("11:59:10.000", "web", "INFO", "a", "GET /carts/17"),
            ("11:59:10.010", "db", "INFO", "a", "read row 4711"),
            ("12:00:10.000", "web", "INFO", "b", "GET /carts/18"),
            ("12:00:11.010", "db", "ERROR", "b", "cannot read row 4712"),
        )
    ],
}


def test_a_record_becomes_telemetry() -> None:
    telemetry = read({**RECORD, "logs": [*RECORD["logs"], *again("c", "read row 1")]})
    (series,) = telemetry.series
    (wait,) = (one for one in telemetry.follows if one.before and one.during)
    assert ("db", "cpu_usage", "db-1", (5.0, 5.0)) == (series.service, series.metric, series.instance, series.values)
    assert {("web", 1, 2), ("db", 1, 1), ("db", 0, 1)} == {
        (one.service, one.before, one.during) for one in telemetry.phrases
    }
    assert (0.01, 2.0) == (wait.before_seconds, wait.during_seconds)


def again(trace: str, message: str) -> list[dict[str, str]]:
    """A request after the onset that is answered two seconds later."""
    asked = {"timestamp": "2026-01-05T12:00:20.000", "service": "web", "level": "INFO", "message": "GET /carts/19"}
    answered = {"timestamp": "2026-01-05T12:00:22.000", "service": "db", "level": "INFO", "message": message}
    return [asked | {"trace": trace}, answered | {"trace": trace}]


def test_the_scorer_gets_the_services_in_order() -> None:
    answer = suspect({"train": RECORD["logs"][:2]})(RECORD)
    assert ["db", "web"] == answer["ranked"]


def test_a_record_of_nothing_names_nobody() -> None:
    assert {"score": 0.0, "ranked": []} == suspect({})({"time": RECORD["time"], "metrics": [], "logs": []})


@pytest.fixture(scope="module")
def known() -> list[Case]:
    if not FOLDER.is_dir():
        pytest.skip(f"no telemetry of faults: {FOLDER} is absent")
    return list(cases(FOLDER))


def test_the_service_at_fault_comes_first_for_most_faults_of_two_systems(known: list[Case]) -> None:
    shares = found(known)
    assert Counter(case.day for case in known).total() == shares["all"]["faults"]
    assert shares["all"]["AS@1"] >= LEAST
    # Neither system carries the other.
    assert min(shares[day]["AS@1"] for day in {case.day for case in known}) >= LEAST
