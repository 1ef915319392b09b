"""What people answer becomes true here, whichever way it came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adapters.store import answers, escalations, outbox, responses
from adapters.store.closing import acknowledge_in, acknowledgement_ends, close_by_hand_in, incident_in
from adapters.store.database import Connection, Engine, transaction
from adapters.store.escalations import Escalation, Phase
from adapters.store.ledger_rows import note
from domain.actions import Approval
from domain.answer_links import LEAST
from domain.assigning import known_target
from domain.errors import BadInput, Refused
from domain.escalation import Progress
from domain.incidents import Incident
from domain.ledger import LedgerKind
from domain.lengths import must_be_short
from domain.pages import PageReason
from domain.people import People, Person
from domain.responses import Response, Verb, Via
from domain.roster import Policy, PolicyStep, Roster
from tasks.noting import keep_in

SHORTEST_SNOOZE, LONGEST_SNOOZE = timedelta(minutes=1), timedelta(days=7)
# How long whoever was given it has before the policy goes on.
ASSIGNED_WAITS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Said:
    """One answer with whoever gave it, and the incident as it is now, locked."""

    response: Response
    person: Person
    incident: Incident
    now: datetime
    roster: Roster  # whom it may be given to; whoever it is where it names nobody


# Without a file that says who is on call nobody can say that there is no such person.
NO_ROSTER = Roster()


def respond(engine: Engine, response: Response, people: People, *, now: datetime, roster: Roster = NO_ROSTER) -> str:
    """Do what was answered; what came of it, in words. Raises Refused and BadInput, with what to do instead."""
    person = people.person(response.person, LEAST[response.verb])
    with transaction(engine) as connection:
        return respond_in(connection, response, person, roster, now=now)


def act_on_stored(engine: Engine, people: People, *, now: datetime, roster: Roster = NO_ROSTER) -> int:
    """Act on what came in through the HTTP service, each once; how many."""
    return sum(_act_on(engine, one, people, roster, now) for one in responses.take_due(engine))


def _act_on(engine: Engine, response: Response, people: People, roster: Roster, now: datetime) -> bool:
    try:
        person = people.person(response.person, LEAST[response.verb])
        with transaction(engine) as connection:
            # First of all, so that whoever comes second waits here and does nothing.
            if not responses.mark_done(connection, response, "", now):
                return False
            outcome = respond_in(connection, response, person, roster, now=now)
            responses.tell(connection, response, outcome)
            return True
    except (Refused, BadInput) as error:
        fields = {"verb": response.verb, "by": response.person, "via": response.via, "why": str(error)}
        with transaction(engine) as connection:
            done = responses.mark_done(connection, response, f"refused: {error}", now)
            if done:
                note(connection, LedgerKind.RESPONSE_REFUSED, response.incident_id, fields, now=now)
        return done


def respond_in(
    connection: Connection, response: Response, person: Person, roster: Roster = NO_ROSTER, *, now: datetime
) -> str:
    """As `respond`, within a transaction, for somebody who may."""
    incident = incident_in(connection, response.incident_id)
    if incident is None or incident.state.closed:
        if incident is not None and not response.findings.is_empty:
            noted = f"`sre note {incident.id} --cause …` keeps what you found out"
            raise Refused(f"incident {incident.id} is closed already; {noted}")
        gone = f"incident {response.incident_id} does not exist or is closed"
        raise Refused(f"{gone}; `sre incidents --open` lists those that are open")
    if response.episode not in (0, incident.episode):
        raise Refused(f"incident {incident.id} came back since: that was about an earlier time of it")
    return VERBS[response.verb](connection, Said(response, person, incident, now, roster))


def _acknowledge(connection: Connection, said: Said) -> str:
    acknowledge_in(connection, said.incident.id, by=said.person.name, now=said.now)
    return f"incident {said.incident.id} acknowledged"


def _resolve(connection: Connection, said: Said) -> str:
    close_by_hand_in(connection, said.incident.id, by=said.person.name, now=said.now)
    if said.response.findings.is_empty:
        return f"incident {said.incident.id} resolved"
    keep_in(connection, said.incident, said.response.findings, by=said.person.name, now=said.now)
    return f"incident {said.incident.id} resolved, with a note"


def _snooze(connection: Connection, said: Said) -> str:
    span = _span(said.response.argument)
    until = said.now + span
    _escalation(connection, said)  # what nobody was paged for has no timer that could end the snooze
    acknowledge_in(connection, said.incident.id, by=said.person.name, now=said.now, until=until)
    return f"nobody is told of incident {said.incident.id} until {until:%Y-%m-%d %H:%M} UTC"


def _span(seconds: str) -> timedelta:
    try:
        span = timedelta(seconds=float(seconds))
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{seconds[:40]!r} is no number of seconds") from error
    if not SHORTEST_SNOOZE <= span <= LONGEST_SNOOZE:
        raise BadInput("an incident is snoozed for one minute at least and seven days at most")
    return span


def _comment(connection: Connection, said: Said) -> str:
    text = must_be_short("the comment", " ".join(said.response.argument.split()))
    if not text:
        raise BadInput("a comment says something")
    note(connection, LedgerKind.COMMENTED, said.incident.id, {"by": said.person.name, "text": text}, now=said.now)
    line = f"{said.person.name}: {text}"
    outbox.queue_news(connection, said.incident, PageReason.COMMENTED, line, by=said.person.name, now=said.now)
    return f"comment on incident {said.incident.id} kept"


def _escalate(connection: Connection, said: Said) -> str:
    """The next step now; whoever had it does not have it any more."""
    one = _escalation(connection, said)
    acknowledgement_ends(connection, said.incident.id)
    progress = one.progress.begin_again() if one.progress.is_over else one.progress
    why = f"{said.person.name} asked for the next step"
    escalations.save(connection, replace(one, progress=progress, phase=Phase.RUNNING, due_at=said.now, why=why, by=""))
    note(
        connection, LedgerKind.ASSIGNED, said.incident.id, {"by": said.person.name, "to": "the next step"}, now=said.now
    )
    return f"the next step of incident {said.incident.id} comes now"


def _reassign(connection: Connection, said: Said) -> str:
    """Somebody else is asked, and where they do not answer, the policy goes on from its begin."""
    one = _escalation(connection, said)
    target = known_target(said.response.argument, said.roster)
    acknowledgement_ends(connection, said.incident.id)
    before = one.progress.policy
    steps = (PolicyStep((target,), ASSIGNED_WAITS, assigned=True), *(one for one in before.steps if not one.assigned))
    policy = Policy(before.name, steps, before.repeat, before.last_resort, before.ack_lasts)
    progress = Progress(policy, fired=one.progress.fired)
    why = f"{said.person.name} gave it to {target}"
    escalations.save(connection, replace(one, progress=progress, phase=Phase.RUNNING, due_at=said.now, why=why, by=""))
    fields = {"by": said.person.name, "to": str(target)}
    note(connection, LedgerKind.ASSIGNED, said.incident.id, fields, now=said.now)
    return f"incident {said.incident.id} goes to {target}"


def _escalation(connection: Connection, said: Said) -> Escalation:
    one = escalations.read(connection, said.incident.id, lock=True)
    if one is None:
        raise Refused(
            f"nobody was paged for incident {said.incident.id}: it can be neither given to anybody nor snoozed"
        )
    return one


def _approve(connection: Connection, said: Said) -> str:
    return _word(connection, said, granted=True)


def _reject(connection: Connection, said: Said) -> str:
    return _word(connection, said, granted=False)


def _word(connection: Connection, said: Said, *, granted: bool) -> str:
    if not said.response.argument and said.response.via is not Via.COMMAND:
        raise Refused("the button names no plan")
    given = Approval(granted=granted, by=said.person.name, at=said.now, role=said.person.role)
    meant = answers.allow(connection, said.incident.id, said.response.argument, given)
    return f"plan of incident {said.incident.id} {'allowed' if granted else 'refused'}: {meant.told}"


VERBS: Mapping[Verb, Callable[[Connection, Said], str]] = {
    Verb.ACKNOWLEDGE: _acknowledge,
    Verb.RESOLVE: _resolve,
    Verb.REASSIGN: _reassign,
    Verb.ESCALATE: _escalate,
    Verb.SNOOZE: _snooze,
    Verb.COMMENT: _comment,
    Verb.APPROVE: _approve,
    Verb.REJECT: _reject,
}
