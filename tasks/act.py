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
from domain.errors import Refused
from domain.execution import Executor, Progress, Snapshot, how_far
from domain.incidents import State
from domain.steps import Answer, Due, Step
from domain.verification import SETTLING
from tasks.escalate import in_words
from tasks.gate import ask, see
from tasks.held import Held, planned

log = logging.getLogger(__name__)


def act(held: Held, step: Step) -> None:
    """Carry out the action whose turn has come, unless something speaks against it by now.

    Raises Unavailable when the executor cannot be reached; whoever comes next looks at the world.
    """
    record = record_of(held.read(), step)
    executor = held.means.executor(record.executor)
    seen = see(held, record.executor, executor, record.action)
    before = seen.snapshot or Snapshot(record.target, ())
    with held.writing(step) as (connection, answer):
        if found := ask(held, connection, answer, Purpose.NEXT, (seen,)):
            why = "; ".join(in_words(found))
            action_log.drop(connection, record, why, now=held.now())
            action_log.drop_reserved(connection, record.incident_id, why, now=held.now())
            return
        action_log.start(connection, record, before, now=held.now())
    begun = replace(record, before=before)
    _perform(held, step, begun, executor, partial(executor.carry_out, record.action), found="")


def finish(held: Held, step: Step) -> None:
    """Look at the world, and complete what an owner who died had begun; the gate is asked afterwards.

    Only where nothing had happened yet is the gate asked first.
    """
    record = record_of(held.read(), step)
    executor = held.means.executor(record.executor)
    before = record.before or Snapshot(record.target, ())
    found = how_far(record.action, before, executor.snapshot(record.target))
    if found is Progress.UNTOUCHED and not _may_be_done(held, step, record, executor):
        return
    effects: dict[Progress, Callable[[], None]] = {
        Progress.DONE: lambda: None,
        Progress.HALF: partial(executor.finish, record.action, before),
        Progress.UNTOUCHED: partial(executor.carry_out, record.action),
        Progress.GONE: partial(_gone, record),
    }
    _perform(held, step, record, executor, effects[found], found=found)


def _may_be_done(held: Held, step: Step, record: ActionRecord, executor: Executor) -> bool:
    """Whether nothing speaks against an action of which nothing was done yet; else it is dropped."""
    seen = see(held, record.executor, executor, record.action)
    with held.writing(step) as (connection, answer):
        found = ask(held, connection, answer, Purpose.TAKEOVER, (seen,))
        if found:
            action_log.drop(connection, record, "; ".join(in_words(found)), now=held.now())
    return not found


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
    held.renew()
    try:
        effect()
        after = executor.snapshot(record.target)
    except Refused as error:
        log.warning("action.refused", extra={"target": record.target, "error": str(error)})
        with held.writing(step) as (connection, _):
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


def _gone(record: ActionRecord) -> None:
    raise Refused(f"{record.kind} {record.target}: the target no longer exists")
