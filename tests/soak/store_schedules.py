"""Random schedules of faults, deaths, clock jumps and people over the real steps and a real database."""

from __future__ import annotations

import re
from functools import partial

import sqlalchemy as sa

from adapters.store.closing import close_by_hand
from adapters.store.database import Engine, transaction
from adapters.store.tables.schema import metadata
from tasks.answer import run_steps
from tests.parts.answering_part import BUSY, POOL
from tests.parts.judged_part import rows
from tests.soak import deeds_part, flaws_part, people_part, said_flaws_part
from tests.soak.killing_part import Fate
from tests.soak.stage_part import Deed, Stage

# Enough rounds for every timer, lease and try to come to its end.
DRAIN_ROUNDS = 400
# What a page says that waits for the end of what it came of.
ORIGIN = re.compile(r"its likely origin, incident (\d+)")
DEEDS = [deed for deed, often in (*deeds_part.BY_ITSELF, *people_part.BY_PEOPLE) for _ in range(often)]
# What a schedule has more of than the others: what is rare by itself meets what is rare beside it.
THEMES: tuple[tuple[Deed, ...], ...] = (
    (),
    (people_part.mute, people_part.mute, people_part.expire, deeds_part.deliver, deeds_part.fault),
    (people_part.answer, people_part.question, deeds_part.work),
    (deeds_part.cascade, deeds_part.same_words, deeds_part.widespread, deeds_part.deliver),
    (people_part.question, people_part.mute, deeds_part.work),
    (people_part.close, deeds_part.again, deeds_part.again, deeds_part.heal, deeds_part.work),
)
FLAWS = (
    flaws_part.forgotten,
    flaws_part.doubled,
    flaws_part.over_budget,
    flaws_part.after_the_end,
    flaws_part.without_effect,
    flaws_part.lost_pages,
    said_flaws_part.in_maintenance,
    said_flaws_part.without_a_word,
    said_flaws_part.kept_from_people,
    said_flaws_part.untold,
    said_flaws_part.parts,
)


def empty(engine: Engine) -> None:
    """Every table without a row."""
    names = ", ".join(table.name for table in metadata.sorted_tables)
    with transaction(engine) as connection:
        connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))


def play(stage: Stage) -> None:
    """Something breaks, and then whatever comes."""
    stage.fate.meanwhile = partial(deeds_part.meanwhile, stage)
    stage.world.fault(stage.chance.choice([POOL, BUSY]), service=stage.chance.choice(["web", "api", "db"]))
    deeds = [*DEEDS, *stage.chance.choice(THEMES) * 6]
    for _ in range(stage.chance.randint(6, 24)):
        stage.chance.choice(deeds)(stage)


WAITING = "SELECT 1 FROM pages WHERE state IN ('queued', 'sending')"


def drain(stage: Stage) -> None:
    """From here on nobody dies, everything answers and nothing is muted: whatever was begun comes to its end."""
    stage.executor.flaky = False
    people_part.end_rules(stage)
    for _ in range(DRAIN_ROUNDS):
        while (held := stage.world.claim()) is not None:
            if not run_steps(held):
                break
        deeds_part.send_due(stage)
        if not rows(
            stage.engine, "SELECT 1 FROM steps UNION ALL SELECT 1 FROM pages WHERE state IN ('queued', 'sending')"
        ):
            return
        end_origins(stage)
        stage.world.forward(30)


def end_origins(stage: Stage) -> None:
    """Once nothing else waits, somebody closes what holds the pages back of whatever came of it."""
    if rows(
        stage.engine,
        "SELECT 1 FROM steps UNION ALL SELECT 1 FROM pages WHERE state IN ('queued', 'sending') AND muted_by = ''",
    ):
        return
    for row in rows(stage.engine, "SELECT DISTINCT muted_by FROM pages WHERE state IN ('queued', 'sending')"):
        if origin := ORIGIN.match(row["muted_by"]):
            close_by_hand(stage.engine, int(origin[1]), by="bob", now=stage.world.now)


def flaws(stage: Stage) -> list[str]:
    """Everything that went wrong on the way, and that is wrong at the end."""
    return [*stage.flaws, *(flaw for find in FLAWS for flaw in find(stage))]


def run_one(engine: Engine, seed: int, fate: Fate) -> list[str]:
    """One schedule in an empty database."""
    empty(engine)
    stage = Stage(engine, seed, fate)
    play(stage)
    drain(stage)
    return flaws(stage)
