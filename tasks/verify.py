"""The step `verify`: fresh logs show whether it helped, and whether it would have healed without us."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adapters.store import action_log, answers, step_queue
from adapters.store.closing import healed_alone
from adapters.store.database import Connection, snapshot
from adapters.store.log_reader import read_again
from adapters.store.question_rows import keep_question
from adapters.store.traffic import Said, first_seen, fresh, others, pace, said, touched, traffic
from domain.actions import ActionState
from domain.comparisons import Comparison, comparison_document, verdict
from domain.control import SHORTEST_SECONDS, Control, Reading, traffic_is_gone
from domain.incidents import Incident, State
from domain.inventory import Inventory
from domain.plans import Measure, Verification
from domain.questions import Asked, Kind
from domain.steps import LOOK_AGAIN, Answer, Due, Step, finished_at
from domain.verification import SETTLING, Outcome, Samples
from tasks.held import Held, planned
from tasks.trust import telling

# Traffic is compared with so much of the time before the incident, and the measure with so much before the action.
USUAL = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at fresh logs: what is compared with what."""

    connection: Connection
    answer: Answer
    inventory: Inventory
    now: datetime

    @property
    def incident(self) -> Incident:
        """What was acted upon."""
        return self.answer.incident

    @property
    def wanted(self) -> Verification:
        """What must be true again."""
        return planned(self.answer).verification

    @property
    def ended(self) -> datetime:
        """When the last action ended."""
        return finished_at(self.answer)

    @property
    def begun(self) -> datetime:
        """When the first action began, or the fault if that is later by its logs' clocks."""
        started = [each.started_at for each in self.answer.of_episode(ActionState.DONE) if each.started_at]
        return max(min(started, default=self.ended), self.incident.begun_at)

    @property
    def fresh_span(self) -> tuple[datetime, datetime]:
        """The time that is judged."""
        return self.ended + SETTLING, self.now

    @property
    def sick_span(self) -> tuple[datetime, datetime]:
        """The fault's last minute before the action."""
        return max(self.incident.begun_at, self.begun - USUAL), self.begun

    @property
    def metric(self) -> str:
        """The metric that is compared, if one is."""
        return self.wanted.metric if self.wanted.measure is Measure.METRIC else ""


@read_again
def look(held: Held) -> Comparison | None:
    """What fresh logs are compared with, where they show something by now; None while it is too early."""
    answer = held.read()
    if held.now() <= finished_at(answer) + SETTLING:
        return None
    with snapshot(held.means.engine) as connection:
        one = Look(connection, answer, held.means.knowledge.inventory, held.now())
        found = Comparison(planned(answer).source, _samples(one), one.wanted, one.ended, one.now)
        proof = found.proof
        # What others did counts every log, so it is asked only where a verdict hangs on it.
        if proof is not None and proof.outcome is Outcome.RECOVERED:
            found = replace(found, samples=_against_control(one, found.samples))
            proof = found.proof
    return found if proof is not None else None


def _samples(one: Look) -> Samples:
    connection, incident = one.connection, one.incident
    since, now = one.fresh_span
    usual = _usual_span(one)
    news = fresh(connection, incident.service, since=since, metric=one.metric)
    found = Samples(
        after=traffic(connection, incident, since=since, until=now),
        anomalous=news.anomalous,
        errors=news.errors,
        metric_mean=news.mean,
        during=traffic(connection, incident, since=incident.begun_at, until=one.begun),
        usual=traffic(connection, incident, since=usual[0], until=usual[1]),
        before=_reading(one, said(connection, [incident.service], one.sick_span, metric=one.metric), one.sick_span),
        pace=pace(connection, incident, since=incident.begun_at, until=one.begun),
        passed=(now - incident.begun_at).total_seconds(),
    )
    return _with_others(one, found, usual) if traffic_is_gone(found.after, found.usual) else found


def _usual_span(one: Look) -> tuple[datetime, datetime]:
    """The time whose traffic is the usual one: that before the fault, as far as the service was seen in it.

    Of one that was seen for a moment only, the fault's own time tells how much traffic it has.
    """
    since, until = one.incident.begun_at - USUAL, one.incident.begun_at
    first = first_seen(one.connection, one.incident.service, since=since, until=until)
    if first is None:
        return since, until
    return first, one.begun if until - first < timedelta(seconds=SHORTEST_SECONDS) else until


def _reading(one: Look, seen: Said, span: tuple[datetime, datetime]) -> Reading:
    seconds = (span[1] - span[0]).total_seconds()
    if one.metric:
        return Reading(seen.values, seen.mean, seconds)
    counted = seen.anomalous if one.wanted.measure is Measure.ANOMALY_RATE else seen.errors
    return Reading(seen.logs, counted / seen.logs if seen.logs else None, seconds)


def _with_others(one: Look, found: Samples, usual: tuple[datetime, datetime]) -> Samples:
    """Whether all others became quiet too."""
    incident, (since, until) = one.incident, one.fresh_span
    after = others(one.connection, incident.service, since=since, until=until)
    before = others(one.connection, incident.service, since=usual[0], until=usual[1])
    return replace(found, after=replace(found.after, others=after), usual=replace(found.usual, others=before))


def _against_control(one: Look, found: Samples) -> Samples:
    """With what the fault does not touch, and how such faults ended without us."""
    ours = _touched(one)
    before, after = (
        _reading(one, said(one.connection, ours, span, all_but=True, metric=one.metric), span)
        for span in (one.sick_span, one.fresh_span)
    )
    return replace(found, control=Control(before, after), healed_after=healed_alone(one.connection, one.incident))


def _touched(one: Look) -> set[str]:
    """Services that the fault may touch: those with its alerts, and those that call or are called."""
    near = one.inventory.around(one.incident.service) & one.inventory.services.keys()
    return touched(one.connection, one.incident) | near


def verify(held: Held, step: Step) -> None:
    """Keep what fresh logs show, or when to look again."""
    compared = look(held)
    with held.writing(step) as (connection, answer):
        now = held.now()
        done = answer.of_episode(ActionState.DONE)
        for record in done:
            if record.finished_at is not None and record.finished_at > now:
                action_log.restamp(connection, record, now=now)
        if compared is not None and compared.proof is not None:
            _keep(held, connection, answer.incident.id, compared)
            with telling(held, connection, answer.incident):
                action_log.judge(connection, answer.incident.id, done, compared.proof, now=now)
        else:
            step_queue.schedule(connection, answer.incident.id, later(answer, now))
        if answer.incident.state is State.ACTING:
            answers.move(connection, answer.incident.id, State.VERIFYING)


def _keep(held: Held, connection: Connection, incident_id: int, compared: Comparison) -> None:
    asked = Asked(Kind.VERIFICATION, comparison_document(compared), verdict(compared.proof))
    keep_question(connection, incident_id, asked, knowledge=held.means.named(connection), now=held.now())


def later(answer: Answer, now: datetime) -> Due:
    """The timer of the next look."""
    ends = finished_at(answer) + planned(answer).verification.within
    return Due(now + LOOK_AGAIN, "fresh logs that show whether it helped", ends)
