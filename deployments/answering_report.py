"""How incidents are answered, for `sre status`: what is known to be down, pages that nobody accepted, overdue steps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.store.alarm_verdicts import wrong_since
from adapters.store.canary_rows import last_run
from adapters.store.database import Engine, transaction
from adapters.store.drift_rows import last_check
from adapters.store.minute_findings import alarms
from adapters.store.mutes import held_back, mutes_now
from adapters.store.opening import open_database
from adapters.store.standing import Waiting, undelivered
from adapters.store.step_queue import Overdue, overdue
from adapters.store.switches import degraded
from domain.amounts import ago, counted
from domain.canary import Trace
from domain.detection_settings import DetectionSettings
from domain.errors import SreError
from domain.muting import NAMES
from domain.pages import UNDELIVERED_AFTER
from domain.settings import Settings

OVERDUE = timedelta(minutes=1)  # `on-call` looks twice a second
DAY = timedelta(days=1)
NO_PAGE = Waiting(0, 0, None)
NO_STEP = Overdue(0, None)


@dataclass(frozen=True, slots=True)
class Answering:
    """What the store says about answers; the ailment is empty when it answered."""

    ailment: str = ""
    conditions: tuple[str, ...] = ()  # what `watch` and `on-call` see as down, in words
    pages: Waiting = NO_PAGE  # that nobody accepted for long
    overdue: Overdue = NO_STEP
    alarms: str = ""  # about minutes of services, against what is promised; empty where none are judged
    drift: str = ""  # what the last comparison with the champion's training said; empty before the first
    canary: Trace | None = None  # the last test of the whole way that ended
    muting: str = ""  # the rules in force and what is held back, in words; empty when there is nothing


def ask(settings: Settings, *, now: datetime) -> Answering:
    """Ask the store; one that does not answer costs a few seconds and nothing else."""
    try:
        engine = open_database(settings.store.url.get_secret_value(), settings.encryption, settings.store.files)
    except SreError as error:
        return Answering(str(error))
    try:
        return Answering(
            conditions=tuple(degraded(engine, now=now)),
            pages=undelivered(engine, made_before=now - UNDELIVERED_AFTER, now=now),
            alarms=alarms_told(engine, settings.detection, now=now),
            drift=drift_told(engine, now=now),
            canary=last_run(engine),
            muting=_muting(engine, now=now),
            overdue=overdue(engine, due_before=now - OVERDUE, now=now),
        )
    except SreError as error:
        return Answering(str(error))
    finally:
        engine.dispose()


def alarms_told(engine: Engine, detection: DetectionSettings, *, now: datetime) -> str:
    """How often minutes of services were not as usual lately, and how often that may be wrong."""
    if not (detection.enabled and detection.false_alarms_per_day):
        return ""
    promised = f"{detection.false_alarms_per_day:g} a day may be wrong (detection.false_alarms_per_day)"
    begun, wrong = alarms(engine, since=now - DAY), wrong_since(engine, now - DAY)
    called = f", {wrong} of their incidents called false" if wrong else ""
    return f"{counted(begun, 'alarm')} about minutes in 24 h{called}; {promised}"


def drift_told(engine: Engine, *, now: datetime) -> str:
    """What of the last day is otherwise than in the training of the champion."""
    found = last_check(engine)
    if found is None:
        return ""
    of = f"{found.drifted} of {counted(len(found.compared), 'comparison')} drifted"
    did = "retrain was started" if found.started else "no training"
    return f"{of} from the training of version {found.version}, seen {ago(now - found.at)}; {did}: {found.reason}"


def _muting(engine: Engine, *, now: datetime) -> str:
    """How many rules of people are in force, and how many pages they, or likely origins, hold back."""
    with transaction(engine) as connection:
        kinds = Counter(mute.kind for mute in mutes_now(connection, now))
    held = held_back(engine).total()
    if not kinds and not held:
        return ""
    rules = [counted(kinds[kind], name) for kind, name in NAMES.items() if kinds[kind]]
    active = f"{' and '.join(rules)} in force" if rules else "no silence in force"
    return f"{active}; {counted(held, 'page')} held back"


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
