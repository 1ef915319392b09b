"""The steps `act` and `finish`: one action is carried out, or what became of a begun one is found out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from adapters.store import action_log, answers, step_queue
from adapters.store.database import Connection
from domain.actions import ActionRecord, ActionState
from domain.asking import Purpose
from domain.errors import BadSettings, Refused, Unavailable
from domain.execution import HOPELESS, Executor, Progress, Snapshot, how_far
from domain.incidents import State
from domain.steps import Answer, Due, Step
from domain.verification import SETTLING
from tasks.escalate import in_words
from tasks.gate import ask, see
from tasks.held import Held, planned
from tasks.trust import telling

log = logging.getLogger(__name__)


def act(held: Held, step: Step) -> None:
    """Carry out the action whose turn has come, unless something speaks against it by now.

    Raises Unavailable when the executor cannot be reached; whoever comes next looks at the world.
    """
    known = held.read()
    record = record_of(known, step)
    try:
        executor = held.means.executor(record.executor)
        seen = see(held, platform_of(known, record), record.order)
    except (BadSettings, Refused, Unavailable) as error:
        if known.due.tries + 1 < held.means.settings.mitigation.step_tries:
            raise
        _give_up(held, step, record, str(error))
        return
    before = seen.snapshot or Snapshot(record.target)
    with held.writing(step) as (connection, answer):
        if found := ask(held, connection, answer, Purpose.NEXT, (seen,)):
            action_log.drop_reserved(connection, record.incident_id, "; ".join(in_words(found)), now=held.now())
            return
        action_log.start(connection, record, before, now=held.now())
    begun = replace(record, before=before)
    _perform(held, step, begun, executor, partial(executor.carry_out, record.order), found="")


def _give_up(held: Held, step: Step, record: ActionRecord, why: str) -> None:
    """Its target was not seen at the last try either: what the plan did before it is taken back."""
    with held.writing(step) as (connection, _):
        action_log.drop_reserved(connection, record.incident_id, why, now=held.now())


def finish(held: Held, step: Step) -> None:
    """Look at the world, and complete what an owner who died had begun; the gate is asked afterwards.

    Only where nothing had happened yet is the gate asked first.
    """
    known = held.read()
    record = record_of(known, step)
    executor = held.means.finisher(record.executor)
    before = record.before or Snapshot(record.target)
    now = executor.observe(record.order)
    found = how_far(record.action, before, now)
    if found is Progress.UNTOUCHED and not _may_be_done(held, step, record, platform_of(known, record)):
        return
    effects: dict[Progress, Callable[[], None]] = {
        Progress.DONE: lambda: None,
        Progress.HALF: partial(executor.finish, record.order, before),
        Progress.UNTOUCHED: partial(executor.carry_out, record.order),
    }
    _perform(held, step, record, executor, effects.get(found, partial(_hopeless, record, found, now)), found=found)


def _may_be_done(held: Held, step: Step, record: ActionRecord, platform: str) -> bool:
    """Whether nothing speaks against an action of which nothing was done yet; else it is dropped."""
    seen = see(held, platform, record.order)
    with held.writing(step) as (connection, answer):
        found = ask(held, connection, answer, Purpose.TAKEOVER, (seen,))
        if found:
            action_log.drop(connection, record, "; ".join(in_words(found)), now=held.now())
    return not found


def platform_of(answer: Answer, record: ActionRecord) -> str:
    """What the target's service runs on; an episode that is over has no plan any more that could say so."""
    return answer.plan.executor if answer.plan else record.executor


def record_of(answer: Answer, step: Step) -> ActionRecord:
    """The action that the step is about."""
    return next(record for record in answer.actions if record.id == step.action)


def _perform(
    held: Held,
    step: Step,
    record: ActionRecord,
    executor: Executor,
    effect: Callable[[], None],
    *,
    found: str,
) -> None:
    try:
        with held.while_it_takes(record.kind):
            effect()
            after = executor.observe(record.order)
    except Refused as error:
        log.warning("action.refused", extra={"target": record.target, "error": str(error)})
        with held.writing(step) as (connection, answer):
            with telling(held, connection, answer.incident):
                action_log.fail(connection, record, str(error), now=held.now())
            action_log.drop_reserved(connection, record.incident_id, "an action before it failed", now=held.now())
        return
    with held.writing(step) as (connection, answer):
        action_log.finish(connection, record, after, taken_over=found, now=held.now())
        _to_verification(connection, held, answer, record)
    log.info("action.done", extra={"target": record.target, "pids_after": after.pids})


def _to_verification(connection: Connection, held: Held, answer: Answer, record: ActionRecord) -> None:
    """After the last action of an incident that is still being answered, its verification is due."""
    left = [other for other in answer.of_episode(ActionState.RESERVED) if other.id != record.id]
    if left or answer.incident.state is not State.ACTING:
        return
    within = planned(answer).verification.within
    due = Due(held.now() + SETTLING, "fresh logs that show whether it helped", held.now() + within)
    step_queue.schedule(connection, answer.incident.id, due)
    answers.move(connection, answer.incident.id, State.VERIFYING)


def _hopeless(record: ActionRecord, found: Progress, now: Snapshot) -> None:
    how = f": {now.mark}" if found is Progress.FAILED else ""
    raise Refused(f"{record.kind} {record.target}: {HOPELESS[found]}{how}")
