"""Actions are committed before they are carried out, within budgets that hold for everybody at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from adapters.store import action_log
from adapters.store.action_log import Intent, begin, history, of_incident
from adapters.store.database import Contended, Engine, connect
from adapters.store.incident_queue import Claim, claim, close_by_hand, close_quiet, reread
from domain.errors import Refused
from domain.execution import ProcessState, Snapshot, TargetState
from domain.gate import History, Objected, Objection
from domain.incidents import State
from domain.plans import Action, ActionKind, Risk, Undo
from domain.verification import Outcome, Verdict
from tests.parts.judged_part import NOW, Feed

HOUR = timedelta(hours=1)
SOON = NOW + timedelta(seconds=1)


def restart(target: str = "web") -> Action:
    return Action(ActionKind.RESTART, target, Risk.LOW, Undo.NONE, {})


def seen(target: str = "web", pid: int = 100) -> Snapshot:
    return Snapshot(target, (ProcessState(f"{target}:{target}_00", TargetState.RUNNING, pid, NOW),))


def intent(target: str = "web", ordinal: int = 0) -> Intent:
    return Intent(restart(target), seen(target), ordinal, "playbook:mend-it")


def nothing(_history: History) -> list[Objected]:
    return []


def in_hand(store: Engine, feed: Feed, service: str = "web", *, now: datetime = NOW) -> Claim:
    feed.incident(service=service)
    (found,) = claim(store, token=service, lease=24 * HOUR, now=now, limit=1)
    return found


def test_an_action_is_on_record_before_it_happens(store: Engine) -> None:
    mine = in_hand(store, Feed(store))
    assert [] == begin(store, mine, intent(), nothing, now=NOW)
    (stored,) = of_incident(store, mine.incident.id)
    assert ("started", seen(), None, NOW) == (stored.state, stored.before, stored.after, stored.started_at)
    incident = reread(store, mine.incident.id)
    assert incident is not None
    assert State.ACTING == incident.state


def test_what_speaks_against_it_leaves_no_trace(store: Engine) -> None:
    mine = in_hand(store, Feed(store))
    objected = [Objected(Objection.PAUSED, {})]
    assert objected == begin(store, mine, intent(), lambda _: objected, now=NOW)
    assert [] == of_incident(store, mine.incident.id)


def test_the_same_action_of_an_incident_is_begun_once(store: Engine) -> None:
    """Invariant 4: an action is never blindly repeated."""
    mine = in_hand(store, Feed(store))
    begin(store, mine, intent(), nothing, now=NOW)
    with pytest.raises(Contended):
        begin(store, mine, intent(), nothing, now=NOW)
    assert 1 == len(of_incident(store, mine.incident.id))


def test_an_incident_that_was_closed_meanwhile_is_not_acted_upon(store: Engine) -> None:
    """Fault 1: a remediation ran on the resolved message."""
    mine = in_hand(store, Feed(store))
    close_by_hand(store, mine.incident.id, by="ann", now=NOW)
    with pytest.raises(Refused):
        begin(store, mine, intent(), nothing, now=NOW)
    assert [] == of_incident(store, mine.incident.id)


def test_an_action_goes_from_started_to_done_to_its_verdict(store: Engine) -> None:
    mine = in_hand(store, Feed(store))
    begin(store, mine, intent(), nothing, now=NOW)
    (begun,) = of_incident(store, mine.incident.id)
    action_log.finish(store, mine, begun, seen(pid=200), taken_over="", now=SOON)
    action_log.judge(store, mine.incident.id, Outcome(Verdict.INEFFECTIVE, 0.5, 0.1, 20), now=SOON)
    (done,) = of_incident(store, mine.incident.id)
    assert ("done", seen(pid=200), SOON, "ineffective") == (done.state, done.after, done.finished_at, done.verdict)
    action_log.mark_undone(store, done, now=SOON)
    assert of_incident(store, mine.incident.id)[0].undone


def test_a_failed_action_keeps_the_reason(store: Engine) -> None:
    mine = in_hand(store, Feed(store))
    begin(store, mine, intent(), nothing, now=NOW)
    (begun,) = of_incident(store, mine.incident.id)
    action_log.fail(store, mine, begun, "no such process", now=SOON)
    assert "failed" == of_incident(store, mine.incident.id)[0].state


def test_an_incident_whose_verdict_is_out_is_not_closed_by_silence(store: Engine) -> None:
    """Fault 10: no samples are no success."""
    mine = in_hand(store, Feed(store))
    begin(store, mine, intent(), nothing, now=NOW)
    (begun,) = of_incident(store, mine.incident.id)
    action_log.finish(store, mine, begun, seen(pid=200), taken_over="", now=SOON)
    assert [] == close_quiet(store, quiet=HOUR, now=NOW + 30 * HOUR)


def test_history_counts_by_target_and_in_all(store: Engine) -> None:
    """Fault 9: what was completed and did not help counts."""
    feed = Feed(store)
    verdicts = [("web", Verdict.INEFFECTIVE), ("db", Verdict.UNKNOWN), ("api", Verdict.RECOVERED)]
    for number, (target, verdict) in enumerate(verdicts):
        mine = in_hand(store, feed, target)
        begin(store, mine, intent(target), nothing, now=NOW + number * timedelta(minutes=40))
        action_log.judge(store, mine.incident.id, Outcome(verdict, None, 0.1, 0), now=NOW)
    now = NOW + timedelta(minutes=90)
    found = history(store, ["web", "db", "api", "other"], now=now)
    assert {"web": 1, "db": 1} == dict(found.ineffective)
    assert {"web", "db", "api"} == found.last_action.keys()
    assert 2 == found.in_last_hour
    assert {} == dict(history(store, ["web"], now=NOW + timedelta(hours=25)).ineffective)


@pytest.mark.slow
def test_budgets_hold_when_two_incidents_act_at_once(postgres_url: str) -> None:
    """Fault 9: no second action slips in between the question and the answer."""
    engines = connect(postgres_url), connect(postgres_url)
    feed = Feed(engines[0])
    claims = [in_hand(engines[0], feed, service) for service in ("a", "b")]
    together = threading.Barrier(2)
    asked: list[int] = []

    def one_an_hour(lately: History) -> list[Objected]:
        asked.append(lately.in_last_hour)
        return [Objected(Objection.HOURLY_BUDGET, {})] if lately.in_last_hour else []

    def act(pair: tuple[Engine, Claim]) -> int:
        together.wait(10)
        return len(begin(pair[0], pair[1], intent(), one_an_hour, now=NOW))

    with ThreadPoolExecutor(2) as pool:
        assert [0, 1] == sorted(pool.map(act, zip(engines, claims, strict=True)))
    assert [0, 1] == asked
    for engine in engines:
        engine.dispose()
