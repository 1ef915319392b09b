"""The steps of an answer, one after the other: taken from what is stored, whoever holds the incident."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.store import step_queue
from adapters.store.database import Contended, transaction
from adapters.store.ledger_rows import note
from adapters.store.own_incidents import open_own_incident
from domain.actions import ActionState
from domain.errors import BadInput, BadSettings, Refused, SreError, Unavailable
from domain.ledger import LedgerKind
from domain.steps import Answer, Due, Step, StepKind, next_step, waiting
from tasks.act import act, finish, record_of
from tasks.begin import begin, still_held_off
from tasks.escalate import escalate
from tasks.held import Held
from tasks.plan import make_plan
from tasks.resolve import resolve
from tasks.undo import undo
from tasks.verify import later, look, verify

log = logging.getLogger(__name__)

# Variants live in a table: what each step does.
STEPS: Mapping[StepKind, Callable[[Held, Step], None]] = {
    StepKind.PLAN: make_plan,
    StepKind.BEGIN: begin,
    StepKind.ACT: act,
    StepKind.FINISH: finish,
    StepKind.VERIFY: verify,
    StepKind.UNDO: undo,
    StepKind.RESOLVE: resolve,
    StepKind.ESCALATE: escalate,
}
NOTHING_TO_DO = frozenset({StepKind.WAIT, StepKind.REST})
LONGEST_PAUSE_SECONDS = 60.0
# What may be different the next time.
MAY_HELP = (Unavailable, BadSettings, BadInput)


def due_step(held: Held) -> Step:
    """The step that is due now. Raises Refused when there is no such incident any more."""
    return _chosen(held, held.read())


def _chosen(held: Held, answer: Answer) -> Step:
    return next_step(answer, tries=held.means.settings.mitigation.step_tries, now=held.now())


def take(held: Held, step: Step) -> bool:
    """Take a step; False when it did not come to its end and the incident was let go.

    What failed is tried again later, and the timer says why. Raises nothing that a step foresees.
    """
    try:
        STEPS[step.kind](held, step)
    except Refused as error:
        log.warning("step.let-go", extra={"incident": held.claim.incident_id, "step": step.kind, "why": str(error)})
        return _lost_or_failed(held, error)
    except MAY_HELP as error:
        put_off(held, error)
        return False
    return True


def _lost_or_failed(held: Held, error: Refused) -> bool:
    """A lease that was lost is somebody else's matter; any other refusal counts as a try."""
    try:
        held.renew()
    except Refused:
        return False
    put_off(held, error)
    return False


def put_off(held: Held, error: Exception) -> None:
    """Let the incident go; the step is due again after a pause, and after too many tries a human gets it."""
    answer, now = held.read(), held.now()
    tries = answer.due.tries if isinstance(error, Contended) else answer.due.tries + 1
    pause = timedelta(seconds=min(2.0**tries, LONGEST_PAUSE_SECONDS))
    told = str(error) or repr(error)
    step = _chosen(held, answer)
    waits = f"another try of the step {step.name}, {tries} in vain"
    fields = {"step": step.name, "tries": tries, "error": told[:300]}
    with transaction(held.means.engine) as connection:
        note(connection, LedgerKind.STEP_FAILED, held.claim.incident_id, fields, now=now)
    step_queue.release(held.means.engine, held.claim, Due(now + pause, waits, answer.due.until, tries, told[:500]))
    if tries == held.means.settings.mitigation.step_tries and answer.incident.state.closed:
        _tell_of_half_done(held, answer, told)


def _tell_of_half_done(held: Held, answer: Answer, error: str) -> None:
    """The incident is closed, so it cannot go to a human; that something was left half done must."""
    number = answer.incident.id
    begun = " and ".join(record.told for record in answer.actions if record.state is ActionState.STARTED)
    message = f"incident {number} is closed, and what was begun for it has no end yet: {begun}: {error}"
    open_own_incident(held.means.engine, f"an action of incident {number} has no end", message, now=held.now())


def let_go(held: Held, step: Step) -> None:
    """Release an incident for which nothing is due now, with its timer."""
    asked_for = timedelta(seconds=held.means.settings.mitigation.approval_seconds)
    due = waiting(held.read(), step, asked_for=asked_for, now=held.now())
    step_queue.release(held.means.engine, held.claim, due)


def quiet_look(held: Held, step: Step) -> bool:
    """Whether a look at fresh logs, or at maintenance, only moves the timer; then the incident is let go."""
    answer = held.read()
    due = _later(held, answer, step)
    if due is None:
        return False
    step_queue.release(held.means.engine, held.claim, due)
    return True


def _later(held: Held, answer: Answer, step: Step) -> Due | None:
    if step.kind is StepKind.BEGIN:
        return still_held_off(held, answer)
    return later(answer, held.now()) if step.kind is StepKind.VERIFY and look(held) is None else None


def run_steps(held: Held) -> list[Step]:
    """Every step that is due, one after the other, until the incident waits or rests; the steps taken."""
    taken: list[Step] = []
    try:
        while (step := due_step(held)).kind not in NOTHING_TO_DO:
            taken.append(step)
            if not take(held, step):
                return taken
        let_go(held, step)
    except SreError as error:
        # The store is gone, or the lease; it runs out, and the incident is claimed again.
        log.warning("incident.interrupted", extra={"incident": held.claim.incident_id, "why": str(error)})
    return taken


class HeldStep:
    """A step on its way into its task; no dataclass, because Prefect looks through those."""

    def __init__(self, held: Held, step: Step) -> None:
        self.held = held
        self.step = step

    def __str__(self) -> str:
        return self.step.kind if self.step.kind not in ABOUT_ACTION else self._named()

    def _named(self) -> str:
        record = record_of(self.held.read(), self.step)
        verb = {StepKind.FINISH: "finish: ", StepKind.UNDO: "undo: "}.get(self.step.kind, "")
        return f"{verb}{record.kind} {record.target}"


ABOUT_ACTION = frozenset({StepKind.ACT, StepKind.FINISH, StepKind.UNDO})


@task(retries=0, cache_policy=NO_CACHE, persist_result=False, task_run_name="{named}")
async def take_step(step: HeldStep, named: str) -> bool:  # noqa: ARG001 - Prefect names the run by it
    """Take one step as a task run."""
    return await asyncio.to_thread(take, step.held, step.step)
