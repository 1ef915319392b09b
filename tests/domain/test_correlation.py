"""The fold from anomalous logs to incidents: opening, confirming, quiet, storms, late pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.correlation import EVIDENCE_KEPT, Anomaly, Folded, LedgerKind, page_key
from domain.incidents import STORM, Incident, Resolution, Route, Severity, State
from domain.pages import PageReason
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
    assert incident.page_key == found.pages[0].key == page_key(incident, PageReason.UNCOMMON)


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
    worse = an_anomaly(9, severity=Severity.CRITICAL)
    (incident,) = folded([*logs, worse, an_anomaly(10)]).touched.values()
    assert ["r1", "r2", "r3", "r4", "r9"] == [kept.request_id for kept in incident.evidence]
    assert EVIDENCE_KEPT == len(incident.evidence)


def test_services_and_signatures_have_incidents_of_their_own() -> None:
    logs = [an_anomaly(), an_anomaly(service="db"), an_anomaly(signature="it burnt"), an_anomaly()]
    found = folded([replace(log, row=row) for row, log in enumerate(logs)])
    assert 3 == len(found.touched)
    assert found.of_row[0] is found.of_row[3]


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
    assert ({id(known): Resolution.QUIET} if opens else {}) == found.resolutions


def test_an_acknowledged_incident_does_not_page() -> None:
    known = an_incident(route=Route.HUMAN, playbook="", acked_at=NOON)
    assert [] == folded([an_anomaly(1, severity=Severity.CRITICAL)], [known]).pages


def test_an_incident_pages_once_however_many_logs_follow() -> None:
    fold = a_fold()
    pages = [page for second in range(200) for page in fold.run([an_anomaly(second)]).pages]
    assert 1 == len(pages)


# --- pages shared ------------------------------------------------------------------------------


def confirmed(second: float, signature: str, **changes: object) -> list[Anomaly]:
    return [an_anomaly(second, signature=signature, **changes) for _ in range(RULES.confirm_logs)]


def test_uncommon_incidents_of_a_service_that_come_together_share_one_page() -> None:
    found = folded([*confirmed(0, "a"), *confirmed(30, "b"), *confirmed(60, "c")])
    (page,) = found.pages
    assert {page.key} == {incident.page_key for incident in found.touched.values()}
    joined = [note for note in found.notes if note.kind is LedgerKind.PAGE_JOINED]
    assert ["b", "c"] == [note.incident.signature for note in joined]


@pytest.mark.parametrize(
    ("then", "pages"),
    [
        pytest.param(confirmed(61, "b"), 2, id="too-long-after"),
        pytest.param(confirmed(30, "b", service="db"), 2, id="another-service"),
        pytest.param(confirmed(30, "b", severity=Severity.CRITICAL), 2, id="worse"),
        pytest.param(confirmed(30, "b", severity=Severity.LOW), 1, id="less-bad"),
    ],
)
def test_when_a_page_covers_the_next_incident(then: list[Anomaly], pages: int) -> None:
    assert pages == len(folded([*confirmed(0, "a"), *then]).pages)


# --- storms -----------------------------------------------------------------------------------


def a_storm(count: int, *, each: int = 1, **changes: object) -> list[Anomaly]:
    """Logs whose words differ in a way that no mask knows."""
    return [
        an_anomaly(number / 10, signature=f"word{'abcdefghij'[number % 10]}{number // 10 * 'x'}", **changes)
        for number in range(count)
        for _ in range(each)
    ]


def test_a_thousand_signatures_of_one_service_are_one_storm_and_one_page() -> None:
    """Fault 24: ids inside messages made one incident per log."""
    found = folded(a_storm(1_000))
    opened = [note.incident for note in found.notes if note.kind is LedgerKind.OPENED]
    assert RULES.storm_after + 1 == len(opened)
    assert [PageReason.STORM] == [page.reason for page in found.pages]
    assert [State.MERGED] * RULES.storm_after + [State.OPEN] == [incident.state for incident in opened]
    assert STORM == opened[-1].signature
    assert 1_000 - RULES.storm_after == opened[-1].logs


def test_what_was_paged_or_acted_upon_stays_beside_the_storm() -> None:
    paged = an_incident(id=1, signature="paged", page_key="k")
    acting = an_incident(id=2, signature="acting", state=State.ACTING)
    waiting = an_incident(id=3, signature="waiting")
    found = folded(a_storm(30), [paged, acting, waiting])
    assert [State.OPEN, State.ACTING, State.MERGED] == [paged.state, acting.state, waiting.state]
    assert [PageReason.STORM] == [page.reason for page in found.pages]


def test_a_storm_of_one_service_leaves_the_others_alone() -> None:
    found = folded([*a_storm(100), *(an_anomaly(second, service="db") for second in range(3))])
    assert {"web": PageReason.STORM, "db": PageReason.UNCOMMON} == {
        page.incident.service: page.reason for page in found.pages
    }


def test_quiet_incidents_make_room_before_a_storm_is_called() -> None:
    old = [an_incident(id=number, signature=f"old {number}") for number in range(1, 21)]
    found = folded([an_anomaly(3_600)], old)
    assert "it broke" == found.of_row[0].signature
    assert {State.RESOLVED} == {incident.state for incident in old}


def test_when_the_storm_went_quiet_incidents_open_again() -> None:
    storm = an_incident(signature=STORM, page_key="k")
    found = folded([an_anomaly(3_600)], [storm])
    assert State.RESOLVED == storm.state
    assert "it broke" == found.of_row[0].signature


# --- late evidence ----------------------------------------------------------------------------


def late_logs(*, services: tuple[str, ...] = ("web",), signatures: int = 3) -> list[Anomaly]:
    """Confirmed incidents of some services, two minutes apart, so that no page covers another."""
    return [
        an_anomaly(120 * signature, service=service, signature=f"kind {'abc'[signature]}")
        for service in services
        for signature in range(signatures)
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
    found = folded(late_logs(signatures=1), now=NOON + age)
    assert [late] == [page.late for page in found.pages]


def test_fresh_evidence_pages_beside_a_late_page() -> None:
    now = NOON + SECOND
    found = folded(late_logs(signatures=1), now=now, late_paged={"web": now})
    assert [False] == [page.late for page in found.pages]


def test_an_incident_whose_late_page_was_held_back_pages_when_it_goes_on() -> None:
    now = NOON + 60 * MINUTE
    fold = a_fold(now=now, late_paged={"web": now})
    assert [] == fold.run(late_logs(signatures=1)).pages
    fresh = an_anomaly(signature="kind a", at=now)
    found = a_fold([*fold.of_service["web"].values()], now=now, rules=replace(RULES, quiet=120 * MINUTE)).run([fresh])
    assert [False] == [page.late for page in found.pages]


# --- properties -------------------------------------------------------------------------------

LOGS = st.lists(
    st.builds(
        an_anomaly,
        second=st.integers(0, 3_000),
        service=st.sampled_from(["web", "db"]),
        signature=st.sampled_from(["a", "b", "c", "d", "e"]),
        severity=st.sampled_from(Severity),
    ),
    max_size=60,
)
SMALL = replace(RULES, quiet=timedelta(minutes=5), confirm_logs=2, storm_after=3, group=timedelta(minutes=4))


def told(incident: Incident) -> tuple[object, ...]:
    return (
        incident.key,
        incident.opened_at,
        incident.last_at,
        incident.logs,
        incident.severity,
        incident.state,
        incident.page_key,
        tuple(kept.request_id for kept in incident.evidence),
    )


def in_batches(logs: list[Anomaly], sizes: list[int]) -> tuple[list[object], ...]:
    """Incidents in order of opening, each row's incident, pages and notes, when each batch has a fold of its own."""
    open_ones: list[Incident] = []
    every: list[Incident] = []
    rows, pages, notes = [], [], []
    begin = 0
    for size in [*sizes, len(logs)]:
        found = a_fold(open_ones, rules=SMALL).run(
            replace(log, row=begin + row) for row, log in enumerate(logs[begin : begin + size])
        )
        for incident in found.touched.values():
            if incident not in every:
                every.append(incident)
                incident.id = len(every)
        # The store gives them in an order of its own.
        open_ones = sorted((one for one in every if not one.state.closed), key=lambda one: one.signature)
        rows += sorted((row, incident.opened_at, incident.key) for row, incident in found.of_row.items())
        pages += [(page.key, page.reason) for page in found.pages]
        notes += [(note.kind, note.incident.key, tuple(sorted(map(str, note.fields.items())))) for note in found.notes]
        begin += size
    return sorted(map(told, every)), rows, pages, notes


@given(logs=LOGS, sizes=st.lists(st.integers(1, 20), max_size=8))
def test_where_batches_end_changes_no_incident_and_no_page(logs: list[Anomaly], sizes: list[int]) -> None:
    assert in_batches(logs, []) == in_batches(logs, sizes)


@given(logs=LOGS)
def test_no_two_open_incidents_have_one_key_and_none_pages_twice(logs: list[Anomaly]) -> None:
    found = folded(logs, rules=SMALL)
    still_open = [incident.key for incident in found.touched.values() if not incident.state.closed]
    assert len(set(still_open)) == len(still_open)
    assert len({id(page.incident) for page in found.pages}) == len(found.pages)
    assert len({page.key for page in found.pages}) == len(found.pages)


@given(logs=LOGS)
def test_every_log_counts_in_exactly_one_incident(logs: list[Anomaly]) -> None:
    found = folded([replace(log, row=row) for row, log in enumerate(logs)], rules=SMALL)
    assert set(range(len(logs))) == found.of_row.keys()
    assert len(logs) == sum(incident.logs for incident in found.touched.values())
