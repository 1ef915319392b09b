"""What an incident of several faults is made of, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.cascade import LONGEST_LINE, Part, cascade_lines, heading
from domain.inventory import Inventory, Service
from domain.page_text import Around, headline, page_lines
from domain.pages import PageReason
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON, SECOND

SHOP = Inventory(
    {
        "payments": Service("payments", "s", "payments", dependencies=("db",)),
        "db": Service("db", "s", "db", dependencies=("disk",)),
        "disk": Service("disk", "s", "disk"),
    }
)
DB = Part("db", "connection pool exhausted", "first", "", NOON, origin=True)
PAYMENTS = Part("payments", "request timed out", "dependency", "db", NOON + 12 * SECOND)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param(PAYMENTS, "payments: request timed out; it depends on db", id="it-calls-the-origin"),
        pytest.param(
            replace(PAYMENTS, service="disk"), "disk: request timed out; db depends on it", id="the-origin-calls-it"
        ),
        pytest.param(
            replace(PAYMENTS, relation="order"), "payments: request timed out; began 12 s after", id="it-began-later"
        ),
        pytest.param(
            replace(PAYMENTS, relation="order", opened_at=NOON - 3 * SECOND),
            "payments: request timed out; began 3 s before",
            id="it-began-earlier",
        ),
        pytest.param(replace(PAYMENTS, relation="words", what=DB.what), "payments: same words", id="its-words"),
        pytest.param(
            replace(PAYMENTS, relation="words", related_to="api"),
            "payments: request timed out; same words as api",
            id="the-words-of-another-one",
        ),
        pytest.param(
            replace(PAYMENTS, service="db", relation="service"),
            "db: request timed out; same service",
            id="in-it",
        ),
        pytest.param(replace(PAYMENTS, relation="first"), "payments: request timed out; seen first", id="seen-first"),
        pytest.param(replace(PAYMENTS, relation="storm"), "payments: request timed out; part of the storm", id="storm"),
        pytest.param(replace(PAYMENTS, relation="new"), "payments: request timed out", id="an-unknown-relation"),
    ],
)
def test_who_else_shows_it_and_why_that_belongs_to_it(part: Part, expected: str) -> None:
    origin, where, line = cascade_lines([part, DB], SHOP)
    assert "Likely origin: db: connection pool exhausted, since 12:00:00 UTC" == origin
    assert f"Also seen in {part.service}:" == where
    assert expected == line


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([], "", id="nothing-known"),
        pytest.param([DB], "", id="one-fault"),
        pytest.param([DB, replace(DB, what="slow query", origin=False)], "", id="two-faults-of-one-service"),
        pytest.param([PAYMENTS, DB], "2 services, likely origin db: connection pool exhausted", id="a-cascade"),
        pytest.param(
            [DB, replace(PAYMENTS, what=DB.what)], "2 services: connection pool exhausted", id="one-cause-in-two"
        ),
    ],
)
def test_a_headline_counts_services(parts: list[Part], expected: str) -> None:
    assert expected == heading(parts)


def test_three_hundred_services_are_named_in_few_lines() -> None:
    """300 services that report one shared cause: one page that names them."""
    names = [f"service-{number:03}" for number in range(300)]
    what = "could not resolve host"
    parts = [Part(name, what, "words" if n else "first", names[0], NOON, origin=not n) for n, name in enumerate(names)]
    around = Around(parts=parts)
    found = headline(an_incident(), PageReason.UNCOMMON, around)
    assert "HIGH 300 services: could not resolve host; no playbook fits" == found
    lines = page_lines(an_incident(), PageReason.UNCOMMON, [], around)
    assert len(lines) < 20
    assert max(map(len, lines)) <= LONGEST_LINE + 20
    said = " ".join(lines)
    assert all(name in said for name in names)
    assert "Also seen in 299 other services:" in said


def test_in_a_large_cascade_each_reason_has_its_line() -> None:
    many = [replace(PAYMENTS, service=f"s{n}", relation="order", opened_at=NOON + n * SECOND) for n in range(30)]
    callers = [replace(PAYMENTS, service=f"c{n}", related_to="db") for n in range(30)]
    known = Inventory({part.service: Service(part.service, "s", "t", dependencies=("db",)) for part in callers})
    _, _, later, depending = cascade_lines([DB, *many, *callers], known)
    assert later.startswith("s0, s1,")
    assert later.endswith("s29: request timed out; began soon after")
    assert depending.endswith("c29: request timed out; it depends on db")


def test_more_than_four_hundred_are_counted() -> None:
    many = [replace(PAYMENTS, service=f"s{number}") for number in range(450)]
    assert "… and 50 more" == cascade_lines([DB, *many], SHOP)[-1]


def test_a_page_of_one_fault_reads_as_before() -> None:
    alone, before = Around(parts=[DB]), Around()
    assert headline(an_incident(), PageReason.UNCOMMON, before) == headline(an_incident(), PageReason.UNCOMMON, alone)
    lines = [page_lines(an_incident(), PageReason.UNCOMMON, [], around) for around in (before, alone)]
    assert lines[0] == lines[1]


def test_that_it_is_over_names_all_of_it() -> None:
    around = Around(parts=[DB, PAYMENTS], inventory=SHOP)
    lines = page_lines(an_incident(), PageReason.RESOLVED, ["repaired"], around)
    assert "payments: request timed out; it depends on db" in lines
