"""What people do in a random schedule: they take and close incidents, answer plans, mute, stop acting."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from adapters.store import answers, mutes
from adapters.store.closing import acknowledge, close_by_hand
from adapters.store.database import transaction
from adapters.store.switches import set_pause
from domain.actions import Approval
from domain.errors import Refused
from domain.muting import MuteKind
from domain.plan_documents import digest
from tests.parts.judged_part import rows
from tests.parts.mutes_part import a_silence, a_window
from tests.soak.deeds_part import again, forward, overload, soon, work
from tests.soak.stage_part import Deed, Stage

ONE, TWO, BUT_ONE, ALL = ("service=web",), ("service=~web|api",), ("service!=db",), ("service=~.+",)
SERVICES = (ONE, TWO, BUT_ONE, ALL)
WINDOWS = tuple(a_window(*matchers) for matchers in SERVICES)
SILENCES = tuple(
    a_silence(*matchers) for matchers in (*SERVICES, ("severity=high",), ("playbook=",), ("template=~.*disk.*",))
)
MADE_UP = "0123456789ab"
MINUTE = timedelta(minutes=1)


def somebodys(stage: Stage) -> int:
    """An incident that somebody looks at: one of the newest."""
    known = [row["id"] for row in rows(stage.engine, "SELECT id FROM incidents ORDER BY id DESC LIMIT 3")]
    return stage.chance.choice(known or [1])


def take(stage: Stage) -> None:
    acknowledge(stage.engine, somebodys(stage), by="ann", now=stage.world.now)


def close(stage: Stage) -> None:
    close_by_hand(stage.engine, somebodys(stage), by="ann", now=stage.world.now)


def pause(stage: Stage) -> None:
    set_pause(stage.engine, on=stage.chance.random() < 0.4, by="ann", now=stage.world.now)


# --- approvals --------------------------------------------------------------------------------------


def answer(stage: Stage) -> None:
    """Somebody reads the plans that are there and answers one, perhaps one that was read long ago."""
    for row in rows(stage.engine, "SELECT id FROM incidents WHERE plan IS NOT NULL"):
        plan = waiting_plan(stage, row["id"])
        stage.read += [(row["id"], plan)] if plan and (row["id"], plan) not in stage.read else []
    waiting = [row["id"] for row in rows(stage.engine, "SELECT id FROM incidents WHERE state = 'waiting for approval'")]
    if waiting:
        number = stage.chance.choice(waiting)
        others = [MADE_UP, *(plan for _, plan in stage.read)]
        if stage.chance.random() < 0.5:
            say(stage, number, stage.chance.choice(others))
        say(stage, number, waiting_plan(stage, number))
    elif stage.read:
        say(stage, *stage.chance.choice(stage.read))


def question(stage: Stage) -> None:
    """Somebody is asked and answers, unless something comes between."""
    stage.chance.choice([overload, overload, again])(stage)
    for _ in range(3):
        work(stage)
    stage.chance.choice([soon, mute, forward, work])(stage)
    answer(stage)


def waiting_plan(stage: Stage, number: int) -> str:
    with transaction(stage.engine) as connection:
        found = answers.read(connection, number)
    return digest(found.plan) if found is not None and found.plan is not None else ""


def say(stage: Stage, number: int, plan: str) -> None:
    granted = stage.chance.random() < 0.7
    said = Approval(granted=granted, by="ann", at=stage.world.now, role="approver")
    try:
        with transaction(stage.engine) as connection:
            allowed = answers.allow(connection, number, plan, said)
    except Refused:
        return
    if digest(allowed) != plan:
        stage.flaws.append(f"a word about {plan} was taken for one about {digest(allowed)}")


# --- silences and maintenance windows ---------------------------------------------------------------


def mute(stage: Stage) -> None:
    """A rule that began a while ago, begins now or later, once or every day; whoever adds it may die of it."""
    chance, now = stage.chance, stage.world.now
    begins = now + chance.choice([-5, 0, 0, 0, 1]) * MINUTE
    lasts = chance.choice([6, 6, 20, 90]) * MINUTE
    rule = chance.choice(chance.choice([WINDOWS, SILENCES]))
    every = chance.choice(["", "", "", "day", "week"])
    until = begins + timedelta(days=chance.choice([1, 2])) if every and chance.random() < 0.7 else None
    made = replace(rule, starts_at=begins, ends_at=begins + lasts, every=every, until=until)
    stage.rules += 1
    with stage.fate.watched():
        mutes.add(stage.engine, made, now=now, everything=True)


def expire(stage: Stage) -> None:
    """Somebody ends a rule, of whichever kind it is."""
    with stage.fate.watched():
        for kind in MuteKind:
            mutes.expire(stage.engine, stage.chance.randint(1, stage.rules + 1), kind, by="bob", now=stage.world.now)


def end_rules(stage: Stage) -> None:
    """Every rule is over."""
    for kind in MuteKind:
        for rule in mutes.all_mutes(stage.engine, kind):
            mutes.expire(stage.engine, rule.id, kind, by="bob", now=stage.world.now)


BY_PEOPLE: tuple[tuple[Deed, int], ...] = (
    (take, 1),
    (close, 1),
    (pause, 1),
    (answer, 2),
    (question, 2),
    (mute, 2),
    (expire, 1),
)
