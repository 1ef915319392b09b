"""The fold from anomalous logs to incidents: opening, confirming, quiet, storms, late pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.folded import Anomaly, Folded, Name, stored_page_key
from domain.incidents import Alert, Incident, Kind, Relation, Resolution, Route, Severity, State
from domain.ledger import LedgerKind
from domain.logs import Level
from domain.pages import PageReason
from domain.telling import EVIDENCE_KEPT
from tests.parts.incidents_part import RULES, a_fold, an_anomaly, an_incident, common, folded
from tests.parts.logs_part import NOON, SECOND

MINUTE = timedelta(minutes=1)


def kinds(found: Folded) -> list[LedgerKind]:
    return [note.kind for note in found.notes]


def test_the_first_anomaly_opens_an_incident_that_nobody_is_told_of() -> None:
    found = folded([an_anomaly()])
    (incident,) = found.touched.values()
    assert (State.OPEN, 1, None, "") == (incident.state, incident.logs, incident.confirmed_at, incident.page_key)
    assert [LedgerKind.OPENED] == kinds(found)
    assert [] == found.pages


def test_the_third_confirms_it_and_an_uncommon_one_pages_at_once() -> None:
    found = folded([an_anomaly(second) for second in range(5)])
    (incident,) = found.touched.values()
    assert NOON + 2 * SECOND == incident.confirmed_at
    assert [LedgerKind.OPENED, LedgerKind.CONFIRMED, LedgerKind.PAGE_QUEUED] == kinds(found)
    assert [PageReason.UNCOMMON] == [page.reason for page in found.pages]
    assert incident.page_key == found.pages[0].key


def test_a_common_one_is_answered_without_a_page() -> None:
    found = folded([an_anomaly(second) for second in range(5)], classify=common)
    assert [] == found.pages
    assert [(Route.PLAYBOOK, "mend-it")] == [(one.route, one.playbook) for one in found.touched.values()]


def test_a_critical_one_pages_although_a_playbook_fits() -> None:
    logs = [an_anomaly(second, severity=Severity.CRITICAL) for second in range(5)]
    assert [PageReason.CRITICAL] == [page.reason for page in folded(logs, classify=common).pages]


def test_severity_only_rises() -> None:
    logs = [an_anomaly(severity=severity) for severity in (Severity.MEDIUM, Severity.CRITICAL, Severity.LOW)]
    (incident,) = folded(logs).touched.values()
    assert Severity.CRITICAL == incident.severity


def test_the_first_logs_are_kept_as_evidence_and_a_worse_one_replaces_the_oldest() -> None:
    logs = [an_anomaly(second) for second in range(9)]
    worse = an_anomaly(9, severity=Severity.CRITICAL, level=int(Level.CRITICAL))
    (incident,) = folded([*logs, worse, an_anomaly(10)]).touched.values()
    assert ["r1", "r2", "r3", "r4", "r9"] == [kept.request_id for kept in incident.evidence]
    assert EVIDENCE_KEPT == len(incident.evidence)


def test_texts_and_services_of_one_fault_are_alerts_of_one_incident() -> None:
    logs = [an_anomaly(), an_anomaly(service="db"), an_anomaly(template="it burnt"), an_anomaly()]
    found = folded([replace(log, row=row) for row, log in enumerate(logs)])
    (incident,) = found.touched.values()
    assert [("web", "it broke", 2), ("db", "it broke", 1), ("web", "it burnt", 1)] == [
        (alert.service, alert.template, alert.logs) for alert in incident.alerts
    ]
    assert [Relation.FIRST, Relation.WORDS, Relation.SERVICE] == [alert.relation for alert in incident.alerts]
    assert (2, 4, 2) == (incident.services, incident.logs, incident.origin_logs)


def test_a_log_belongs_to_the_incident_that_is_open() -> None:
    known = an_incident()
    found = folded([an_anomaly(60)], [known])
    assert known is found.of_row[0]
    assert (4, NOON + MINUTE) == (known.logs, known.last_at)


def test_an_older_log_does_not_take_an_incident_back_in_time() -> None:
    known = an_incident()
    folded([an_anomaly(-300)], [known])
    assert NOON == known.last_at


@pytest.mark.parametrize(
    ("after", "opens"),
    [pytest.param(15 * MINUTE, False, id="just-within"), pytest.param(15 * MINUTE + SECOND, True, id="just-over")],
)
def test_after_a_quiet_time_the_next_log_opens_a_new_incident(after: timedelta, opens: bool) -> None:  # noqa: FBT001
    known = an_incident()
    found = folded([an_anomaly(after.total_seconds())], [known])
    assert opens == (found.of_row[0] is not known)
    assert (State.RESOLVED if opens else State.OPEN) == known.state
    assert (Resolution.QUIET if opens else None) == known.resolution


def test_an_acknowledged_incident_does_not_page() -> None:
    known = an_incident(route=Route.HUMAN, playbook="", acked_at=NOON, told=int(Severity.HIGH))
    assert [] == folded([an_anomaly(1)], [known]).pages


def test_an_incident_pages_once_however_many_logs_follow() -> None:
    fold = a_fold()
    pages = [page for second in range(200) for page in fold.run([an_anomaly(second)]).pages]
    assert 1 == len(pages)


# --- pages shared ------------------------------------------------------------------------------


def confirmed(second: float, template: str, **changes: object) -> list[Anomaly]:
    return [an_anomaly(second, template=template, **changes) for _ in range(RULES.confirm_logs)]


@pytest.mark.parametrize(
    ("then", "pages"),
    [
        pytest.param(confirmed(121, "b"), 2, id="too-long-after"),
        pytest.param(confirmed(30, "b", service="db"), 2, id="another-service"),
        pytest.param(confirmed(30, "b", severity=Severity.CRITICAL), 2, id="worse"),
        pytest.param(confirmed(30, "b"), 1, id="the-same-service"),
        pytest.param(confirmed(30, "b", severity=Severity.LOW), 1, id="less-bad"),
    ],
)
def test_when_one_page_is_enough(then: list[Anomaly], pages: int) -> None:
    assert pages == len(folded([*confirmed(0, "a"), *then]).pages)


# --- storms -----------------------------------------------------------------------------------


def a_storm(count: int, *, each: int = 1, **changes: object) -> list[Anomaly]:
    """Logs whose words differ in a way that no mask knows."""
    return [
        an_anomaly(number / 10, template=f"word{'abcdefghij'[number % 10]}{number // 10 * 'x'}", **changes)
        for number in range(count)
        for _ in range(each)
    ]


def test_a_thousand_signatures_of_one_service_are_one_incident_and_one_page() -> None:
    """Fault 24: ids inside messages made one incident per log."""
    found = folded(a_storm(1_000))
    (incident,) = found.touched.values()
    assert RULES.storm_after + 1 == len(incident.alerts)
    assert (Kind.STORM, "", 1_000 - RULES.storm_after) == (
        incident.alerts[-1].kind,
        incident.alerts[-1].template,
        incident.alerts[-1].logs,
    )
    assert [PageReason.UNCOMMON] == [page.reason for page in found.pages]


def test_signatures_that_come_slowly_are_a_storm_once_there_are_too_many() -> None:
    """Fault 24: each was too far from the last one to be of its fault, and all of them still were one service's."""
    logs = [replace(log, at=NOON + number * 125 * SECOND) for number, log in enumerate(a_storm(40))]
    found = folded(logs, rules=replace(RULES, quiet=60 * 60 * SECOND))
    assert RULES.storm_after + 1 == len(found.touched)
    assert [PageReason.STORM] == [page.reason for page in found.pages]


def test_a_storm_of_one_service_leaves_the_others_alone() -> None:
    found = folded([*a_storm(100), *(an_anomaly(second, service="db") for second in range(3))])
    assert ["web", "db"] == [page.incident.service for page in found.pages]


def test_quiet_incidents_make_room_before_a_storm_is_called() -> None:
    old = [an_incident(id=number, template=f"old {number}") for number in range(1, 21)]
    found = folded([an_anomaly(3_600)], old)
    assert (Kind.LOG, "it broke") == (found.of_row[0].kind, found.of_row[0].template)
    assert {State.RESOLVED} == {incident.state for incident in old}


def test_when_the_storm_went_quiet_incidents_open_again() -> None:
    storm = an_incident(kind=Kind.STORM, template="", page_key="k", told=int(Severity.HIGH))
    found = folded([an_anomaly(3_600)], [storm])
    assert State.RESOLVED == storm.state
    assert "it broke" == found.of_row[0].template


# --- late evidence ----------------------------------------------------------------------------


def late_logs(*, services: tuple[str, ...] = ("web",), templates: int = 3) -> list[Anomaly]:
    """Confirmed incidents of some services, so far apart that none is part of another."""
    return [
        an_anomaly(150 * template, service=service, template=f"kind {'abc'[template]} of {service}")
        for service in services
        for template in range(templates)
        for _ in range(RULES.confirm_logs)
    ]


def test_a_backlog_pages_once_per_service_and_marks_it_late() -> None:
    """Fault 23: after a long outage the backlog was paged as if it were now."""
    found = folded(late_logs(services=("web", "db")), now=NOON + 60 * MINUTE)
    assert [("web", True), ("db", True)] == [(page.incident.service, page.late) for page in found.pages]
    suppressed = [note for note in found.notes if note.kind is LedgerKind.PAGE_SUPPRESSED]
    assert 4 == len(suppressed)
    assert {"late"} == {note.fields["why"] for note in suppressed}


def test_a_later_batch_of_the_backlog_does_not_page_again() -> None:
    """Fault 23: what was paged late is remembered by the store, batch after batch."""
    now = NOON + 60 * MINUTE
    found = folded(late_logs(), now=now, late_paged={"web": now - SECOND})
    assert [] == found.pages


@pytest.mark.parametrize(
    ("age", "late"),
    [pytest.param(2 * MINUTE, False, id="just-fresh"), pytest.param(2 * MINUTE + SECOND, True, id="old")],
)
def test_how_old_evidence_may_be(age: timedelta, late: bool) -> None:  # noqa: FBT001
    found = folded(late_logs(templates=1), now=NOON + age)
    assert [late] == [page.late for page in found.pages]


def test_fresh_evidence_pages_beside_a_late_page() -> None:
    now = NOON + SECOND
    found = folded(late_logs(templates=1), now=now, late_paged={"web": now})
    assert [False] == [page.late for page in found.pages]


def test_an_incident_whose_late_page_was_held_back_pages_when_it_goes_on() -> None:
    now = NOON + 60 * MINUTE
    fold = a_fold(now=now, late_paged={"web": now})
    assert [] == fold.run(late_logs(templates=1)).pages
    fresh = an_anomaly(template="kind a of web", at=now)
    known = [incident for _, incident in fold.around.of_service["web"].values()]
    found = a_fold(known, now=now, rules=replace(RULES, quiet=120 * MINUTE)).run([fresh])
    assert [False] == [page.late for page in found.pages]


# --- what somebody works on ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "quiet"),
    [
        (State.OPEN, True),
        (State.REOPENED, True),
        (State.ESCALATED, True),
        (State.WAITING, False),
        (State.ACTING, False),
        (State.VERIFYING, False),
    ],
)
def test_only_what_nobody_works_on_goes_quiet(state: State, quiet: bool) -> None:  # noqa: FBT001
    """A3: the fold closed what was acted upon, and a half-done restart was never finished."""
    known = an_incident(state=state)
    found = folded([an_anomaly(3_600)], [known])
    assert (State.RESOLVED if quiet else state) == known.state
    assert quiet == (found.of_row[0] is not known)


# --- coming back --------------------------------------------------------------------------------


def resolved(**changes: Any) -> Incident:
    """An incident that was resolved a minute after noon."""
    fields = {"state": State.RESOLVED, "resolution": Resolution.VERIFIED, "resolved_at": NOON + MINUTE}
    return an_incident(**(fields | changes))


@pytest.mark.parametrize(
    ("second", "state", "logs"),
    [
        pytest.param(30, State.RESOLVED, 4, id="a-straggler-from-before"),
        pytest.param(60, State.RESOLVED, 4, id="just-before"),
        pytest.param(61, State.REOPENED, 1, id="just-after"),
        pytest.param(60 + 900, State.REOPENED, 1, id="within-the-quiet-time"),
        pytest.param(60 + 901, State.RESOLVED, 3, id="too-long-after"),
        pytest.param(-3_600, State.RESOLVED, 3, id="long-before-it-began"),
    ],
)
def test_when_an_incident_comes_back(second: int, state: State, logs: int) -> None:
    past = resolved()
    folded([an_anomaly(second)], resolved=[past])
    assert (state, logs) == (past.state, past.logs)


def test_a_reopened_incident_is_told_of_and_answered_anew() -> None:
    past = resolved(page_key="k", paged_at=NOON, told=4, acked_at=NOON, severity=Severity.CRITICAL, late_noted=True)
    found = folded([an_anomaly(second) for second in (90, 91, 92)], resolved=[past])
    assert (State.REOPENED, 2, Severity.HIGH) == (past.state, past.episode, past.severity)
    assert (None, None, None) == (past.acked_at, past.resolved_at, past.resolution)
    assert ["r90", "r91", "r92"] == [kept.request_id for kept in past.evidence]
    assert [PageReason.UNCOMMON] == [page.reason for page in found.pages]
    assert stored_page_key(past, PageReason.UNCOMMON) == past.page_key
    assert [LedgerKind.REOPENED, LedgerKind.CONFIRMED, LedgerKind.PAGE_QUEUED] == kinds(found)
    assert [past] == list(found.due.values()) == list(found.reopened.values())


def test_one_log_that_comes_back_reopens_and_wakes_nobody() -> None:
    past = resolved()
    found = folded([an_anomaly(90)], resolved=[past])
    assert (State.REOPENED, None, 1) == (past.state, past.confirmed_at, past.logs)
    assert ([], []) == (found.pages, list(found.due.values()))


def test_each_episode_has_page_keys_of_its_own() -> None:
    """N11: keys come from the number of the episode, not from a time."""
    one, two = an_incident(), an_incident(episode=2)
    assert stored_page_key(one, PageReason.UNCOMMON) != stored_page_key(two, PageReason.UNCOMMON)


# --- getting worse ------------------------------------------------------------------------------


@pytest.mark.parametrize("acked", [None, NOON], ids=["told", "acknowledged"])
@pytest.mark.parametrize("kind", [Kind.LOG, Kind.STORM], ids=["by-itself", "in-a-storm"])
def test_a_critical_log_pages_again_where_less_was_told(kind: Kind, acked: datetime | None) -> None:
    """A10: a CRITICAL of a new kind joined a storm that was paged at HIGH or acknowledged, and nobody knew."""
    template = "" if kind is Kind.STORM else "it broke"
    told = an_incident(kind=kind, template=template, route=Route.HUMAN, page_key="k", paged_at=NOON, told=3)
    told.acked_at = acked
    worse = an_anomaly(30, severity=Severity.CRITICAL)
    fold = a_fold([told], rules=replace(RULES, storm_after=1))
    assert [PageReason.CRITICAL] == [page.reason for page in fold.run([worse, worse]).pages]
    assert ("k", NOON, 4, None) == (told.page_key, told.paged_at, told.told, told.acked_at)


def test_what_joined_an_incident_pages_once_it_is_worse_than_was_told() -> None:
    """A10: joined incidents included."""
    first = confirmed(0, "a", severity=Severity.MEDIUM)
    joined = confirmed(10, "b", severity=Severity.MEDIUM)
    found = folded([*first, *joined, an_anomaly(20, template="b"), an_anomaly(21, template="b")])
    told = [(page.incident.template, page.reason, page.severity) for page in found.pages]
    assert [("a", PageReason.UNCOMMON, Severity.MEDIUM), ("a", PageReason.WORSE, Severity.HIGH)] == told


# --- many services ------------------------------------------------------------------------------


def test_three_hundred_services_with_the_same_words_are_one_page() -> None:
    """N6: 300 services that could not resolve a host made 300 mails in a minute."""
    logs = [log for number in range(300) for log in confirmed(number / 10, "no host", service=f"s{number}")]
    found = folded(logs)
    (page,) = found.pages
    assert (300, 900, "s0") == (page.incident.services, page.incident.logs, page.incident.service)


def test_a_second_fault_among_three_hundred_services_is_a_second_page() -> None:
    logs = [log for number in range(300) for log in confirmed(number / 10, "no host", service=f"s{number}")]
    other = [an_anomaly(28, template="it burnt", service="s7") for _ in range(3)]
    found = folded(sorted([*logs, *other], key=lambda log: log.at))
    assert [("s0", "no host"), ("s7", "it burnt")] == [
        (page.incident.service, page.incident.template) for page in found.pages
    ]


def test_what_another_consumer_opened_for_the_same_words_is_the_incident_of_this_one_too() -> None:
    """N6: what other services said is read from the store."""
    other = an_incident(id=9, service="db", route=Route.HUMAN, playbook="", page_key="k", paged_at=NOON, told=3)
    found = folded(confirmed(30, "it broke"), [other])
    assert [] == found.pages
    assert {9} == {incident.id for incident in found.of_row.values()}


def words(number: int) -> str:
    return "word " + "".join("abcdefghij"[int(digit)] for digit in str(number))


def test_five_thousand_pods_that_fail_differently_are_a_storm_of_the_fleet() -> None:
    """A11: 5,000 pod names made 5,000 pages."""
    logs = [log for number in range(5_000) for log in confirmed(number / 100, words(number), service=f"pod{number}")]
    found = folded(logs, rules=replace(RULES, fleet_after=5))
    assert [PageReason.UNCOMMON] * 5 + [PageReason.STORM] == [page.reason for page in found.pages]
    fleet = found.pages[-1].incident
    assert (Kind.FLEET, 4_995) == (fleet.kind, fleet.logs)
    assert all(incident.told for incident in found.touched.values())


def test_a_critical_one_pages_in_the_middle_of_a_storm_of_the_fleet() -> None:
    """A11: further ones join unless they are critical."""
    logs = [log for number in range(9) for log in confirmed(number, words(number), service=f"pod{number}")]
    critical = confirmed(20, "the end", service="db", severity=Severity.CRITICAL)
    found = folded([*logs, *critical], rules=replace(RULES, fleet_after=5))
    assert [PageReason.STORM, PageReason.CRITICAL] == [page.reason for page in found.pages][5:]


def test_after_a_storm_of_the_fleet_incidents_page_by_themselves_again() -> None:
    logs = [log for number in range(9) for log in confirmed(number, words(number), service=f"pod{number}")]
    found = folded([*logs, *confirmed(100, "later", service="db")], rules=replace(RULES, fleet_after=5))
    assert [PageReason.STORM, PageReason.UNCOMMON] == [page.reason for page in found.pages][5:]


# --- what an incident is called -----------------------------------------------------------------

METRICS = tuple(Name(Kind.METRIC, f"{name} high", name, "high") for name in ("latency", "pool"))
TEXT = Name(Kind.LOG, "it broke", "latency", "high")


@pytest.mark.parametrize(
    ("fits", "called", "expected"),
    [
        pytest.param({"it broke", "pool high"}, METRICS[0], TEXT, id="text-first"),
        pytest.param({"pool high"}, METRICS[0], METRICS[1], id="any-abnormal-metric"),
        pytest.param(set(), METRICS[0], METRICS[0], id="without-a-playbook-the-surest-metric"),
        pytest.param(set(), TEXT, TEXT, id="or-its-words-of-failure"),
    ],
)
def test_a_playbook_decides_what_an_incident_is_called(fits: set[str], called: Name, expected: Name) -> None:
    """N3: the surest metric named it, and hid the text and the metrics that a playbook was for."""
    found = folded(
        [an_anomaly(names=(TEXT, *METRICS), called=called)],
        classify=lambda one: (Route.PLAYBOOK, "p") if one.template in fits else (Route.HUMAN, ""),
    )
    (incident,) = found.touched.values()
    assert (expected.kind, expected.template) == (incident.kind, incident.template)
    assert ("p" if fits else "") == incident.playbook


def test_a_worse_log_may_make_it_common_until_it_is_confirmed() -> None:
    """A6: words at WARN prove nothing, the same words at ERROR do."""

    def by_level(one: Alert) -> tuple[Route, str]:
        return (Route.PLAYBOOK, "p") if one.level >= Level.ERROR else (Route.HUMAN, "")

    logs = [an_anomaly(level=int(level)) for level in (Level.WARN, Level.WARN, Level.ERROR)]
    found = folded(logs, classify=by_level)
    (incident,) = found.touched.values()
    assert (Route.PLAYBOOK, "p", []) == (incident.route, incident.playbook, found.pages)


def test_kinds_are_no_texts() -> None:
    """A14: a log may carry the text of a storm or of a metric."""
    storm = an_incident(kind=Kind.STORM, template="", page_key="k", told=3)
    metric = an_incident(id=2, kind=Kind.METRIC, template="metric x high", metric="x", direction="high")
    found = folded([an_anomaly(template="metric x high"), an_anomaly(row=1, template="(storm)")], [metric])
    assert [Kind.LOG, Kind.LOG] == [alert.kind for alert, _ in found.alerts.values()]
    assert storm is folded([an_anomaly(template="(storm)")], [storm]).of_row[0]


def test_logs_do_not_touch_incidents_of_our_own() -> None:
    """A14: whatever a service calls itself."""
    own = an_incident(service="sre-agent", kind=Kind.OWN, template="it broke")
    found = folded([an_anomaly(service="sre-agent")], [own])
    assert found.of_row[0] is not own
    assert 3 == own.logs


# --- what is dated wrongly ----------------------------------------------------------------------


def test_a_page_from_an_hour_ahead_covers_nothing_now() -> None:
    """A1: a host one hour ahead silenced twenty faults."""
    then = NOON + 60 * MINUTE
    ahead = an_incident(id=2, template="a", opened_at=then, last_at=then, paged_at=then, page_key="k", told=4)
    assert 1 == len(folded(confirmed(0, "b"), [ahead]).pages)


def test_a_log_from_1970_makes_fresh_evidence_no_late_page() -> None:
    """A1: the log that confirms an incident may be dated as it likes."""
    epoch = an_anomaly(at=datetime(1970, 1, 1, tzinfo=UTC))
    found = folded([an_anomaly(), an_anomaly(1), epoch], now=NOON + 2 * SECOND)
    assert [] == found.pages
    found = folded([an_anomaly(), an_anomaly(1), epoch, an_anomaly(2)], now=NOON + 2 * SECOND)
    (incident,) = found.touched.values()
    assert [False] == [page.late for page in found.pages]
    assert NOON + 2 * SECOND == incident.paged_at == incident.confirmed_at == incident.last_at
