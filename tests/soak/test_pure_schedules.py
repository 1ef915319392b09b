"""A million random schedules of incidents, deaths, clock jumps and workers side by side over the pure steps."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import pytest

from domain.actions import Approval
from domain.incidents import State
from tests.soak.conftest import SOAK, how_many
from tests.soak.model import Model
from tests.soak.rest_part import at_rest

AT_ONCE = 10_000


def one_schedule(seed: int) -> list[str]:
    """Three workers that die at any moment, people and a clock that jumps; then time to come to an end."""
    chance = random.Random(seed)
    model = Model(chance)
    model.fault()
    workers: list[Iterator[None]] = []
    for number in range(chance.randint(20, 90)):
        happen(model, workers, number)
    drain(model)
    return at_rest(model)


def happen(model: Model, workers: list[Iterator[None]], number: int) -> None:
    """One thing."""
    chance = model.chance
    draw = chance.random()
    if draw < 0.55 and workers:
        worker = chance.choice(workers)
        if next(worker, workers) is workers or chance.random() < 0.08:  # came to its end, or died
            workers.remove(worker)
    elif draw < 0.75 and len(workers) < 3:
        workers.append(model.work(f"w{number}"))
    elif draw < 0.85:
        model.now += timedelta(seconds=chance.choice([0.5, 3, 12, 61, 130]))
    elif draw < 0.88:
        model.now += timedelta(seconds=chance.choice([-86_400, -3_600, -90, 3_600, 86_400]))
    elif draw < 0.91:
        model.fault()
    elif draw < 0.93:
        model.reachable = not model.reachable
    else:
        somebody(model)


def somebody(model: Model) -> None:
    """A person, or the fault that comes back."""
    chance = model.chance
    row = chance.choice(model.rows)
    draw = chance.random()
    if draw < 0.15:
        model.paused = not model.paused
    elif draw < 0.2:
        model.maintenance = "" if model.maintenance else "patches"
    elif draw < 0.4 and not row.incident.state.closed:
        row.incident.acked_at = model.now
    elif draw < 0.6 and not row.incident.state.closed:
        row.close("human")
    elif draw < 0.8 and row.incident.state is State.WAITING and row.approval is None and row.due:
        row.approval = Approval(granted=chance.random() < 0.7, by="ann", at=model.now)
        row.due = type(row.due)(model.now, "a plan", row.due.until)
    else:
        model.reopen(row)


def drain(model: Model) -> None:
    """Nobody dies any more, everything answers, and time goes on."""
    model.reachable = True
    for number in range(3_000):
        for _ in model.work(f"d{number}"):
            pass
        if all(row.due is None for row in model.rows):
            return
        model.now += timedelta(seconds=30)


def flawed(first: int) -> dict[int, list[str]]:
    """The schedules of one block in which something was wrong."""
    return {seed: found for seed in range(first, first + AT_ONCE) if (found := one_schedule(seed))}


@pytest.mark.timeout(14_400)
def test_nothing_is_doubled_forgotten_or_over_budget() -> None:
    if not SOAK:
        assert {} == {seed: found for seed in range(1_500) if (found := one_schedule(seed))}
        return
    first, blocks = int.from_bytes(os.urandom(5)), how_many(1, 100)
    with ProcessPoolExecutor() as pool:
        for found in pool.map(flawed, range(first, first + blocks * AT_ONCE, AT_ONCE)):
            assert {} == found, f"of {blocks * AT_ONCE} schedules from seed {first}"
