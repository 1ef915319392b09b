"""What a service suffers may come from one that it calls; what no link leads to is far away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.explained import explained, far_away
from domain.logs import Level
from domain.movements import Movement, MovementKind
from domain.suspects import suspects
from tests.parts.logs_part import NOON
from tests.parts.telemetry_part import a_phrase, a_telemetry, a_wait

CALLS = (("web", "cart"), ("cart", "db"))
USUAL = [a_phrase(service, "request done", 800, 200) for service in ("web", "cart", "db")]
ERRORS = {(service, "error_rate"): (0.001, 0.5) for service in ("web", "cart", "db")}


def a_movement(service: str, what: str, size: float = 2.0, **more: object) -> Movement:
    kind = MovementKind.ERRORS_ROSE if "rate" in what else MovementKind.TEXT_NEW
    return replace(Movement(service, kind, what, 0.0, 1.0, size, NOON), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        pytest.param([a_movement("db", "error_rate")], {"cart"}, id="the-called-one-fails"),
        pytest.param([a_movement("db", "disk is full", own_error=True)], {"cart"}, id="the-called-one-says-an-error"),
        pytest.param([a_movement("db", "done")], set(), id="a-new-text-is-no-trouble"),
        pytest.param([a_movement("db", "error_rate", 0.5)], set(), id="it-hardly-moved"),
        pytest.param([a_movement("cart", "db answered <*>")], {"cart"}, id="its-callers-say-so-and-it-is-not-heard"),
        pytest.param([a_movement("cart", "error_rate")], {"web"}, id="nothing-explains-what-calls-no-one-in-trouble"),
    ],
)
def test_who_suffers_from_whom_it_calls(moved: list[Movement], expected: set[str]) -> None:
    own = {service: [one for one in moved if one.service == service] for service in ("web", "cart", "db")}
    assert expected == explained(own, CALLS)


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        pytest.param(["web"], {"mail", "archive"}, id="of-another-system"),
        pytest.param(["mail"], {"web", "cart", "db"}, id="the-other-way-round"),
        pytest.param(["lone"], set(), id="what-has-no-link-may-be-anywhere"),
        pytest.param([], set(), id="about-nothing"),
    ],
)
def test_what_no_link_leads_to_is_far_away(about: list[str], expected: set[str]) -> None:
    services = ("web", "cart", "db", "mail", "archive", "lone")
    assert expected == far_away(services, about, [*CALLS, ("mail", "archive")])


def test_where_all_fail_the_one_that_calls_nobody_leads_clearly() -> None:
    found = suspects(a_telemetry(ERRORS, USUAL, CALLS))
    assert "db" == found[0].service
    assert found[0].score > 2 * found[1].score
    unknown = suspects(a_telemetry(ERRORS, USUAL))
    assert unknown[0].score < 1.5 * unknown[1].score


def test_what_callers_say_of_others_counts_little_where_those_say_an_error() -> None:
    said = [
        a_phrase("db", "disk is full", 0, 3, Level.ERROR),
        a_phrase("cart", "db timed out", 0, 90, Level.ERROR),
        a_phrase("web", "cart timed out", 0, 90, Level.ERROR),
    ]
    found = suspects(a_telemetry(phrases=[*USUAL, *said], calls=CALLS))
    assert "db" == found[0].service
    assert found[0].score > 1.5 * found[1].score


def test_a_fault_of_a_system_apart_does_not_hide_this_one() -> None:
    said = [a_phrase("db", "disk is full", 0, 20, Level.ERROR), a_phrase("mail", "spool is full", 0, 40, Level.ERROR)]
    quiet = [*USUAL, a_phrase("mail", "letter sent", 800, 200)]
    telemetry = a_telemetry(phrases=[*quiet, *said], calls=[*CALLS, ("mail", "archive")])
    assert ("db", "mail") == (suspects(telemetry, ["db"])[0].service, suspects(telemetry, ["mail"])[0].service)
    traced = replace(telemetry, follows=(a_wait("web", "mail", 0.01, 0.01),))
    assert "mail" == suspects(traced, ["db"])[0].service
