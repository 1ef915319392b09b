"""The queue of analyses: each is claimed once, one of each fault at a time, and none holds up the others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from adapters.store import analyses
from adapters.store.analyses import Task, claim, queue
from adapters.store.closing import reread
from adapters.store.database import Engine, transaction
from adapters.store.tables.analysed import analyses as table
from adapters.store.tables.found import incidents
from domain.analysis import Analysis
from domain.errors import Refused
from domain.incidents import Kind
from tests.parts.analysis_part import a_dossier
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import NOW, Feed, rows

LEASE = timedelta(seconds=120)
LATER = NOW + timedelta(minutes=1)


def queued(store: Engine, *services: str) -> list[int]:
    """An analysis of each of these incidents."""
    feed = Feed(store)
    numbers = [feed.incident(service=one, message=f"{one} broken: connection refused") for one in services]
    for number in numbers:
        incident = reread(store, number)
        assert incident is not None
        with transaction(store) as connection:
            assert queue(connection, incident, now=NOW)
            assert not queue(connection, incident, now=NOW)
    return numbers


def claimed(store: Engine, token: str = "one", now: datetime = LATER) -> Task | None:
    return claim(store, token=token, lease=LEASE, now=now)


def one(store: Engine, token: str = "one", now: datetime = LATER) -> Task:
    found = claimed(store, token, now)
    assert found is not None
    return found


def change(store: Engine, **values: object) -> None:
    with transaction(store) as connection:
        connection.execute(table.update().values(**values))


def of_one_fault(store: Engine, *services: str) -> list[int]:
    numbers = queued(store, *services)
    change(store, signature="the same")
    return numbers


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        pytest.param(Kind.LOG, 15, id="texts-say-most-at-once"),
        pytest.param(Kind.STORM, 15, id="so-do-those-of-a-storm"),
        pytest.param(Kind.METRIC, 75, id="a-metric-comes-once-a-minute"),
        pytest.param(Kind.ALERT, 75, id="whoever-rings-looks-at-metrics"),
    ],
)
def test_an_analysis_waits_for_what_shows_most(store: Engine, kind: Kind, seconds: int) -> None:
    incident = an_incident(id=1, kind=kind)
    with transaction(store) as connection:
        assert queue(connection, incident, now=NOW)
        assert not queue(connection, incident, now=NOW)
    (row,) = rows(store, "SELECT due_at FROM analyses")
    due_at = row["due_at"]
    due_at = due_at if isinstance(due_at, datetime) else datetime.fromisoformat(due_at).replace(tzinfo=UTC)
    assert NOW + timedelta(seconds=seconds) == due_at


@pytest.mark.parametrize("kind", [Kind.OWN, Kind.FLEET])
def test_what_is_about_no_service_is_not_looked_into(store: Engine, kind: Kind) -> None:
    with transaction(store) as connection:
        assert not queue(connection, an_incident(id=1, kind=kind), now=NOW)


def test_an_analysis_is_claimed_once_and_taken_over_when_its_lease_has_run_out(store: Engine) -> None:
    (number,) = queued(store, "web")
    first = one(store)
    assert (number, 1, 1) == (first.incident_id, first.episode, first.tries)
    assert claimed(store, "two", LATER + LEASE - timedelta(seconds=1)) is None
    assert (number, 2) == (one(store, "two", LATER + LEASE).incident_id, one(store, "x", LATER + 2 * LEASE).tries - 1)
    with transaction(store) as connection, pytest.raises(Refused, match="somebody else's by now"):
        analyses.finish(connection, first)


def test_the_worst_incident_comes_first(store: Engine) -> None:
    _, second = queued(store, "a", "b")
    with transaction(store) as connection:
        connection.execute(incidents.update().where(incidents.c.id == second).values(severity=9))
    assert second == one(store).incident_id


def test_two_of_one_fault_are_never_in_hand_at_once(store: Engine) -> None:
    first, second = of_one_fault(store, "a", "b")
    task = one(store)
    assert first == task.incident_id
    assert claimed(store, "two") is None
    with transaction(store) as connection:
        analyses.finish(connection, task)
    assert second == one(store, "two").incident_id


def test_two_runs_that_claim_at_the_same_moment_take_one_of_a_fault(store: Engine) -> None:
    if store.dialect.name == "sqlite":
        pytest.skip("one process alone works with SQLite")
    for _ in range(5):
        of_one_fault(store, "a", "b")
        with ThreadPoolExecutor(2) as pool:
            found = [task for task in pool.map(lambda token: claimed(store, token), ("one", "two")) if task]
        assert 1 == len(found)
        with transaction(store) as connection:
            connection.execute(table.delete())
            connection.execute(incidents.update().values(state="resolved"))


@pytest.mark.parametrize("column", ["due_at", "lease_until"])
def test_what_a_clock_that_was_ahead_wrote_holds_up_nothing(store: Engine, column: str) -> None:
    queued(store, "web")
    change(store, **{column: LATER + timedelta(days=300), "lease_token": "gone"})
    assert claimed(store) is not None


def test_what_another_version_stored_is_made_again_and_stops_no_other(store: Engine) -> None:
    queued(store, "a", "b")
    change(store, dossier={"of": "before"}, answer={"of": "before"})
    tasks = [one(store, "one"), one(store, "two")]
    assert [(None, None)] * 2 == [(task.dossier, task.answer) for task in tasks]


def test_an_analysis_of_another_version_is_not_used_again(store: Engine) -> None:
    of_one_fault(store, "a", "b")
    first = one(store)
    analyses.save_dossier(store, first, a_dossier(), [], until=LATER + LEASE)
    with transaction(store) as connection:
        analyses.answered(connection, first, Analysis("llm:m"), now=LATER, lease=LEASE, reused_from=None)
        analyses.finish(connection, first)
    second = one(store, "two")
    with transaction(store) as connection:
        assert analyses.made_before(connection, second, since=NOW) is not None
        connection.execute(table.update().where(table.c.id == first.id).values(answer={"of": "before"}))
        assert analyses.made_before(connection, second, since=NOW) is None


def test_a_fault_with_a_long_history_is_claimed_without_reading_it(store: Engine) -> None:
    """Every second somebody asks."""
    queued(store, "web")
    done = [
        {"incident_id": number, "episode": 1, "signature": "web", "state": "done", "due_at": NOW, "queued_at": NOW}
        for number in range(1_000, 6_000)
    ]
    with transaction(store) as connection:
        connection.execute(table.insert(), done)
        connection.execute(sa.text("ANALYZE"))
        plan = _plan(connection)
    assert "analyses_due" in plan
    assert claimed(store) is not None


def _plan(connection: sa.Connection) -> str:
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    asked: list[tuple[str, object]] = []
    sa.event.listen(connection, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
    connection.execute(analyses.claimable(LATER))
    text, values = asked[0]
    return str(connection.exec_driver_sql(f"{explain} {text}", values).all())  # type: ignore[arg-type]
