"""The pause switch, what is down, and incidents about the agent itself."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from adapters.store.database import Engine
from adapters.store.own_incidents import open_own_incident
from adapters.store.switches import degraded, is_paused, report_condition, set_pause
from tests.parts.judged_part import NOW, count, rows

MINUTE = timedelta(minutes=1)


def test_acting_is_paused_until_somebody_lifts_it(store: Engine) -> None:
    assert not is_paused(store)
    for on in (True, True, False, True):
        set_pause(store, on=on, by="ann", now=NOW)
        assert on == is_paused(store)
    kinds = [row["kind"] for row in rows(store, "SELECT kind FROM ledger ORDER BY id")]
    assert ["acting.paused", "acting.paused", "acting.resumed", "acting.paused"] == kinds


def test_what_is_down_is_named_once_with_the_time_it_went_down(store: Engine) -> None:
    """Fault 18: status and pages say what is down."""
    for minute, seen_by in ((0, "watch"), (1, "watch"), (1, "on-call")):
        report_condition(
            store, "prefect", seen_by=seen_by, healthy=False, detail="no answer", now=NOW + minute * MINUTE
        )
    report_condition(store, "mlflow", seen_by="watch", healthy=True, detail="", now=NOW)
    assert ["prefect is down since 12:00:10 UTC: no answer"] == degraded(store, now=NOW + 2 * MINUTE)


def test_what_recovered_is_not_named_any_more(store: Engine) -> None:
    for healthy in (False, True):
        report_condition(store, "prefect", seen_by="watch", healthy=healthy, detail="x", now=NOW)
    assert [] == degraded(store, now=NOW)


def test_what_nobody_repeated_says_nothing_any_more(store: Engine) -> None:
    report_condition(store, "prefect", seen_by="watch", healthy=False, detail="x", now=NOW)
    assert [] == degraded(store, now=NOW + 10 * MINUTE)


def test_an_incident_of_our_own_is_opened_and_paged_once(store: Engine) -> None:
    numbers = {open_own_incident(store, "topic logs was recreated", "It is another one.", now=NOW) for _ in range(3)}
    assert 1 == len(numbers)
    assert [1, 1] == [count(store, "incidents"), count(store, "pages")]


@pytest.mark.slow
def test_several_may_say_how_a_part_is_at_once(postgres: Engine) -> None:
    """Two deliveries that failed together met at the condition's first row, and one of them raised."""
    together = threading.Barrier(4)

    def report(number: int) -> None:
        together.wait(10)
        report_condition(postgres, "email", seen_by="on-call", healthy=False, detail=f"no {number}", now=NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(report, range(4)))
    assert 1 == len(degraded(postgres, now=NOW))
