"""What holds for every sequence of logs, and wherever batches end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from domain.folded import Anomaly, Folded, Known, Name, final_keys
from domain.incidents import Alert, Incident, Kind, Resolution, Route, Severity, State
from domain.inventory import Inventory, Service
from domain.logs import Level
from tests.parts.incidents_part import RULES, a_fold, an_anomaly, an_incident, folded
from tests.parts.logs_part import NOON, SECOND

SMALL = replace(
    RULES,
    quiet=timedelta(minutes=5),
    confirm_logs=2,
    storm_after=3,
    fleet_after=3,
    group=timedelta(minutes=4),
    join=timedelta(minutes=3),
)
METRIC = Name(Kind.METRIC, "m high", "m", "high")


def a_mixed_anomaly(second: int, service: str, template: str, level: Level, *, beside: bool) -> Anomaly:
    """A log at some level, perhaps with an abnormal metric beside its text."""
    text = Name(Kind.LOG, template, *(("m", "high") if beside else ()))
    names = (text, METRIC) if beside else (text,)
    severity = {Level.CRITICAL: Severity.CRITICAL, Level.ERROR: Severity.HIGH}.get(level, Severity.MEDIUM)
    return an_anomaly(second, service=service, names=names, called=names[-1], level=int(level), severity=severity)


LOGS = st.lists(
    st.builds(
        a_mixed_anomaly,
        second=st.integers(0, 3_000),
        service=st.sampled_from(["web", "db", "api", "mail"]),
        template=st.sampled_from(["a", "b", "timed out", "disk full", "e"]),
        level=st.sampled_from([Level.WARN, Level.ERROR, Level.CRITICAL]),
        beside=st.booleans(),
    ),
    max_size=60,
)


# `web` calls `db`; nothing is known of the other two.
CALLS = Inventory({"web": Service("web", "supervisord", "web", dependencies=("db",))})


def by_name(alert: Alert) -> tuple[Route, str]:
    """A playbook for one text where something is wrong beyond its words."""
    fits = alert.template == "e" and (alert.level >= Level.ERROR or bool(alert.metric))
    return (Route.PLAYBOOK, "mend-it") if fits else (Route.HUMAN, "")


def lately_resolved() -> list[Incident]:
    """What people and verification closed in the middle of the logs."""
    resolved = {"state": State.RESOLVED, "opened_at": NOON, "resolved_at": NOON + 600 * SECOND}
    return [
        an_incident(id=1, template="a", resolution=Resolution.HUMAN, told=3, page_key="k", **resolved),
        an_incident(id=2, service="db", template="e", resolution=Resolution.VERIFIED, **resolved),
    ]


class Store:
    """Keeps between folds what the database keeps between batches."""

    def __init__(self) -> None:
        self.every = lately_resolved()

    def known(self) -> Known:
        # The store gives them in an order of its own.
        still_open = sorted((one for one in self.every if not one.state.closed), key=lambda one: one.template)
        times = sorted((one.paged_at for one in self.every if one.paged_at), reverse=True)
        return Known(
            open=still_open,
            resolved=[one for one in self.every if one.resolution in (Resolution.HUMAN, Resolution.VERIFIED)],
            page_times=times[: SMALL.fleet_after],
        )

    def keep(self, found: Folded) -> None:
        for incident in found.touched.values():
            if not incident.id:
                self.every.append(incident)
                incident.id = len(self.every)
        final_keys(found)


def told(incident: Incident) -> tuple[Any, ...]:
    kept = tuple(one.request_id for one in incident.evidence)
    counted = incident.logs, incident.last_at, incident.severity, incident.state, incident.level, incident.metric
    answered = incident.route, incident.playbook, incident.page_key, incident.told, incident.episode
    made_of = tuple((one.key, one.relation, one.role, one.logs, one.episode, one.closed) for one in incident.alerts)
    return incident.id, incident.key, incident.opened_at, *counted, *answered, kept, made_of


def in_batches(logs: list[Anomaly], sizes: list[int]) -> tuple[list[Any], ...]:
    """Incidents, each row's incident, pages and notes, when each batch has a fold of its own."""
    store = Store()
    rows, pages, notes = [], [], []
    begin = 0
    for size in [*sizes, len(logs)]:
        batch = [replace(log, row=begin + row) for row, log in enumerate(logs[begin : begin + size])]
        known = store.known()
        fields = {"resolved": known.resolved, "page_times": known.page_times}
        found = a_fold(known.open, rules=SMALL, classify=by_name, inventory=CALLS, **fields).run(batch)
        store.keep(found)
        rows += sorted((row, incident.id) for row, incident in found.of_row.items())
        pages += [(page.incident.id, page.reason, page.severity) for page in found.pages]
        notes += [(note.kind, note.incident.id) for note in found.notes]
        begin += size
    return list(map(told, store.every)), rows, pages, notes


@given(logs=LOGS, sizes=st.lists(st.integers(1, 20), max_size=8))
def test_where_batches_end_changes_no_incident_and_no_page(logs: list[Anomaly], sizes: list[int]) -> None:
    assert in_batches(logs, []) == in_batches(logs, sizes)


# N11: a late log opened what went quiet anew, and two incidents with one opening time had one page key.
LATE_AGAIN = [
    an_anomaly(second, service="db", template=template)
    for template, second in (("a", 0), ("c", 0), ("d", 0), ("d", 0), ("b", 301), ("d", 0), ("d", 0))
]


@given(logs=LOGS)
@example(logs=LATE_AGAIN)
def test_no_two_open_incidents_have_one_key_and_none_pages_twice_for_one_severity(logs: list[Anomaly]) -> None:
    found = folded(logs, rules=SMALL)
    still_open = [alert.key for incident in found.touched.values() for alert in incident.alerts if not alert.closed]
    assert len(set(still_open)) == len(still_open)
    assert len({(id(page.incident), page.severity) for page in found.pages}) == len(found.pages)
    assert len({page.key for page in found.pages}) == len(found.pages)


@given(logs=LOGS)
@example(logs=LATE_AGAIN)
def test_each_page_has_a_stored_key_of_its_own(logs: list[Anomaly]) -> None:
    found = folded(logs, rules=SMALL)
    for number, incident in enumerate(found.touched.values(), 1):
        incident.id = number
    assert len(found.pages) == len(set(final_keys(found).values()))


@given(logs=LOGS)
def test_somebody_is_told_of_every_confirmed_uncommon_incident_as_bad_as_it_is(logs: list[Anomaly]) -> None:
    """A10: nothing that is bad hides behind a page that told of less."""
    for incident in folded(logs, rules=SMALL).touched.values():
        if incident.confirmed_at is not None and not incident.state.closed:
            assert incident.told
            assert incident.told >= incident.severity or incident.severity < Severity.HIGH


@given(logs=LOGS)
def test_every_log_counts_in_exactly_one_incident(logs: list[Anomaly]) -> None:
    found = folded([replace(log, row=row) for row, log in enumerate(logs)], rules=SMALL)
    assert set(range(len(logs))) == found.of_row.keys()
    counted = [incident for incident in found.touched.values() if incident.kind is not Kind.FLEET]
    assert len(logs) == sum(incident.logs for incident in counted)
