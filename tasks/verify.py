"""The step `verify`: fresh logs show whether it helped."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from adapters.log_codec import metric_mean
from adapters.store import action_log, answers, step_queue
from adapters.store.database import Connection, transaction
from adapters.store.traffic import fresh, others, traffic
from domain.actions import ActionState
from domain.incidents import State
from domain.plans import Measure
from domain.steps import LOOK_AGAIN, Answer, Due, Step, finished_at
from domain.verification import SETTLING, Proof, Samples, prove, traffic_is_gone
from tasks.held import Held, planned

SAMPLED_BODIES = 2_000
# Traffic is compared with so much of the time before the incident.
USUAL = timedelta(seconds=60)


def look(held: Held) -> Proof | None:
    """What fresh logs show by now, None while it is too early."""
    answer = held.read()
    ended, now = finished_at(answer), held.now()
    if now <= ended + SETTLING:
        return None
    with transaction(held.means.engine) as connection:
        found = _samples(connection, answer, now=now)
        if traffic_is_gone(found):
            found = _with_others(connection, answer, found, now=now)
    return prove(found, planned(answer).verification, finished_at=ended, now=now)


def _samples(connection: Connection, answer: Answer, *, now: datetime) -> Samples:
    incident, wanted = answer.incident, planned(answer).verification
    since, begun = finished_at(answer) + SETTLING, _begun(answer)
    metric = wanted.metric if wanted.measure is Measure.METRIC else ""
    said = fresh(connection, incident.service, since=since, bodies=SAMPLED_BODIES if metric else 0)
    return Samples(
        after=traffic(connection, incident, since=since, until=now),
        anomalous=said.anomalous,
        errors=said.errors,
        metric_mean=metric_mean(said.bodies, metric) if metric else None,
        during=traffic(connection, incident, since=incident.opened_at, until=max(begun, incident.opened_at)),
        usual=traffic(connection, incident, since=incident.opened_at - USUAL, until=incident.opened_at),
    )


def _with_others(connection: Connection, answer: Answer, found: Samples, *, now: datetime) -> Samples:
    """Whether all others became quiet too is asked only where it matters: it counts every log."""
    incident, since = answer.incident, finished_at(answer) + SETTLING
    after = others(connection, incident.service, since=since, until=now)
    before = others(connection, incident.service, since=incident.opened_at - USUAL, until=incident.opened_at)
    return replace(found, after=replace(found.after, others=after), usual=replace(found.usual, others=before))


def _begun(answer: Answer) -> datetime:
    started = [record.started_at for record in answer.of_episode(ActionState.DONE) if record.started_at]
    return min(started, default=finished_at(answer))


def verify(held: Held, step: Step) -> None:
    """Keep what fresh logs show, or when to look again."""
    proof = look(held)
    with held.writing(step) as (connection, answer):
        now = held.now()
        done = answer.of_episode(ActionState.DONE)
        for record in done:
            if record.finished_at is not None and record.finished_at > now:
                action_log.restamp(connection, record, now=now)
        if proof is not None:
            action_log.judge(connection, answer.incident.id, done, proof, now=now)
        else:
            step_queue.schedule(connection, answer.incident.id, later(answer, now))
        if answer.incident.state is State.ACTING:
            answers.move(connection, answer.incident.id, State.VERIFYING)


def later(answer: Answer, now: datetime) -> Due:
    """The timer of the next look."""
    ends = finished_at(answer) + planned(answer).verification.within
    return Due(now + LOOK_AGAIN, "fresh logs that show whether it helped", ends)
