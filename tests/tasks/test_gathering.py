"""A dossier is read from what is stored: telemetry, changes, incidents alike; what cannot be looked at is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters import executors
from adapters.store import changes as change_rows
from adapters.store import resolution_notes
from adapters.store.closing import close_by_hand
from adapters.store.database import Engine, transaction
from domain.changes import Change, ChangeKind, ChangeSource
from domain.dossier import Dossier
from domain.errors import Unavailable
from domain.resolution_notes import ResolutionNote
from tasks.gathering import Gathering
from tests.parts.analyst_part import UNKNOWN, Desk
from tests.parts.answering_part import World, acting, inventory

MINUTE = timedelta(minutes=1)


def gathered(desk: Desk, number: int) -> Dossier:
    return Gathering(desk.analyst.means, desk.world.incident(number)).gather().dossier


def a_change(desk: Desk, minutes: float, what: str = "v1.4.2", **more: Any) -> Change:
    at = desk.world.now - minutes * MINUTE
    return Change(at, "web", ChangeKind.DEPLOY, what, by="ci", source=ChangeSource.HTTP, **more)


def test_what_the_logs_show_is_quoted_by_name(store: Engine) -> None:
    desk = Desk(World(store))
    number = desk.incident()
    dossier = gathered(desk, number)
    (name,) = dossier.suspects[0].facts[0].cites
    assert "failed to add up 17 entries" in dossier.exhibits[name].told
    assert dossier.suspects[0].service == "web"
    assert dossier.services == ("web",)
    assert dossier.flaws == ()


def test_changes_before_it_are_told_the_newest_first(store: Engine) -> None:
    desk = Desk(World(store))
    told = [a_change(desk, 90, "v1.4.1"), a_change(desk, 5), a_change(desk, 60 * 5, "v1.3.0")]
    change_rows.keep(store, told, now=desk.world.now)
    number = desk.incident()
    dossier = gathered(desk, number)
    assert ["deploy v1.4.2, by ci, 5 min before", "deploy v1.4.1, by ci, 90 min before"] == [
        fact.text for fact in dossier.changes
    ]


def test_changes_of_everybody_else_hide_none_of_its_own_services(store: Engine) -> None:
    desk = Desk(World(store))
    others = [replace(a_change(desk, 1 + one / 10), service=f"other-{one}") for one in range(60)]
    change_rows.keep(store, [a_change(desk, 90), *others], now=desk.world.now)
    told = gathered(desk, desk.incident()).changes
    assert ("web", "deploy v1.4.2, by ci, 90 min before") == (told[-1].service, told[-1].text)
    assert 8 == len(told)


def test_another_version_in_the_logs_is_a_change(store: Engine) -> None:
    desk = Desk(World(store))
    desk.world.traffic(5, **{"service.version": "1.4.1"})
    desk.world.forward(120)
    desk.world.traffic(5, **{"service.version": "1.4.2"})
    number = desk.incident()
    assert ["version 1.4.1 to 1.4.2"] == [
        fact.text.split(" ", 1)[1].split(",")[0] for fact in gathered(desk, number).changes
    ]


def test_a_platform_is_asked_and_one_that_does_not_answer_is_named(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = inventory("web")
    services.services["web"]
    on_kubernetes = replace(services.services["web"], executor="kubernetes", target="shop/deployment/web")
    desk = Desk(World(store, knowledge=acting(services=replace(services, services={"web": on_kubernetes}))))
    number = desk.incident()

    def rolled_out(_given: object, service: Any, since: Any) -> list[Change]:
        assert since < desk.world.now
        return [replace(a_change(desk, 3, "shop:1 to shop:2"), service=service.name)]

    monkeypatch.setitem(executors.CHANGES, "kubernetes", rolled_out)
    assert any("shop:1 to shop:2" in fact.text for fact in gathered(desk, number).changes)

    def gone(*_: object) -> list[Change]:
        raise Unavailable("kubernetes: no route")

    monkeypatch.setitem(executors.CHANGES, "kubernetes", gone)
    assert ("changes of web: kubernetes: no route",) == gathered(desk, number).flaws


def test_what_people_wrote_about_an_incident_alike_is_told(store: Engine) -> None:
    desk = Desk(World(store))
    first = desk.incident()
    close_by_hand(store, first, by="ann", now=desk.world.now)
    with transaction(store) as connection:
        for cause, helped in (("a guess", "nothing"), ("rounding was done twice", "switched it off"), ("", "")):
            resolution_notes.add(connection, ResolutionNote(first, 1, desk.world.now, "ann", cause, helped))
    desk.world.forward(7_200)
    again = Desk(desk.world)
    number = again.incident()
    (similar,) = gathered(again, number).similar
    assert (first, "rounding was done twice", "switched it off") == (
        similar.incident_id,
        similar.cause,
        similar.helped,
    )


def test_without_a_log_since_it_began_it_says_so(store: Engine) -> None:
    desk = Desk(World(store))
    number = desk.incident()
    incident = desk.world.incident(number)
    incident.came_back_at = desk.world.now + timedelta(hours=3)
    dossier = Gathering(desk.analyst.means, incident).gather().dossier
    assert "there are no logs since it began" in dossier.flaws
    assert dossier.lead is None


def test_secrets_in_logs_and_changes_are_masked(store: Engine) -> None:
    desk = Desk(World(store))
    secret = "hunter2-is-long"
    change_rows.keep(store, [a_change(desk, 5, f"password={secret}")], now=desk.world.now)
    number = desk.incident(f"{UNKNOWN} password={secret}")
    assert secret not in str(gathered(desk, number))


def test_an_incident_of_thousands_of_texts_is_looked_at_within_a_bound(store: Engine) -> None:
    desk = Desk(World(store))
    words = ["alpha", "beta", "gamma", "delta"]
    for one in range(40):
        desk.world.traffic(5, message=" ".join(words[(one >> shift) % 4] for shift in range(0, 8, 2)))
    dossier = gathered(desk, desk.incident())
    assert len(dossier.suspects) <= 5
    assert all(len(one.facts) <= 6 for one in dossier.suspects)
    assert len(dossier.exhibits) <= 40
    assert UNKNOWN.split(":")[0] in str(dossier.suspects[0])
