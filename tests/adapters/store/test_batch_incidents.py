"""What a batch writes of incidents: the queue of answers, episodes, who is told, and in how many statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.store.database import Engine, connect, transaction
from adapters.store.own_incidents import open_own_incident
from adapters.store.tables.decided import steps
from adapters.store.tables.found import alerts, incidents
from domain.incidents import Kind, Resolution, Severity, State
from tests.parts.judged_part import NOW, Feed, count, known, rows
from tests.parts.logs_part import NOON, SECOND, an_error

MINUTE = 60 * SECOND


def resolve(engine: Engine, *, at: datetime = NOW, resolution: Resolution = Resolution.VERIFIED) -> None:
    with transaction(engine) as connection:
        values = {"state": State.RESOLVED, "resolution": resolution, "resolved_at": at}
        connection.execute(incidents.update().values(values | {"plan": {"a": 1}, "objections": ["risk"]}))
        connection.execute(alerts.update().values(closed=True))
        connection.execute(steps.delete())


def queued(engine: Engine) -> list[dict[str, Any]]:
    return rows(engine, "SELECT incident_id, waits_for, tries, error FROM steps ORDER BY incident_id")


# --- the queue ----------------------------------------------------------------------------------


def test_what_is_confirmed_waits_for_an_answer(store: Engine) -> None:
    feed = Feed(store)
    feed.take(an_error(0), an_error(1))
    assert [] == queued(store)
    folded = feed.take(an_error(2))
    (incident,) = folded.touched.values()
    assert [{"incident_id": incident.id, "waits_for": "an answer", "tries": 0, "error": None}] == queued(store)


def test_further_logs_do_not_queue_it_again(store: Engine) -> None:
    """Whoever waits for something else goes on waiting."""
    feed = Feed(store)
    feed.incident()
    with transaction(store) as connection:
        connection.execute(steps.update().values(waits_for="the verdict", tries=2))
    feed.take(an_error(4))
    assert [("the verdict", 2)] == [(row["waits_for"], row["tries"]) for row in queued(store)]


def test_nobody_waits_for_what_went_quiet(store: Engine) -> None:
    feed = Feed(store)
    feed.incident()
    feed.take(an_error(3_600), now=NOW + 60 * MINUTE)
    assert [] == queued(store)


def test_an_own_incident_waits_too_and_is_never_doubled(store: Engine) -> None:
    """N5: own incidents never double."""
    own = [open_own_incident(store, "it", "it is so", now=NOW) for _ in range(2)]
    assert 1 == len(set(own))
    assert own[:1] == [row["incident_id"] for row in queued(store)]
    assert (1, 1) == (count(store, "incidents"), count(store, "pages"))


def test_a_log_that_calls_itself_like_us_is_no_own_incident(store: Engine) -> None:
    """A14: kinds are columns; such a log neither hides an incident of ours nor closes it."""
    feed = Feed(store)
    feed.take(*(an_error(number, service="sre-agent", message="it failed") for number in range(3)))
    open_own_incident(store, "it failed", "it is so", now=NOW)
    feed.take(an_error(3_600, service="sre-agent", message="it failed"), now=NOW + 60 * MINUTE)
    found = rows(store, "SELECT kind, state FROM incidents ORDER BY id")
    assert [("log", "resolved"), ("own", "open"), ("log", "open")] == [(row["kind"], row["state"]) for row in found]


# --- episodes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("resolution", [Resolution.VERIFIED, Resolution.HUMAN])
def test_what_comes_back_is_a_further_episode_of_the_same_row(store: Engine, resolution: Resolution) -> None:
    feed = Feed(store)
    feed.incident()
    resolve(store, resolution=resolution)
    feed.take(*(an_error(second) for second in (60, 61, 62)), now=NOW + MINUTE)
    found = rows(store, "SELECT id, state, episode, logs, resolution, acked_at, resolved_at FROM incidents")
    expected = {"state": "reopened", "episode": 2, "logs": 3, "resolution": None, "acked_at": None}
    assert [expected | {"id": 1, "resolved_at": None}] == found
    with transaction(store) as connection:
        assert [(None, [])] == [
            tuple(row) for row in connection.execute(sa.select(incidents.c.plan, incidents.c.objections))
        ]
    assert ["an answer"] == [row["waits_for"] for row in queued(store)]
    assert 2 == len({row["key"] for row in rows(store, "SELECT key FROM pages")})
    assert 1 == len(rows(store, "SELECT 1 FROM ledger WHERE kind = 'incident.reopened'"))


def test_what_went_quiet_is_not_reopened(store: Engine) -> None:
    feed = Feed(store)
    feed.incident()
    resolve(store, resolution=Resolution.QUIET)
    feed.take(an_error(60), now=NOW + MINUTE)
    assert ["resolved", "open"] == [row["state"] for row in rows(store, "SELECT state FROM incidents ORDER BY id")]


def test_a_straggler_is_counted_and_changes_nothing_else(store: Engine) -> None:
    feed = Feed(store)
    feed.incident()
    resolve(store, at=NOW + MINUTE)
    before = rows(store, "SELECT state, resolution, resolved_at, last_at, evidence FROM incidents")
    feed.take(an_error(5), now=NOW + 2 * MINUTE)
    assert before == rows(store, "SELECT state, resolution, resolved_at, last_at, evidence FROM incidents")
    assert [{"logs": 4}] == rows(store, "SELECT logs FROM incidents")


# --- who is told --------------------------------------------------------------------------------


def services_of(engine: Engine) -> list[str]:
    return [row["service"] for row in rows(engine, "SELECT service FROM alerts ORDER BY id")]


def test_many_services_with_the_same_words_are_one_incident_over_batches(store: Engine) -> None:
    """N6: 300 services with the same words made 300 mails in a minute."""
    feed = Feed(store)
    for number in range(60):
        feed.take(*(an_error(number // 10, service=f"s{number}") for _ in range(3)))
    assert 1 == count(store, "pages")
    assert [{"services": 60, "logs": 180, "service": "s0"}] == rows(
        store, "SELECT services, logs, service FROM incidents"
    )
    assert [f"s{number}" for number in range(60)] == services_of(store)


def test_what_service_after_service_says_stays_one_incident_over_batches(store: Engine) -> None:
    """Of its alerts only some are read: the newest are among them."""
    feed, later = Feed(store), NOW + 10 * MINUTE
    for first in range(0, 120, 20):
        feed.take(*(an_error(3 * number, service=f"s{number}") for number in range(first, first + 20)), now=later)
    feed.take(an_error(360, service="late"), now=later)
    assert 1 == count(store, "incidents")
    assert 121 == len(services_of(store))


def test_the_origin_of_a_long_cascade_stays_it_over_batches(store: Engine) -> None:
    """Of its alerts only some are read: the origin is among them."""
    feed = Feed(store)
    feed.take(an_error(0, service="first", message="upstream timed out"))
    feed.take(*(an_error(1, service=f"s{number}", message="bad gateway: refused") for number in range(60)))
    feed.take(an_error(2, service="db", message="no space left on disk"))
    feed.take(an_error(3, service="late", message="bad gateway: refused"))
    assert [{"service": "db", "services": 63}] == rows(store, "SELECT service, services FROM incidents")


def test_a_second_fault_among_many_services_is_a_second_incident_over_batches(store: Engine) -> None:
    feed = Feed(store)
    for number in range(60):
        feed.take(*(an_error(number // 10, service=f"s{number}") for _ in range(3)))
    feed.take(*(an_error(6, service="s55", message="disk is full: error") for _ in range(3)))
    assert 2 == count(store, "pages")
    assert ["s0", "s55"] == [row["service"] for row in rows(store, "SELECT service FROM incidents ORDER BY id")]


def test_a_worse_log_of_an_incident_pages_once_more_over_batches(store: Engine) -> None:
    feed = Feed(store)
    for number in range(2):
        feed.take(*(an_error(0, service=f"s{number}") for _ in range(3)))
    feed.take(an_error(1, service="s1", level="CRITICAL"))
    found = rows(store, "SELECT key, severity, reason FROM pages ORDER BY id")
    assert [(3, "uncommon"), (4, "critical")] == [(row["severity"], row["reason"]) for row in found]


def test_a_storm_of_the_fleet_goes_on_over_batches(store: Engine) -> None:
    """A11: 5,000 pod names made 5,000 pages."""
    feed = Feed(store, knowledge=known(incidents={"fleet_storm_after": 3}))
    for number in range(12):
        message = f"refused by {'abcdefghijkl'[number]}"
        feed.take(*(an_error(0, service=f"pod{number}", message=message) for _ in range(3)))
    assert ["uncommon"] * 3 + ["storm"] == [
        row["reason"] for row in rows(store, "SELECT reason FROM pages ORDER BY id")
    ]
    (fleet,) = rows(store, "SELECT id, logs, page_key FROM incidents WHERE kind = 'fleet'")
    assert 9 == fleet["logs"]
    assert 10 == len(rows(store, "SELECT 1 FROM incidents WHERE page_key = :key", key=fleet["page_key"]))


def test_whoever_acknowledged_is_told_again_when_it_gets_worse(store: Engine) -> None:
    """A10: no page, when an incident rose to CRITICAL."""
    feed = Feed(store)
    feed.incident()
    with transaction(store) as connection:
        connection.execute(incidents.update().values(acked_at=NOW))
    feed.take(an_error(5))
    feed.take(an_error(6, level="CRITICAL"))
    assert ["uncommon", "critical"] == [row["reason"] for row in rows(store, "SELECT reason FROM pages ORDER BY id")]
    assert [(4, None)] == [
        (row["told"], row["acked_at"]) for row in rows(store, "SELECT told, acked_at FROM incidents")
    ]


# --- what is dated wrongly ----------------------------------------------------------------------

WRONG = {
    "2099": datetime(2099, 1, 1, tzinfo=UTC),
    "1970": datetime(1970, 1, 1, tzinfo=UTC),
    "an-hour-ahead": NOON + timedelta(hours=1),
}


@pytest.mark.parametrize("at", WRONG.values(), ids=WRONG)
def test_a_wrong_clock_mutes_nothing_and_nothing_waits_for_ever(sqlite_url: str, at: datetime) -> None:
    """A1: a log from 2099 opened an incident that was never quiet, and its page covered those of days to come."""
    engine = connect(sqlite_url)
    feed = Feed(engine)
    feed.take(*(an_error(timestamp=at.isoformat()) for _ in range(3)))
    later = NOW + timedelta(hours=1)
    fresh = later - SECOND
    feed.take(*(an_error(timestamp=fresh.isoformat(), message="disk is full: error") for _ in range(3)), now=later)
    feed.take(*(an_error(timestamp=fresh.isoformat()) for _ in range(3)), now=later)
    found = rows(engine, "SELECT state, template FROM incidents ORDER BY id")
    assert [("resolved", "connection refused"), ("open", "disk is full: error")] == [
        (row["state"], row["template"]) for row in found
    ]
    assert [True, False, False] == [
        bool(row["closed"]) for row in rows(engine, "SELECT closed FROM alerts ORDER BY id")
    ]
    fresh_pages = rows(
        engine, "SELECT 1 FROM pages WHERE NOT late AND created_at >= :later", later=later.isoformat(" ")
    )
    assert fresh_pages or at.year == 1970
    assert all(row["page_key"] for row in rows(engine, "SELECT page_key FROM incidents"))
    engine.dispose()


# --- many at once -------------------------------------------------------------------------------


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The statements that are sent inside."""
    sent: list[str] = []

    def seen(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        sent.append(statement)

    sa.event.listen(engine, "before_cursor_execute", seen)
    yield sent
    sa.event.remove(engine, "before_cursor_execute", seen)


def statements_for(engine: Engine, feed: Feed, services: int, second: int) -> int:
    """How many statements three batches take in which so many new services fail."""
    with statements(engine) as sent:
        for _ in range(3):
            feed.take(
                *(
                    an_error(second, service=f"s{second}-{number}", message="refused " + "x" * number)
                    for number in range(services)
                )
            )
    return len(sent)


def test_the_number_of_statements_does_not_grow_with_the_incidents(store: Engine) -> None:
    """A11: 20,000 anomalous services in a batch took 20 to 29 seconds, a statement each."""
    feed = Feed(store, knowledge=known(incidents={"fleet_storm_after": 2}))
    statements_for(store, feed, 4, 0)
    assert statements_for(store, feed, 5, 1) == statements_for(store, feed, 60, 2)


def test_many_incidents_keep_their_own_pages_and_notes(store: Engine) -> None:
    """A11: numbers map back to the incidents that they were given to."""
    feed = Feed(store)
    folded = feed.take(
        *(
            an_error(0, service=f"s{number}", message="refused " + "x" * number)
            for number in range(20)
            for _ in range(3)
        )
    )
    stored = {row["id"]: row for row in rows(store, "SELECT * FROM incidents")}
    for incident in folded.touched.values():
        row = stored[incident.id]
        assert (incident.service, incident.template, incident.page_key) == (
            row["service"],
            row["template"],
            row["page_key"],
        )
        assert (Kind.LOG, Severity.HIGH, incident.level) == (row["kind"], row["severity"], row["level"])
    paged = rows(store, "SELECT service, key, page_key FROM pages JOIN incidents ON incidents.id = incident_id")
    assert 20 == len(paged)
    assert all(row["key"] == row["page_key"] for row in paged)
