"""How incidents are answered, for `sre status`: what is known to be down, pages that nobody accepted, overdue steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.store.database import connect
from adapters.store.standing import Waiting, undelivered
from adapters.store.step_queue import Overdue, overdue
from adapters.store.switches import degraded
from domain.errors import SreError
from domain.pages import UNDELIVERED_AFTER
from domain.settings import Settings
from domain.words import ago, counted

OVERDUE = timedelta(minutes=1)  # `on-call` looks twice a second
NO_PAGE = Waiting(0, 0, None)
NO_STEP = Overdue(0, None)


@dataclass(frozen=True, slots=True)
class Answering:
    """What the store says about answers; the ailment is empty when it answered."""

    ailment: str = ""
    conditions: tuple[str, ...] = ()  # what `watch` and `on-call` see as down, in words
    pages: Waiting = NO_PAGE  # that nobody accepted for long
    overdue: Overdue = NO_STEP


def ask(settings: Settings, *, now: datetime) -> Answering:
    """Ask the store; one that does not answer costs a few seconds and nothing else."""
    try:
        engine = connect(settings.store.url.get_secret_value())
    except SreError as error:
        return Answering(str(error))
    try:
        return Answering(
            conditions=tuple(degraded(engine, now=now)),
            pages=undelivered(engine, made_before=now - UNDELIVERED_AFTER),
            overdue=overdue(engine, due_before=now - OVERDUE, now=now),
        )
    except SreError as error:
        return Answering(str(error))
    finally:
        engine.dispose()


def trouble(found: Answering, *, now: datetime) -> str:
    """Why incidents are not answered; empty when they are, or none is there."""
    if found.ailment:
        return f"unknown: {found.ailment}"
    if found.overdue.oldest is None:
        return ""
    steps, oldest = counted(found.overdue.steps, "step"), ago(now - found.overdue.oldest)
    return (
        f"`on-call` does not work off incidents: {steps} overdue, the first was due {oldest}:"
        " see its run in Prefect and the agent's log"
    )
