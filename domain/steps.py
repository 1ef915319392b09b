"""The answer to an incident as durable steps: a pure choice from what is stored, by one table.

Whoever holds an incident asks `next_step`, takes that step, and asks again. A step that was interrupted
at any moment leaves rows from which the same table finds the right continuation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from domain.actions import ActionRecord, ActionState, Approval, UndoState
from domain.incidents import Incident, Route, State
from domain.pages import PageReason
from domain.plans import Plan, Undo
from domain.verification import SETTLING, Outcome

# What the timer of an incident says whose plan waits for people who are at work there.
HELD_OFF = "the end of maintenance"
# … and that of one whose likely origin was found a moment ago.
GATHERING = "more logs of its likely origin"
# Between two looks at fresh logs.
LOOK_AGAIN = timedelta(seconds=2)
# However long a wait is, in between somebody looks: a clock that jumps must not hide an incident.
LONGEST_WAIT = timedelta(minutes=5)


class StepKind(StrEnum):
    """What can be due for an incident."""

    PLAN = "plan"  # make the playbook's plan and store it whole
    BEGIN = "begin"  # ask the gate; reserve the whole plan, ask for approval, or give it to a human
    ACT = "act"  # carry out the next reserved action
    FINISH = "finish"  # an action was begun and its end is unknown: look at the world
    VERIFY = "verify"  # look at fresh logs
    UNDO = "undo"  # take back what did not help
    RESOLVE = "resolve"
    ESCALATE = "escalate"
    WAIT = "wait"  # nothing before a moment
    REST = "rest"  # nothing more to do


class Why(StrEnum):
    """Why that step and no other."""

    BEGUN = "an action was begun and its end is not known"
    GIVEN_UP = "the step failed too often"
    UNREADABLE = "its stored plan cannot be read"
    CLOSED = "the incident is closed"
    HUMAN = "a human has it"
    UNCONFIRMED = "too few logs so far"
    UNCOMMON = "no playbook fits"
    WIDESPREAD = "the same fault is in several services at once"
    FLAPS = "it comes back again and again"
    HELD_OFF = "maintenance is going on"
    GATHERING = "too few logs of its likely origin so far"
    COMMON = "a playbook fits"
    PLANNED = "a plan is made"
    GRANTED = "a person allowed the plan"
    REJECTED = "a person refused the plan"
    EXPIRED = "nobody answered in time"
    ASKED = "a person is asked"
    FAILED = "an action failed"
    DROPPED = "something spoke against an action when its turn came"
    NEXT_ACTION = "an action's turn has come"
    SETTLING = "logs right after an action say nothing yet"
    TOO_EARLY = "it is too early for a verdict"
    JUDGE = "fresh logs must show whether it helped"
    RECOVERED = "fresh logs show that it helped"
    TAKE_BACK = "it did not help and can be taken back"
    MADE_WORSE = "it is worse than before the action"
    NOT_HELPED = "it did not help"
    NOT_TAKEN_BACK = "what was done could not be taken back"
    NOTHING_SHOWS = "nothing shows whether it helped"


@dataclass(frozen=True, slots=True)
class Due:
    """The timer of an incident: its row in the queue."""

    at: datetime
    waits_for: str  # in words
    until: datetime | None = None  # when the wait ends at the latest
    tries: int = 0  # of the due step, in vain so far
    error: str = ""  # of the last try


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that decides the next step of one incident."""

    incident: Incident
    plan: Plan | None
    actions: tuple[ActionRecord, ...]  # of this episode, in order, and begun ones of earlier episodes
    approval: Approval | None  # of this plan
    due: Due
    flaw: str = ""  # why the stored plan cannot be read

    def of_episode(self, *states: ActionState) -> list[ActionRecord]:
        """The present episode's actions in one of these states."""
        mine = [action for action in self.actions if action.episode == self.incident.episode]
        return [action for action in mine if action.state in states]


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now, or until when to wait."""

    kind: StepKind
    why: Why
    at: datetime | None = None  # of a WAIT
    action: int = 0  # id of the action that it is about
    page: PageReason | None = None  # of an ESCALATE

    @property
    def name(self) -> str:
        """The step in a word."""
        return self.kind.value


def next_step(answer: Answer, *, tries: int, now: datetime) -> Step:
    """The step that is due for an incident at `now`, with its reason.

    `tries`: how often one step may fail before a human gets the incident.
    """
    for transition in TRANSITIONS:
        if answer.incident.state in transition.states and transition.when(answer, now, tries):
            return transition.step(answer)
    raise AssertionError(f"no transition for {answer.incident.state}")  # the table's last row takes everything


def waiting(answer: Answer, step: Step, *, asked_for: timedelta, now: datetime) -> Due | None:
    """The timer of an incident for which nothing is to be done now, None when nothing ever will be.

    `asked_for`: how long a person is asked at most. A wait from a clock that was ahead becomes a wait from now.
    """
    if step.kind is StepKind.REST:
        return None
    soon = now + LONGEST_WAIT
    until = answer.due.until
    ends = min(until, now + asked_for) if until is not None and answer.incident.state is State.WAITING else until
    return replace(answer.due, at=min(step.at or soon, soon), until=ends, tries=0, error="")


# --- conditions, each a question about what is stored -----------------------------------------------


def _always(_answer: Answer, _now: datetime, _tries: int) -> bool:
    return True


def _unreadable(answer: Answer, _now: datetime, _tries: int) -> bool:
    return bool(answer.flaw)


def _begun(answer: Answer, _now: datetime, _tries: int) -> bool:
    return any(action.state is ActionState.STARTED for action in answer.actions)


def _given_up(answer: Answer, _now: datetime, tries: int) -> bool:
    return answer.due.tries >= tries


def _begun_in_vain(answer: Answer, now: datetime, tries: int) -> bool:
    return _begun(answer, now, tries) and _given_up(answer, now, tries)


def _unconfirmed(answer: Answer, _now: datetime, _tries: int) -> bool:
    return answer.incident.confirmed_at is None


def _held_off(answer: Answer, now: datetime, _tries: int) -> bool:
    return answer.due.waits_for == HELD_OFF and now < answer.due.at <= now + LONGEST_WAIT


def _gathering(answer: Answer, now: datetime, _tries: int) -> bool:
    return answer.due.waits_for == GATHERING and now < answer.due.at <= now + LONGEST_WAIT


def _widespread(answer: Answer, _now: datetime, _tries: int) -> bool:
    return answer.incident.widespread


def _flaps(answer: Answer, _now: datetime, _tries: int) -> bool:
    return answer.incident.flaps


def _uncommon(answer: Answer, _now: datetime, _tries: int) -> bool:
    return answer.incident.route is Route.HUMAN


def _unplanned(answer: Answer, _now: datetime, _tries: int) -> bool:
    return answer.plan is None


def _granted(answer: Answer, _now: datetime, _tries: int) -> bool:
    return answer.approval is not None and answer.approval.granted


def _rejected(answer: Answer, _now: datetime, _tries: int) -> bool:
    return answer.approval is not None and not answer.approval.granted


def _expired(answer: Answer, now: datetime, _tries: int) -> bool:
    return answer.due.until is None or now >= answer.due.until


def _failed(answer: Answer, _now: datetime, _tries: int) -> bool:
    return bool(answer.of_episode(ActionState.FAILED))


def _dropped(answer: Answer, _now: datetime, _tries: int) -> bool:
    return bool(answer.of_episode(ActionState.DROPPED))


def _reserved(answer: Answer, _now: datetime, _tries: int) -> bool:
    return bool(answer.of_episode(ActionState.RESERVED))


def _stuck_and_undo_owed(answer: Answer, now: datetime, tries: int) -> bool:
    return (_failed(answer, now, tries) or _dropped(answer, now, tries)) and _undo_owed(answer, now, tries)


def _undo_owed(answer: Answer, _now: datetime, _tries: int) -> bool:
    return _to_undo(answer) is not None


def _unjudged(answer: Answer, _now: datetime, _tries: int) -> bool:
    return any(action.outcome is None for action in _done(answer))


def _settling(answer: Answer, now: datetime, tries: int) -> bool:
    # A clock that was set back must not make this wait long: what ends in the future is judged, and stamped anew.
    return _unjudged(answer, now, tries) and finished_at(answer) <= now < _settled(answer)


def _recovered(answer: Answer, _now: datetime, _tries: int) -> bool:
    done = _done(answer)
    return bool(done) and all(action.outcome is Outcome.RECOVERED for action in done)


def _not_helped(answer: Answer, _now: datetime, _tries: int) -> bool:
    return any(action.outcome is Outcome.INEFFECTIVE for action in _done(answer))


def _made_worse(answer: Answer, _now: datetime, _tries: int) -> bool:
    return any(action.outcome is Outcome.WORSE for action in _done(answer))


def _undo_failed(answer: Answer, _now: datetime, _tries: int) -> bool:
    return any(action.undo is UndoState.FAILED for action in _done(answer))


def _too_early(answer: Answer, now: datetime, tries: int) -> bool:
    return _unjudged(answer, now, tries) and now < answer.due.at <= now + LOOK_AGAIN


def _done(answer: Answer) -> list[ActionRecord]:
    return answer.of_episode(ActionState.DONE)


def finished_at(answer: Answer) -> datetime:
    """When the last action ended."""
    return max(action.finished_at for action in _done(answer) if action.finished_at is not None)


def _settled(answer: Answer) -> datetime:
    return finished_at(answer) + SETTLING


def _to_undo(answer: Answer) -> ActionRecord | None:
    """The action to take back next: the last that has a way back and was not taken back yet."""
    for record in reversed(_done(answer)):
        if record.action.undo is not Undo.NONE and record.undo in (UndoState.NOT, UndoState.STARTED):
            return record
    return None


# --- steps ---------------------------------------------------------------------------------------------

ToStep = Callable[[Answer], Step]


def _plain(kind: StepKind, why: Why) -> ToStep:
    return lambda _: Step(kind, why)


def _to_human(why: Why, page: PageReason) -> ToStep:
    return lambda _: Step(StepKind.ESCALATE, why, page=page)


def _on(kind: StepKind, why: Why, state: ActionState) -> ToStep:
    """A step about the first action in that state."""

    def step(answer: Answer) -> Step:
        first = next(action for action in answer.actions if action.state is state)
        return Step(kind, why, action=first.id)

    return step


def _undo(answer: Answer) -> Step:
    action = _to_undo(answer)
    return Step(StepKind.UNDO, Why.TAKE_BACK, action=action.id if action else 0)


def _until_due(why: Why) -> ToStep:
    return lambda answer: Step(StepKind.WAIT, why, at=answer.due.at)


def _until_settled(answer: Answer) -> Step:
    return Step(StepKind.WAIT, Why.SETTLING, at=_settled(answer))


def _until_asked(answer: Answer) -> Step:
    return Step(StepKind.WAIT, Why.ASKED, at=answer.due.until)


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: in these states, when that holds, this comes next."""

    states: frozenset[State]
    when: Callable[[Answer, datetime, int], bool]
    step: ToStep


ANY = frozenset(State)
CLOSED = frozenset(state for state in State if state.closed)
NEW = frozenset({State.OPEN, State.REOPENED})
WAITING = frozenset({State.WAITING})
ACTING = frozenset({State.ACTING})
VERIFYING = frozenset({State.VERIFYING})
WORKED_ON = NEW | WAITING | ACTING | VERIFYING

# In this order: the first row that holds is the step.
TRANSITIONS: tuple[Transition, ...] = (
    # Whatever became of the incident, what was begun is finished first.
    Transition(ANY - CLOSED, _begun_in_vain, _to_human(Why.GIVEN_UP, PageReason.FAILED)),
    Transition(ANY, _begun, _on(StepKind.FINISH, Why.BEGUN, ActionState.STARTED)),
    Transition(CLOSED, _always, _plain(StepKind.REST, Why.CLOSED)),
    Transition(frozenset({State.ESCALATED}), _always, _plain(StepKind.REST, Why.HUMAN)),
    Transition(WORKED_ON, _unreadable, _to_human(Why.UNREADABLE, PageReason.FAILED)),
    Transition(WORKED_ON, _given_up, _to_human(Why.GIVEN_UP, PageReason.FAILED)),
    Transition(NEW, _unconfirmed, _plain(StepKind.REST, Why.UNCONFIRMED)),
    Transition(NEW, _widespread, _to_human(Why.WIDESPREAD, PageReason.WIDESPREAD)),
    Transition(NEW, _flaps, _to_human(Why.FLAPS, PageReason.FLAPPING)),
    Transition(NEW | WAITING, _held_off, _until_due(Why.HELD_OFF)),
    Transition(NEW, _uncommon, _to_human(Why.UNCOMMON, PageReason.UNCOMMON)),
    Transition(NEW, _gathering, _until_due(Why.GATHERING)),
    Transition(NEW, _unplanned, _plain(StepKind.PLAN, Why.COMMON)),
    Transition(NEW, _always, _plain(StepKind.BEGIN, Why.PLANNED)),
    Transition(WAITING, _granted, _plain(StepKind.BEGIN, Why.GRANTED)),
    Transition(WAITING, _rejected, _to_human(Why.REJECTED, PageReason.OBJECTED)),
    Transition(WAITING, _expired, _to_human(Why.EXPIRED, PageReason.OBJECTED)),
    Transition(WAITING, _always, _until_asked),
    # A plan that cannot go on is taken back as far as it went.
    Transition(ACTING, _stuck_and_undo_owed, _undo),
    Transition(ACTING, _undo_failed, _to_human(Why.NOT_TAKEN_BACK, PageReason.NOT_TAKEN_BACK)),
    Transition(ACTING, _failed, _to_human(Why.FAILED, PageReason.FAILED)),
    Transition(ACTING, _dropped, _to_human(Why.DROPPED, PageReason.OBJECTED)),
    Transition(ACTING, _reserved, _on(StepKind.ACT, Why.NEXT_ACTION, ActionState.RESERVED)),
    Transition(ACTING, _always, _plain(StepKind.VERIFY, Why.JUDGE)),
    Transition(VERIFYING, _settling, _until_settled),
    Transition(VERIFYING, _too_early, _until_due(Why.TOO_EARLY)),
    Transition(VERIFYING, _unjudged, _plain(StepKind.VERIFY, Why.JUDGE)),
    Transition(VERIFYING, _recovered, _plain(StepKind.RESOLVE, Why.RECOVERED)),
    Transition(VERIFYING, _undo_owed, _undo),
    Transition(VERIFYING, _undo_failed, _to_human(Why.NOT_TAKEN_BACK, PageReason.NOT_TAKEN_BACK)),
    Transition(VERIFYING, _made_worse, _to_human(Why.MADE_WORSE, PageReason.MADE_WORSE)),
    Transition(VERIFYING, _not_helped, _to_human(Why.NOT_HELPED, PageReason.INEFFECTIVE)),
    Transition(VERIFYING, _always, _to_human(Why.NOTHING_SHOWS, PageReason.UNKNOWN)),
)
