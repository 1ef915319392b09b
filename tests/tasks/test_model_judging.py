"""Candidate and champion go over the same stored logs by the live functions; who would have paged better is counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from adapters.store.alarm_verdicts import give
from adapters.store.database import Engine
from adapters.store.training_history import Later, later
from domain.alarm_verdicts import AlarmVerdict
from ml.detectors.service_deviation import SERVICE, ServiceDeviation
from ml.scoring import Champion
from ml.training import Trained
from tasks.judging import Knowledge
from tasks.model_judging import Judged, judge
from tests.parts.judged_part import Feed, known
from tests.parts.logs_part import NOON, SECOND, a_log

MINUTE = timedelta(minutes=1)
LATER = NOON + 90 * MINUTE


def detector(*services: str, blind: bool = False) -> ServiceDeviation:
    """Knows a queue of 0 to 4 for these services; blind: it looks at nothing."""
    frame = pd.DataFrame({SERVICE: np.repeat(services, 100), "queue": np.tile(np.arange(100.0) % 5, len(services))})
    found = ServiceDeviation().fit(frame)
    return found.without(np.full(found.center_.shape, blind))


GOOD, BLIND = detector("web", "db"), detector("web", "db", blind=True)
SEEN = (("db", "queue"), ("web", "queue"))


def at(second: int, queue: float, service: str = "web") -> bytes:
    when = (NOON + second * SECOND).isoformat()
    return a_log(timestamp=when, service=service, request_id=f"r{second}", metrics={"queue": queue})


def normal(seconds: Iterable[int], service: str = "web") -> list[bytes]:
    return [at(second, second % 5, service) for second in seconds]


def deciding(model: ServiceDeviation | None) -> Knowledge:
    return replace(known(), champion=model and Champion(model, 1))


def stored(store: Engine, **changes: object) -> Later:
    asked = {"arrived_since": NOON - MINUTE, "since": NOON, "now": LATER, "limit": 1_000_000} | changes
    return later(store, **asked)  # type: ignore[arg-type]  # see above


def judged(found: Later, candidate: ServiceDeviation, champion: ServiceDeviation | None) -> Judged:
    trained = Trained(candidate, NOON, seen=SEEN)
    return judge(trained, champion and Champion(champion, 7), found, known())


@pytest.fixture
def incident(store: Engine) -> Later:
    """An hour in which a model found one incident that the words of its logs do not show."""
    feed = Feed(store, deciding(GOOD))
    feed.take(*normal(range(0, 600, 10)), now=LATER)
    feed.take(*(at(1_200 + 5 * number, 500) for number in range(6)), now=LATER)
    feed.take(*normal(range(2_400, 3_000, 10), "db"), now=LATER)
    return stored(store)


def test_a_model_that_finds_an_incident_is_better_than_rules_that_do_not(incident: Later) -> None:
    found = judged(incident, GOOD, None)
    assert (1, 1, 0) == (found.candidate.incidents, found.candidate.found, found.present.found)
    assert 10.0 == found.candidate.seconds  # the third of logs that come every five seconds
    assert (0, 0) == (found.candidate.false_incidents, found.present.false_incidents)
    assert (2, 2, 0) == (found.candidate.pairs, found.candidate.covered, found.present.covered)
    assert (
        "finds 1 incident of 1 where rules alone do 0, and would have paged nobody for nothing" == found.decision.reason
    )
    assert found.decision.promote


def test_a_model_that_sees_less_does_not_take_the_place_of_one_that_found_it(incident: Later) -> None:
    found = judged(incident, BLIND, GOOD)
    assert (
        "finds 0 incidents of 1 where the champion does 1, and would have paged nobody for nothing"
        == found.decision.reason
    )
    assert not found.decision.promote
    assert (7, None) == (found.champion, found.candidate.seconds)


def test_a_model_that_learned_from_a_polluted_week_is_refused(incident: Later) -> None:
    """Nobody flagged the fault while it was learned from, so to this one a queue of hundreds is usual."""
    queue = np.tile(np.concatenate([np.arange(70.0) % 5, np.full(30, 480.0)]), 2)
    week = pd.DataFrame({SERVICE: np.repeat(["web", "db"], 100), "queue": queue})
    found = judged(incident, ServiceDeviation().fit(week), GOOD)
    assert (0, 1) == (found.candidate.found, found.present.found)
    assert not found.decision.promote
    assert found.decision.reason.startswith("finds 0 incidents of 1 where the champion does 1")


def test_what_surrounds_an_incident_is_not_held_against_a_model(incident: Later) -> None:
    assert incident.incident.astype(bool).sum() == 6
    assert not incident.usual[incident.incident > 0].any()
    assert 120 == judged(incident, GOOD, GOOD).candidate.logs


def test_a_model_that_pages_for_nothing_is_not_promoted(store: Engine) -> None:
    """Nothing became of these logs, so what it would open is for nothing."""
    feed = Feed(store, deciding(None))
    feed.take(*normal(range(0, 600, 10)), *(at(1_200 + number, 500) for number in range(3)), now=LATER)
    found = judged(stored(store), GOOD, BLIND)
    assert (1, 0) == (found.candidate.false_incidents, found.present.false_incidents)
    assert (1, 0) == (found.candidate.false_pages, found.present.false_pages)
    assert "had no incident to find, and would have paged 1 time more for nothing" == found.decision.reason
    assert not found.decision.promote


def test_what_the_champion_flagged_for_nothing_counts_against_it(store: Engine) -> None:
    """Logs that it flagged would otherwise be left out as anomalies, and the champion could not be beaten."""
    feed = Feed(store, deciding(GOOD))
    feed.take(*normal(range(0, 600, 10)), at(1_200, 500), at(1_201, 500), now=LATER)
    found = judged(stored(store), BLIND, GOOD)
    assert (0, 2) == (found.candidate.flagged, found.present.flagged)


def test_what_people_call_a_false_alarm_counts_against_whoever_opens_it(store: Engine) -> None:
    feed = Feed(store, deciding(GOOD))
    feed.take(*normal(range(0, 600, 10)), *(at(1_200 + number, 500) for number in range(3)), now=LATER)
    assert 1 == judged(stored(store), GOOD, BLIND).candidate.found
    give(store, 1, AlarmVerdict.FALSE_ALARM, by="ann", now=LATER)
    found = judged(stored(store), BLIND, GOOD)
    assert (0, 1) == (found.candidate.false_incidents, found.present.false_incidents)
    assert (0, True) == (found.candidate.incidents, found.decision.promote)
    assert "had no incident to find, and would have paged 1 time less for nothing" == found.decision.reason


def test_where_batches_and_blocks_end_changes_nothing(store: Engine) -> None:
    feed = Feed(store, deciding(GOOD))
    for begin in range(0, 600, 100):
        feed.take(*normal(range(begin, begin + 100, 10)), now=LATER)
    feed.take(*(at(1_200 + number, 500) for number in range(3)), now=LATER)
    whole = stored(store)
    assert sorted(whole.logs["timestamp"].to_pylist()) == whole.logs["timestamp"].to_pylist()
    assert 63 == len(whole.logs)
    assert judged(whole, GOOD, None).candidate.found == 1


def test_the_later_logs_begin_at_the_split_and_are_the_newest(store: Engine) -> None:
    Feed(store).take(*normal(range(0, 600, 10)), now=LATER)
    assert 30 == len(stored(store, since=NOON + 300 * SECOND).logs)
    assert 0 == len(stored(store, since=NOON + 900 * SECOND).logs)
    assert judged(stored(store, since=NOON + 900 * SECOND), GOOD, None).candidate.logs == 0


def test_a_candidate_that_raises_is_refused_with_what_it_said(incident: Later) -> None:
    class Broken(ServiceDeviation):
        def measure(self, *_: object) -> object:  # type: ignore[override]
            raise ArithmeticError("no such number")

    broken = Broken()
    broken.__dict__.update(GOOD.__dict__)
    found = judged(incident, broken, None)
    assert "gives no answer: model 1: it raised ArithmeticError" == found.decision.reason


def test_incidents_of_the_whole_time_count_where_logs_are_too_many_to_be_read(store: Engine) -> None:
    """On a busy fleet the newest logs are a minute; incidents are rare, and some of their logs are rows."""
    feed = Feed(store, deciding(GOOD))
    quiet = normal(range(600))
    feed.take(*quiet, *(at(700 + number, 500) for number in range(6)), now=LATER)
    feed.take(*normal(range(2_000, 2_600), "db"), now=LATER)
    found = stored(store, limit=300)
    blocks = len(found.logs) < 1_206  # without blocks all of it is read
    assert (6, True) == (int((found.incident > 0).sum()), bool(found.usual[-600:].all()))
    assert not blocks or not found.usual[:6].any()
    assert 1 == judged(found, GOOD, BLIND).candidate.found
