"""What is one fault and what are two: each row is a pair of alerts, in the order in which they came."""

from __future__ import annotations

from typing import Any

import pytest

from domain.folded import Anomaly, Folded, Name
from domain.incidents import Alert, AlertRole, Incident, Kind, Relation, Resolution, Route, Severity, State
from domain.inventory import Inventory, Service
from domain.ledger import LedgerKind
from domain.pages import PageReason
from tests.parts.incidents_part import a_fold, an_alert_of, an_anomaly, an_incident, folded
from tests.parts.logs_part import NOON, SECOND

# `web` calls `api`, which calls `db`; `mail` stands alone; nothing is known of any other.
CALLS = Inventory(
    {
        "web": Service("web", "supervisord", "web", dependencies=("api",)),
        "api": Service("api", "supervisord", "api", dependencies=("db",)),
        "db": Service("db", "supervisord", "db"),
        "mail": Service("mail", "supervisord", "mail"),
    }
)
POOL, DISK, SLOW, ODD = "pool exhausted", "no space left on disk", "upstream timed out", "it is odd"


def classify(alert: Alert) -> tuple[Route, str]:
    """A playbook for one text."""
    return (Route.PLAYBOOK, "mend-pool") if alert.template == POOL else (Route.HUMAN, "")


def logs(second: float, service: str, template: str, count: int = 3, **changes: Any) -> list[Anomaly]:
    return [an_anomaly(second, service=service, template=template, **changes) for _ in range(count)]


def metric(second: float, service: str, name: str) -> list[Anomaly]:
    named = Name(Kind.METRIC, f"{name} high", name, "high")
    names = (Name(Kind.LOG, "all is well", name, "high"), named)
    return [an_anomaly(second, service=service, names=names, called=named) for _ in range(3)]


def of(*parts: list[Anomaly], **how: Any) -> Folded:
    return folded([log for part in parts for log in part], classify=classify, inventory=CALLS, **how)


def opened(found: Folded) -> list[Incident]:
    return [note.incident for note in found.notes if note.kind is LedgerKind.OPENED]


SECOND_ALERT = [
    # --- one service
    pytest.param(logs(0, "x", POOL), logs(5, "x", ODD), Relation.SERVICE, id="another-text-of-the-service"),
    pytest.param(logs(0, "x", POOL), logs(121, "x", ODD), None, id="too-long-after-it-began"),
    pytest.param(logs(0, "x", POOL), metric(5, "x", "latency_ms"), Relation.SERVICE, id="its-metrics-show-it-too"),
    # --- the same words
    pytest.param(logs(0, "x", ODD), logs(5, "y", ODD), Relation.WORDS, id="another-service-says-the-same"),
    pytest.param(logs(0, "x", ODD), logs(121, "y", ODD), None, id="the-same-words-much-later"),
    pytest.param(logs(0, "x", POOL), logs(5, "y", POOL), None, id="what-a-playbook-mends-in-two-services-is-two"),
    pytest.param(metric(0, "x", "cpu"), metric(5, "y", "cpu"), None, id="a-metric-s-name-is-no-shared-cause"),
    # --- the inventory
    pytest.param(logs(0, "db", POOL), logs(5, "api", ODD), Relation.DEPENDENCY, id="a-caller-shows-it"),
    pytest.param(logs(0, "db", POOL), logs(5, "web", SLOW), Relation.DEPENDENCY, id="a-caller-of-a-caller"),
    pytest.param(logs(0, "web", SLOW), logs(5, "db", POOL), Relation.DEPENDENCY, id="the-caller-showed-it-first"),
    pytest.param(logs(0, "db", POOL), logs(5, "api", DISK), None, id="a-caller-that-is-broken-itself"),
    pytest.param(logs(0, "api", DISK), logs(5, "db", POOL), None, id="what-it-calls-is-broken-besides"),
    pytest.param(logs(0, "api", POOL), logs(5, "db", ODD), None, id="what-it-calls-does-not-follow-from-it"),
    pytest.param(logs(0, "db", POOL), logs(121, "api", ODD), None, id="a-caller-much-later"),
    pytest.param(logs(0, "db", POOL), logs(5, "mail", SLOW), None, id="the-inventory-says-it-does-not-call-it"),
    pytest.param(logs(0, "mail", SLOW), logs(5, "db", POOL), None, id="nor-the-other-way"),
    # --- order in time, where nothing is known
    pytest.param(logs(0, "x", POOL), logs(60, "y", SLOW), Relation.ORDER, id="it-waits-right-after-another-failed"),
    pytest.param(logs(0, "x", SLOW), logs(60, "y", POOL), Relation.ORDER, id="what-all-waited-for"),
    pytest.param(logs(0, "x", POOL), logs(121, "y", SLOW), None, id="it-waits-much-later"),
    pytest.param(logs(0, "x", POOL), logs(5, "y", DISK), None, id="two-that-are-broken"),
    pytest.param(logs(0, "x", POOL), logs(5, "y", ODD), None, id="nothing-says-that-it-waits"),
    pytest.param(logs(0, "x", DISK), logs(5, "db", SLOW), None, id="one-of-them-is-known-and-calls-nobody-else"),
]


@pytest.mark.parametrize(("first", "second", "expected"), SECOND_ALERT)
def test_what_belongs_to_one_fault(first: list[Anomaly], second: list[Anomaly], expected: Relation | None) -> None:
    found = of(first, second)
    (kept, *others) = opened(found)
    assert (expected is None) == bool(others)
    if expected is not None:
        assert [Relation.FIRST, expected] == [alert.relation for alert in kept.alerts]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(logs(0, "x", DISK), logs(30, "y", ODD), id="unknown-services"),
        pytest.param(logs(0, "mail", ODD), logs(30, "db", DISK), id="known-services"),
        pytest.param(logs(0, "mail", DISK), logs(30, "y", ODD), id="one-known"),
        pytest.param(logs(0, "x", "a certificate expired"), logs(0, "y", DISK), id="at-the-same-second"),
    ],
)
def test_two_unrelated_faults_in_one_minute_are_two_incidents_and_two_pages(
    first: list[Anomaly], second: list[Anomaly]
) -> None:
    found = of(first, second)
    assert 2 == len(opened(found)) == len({id(page.incident) for page in found.pages}) == len(found.pages)


@pytest.mark.parametrize(
    "anomalies",
    [
        pytest.param(logs(5, "y", SLOW), id="another-service-begins-to-wait"),
        pytest.param(logs(5, "x", SLOW), id="its-service-begins-to-wait"),
        pytest.param(logs(5, "x", "it is very odd"), id="its-service-says-something-else"),
    ],
)
def test_what_has_gone_on_for_long_hides_nothing_new(anomalies: list[Anomaly]) -> None:
    """Somebody acknowledged it half an hour ago, and it still goes on: what is new is told of."""
    old = {"opened_at": NOON - 3_600 * SECOND, "acked_at": NOON - 1_800 * SECOND, "told": Severity.HIGH}
    known = an_incident(service="x", template=ODD, route=Route.HUMAN, playbook="", **old)
    found = of(anomalies, known=[known])
    assert 1 == len(opened(found)) == len(found.pages)


def test_a_cascade_takes_in_what_waits_as_long_as_it_goes_on_but_not_whatever_breaks() -> None:
    going_on = [logs(second, "x", POOL, 1) for second in range(60, 1_800, 60)]
    found = of(logs(0, "x", POOL), logs(5, "y", SLOW), *going_on, logs(1_790, "z", SLOW), logs(2_000, "mail", ODD, 3))
    assert ["x", "mail"] == [incident.service for incident in opened(found)]
    later = of(logs(0, "x", POOL), logs(5, "y", SLOW), *going_on, logs(1_790, "z", ODD))
    assert ["x", "z"] == [incident.service for incident in opened(later)]


def with_symptom(service: str, number: int, text: str) -> Incident:
    """A fault that a playbook mends, in whose caller `w` it shows."""
    made = an_incident(id=number, service=service, template=POOL, playbook="mend-pool", services=2)
    made.alerts.append(an_alert_of(made, service="w", template=text, playbook="", role=AlertRole.EFFECT))
    return made


def test_a_service_that_shows_two_faults_counts_once_when_they_become_one() -> None:
    first = with_symptom("x", 1, SLOW)
    of(logs(2, "z", POOL), known=[first, with_symptom("y", 2, "no response")])
    assert (4, {"x", "y", "z", "w"}) == (first.services, {alert.service for alert in first.alerts})


# --- the likely origin --------------------------------------------------------------------------


def test_a_cascade_is_one_incident_with_its_origin_and_who_suffers() -> None:
    found = of(logs(0, "web", SLOW), logs(2, "api", ODD), logs(5, "db", POOL), logs(8, "web", "checkout failed"))
    (incident,) = found.touched.values()
    assert ("db", POOL, Route.PLAYBOOK, 3) == (incident.service, incident.template, incident.route, incident.services)
    assert ["web", "api", "db", "web"] == [alert.service for alert in incident.alerts]


def test_evidence_of_the_origin_is_kept_although_it_was_seen_last() -> None:
    """What a plan rests on: five logs of what came of it were kept, and the plan seemed to fit nothing."""
    found = of(logs(0, "web", SLOW, 9), logs(5, "db", POOL, 3))
    (incident,) = found.touched.values()
    assert "db" in [kept.service for kept in incident.evidence]
    assert incident.confidence > 0.8


def test_the_deepest_service_is_the_origin_where_none_says_what_is_broken() -> None:
    found = of(logs(0, "web", ODD), logs(2, "db", "it is slow"))
    assert "db" == opened(found)[0].service


def test_a_known_origin_is_answered_anew_although_its_symptom_was_told_of() -> None:
    """A symptom came first and was paged as uncommon: what is behind it has a playbook, which runs."""
    found = of(logs(0, "web", SLOW), logs(5, "db", POOL))
    (incident,) = found.touched.values()
    assert (State.REOPENED, 2, "mend-pool") == (incident.state, incident.episode, incident.playbook)
    assert [incident] == list(found.due.values()) == list(found.reopened.values())
    assert LedgerKind.ORIGIN in [note.kind for note in found.notes]


@pytest.mark.parametrize(
    "taken",
    [
        pytest.param({"state": State.ACTING}, id="while-a-plan-is-carried-out"),
        pytest.param({"acked_at": NOON}, id="once-a-person-has-it"),
    ],
)
def test_the_origin_stays_where_somebody_is_at_work(taken: dict[str, Any]) -> None:
    known = an_incident(service="web", template=SLOW, route=Route.HUMAN, playbook="", **taken)
    of(logs(5, "db", POOL), known=[known])
    assert ("web", 2, 1) == (known.service, known.services, known.episode)


def test_what_a_service_shows_while_it_is_repaired_belongs_to_the_repair() -> None:
    known = an_incident(service="db", template=POOL, state=State.VERIFYING, last_at=NOON)
    found = of(logs(500, "db", DISK), known=[known])
    assert {known.id} == {incident.id for incident in found.of_row.values()}
    assert [] == found.pages


# `orders` calls both, and neither of them calls the other.
BESIDE = Inventory(
    {
        "orders": Service("orders", "supervisord", "orders", dependencies=("payments", "stock")),
        "payments": Service("payments", "supervisord", "payments"),
        "stock": Service("stock", "supervisord", "stock"),
        "mail": Service("mail", "supervisord", "mail"),
    }
)
BURST, GOES_ON = (0, 0.2, 0.4), (0, 0.2, 0.4, 9, 11, 12, 13)


@pytest.mark.parametrize(
    ("service", "state", "moments", "confirmed"),
    [
        pytest.param("payments", State.VERIFYING, BURST, False, id="what-waited-comes-all-at-once"),
        pytest.param("payments", State.ACTING, BURST, False, id="in-the-middle-of-the-action"),
        pytest.param("payments", State.VERIFYING, GOES_ON, True, id="it-lasts-longer-than-that"),
        pytest.param("payments", State.ESCALATED, BURST, True, id="nobody-repairs-anything"),
        pytest.param("mail", State.VERIFYING, BURST, True, id="nothing-joins-the-two"),
    ],
)
def test_a_metric_that_wavers_next_to_a_repair_is_no_fault_unless_it_lasts(
    service: str, state: State, moments: tuple[float, ...], *, confirmed: bool
) -> None:
    repaired = an_incident(service="stock", state=state)
    wavering = [one for moment in moments for one in metric(moment, service, "pool_in_use")[:1]]
    found = folded(wavering, known=[repaired], classify=classify, inventory=BESIDE)
    (incident,) = opened(found)
    assert confirmed == (incident.confirmed_at is not None)


def test_an_error_next_to_a_repair_is_a_fault_at_once() -> None:
    repaired = an_incident(service="stock", state=State.VERIFYING)
    (incident,) = opened(folded(logs(0, "payments", POOL), known=[repaired], classify=classify, inventory=BESIDE))
    assert incident.confirmed_at is not None


def test_what_breaks_while_a_person_is_asked_about_something_else_is_told_of() -> None:
    waiting = {"state": State.WAITING, "last_at": NOON + 499 * SECOND, "told": Severity.HIGH}
    known = an_incident(service="db", template=POOL, **waiting)
    found = of(logs(500, "db", DISK), known=[known])
    assert [DISK] == [page.incident.template for page in found.pages]


# --- one playbook's fault in many services ----------------------------------------------------------


def test_a_playbook_s_fault_in_three_services_is_one_that_is_not_acted_upon() -> None:
    """Two are mended one by one; from the third on what they share is broken, and a restart mends nothing."""
    found = of(
        logs(0, "x", POOL, 1), logs(1, "y", POOL, 1), logs(2, "z", POOL, 1), logs(3, "x", POOL), logs(4, "w", POOL)
    )
    kept, merged = opened(found)
    assert (True, 4, State.OPEN) == (kept.widespread, kept.services, kept.state)
    assert State.MERGED == merged.state
    assert [PageReason.WIDESPREAD] == [page.reason for page in found.pages]


def test_what_is_mended_already_is_not_taken_in() -> None:
    first = an_incident(id=1, service="x", template=POOL, playbook="mend-pool")
    acting = an_incident(id=2, service="y", template=POOL, playbook="mend-pool", state=State.ACTING)
    found = of(logs(2, "z", POOL), known=[first, acting])
    assert (True, State.ACTING) == (first.widespread, acting.state)
    assert {1} == {incident.id for incident in found.of_row.values()}


def test_a_service_that_suffers_from_two_that_are_taken_together_counts_once() -> None:
    pair = [an_incident(id=n, service=name, template=POOL, playbook="mend-pool") for n, name in enumerate("xy", 1)]
    for one, text in zip(pair, (SLOW, ODD), strict=True):
        one.alerts.append(an_alert_of(one, id=one.id + 2, service="w", template=text))
        one.services = 2
    of(logs(2, "z", POOL), known=pair)
    assert (4, State.MERGED) == (pair[0].services, pair[1].state)


def test_the_service_whose_log_takes_them_together_counts_once_too() -> None:
    """It stands in both: by the log that has just joined the one, and by an alert of the other."""
    first, second = (
        an_incident(id=n, service=name, template=POOL, playbook="mend-pool") for n, name in enumerate("xy", 1)
    )
    second.alerts.append(an_alert_of(second, id=4, service="z", template=SLOW))
    second.services = 2
    of(logs(2, "z", POOL), known=[first, second])
    assert (3, State.MERGED) == (first.services, second.state)


# --- confirmed ----------------------------------------------------------------------------------


def seconds(*moments: float, template: str = ODD, service: str = "x") -> list[Anomaly]:
    return [an_anomaly(moment, service=service, template=template) for moment in moments]


@pytest.mark.parametrize(
    ("parts", "confirmed"),
    [
        pytest.param([seconds(0, 100, 300)], True, id="three-of-one-text-within-five-minutes"),
        pytest.param([seconds(0, 100, 301)], False, id="three-of-one-text-over-a-longer-time"),
        pytest.param([seconds(0), seconds(1, template="b"), seconds(2, template="c")], False, id="one-each-of-three"),
        pytest.param(
            [seconds(0), seconds(1, template="b"), seconds(2, template="c"), seconds(3, template="d")],
            True,
            id="one-each-of-four-texts-of-a-service",
        ),
        pytest.param([seconds(n, service=f"s{n}") for n in range(4)], False, id="one-each-of-four-services"),
        pytest.param([seconds(n, service=f"s{n}") for n in range(5)], True, id="one-each-of-five-within-a-minute"),
        pytest.param([seconds(n * 40, service=f"s{n}") for n in range(5)], False, id="one-each-of-five-over-minutes"),
    ],
)
def test_when_an_incident_is_confirmed(parts: list[list[Anomaly]], confirmed: bool) -> None:  # noqa: FBT001
    (incident, *_) = opened(of(*parts))
    assert confirmed == (incident.confirmed_at is not None)


# --- how bad ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("services", "expected"),
    [(1, Severity.MEDIUM), (2, Severity.MEDIUM), (3, Severity.HIGH)],
)
def test_what_three_services_show_is_worse_than_its_level(services: int, expected: Severity) -> None:
    parts = [logs(number, f"s{number}", ODD, severity=Severity.MEDIUM) for number in range(services)]
    assert expected == opened(of(*parts))[0].severity


# --- coming back again and again ------------------------------------------------------------------------


def coming_back(times: int) -> tuple[list[PageReason], Incident]:
    """Resolved and come back so often, two minutes apart."""
    incident = an_incident(service="x", template=POOL, playbook="mend-pool")
    pages = []
    for number in range(1, times + 1):
        incident.state, incident.resolved_at = State.RESOLVED, NOON + number * 120 * SECOND
        for alert in incident.alerts:
            alert.closed = True
        fold = a_fold(resolved=[incident], classify=classify, inventory=CALLS)
        pages += [page.reason for page in fold.run(logs(number * 120 + 5, "x", POOL)).pages]
    return pages, incident


def test_what_comes_back_for_the_second_time_flaps_and_goes_to_a_human() -> None:
    """Fault 9: repeating itself, automation masked the fault."""
    pages, incident = coming_back(2)
    assert ([PageReason.FLAPPING], Route.HUMAN, 3) == (pages, incident.route, incident.episode)


def test_each_time_that_it_comes_back_after_somebody_heard_that_it_is_over_is_told() -> None:
    pages, incident = coming_back(6)
    assert ([PageReason.FLAPPING] * 5, 6) == (pages, incident.returns)


def test_what_flaps_for_the_first_time_is_told_although_a_page_told_of_it_before() -> None:
    """It was asked about, closed and asked about again; the third time nobody was asked, and nobody was told."""
    before = {"returns": 1, "page_key": "k", "told": 3, "paged_at": NOON, "resolution": Resolution.HUMAN}
    past = an_incident(service="x", template=POOL, playbook="mend-pool", state=State.RESOLVED, **before)
    past.resolved_at = NOON + 60 * SECOND
    found = a_fold(resolved=[past], classify=classify, inventory=CALLS).run(logs(65, "x", POOL))
    assert [PageReason.FLAPPING] == [page.reason for page in found.pages]


def test_what_comes_back_once_is_answered_like_the_first_time() -> None:
    pages, incident = coming_back(1)
    assert ([], Route.PLAYBOOK) == (pages, incident.route)
