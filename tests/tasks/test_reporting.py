"""The report over a store that was filled live: each change is tried by a replay of the same time."""

from __future__ import annotations

from datetime import timedelta

from adapters.store.alarm_verdicts import give
from adapters.store.database import Engine, transaction
from adapters.store.ledger_rows import note
from adapters.store.noise_reports import kept_report, listed_reports
from adapters.store.noise_rows import pages_told
from adapters.store.outbox import page_row
from adapters.store.tables.acting import actions
from adapters.store.tables.decided import approvals
from adapters.store.tables.found import alerts, incidents
from adapters.store.tables.paging import pages
from domain.alarm_verdicts import AlarmVerdict
from domain.incidents import Kind, Resolution
from domain.ledger import LedgerKind
from domain.noise_report import Report, headline, sections
from domain.pages import PageReason
from domain.told_pages import Acted, Asked
from tasks.reporting import keep_made, queue_report, report
from tests.parts.drafting_part import an_action, an_approval
from tests.parts.judged_part import known, rows
from tests.parts.logs_part import NOON, SECOND, a_log
from tests.parts.replay_part import BEGIN, END, FAULTS, Live, replayed, rows_of

HOUR = timedelta(hours=1)
TREE = known().settings


def delivered(engine: Engine) -> None:
    """People got every page that waits."""
    with transaction(engine) as connection:
        connection.execute(pages.update().where(pages.c.state == "queued").values(state="sent"))


def filled(engine: Engine) -> Live:
    """A noisy service pages twice with three logs each; another one with twelve, which somebody takes."""
    live = Live(engine)
    for hour, service, many in ((0, "cache", 3), (2, "cache", 3), (4, "web", 12)):
        for second in range(many):
            live.now = NOON + hour * HOUR + second * SECOND
            live.take([(0, a_log(timestamp=live.now.isoformat(), service=service, **FAULTS[0]))])
    delivered(engine)
    return live


def reported(engine: Engine, told: list[str] | None = None) -> Report:
    tell = (told if told is not None else []).append
    return report(engine, TREE, BEGIN, END, lambda each: [replayed(engine, changes=one) for one in each], tell)


def test_only_what_misses_nothing_is_recommended(store: Engine) -> None:
    live, said = filled(store), list[str]()
    live.now += SECOND
    live.acknowledge(3)
    before = rows_of(store)
    found = reported(store, said)
    assert before == rows_of(store)
    assert [Acted.NOTHING, Acted.NOTHING, Acted.ACKNOWLEDGED] == [one.acted for one in found.pages]
    by = {one.candidate.told: one for one in found.trials}
    assert list(by) == said
    more = by[f"incidents.confirm_logs: {2 * TREE.incidents.confirm_logs}"]
    assert (2, [], True) == (more.saved, list(more.missed), more.recommended)
    # The rules are 0.9 sure of an ERROR with a word of failure, so that nobody would be told of anything beyond that.
    assert not by["detection.confidence_threshold: 0.8"].saved
    assert by["sre silence add service=cache --for 7d"].recommended


def test_a_page_that_nobody_got_is_none_of_the_report(store: Engine) -> None:
    filled(store)
    with transaction(store) as connection:
        connection.execute(pages.update().where(pages.c.incident_id == 1).values(state="suppressed"))
        connection.execute(incidents.update().where(incidents.c.id == 2).values(kind=Kind.CANARY))
    assert [3] == [one.incident for one in pages_told(store, BEGIN, END)]


def test_every_service_of_an_incident_is_known_and_who_answered_it(store: Engine) -> None:
    filled(store)
    with transaction(store) as connection:
        connection.execute(alerts.update().where(alerts.c.incident_id == 1).values(service="db"))
        note(connection, LedgerKind.ASSIGNED, 2, {"by": "ann", "to": "user bob"}, now=NOON + 5 * HOUR)
    first, second, _ = pages_told(store, BEGIN, END)
    assert ({"cache", "db"}, Acted.NOTHING) == (first.services, first.acted)
    assert ({"cache"}, Acted.ANSWERED) == (second.services, second.acted)


def test_what_people_call_real_is_not_missed(store: Engine) -> None:
    filled(store)
    for number in (1, 2):
        give(store, number, AlarmVerdict.REAL, by="ann", now=NOON + 5 * HOUR)
    found = reported(store)
    more = next(one for one in found.trials if "confirm_logs" in one.candidate.told)
    assert (2, [1, 2], False) == (more.saved, list(more.missed), more.recommended)
    assert not any("silence" in one.candidate.told for one in found.trials)


def test_a_playbook_is_tried_where_one_cure_was_proved(store: Engine) -> None:
    live = Live(store)
    for number in (1, 2, 3):
        for second in range(3):
            live.now = NOON + number * HOUR + second * SECOND
            live.take([(0, a_log(timestamp=live.now.isoformat(), service="web", **FAULTS[0]))])
        delivered(store)
        live.resolve(number)
        with transaction(store) as connection:
            connection.execute(actions.insert().values(an_action(number)))
            connection.execute(approvals.insert().values(an_approval(number)))
    found = {one.candidate.told: one for one in reported(store).trials}
    trial = found["sre playbooks draft 3, reviewed and trusted to act"]
    assert (3, [], True) == (trial.saved, list(trial.missed), trial.recommended)
    assert trial.candidate.playbook is not None
    assert ["restart"] == [one.kind for one in trial.candidate.playbook.actions]


def test_what_was_asked_and_what_came_of_it_is_read_from_the_ledger(store: Engine) -> None:
    live = filled(store)
    with transaction(store) as connection:
        for number, met, said in ((1, ["asks"], LedgerKind.APPROVED), (2, ["asks", "risk"], LedgerKind.REJECTED)):
            row = page_row(f"asked {number}", number, PageReason.APPROVAL, 2, late=False, now=live.now)
            connection.execute(pages.insert().values(row))
            note(connection, LedgerKind.ASKED, number, {"met": met}, now=live.now)
            note(connection, said, number, {"by": "ann"}, now=live.now)
        verified = {"playbook": "pool", "resolution": Resolution.VERIFIED}
        connection.execute(incidents.update().where(incidents.c.id == 1).values(verified))
    found = [one.asked for one in pages_told(store, BEGIN, END) if one.reason == PageReason.APPROVAL]
    assert [
        Asked("pool", by_rank_alone=True, allowed=True, refused=False, helped=True),
        Asked("", by_rank_alone=False, allowed=False, refused=True, helped=False),
    ] == found
    assert not any(one.asked for one in pages_told(store, BEGIN, END) if one.reason != PageReason.APPROVAL)


def test_a_report_is_kept_as_it_is_shown(store: Engine) -> None:
    filled(store)
    found = reported(store)
    number = keep_made(store, found, now=END)
    kept = kept_report(store)
    assert kept is not None
    assert (number, BEGIN, END, headline(found)) == (kept.number, kept.since, kept.until, kept.headline)
    assert [one.title for one in sections(found)] == [one.title for one in kept.sections]
    assert [list(map(list, one.rows)) for one in sections(found)] == [list(one.rows) for one in kept.sections]
    assert [number] == [one.number for one in listed_reports(store, 10)]
    assert kept_report(store, number + 1) is None


def test_it_is_queued_once_for_those_who_read_the_digest(store: Engine) -> None:
    filled(store)
    found = reported(store)
    assert queue_report(store, found, now=END)
    assert not queue_report(store, found, now=END)
    (page,) = rows(store, "SELECT lines, incident_id FROM pages WHERE reason = 'digest'")
    assert 0 == page["incident_id"]
    assert headline(found) in str(page["lines"])
    assert "recommended" in str(page["lines"])
    # A digest is no page that somebody could act upon.
    assert 3 == len(reported(store).pages)
