"""A plan that people at work held off: it begins if the fault fires when they are done, and waits for nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.store import answers, mutes
from adapters.store.database import Engine, transaction
from adapters.store.step_queue import due_of
from domain.actions import Approval
from domain.incidents import Resolution, State
from domain.plan_documents import digest
from domain.plans import Risk
from tests.parts.answering_part import BUSY, World, acting, risky
from tests.parts.mutes_part import a_window

LASTS, QUIET = 300, 600


@pytest.fixture
def world(store: Engine) -> World:
    return World(store)


def window(world: World) -> None:
    ends = world.now + timedelta(seconds=LASTS)
    mutes.add(world.engine, replace(a_window(), starts_at=world.now, ends_at=ends), now=world.now)


def look(world: World, seconds: int) -> None:
    """Somebody looks again and again for so long."""
    for _ in range(seconds // 60):
        world.forward(60)
        world.run()


def test_a_plan_that_was_held_off_begins_if_its_fault_fires_after_the_window(world: World) -> None:
    window(world)
    number = world.fault()
    look(world, LASTS - 60)
    assert [] == world.calls
    world.forward(60)
    world.fault()
    world.run()
    assert ["carry_out"] == world.calls
    assert State.VERIFYING is world.incident(number).state


def test_what_stays_silent_after_the_window_is_over_once_it_was_quiet(world: World) -> None:
    window(world)
    number = world.fault()
    look(world, QUIET)
    assert State.OPEN is world.incident(number).state
    look(world, 60)
    assert Resolution.QUIET is world.incident(number).resolution
    assert [] == world.calls
    with transaction(world.engine) as connection:
        assert due_of(connection, number) is None


def test_an_allowed_plan_whose_fault_stays_silent_after_the_window_does_not_wait_for_ever(store: Engine) -> None:
    world = World(store, knowledge=acting(playbooks=risky(Risk.MEDIUM, "overload")))
    number = world.fault(BUSY)
    world.run()
    assert State.WAITING is world.incident(number).state
    window(world)
    plan = world.answer(number).plan
    assert plan is not None
    with transaction(store) as connection:
        said = Approval(granted=True, by="ann", at=world.now, role="approver")
        answers.allow(connection, number, digest(plan), said)
    look(world, QUIET + 60)
    assert Resolution.QUIET is world.incident(number).resolution
    assert [] == world.calls
