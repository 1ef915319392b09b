"""The report over a store that was filled live: each change is tried by a replay of the same time."""

from __future__ import annotations

from datetime import timedelta

from adapters.store.alarm_verdicts import give
from adapters.store.database import Engine
from domain.alarm_verdicts import AlarmVerdict
from domain.noise_report import Acted, Report, headline
from tasks.reporting import queue_report, report
from tests.parts.judged_part import known, rows
from tests.parts.logs_part import NOON, SECOND, a_log
from tests.parts.replay_part import BEGIN, END, FAULTS, Live, replayed, rows_of

HOUR = timedelta(hours=1)
TREE = known().settings


def filled(engine: Engine) -> Live:
    """A noisy service pages twice with three logs each; another one with twelve, which somebody takes."""
    live = Live(engine)
    for hour, service, many in ((0, "cache", 3), (2, "cache", 3), (4, "web", 12)):
        for second in range(many):
            live.now = NOON + hour * HOUR + second * SECOND
            live.take([(0, a_log(timestamp=live.now.isoformat(), service=service, **FAULTS[0]))])
    return live


def reported(engine: Engine, told: list[str] | None = None) -> Report:
    tell = (told if told is not None else []).append
    return report(engine, TREE, BEGIN, END, lambda changes: replayed(engine, changes=changes), tell)


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


def test_what_people_call_real_is_not_missed(store: Engine) -> None:
    filled(store)
    for number in (1, 2):
        give(store, number, AlarmVerdict.REAL, by="ann", now=NOON + 5 * HOUR)
    found = reported(store)
    more = next(one for one in found.trials if "confirm_logs" in one.candidate.told)
    assert (2, [1, 2], False) == (more.saved, list(more.missed), more.recommended)
    assert not any("silence" in one.candidate.told for one in found.trials)


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
