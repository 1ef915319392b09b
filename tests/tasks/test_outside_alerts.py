"""Alerts of others are answered as other incidents are: a human has them, and is told once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.store.closing import acknowledge
from adapters.store.database import Engine
from adapters.store.outside_alerts import keep
from domain.incidents import State
from domain.outside_alerts import OutsideAlert, Status
from domain.pages import PageReason
from tasks.outside_alerts import take
from tests.parts.answering_part import World
from tests.parts.desk_part import Desk
from tests.parts.judged_part import rows

QUIET = timedelta(minutes=10)


@pytest.fixture
def world(store: Engine) -> World:
    return World(store)


def say(world: World, *, status: Status = Status.FIRING, severity: str = "error") -> int:
    """The source says something, and `on-call` hears it; how many incidents changed."""
    labels = {"alertname": "Slow", "service": "web", "severity": severity}
    ends_at = world.now if status is Status.RESOLVED else None
    alert = OutsideAlert("f", "g", status, labels, {"summary": "it is slow"}, world.now, ends_at)
    keep(world.engine, [alert], now=world.now)
    return take(world.engine, quiet=QUIET, now=world.now)


def reasons(world: World) -> list[object]:
    return [row["reason"] for row in rows(world.engine, "SELECT reason FROM pages ORDER BY id")]


@pytest.mark.parametrize(
    ("severity", "reason"),
    [
        pytest.param("info", "uncommon", id="what is only news"),
        pytest.param("error", "uncommon", id="what is bad"),
        pytest.param("critical", "critical", id="what is critical"),
    ],
)
def test_a_human_has_it_and_is_told_once(world: World, severity: str, reason: str) -> None:
    assert 1 == say(world, severity=severity)
    assert ["escalate"] == world.run()
    assert State.ESCALATED is world.incident(1).state
    assert [reason] == reasons(world)


def test_its_source_ends_it_although_a_human_has_it(world: World) -> None:
    say(world)
    world.run()
    world.forward(60)
    assert 1 == say(world, status=Status.RESOLVED)
    assert State.RESOLVED is world.incident(1).state
    assert [] == world.run()


def test_what_comes_back_is_answered_anew(world: World) -> None:
    say(world)
    world.run()
    world.forward(60)
    say(world, status=Status.RESOLVED)
    world.forward(60)
    assert 1 == say(world)
    assert ["escalate"] == world.run()
    assert ["uncommon", "uncommon"] == reasons(world)
    assert (2, State.ESCALATED) == (world.incident(1).episode, world.incident(1).state)


def test_logs_of_the_same_service_are_an_incident_of_their_own(world: World) -> None:
    """Logs are folded over alerts that logs made: what others say belongs to its source."""
    say(world)
    assert 2 == world.fault()


def test_what_gets_critical_is_told_although_somebody_acknowledged_it(world: World) -> None:
    """The page was found needless: whoever acknowledged it knew of less."""
    say(world)
    world.run()
    acknowledge(world.engine, 1, by="ann", now=world.now)
    world.forward(60)
    assert 1 == say(world, severity="critical")
    desk = Desk(world.engine, now=world.now)
    desk.deliver()
    assert [(1, PageReason.CRITICAL)] == desk.told()
