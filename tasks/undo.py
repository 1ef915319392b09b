"""The step `undo`: what did not help is taken back, on record before and after."""

from __future__ import annotations

from adapters.store import action_log
from domain.asking import Purpose
from domain.errors import Refused
from domain.execution import Snapshot
from domain.steps import Step
from tasks.act import platform_of, record_of
from tasks.escalate import in_words
from tasks.gate import ask, see
from tasks.held import Held


def undo(held: Held, step: Step) -> None:
    """Take one action back, unless the gate speaks against it; taking it back twice does no harm.

    Raises Unavailable when the executor cannot be reached.
    """
    known = held.read()
    record = record_of(known, step)
    executor = held.means.executor(record.executor)
    seen = see(held, platform_of(known, record), record.order)
    with held.writing(step) as (connection, answer):
        if found := ask(held, connection, answer, Purpose.UNDO, (seen,)):
            action_log.undone(connection, record, "; ".join(in_words(found)), now=held.now())
            return
        action_log.undoing(connection, record, now=held.now())
    error = ""
    try:
        with held.while_it_takes(record.kind):
            executor.undo(record.order, record.before or Snapshot(record.target))
    except Refused as refused:
        error = str(refused)
    with held.writing(step) as (connection, _):
        action_log.undone(connection, record, error, now=held.now())
