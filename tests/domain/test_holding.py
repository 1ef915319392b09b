"""An origin holds the pages of its symptoms back, and a page waits while more joins its incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.holding import Gathering, Trouble, depended_on, gathers_until, inhibited_by
from domain.incidents import Kind, Route, Severity, State
from domain.inventory import Inventory, Service
from tests.parts.logs_part import NOON, SECOND


def inventory(**dependencies: str) -> Inventory:
    """Services with those that they call, separated by blanks."""
    return Inventory(
        {name: Service(name, "s", name, dependencies=tuple(to.split())) for name, to in dependencies.items()}
    )


SHOP = inventory(web="payments", payments="db", db="", mail="")
RING = inventory(web="payments", payments="db", db="web", mail="")
SYMPTOM = Trouble(
    id=1,
    services=("web",),
    what="upstream error",
    kind=Kind.LOG,
    route=Route.HUMAN,
    severity=Severity.HIGH,
    state=State.OPEN,
    opened_at=NOON,
    told=False,
)
ORIGIN = replace(SYMPTOM, id=2, services=("db",), what="pool exhausted", told=True)


@pytest.mark.parametrize(
    ("symptom", "origin", "expected"),
    [
        pytest.param({}, {}, True, id="a-service-that-it-calls-through-another"),
        pytest.param({}, {"services": ("mail",)}, False, id="a-service-that-it-does-not-call"),
        pytest.param({}, {"services": ("web",)}, False, id="its-own-service"),
        pytest.param({"services": ("web", "payments")}, {}, True, id="all-of-its-services-call-it"),
        pytest.param({"services": ("web", "mail")}, {}, False, id="what-reaches-further-has-another-cause"),
        pytest.param({"services": ("web", "db")}, {}, False, id="what-is-in-that-service-too-is-no-mere-symptom"),
        pytest.param({}, {"opened_at": NOON + 30 * SECOND}, True, id="seen-half-a-minute-later"),
        pytest.param({}, {"opened_at": NOON + 31 * SECOND}, False, id="seen-too-late-to-be-the-cause"),
        pytest.param({}, {"told": False}, False, id="nobody-was-told-of-the-origin"),
        pytest.param({}, {"told": False, "state": State.ACTING}, True, id="the-origin-is-being-repaired"),
        pytest.param({}, {"told": False, "state": State.VERIFYING}, True, id="its-repair-is-being-verified"),
        pytest.param({}, {"told": False, "state": State.WAITING}, True, id="its-repair-waits-for-a-person"),
        pytest.param({}, {"state": State.RESOLVED}, False, id="the-origin-is-over"),
        pytest.param({"severity": Severity.CRITICAL}, {}, False, id="nothing-less-than-critical-holds-critical-back"),
        pytest.param({"severity": Severity.CRITICAL}, {"severity": Severity.CRITICAL}, True, id="critical-does"),
        pytest.param({"route": Route.PLAYBOOK}, {}, False, id="what-a-playbook-fits-is-no-symptom"),
        pytest.param({"kind": Kind.OWN}, {}, False, id="what-is-about-ourselves-is-no-symptom"),
        pytest.param({}, {"route": Route.PLAYBOOK}, True, id="an-origin-may-be-common"),
    ],
)
def test_what_holds_a_symptom_back(symptom: dict[str, object], origin: dict[str, object], expected: bool) -> None:  # noqa: FBT001 - a table
    cause = replace(ORIGIN, **origin)
    assert (cause if expected else None) is inhibited_by(replace(SYMPTOM, **symptom), [cause], SHOP)


def test_of_several_origins_the_first_is_named() -> None:
    later = replace(ORIGIN, id=3, services=("payments",), opened_at=NOON + SECOND)
    assert ORIGIN is inhibited_by(SYMPTOM, [later, ORIGIN], SHOP)


def test_of_services_that_call_each_other_the_one_that_broke_first_is_the_cause() -> None:
    first, second = replace(SYMPTOM, told=True), replace(ORIGIN, opened_at=NOON + SECOND)
    assert inhibited_by(first, [second], RING) is None
    assert first is inhibited_by(second, [first], RING)


@given(st.data())
def test_two_incidents_never_hold_each_other_back(data: st.DataObject) -> None:
    services = st.lists(st.sampled_from(sorted(RING.services)), min_size=1, max_size=3, unique=True).map(tuple)
    known = data.draw(st.sampled_from([SHOP, RING]))
    found = [
        replace(ORIGIN, id=n, services=data.draw(services), opened_at=NOON + data.draw(st.integers(0, 60)) * SECOND)
        for n in range(4)
    ]
    held = {(a.id, b.id) for a, b in permutations(found, 2) if inhibited_by(a, [b], known)}
    assert not {(b, a) for a, b in held} & held
    assert any(inhibited_by(one, found, known) is None for one in found)


def test_what_all_of_several_services_call() -> None:
    assert {"payments", "db"} == depended_on(["web"], SHOP)
    assert {"db"} == depended_on(["web", "payments"], SHOP)
    assert set() == depended_on(["web", "mail"], SHOP)
    assert set() == depended_on([], SHOP)
    assert {"web", "payments", "db"} == depended_on(["web"], RING)


WAITS = Gathering(timedelta(seconds=10), timedelta(seconds=60))


@pytest.mark.parametrize(
    ("joined", "now", "expected"),
    [
        pytest.param(0, 0, 10, id="more-may-join-at-once"),
        pytest.param(5, 9, 15, id="each-that-joins-begins-the-wait-anew"),
        pytest.param(0, 10, None, id="nothing-joined-for-long-enough"),
        pytest.param(-30, 0, None, id="nothing-joined-since-long-before"),
        pytest.param(58, 58, 60, id="no-longer-than-a-minute-after-it-was-made"),
        pytest.param(59, 60, None, id="a-minute-after-it-was-made-it-goes"),
        pytest.param(None, 0, None, id="what-is-made-of-nothing-does-not-wait"),
        pytest.param(3600, 0, 60, id="an-alert-dated-by-a-clock-that-was-ahead"),
    ],
)
def test_a_page_waits_while_more_joins(joined: float | None, now: float, expected: float | None) -> None:
    at = None if joined is None else NOON + joined * SECOND
    found = gathers_until(WAITS, made_at=NOON, joined_at=at, now=NOON + now * SECOND)
    assert (None if expected is None else NOON + expected * SECOND) == found


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=400)])
def test_what_a_clock_ahead_dated_does_not_wait(ahead: timedelta) -> None:
    made: datetime = NOON + ahead
    assert gathers_until(WAITS, made_at=made, joined_at=made, now=NOON) is None
