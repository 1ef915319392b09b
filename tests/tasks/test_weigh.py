"""How bad an incident is for its services is measured once it is answered, and whoever must know is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.store.database import Engine
from adapters.store.own_incidents import open_own_incident
from domain.incidents import Severity
from domain.inventory import Inventory
from tests.parts.answering_part import SERVICES, World, acting
from tests.parts.judged_part import rows

ODD = "checkout failed with an error"


@pytest.fixture
def world(store: Engine) -> World:
    return World(store)


def assessed(world: World) -> list[str]:
    found = rows(world.engine, "SELECT incident_id FROM ledger WHERE kind = 'incident.assessed' ORDER BY id")
    return [str(row["incident_id"]) for row in found]


def test_an_error_that_hardly_anybody_notices_is_less_bad_than_its_level(world: World) -> None:
    world.traffic(400)
    number = world.fault(ODD)
    world.run()
    found = world.incident(number)
    assert (Severity.MEDIUM, pytest.approx(3 / 403)) == (found.severity, found.error_ratio)


def test_half_of_what_three_services_log_is_critical_and_paged_once(world: World) -> None:
    for service in ("web", "db", "api"):
        world.fault(ODD, service=service, logs=4)
        world.traffic(3, service=service)
    world.run()
    (row,) = rows(world.engine, "SELECT severity, services, page_key FROM incidents")
    assert (int(Severity.CRITICAL), 3) == (row["severity"], row["services"])
    assert ["uncommon"] == world.pages()


def test_what_has_a_playbook_pages_when_it_turns_out_to_be_critical(store: Engine) -> None:
    calling = {name: replace(one, dependencies=("web",)) for name, one in SERVICES.services.items() if name != "web"}
    world = World(store, knowledge=acting(services=Inventory({**SERVICES.services, **calling})))
    world.fault(logs=4)
    for service in ("db", "api"):
        world.fault("web did not answer: upstream timed out", service=service, logs=4)
    assert "plan" in world.run()
    (row,) = rows(world.engine, "SELECT severity, services, told FROM incidents")
    assert (int(Severity.CRITICAL), 3, int(Severity.CRITICAL)) == (row["severity"], row["services"], row["told"])
    assert ["critical"] == world.pages()


def test_it_is_measured_once_for_each_episode(world: World) -> None:
    number = world.fault()
    world.run()
    world.forward(70)
    world.run()
    assert [str(number)] == assessed(world)


def test_an_incident_of_ours_has_no_services_to_measure(world: World) -> None:

    open_own_incident(world.engine, "it", "it is so", now=world.now)
    world.run()
    assert [] == assessed(world)
