"""What of a waiting page is still wanted, what it shares with others, and where it may come from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.incidents import Evidence, Kind, Resolution, Route, Severity, State
from domain.inventory import Inventory, Service
from domain.page_text import MEANING, Around, evidence_line, headline, page_lines
from domain.pages import PageKind, PageReason
from domain.told import (
    Told,
    answered_by_now,
    labels_told,
    likely_origin,
    meanwhile,
    over_since,
    over_untold,
    plan_is_answered,
    together,
    unwanted,
    unwanted_resolved,
)
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON, SECOND

OPEN = Told(
    id=1,
    service="web",
    kind=Kind.LOG,
    severity=Severity.HIGH,
    playbook="",
    template="it broke",
    metric="",
    state=State.OPEN,
    resolution=None,
    acked=False,
    opened_at=NOON,
    last_at=NOON + SECOND,
)
ACKED = replace(OPEN, acked=True)
QUIET = replace(OPEN, state=State.RESOLVED, resolution=Resolution.QUIET)
BY_HAND = replace(QUIET, resolution=Resolution.HUMAN)
VERIFIED = replace(QUIET, resolution=Resolution.VERIFIED)
MERGED = replace(OPEN, state=State.MERGED)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        pytest.param([OPEN], "", id="open"),
        pytest.param([QUIET], "", id="quiet"),
        pytest.param([MERGED], "", id="merged"),
        pytest.param([ACKED], "the incident was acknowledged", id="acknowledged"),
        pytest.param([BY_HAND], "the incident was closed by a person", id="closed-by-a-person"),
        pytest.param([VERIFIED], "the incident was repaired, and that was verified", id="verified"),
        pytest.param([ACKED, OPEN], "", id="another-one-relies-on-it"),
        pytest.param([VERIFIED, QUIET], "", id="another-one-went-quiet-untold"),
        pytest.param([ACKED, BY_HAND, VERIFIED], "the incident was acknowledged", id="nobody-needs-it"),
        pytest.param([], "its incident is gone", id="gone"),
    ],
)
def test_only_a_person_or_a_verified_repair_makes_a_page_needless(told: list[Told], says: str) -> None:
    """P2: a service that fell silent took its queued page with it."""
    assert says == unwanted(told, enabled=True)
    assert "paging is switched off (paging.enabled)" == unwanted(told, enabled=False)


@pytest.mark.parametrize(
    ("told", "before", "says"),
    [
        ([VERIFIED], True, ""),
        ([VERIFIED, QUIET, BY_HAND], True, ""),
        ([VERIFIED], False, "nobody was told of the incident"),
        ([OPEN], True, "it is not over: an incident came back"),
        ([VERIFIED, OPEN], True, "it is not over: an incident came back"),
    ],
)
def test_that_it_is_over_is_told_to_whom_it_was_told(told: list[Told], before: bool, says: str) -> None:  # noqa: FBT001
    assert says == unwanted_resolved(told, enabled=True, told_before=before)
    assert unwanted_resolved(told, enabled=False, told_before=before)


def test_a_page_that_waited_until_all_was_quiet_says_so() -> None:
    assert "It is over meanwhile: nothing was seen of it after 2026-01-05 12:00:01 UTC." == meanwhile([QUIET, BY_HAND])
    assert "" == meanwhile([QUIET, OPEN])
    assert "" == meanwhile([])


def test_what_shares_a_page_is_listed() -> None:
    """N6: 300 services with one cause made 300 mails."""
    many = [replace(OPEN, id=number, service=f"s{number}") for number in range(300)]
    assert together(many).startswith("300 services: s0, s1, s2,")
    assert together(many).endswith("s19 … and 280 more")
    assert "2 incidents of web: 1 (it broke), 2 (no space)" == together(
        [OPEN, replace(OPEN, id=2, template="no space")]
    )
    assert "" == together([OPEN])


def inventory(**dependencies: str) -> Inventory:
    """Services with those that they call, separated by blanks."""
    return Inventory(
        {
            name: Service(name, "supervisord", name, dependencies=tuple(below.split()))
            for name, below in dependencies.items()
        }
    )


SHOP = inventory(web="payments", payments="database cache", database="", cache="", mail="")
PAYMENTS = replace(OPEN, id=2, service="payments", template="slow")
DATABASE = replace(OPEN, id=3, service="database", template="disk full", opened_at=NOON + SECOND)
CACHE = replace(OPEN, id=4, service="cache", template="evicting")
MAIL = replace(OPEN, id=5, service="mail", template="bounced")


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        pytest.param([], "", id="nothing-else-is-open"),
        pytest.param([OPEN, MAIL], "", id="nothing-below-is-open"),
        pytest.param([PAYMENTS], "incident 2 (payments: slow), on which web depends", id="directly"),
        pytest.param([DATABASE], "incident 3 (database: disk full), on which web depends", id="through-another"),
        pytest.param([PAYMENTS, DATABASE], "incident 3 (database: disk full), on which web depends", id="the-deepest"),
        pytest.param(
            [DATABASE, CACHE],
            "incident 4 (cache: evicting), on which web depends;"
            " incident 3 (database: disk full), on which web depends",
            id="the-first-first",
        ),
    ],
)
def test_a_likely_origin_is_named(others: list[Told], expected: str) -> None:
    """N6: three mails about symptoms, and none named the origin."""
    assert (f"Likely origin: {expected}" if expected else "") == likely_origin([OPEN], others, SHOP)


def test_without_an_inventory_nobody_knows_an_origin() -> None:
    assert "" == likely_origin([OPEN], [PAYMENTS, DATABASE], Inventory())


def test_services_that_call_each_other_are_all_named() -> None:
    ring = inventory(web="payments", payments="database", database="payments")
    found = likely_origin([OPEN], [PAYMENTS, DATABASE], ring)
    assert "incident 2" in found
    assert "incident 3" in found


def test_every_reason_has_a_meaning() -> None:
    assert set(PageReason) == set(MEANING)


def test_a_page_in_words() -> None:
    lines = page_lines(
        an_incident(), PageReason.OBJECTED, ["Objection: paused"], Around([OPEN], origin="Likely origin: x")
    )
    assert lines[:2] == ("Objection: paused", "Likely origin: x")
    assert "Seen: 3 logs from 2026-01-05 11:59:58 to 2026-01-05 12:00:00 UTC" in lines
    assert lines[-1] == "Take it: sre ack 1"
    assert not any("{" in line or "'" in line for line in lines)


def test_a_page_about_what_is_over_shows_how_and_asks_for_nothing() -> None:
    told = [VERIFIED, replace(VERIFIED, id=2, service="api")]
    lines = page_lines(
        an_incident(kind=Kind.METRIC, template="cpu high"), PageReason.RESOLVED, ["repaired"], Around(told)
    )
    assert ("repaired", "2 services: web, api", "Service: web", "Metric: cpu high") == lines[:4]
    assert not any("sre ack" in line for line in lines)


def test_headlines() -> None:
    assert "HIGH web: mend it; no playbook fits" == headline(an_incident(), PageReason.UNCOMMON, Around([OPEN]))
    late = headline(an_incident(), PageReason.UNCOMMON, Around([QUIET, replace(QUIET, id=2)]))
    assert "HIGH web: mend it, and 1 more; no playbook fits, over meanwhile" == late
    over = headline(an_incident(), PageReason.RESOLVED, Around([QUIET]), PageKind.RESOLVE)
    assert "RESOLVED web: mend it" == over


def test_a_page_that_was_held_back_says_by_what() -> None:
    around = Around([OPEN], held_by=("silence 3 by ann until 14:30 UTC: disk swap",))
    lines = page_lines(an_incident(), PageReason.UNCOMMON, [], around)
    assert "Held back until now by silence 3 by ann until 14:30 UTC: disk swap" == lines[0]


@pytest.mark.parametrize(
    ("told", "held_by", "expected"),
    [
        pytest.param(
            [QUIET], "silence 3", "it was over before anybody was told of it: held back by silence 3", id="over"
        ),
        pytest.param([OPEN], "silence 3", "", id="still-open"),
        pytest.param([QUIET, OPEN], "silence 3", "", id="some-of-it-still-open"),
        pytest.param([QUIET], "", "", id="nothing-held-it-back"),
        pytest.param([], "silence 3", "", id="nothing-is-known"),
    ],
)
def test_what_was_over_while_it_was_held_back_is_told_to_nobody(told: list[Told], held_by: str, expected: str) -> None:
    assert expected == over_untold(told, held_by)


def test_it_is_over_since_the_last_of_it_was_closed() -> None:
    first, last = (replace(QUIET, resolved_at=NOON + minutes * timedelta(minutes=1)) for minutes in (1, 2))
    assert last.resolved_at == over_since([first, last])
    assert over_since([first, OPEN]) is None
    assert over_since([]) is None


def test_every_service_of_which_somebody_should_still_be_told_has_its_labels() -> None:
    found = labels_told([replace(OPEN, others=("api", "db")), ACKED, replace(OPEN, id=2, service="mail")], Inventory())
    assert [("1", "web"), ("1", "api"), ("1", "db"), ("2", "mail")] == [(one["id"], one["service"]) for one in found]


def test_the_last_log_of_all_counts() -> None:
    later = replace(QUIET, last_at=NOON + timedelta(hours=1))
    assert "13:00:00" in meanwhile([QUIET, later])


@pytest.mark.parametrize(
    ("reason", "numbers", "expected"),
    [
        (
            "DEVIATION",
            {"metric": "pool_in_use", "value": 10.0, "normal": 0.0},
            " (pool_in_use 10, normally 0 (model 2))",
        ),
        ("WORDS", {"word": "failed"}, " (the word “failed” in its message (model 2))"),
        ("OWN", {}, ""),
    ],
)
def test_n7_evidence_is_words_and_units(reason: str, numbers: dict[str, object], expected: str) -> None:
    kept = Evidence(NOON, 4, "r1", "it broke", reason, numbers)
    assert f"12:00:00 [r1] it broke{expected}" == evidence_line(kept, "model 2")


@pytest.mark.parametrize(
    ("service", "expected"),
    [("", "it broke"), ("web", "it broke"), ("db", "db: it broke")],
    ids=["unknown", "own", "another"],
)
def test_what_another_service_said_names_it(service: str, expected: str) -> None:
    kept = Evidence(NOON, 4, "r1", "it broke", "OWN", {}, service=service)
    assert f"12:00:00 [r1] {expected}" == evidence_line(kept, "", "web")


def test_without_a_request_id_there_is_none() -> None:
    assert "12:00:00 it broke" == evidence_line(Evidence(NOON, 4, None, "it broke", "OWN", {}), "")


@pytest.mark.parametrize(
    ("reason", "changes", "answered"),
    [
        pytest.param(PageReason.UNCOMMON, {"state": State.ACTING}, True, id="a-playbook-is-at-work"),
        pytest.param(PageReason.WORSE, {"state": State.REOPENED}, True, id="it-got-worse-before-its-origin-was-found"),
        pytest.param(PageReason.UNCOMMON, {"state": State.ESCALATED}, True, id="what-came-of-it-has-a-page-of-its-own"),
        pytest.param(PageReason.CRITICAL, {"state": State.ACTING}, False, id="what-is-critical-is-told-all-the-same"),
        pytest.param(PageReason.WORSE, {"state": State.ESCALATED}, False, id="a-human-has-it"),
        pytest.param(PageReason.WORSE, {"state": State.ACTING, "route": Route.HUMAN}, False, id="no-playbook-fits"),
    ],
)
def test_nobody_is_told_of_what_a_playbook_answers_by_now(
    reason: PageReason, changes: dict[str, Any], *, answered: bool
) -> None:
    assert answered == bool(answered_by_now(reason, an_incident(**changes)))


@pytest.mark.parametrize(
    ("reason", "state", "answered"),
    [
        pytest.param(PageReason.APPROVAL, State.WAITING, False, id="nobody-answered"),
        pytest.param(PageReason.APPROVAL, State.ACTING, True, id="allowed-and-carried-out"),
        pytest.param(PageReason.APPROVAL, State.VERIFYING, True, id="allowed-and-looked-at"),
        pytest.param(PageReason.APPROVAL, State.ESCALATED, False, id="a-human-has-it"),
        pytest.param(PageReason.CRITICAL, State.ACTING, False, id="what-is-critical-is-told-all-the-same"),
    ],
)
def test_nobody_else_is_asked_about_a_plan_that_is_being_carried_out(
    reason: PageReason, state: State, *, answered: bool
) -> None:
    assert answered == bool(plan_is_answered(reason, an_incident(state=state)))
