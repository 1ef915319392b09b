"""A plan waits while people are at work on its service, and begins when they have gone, if the fault is still there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.store import mutes
from adapters.store.database import Engine
from domain.incidents import Resolution, State
from domain.muting import Matcher, Mute, MuteKind
from domain.steps import HELD_OFF, StepKind
from tasks.answer import due_step, quiet_look
from tests.parts.answering_part import World
from tests.parts.judged_part import rows


def window(world: World, *, seconds: float, matcher: Matcher | None = None, every: str = "") -> Mute:
    asked = Mute(
        id=0,
        kind=MuteKind.MAINTENANCE,
        matchers=(matcher or Matcher("service", "=", "web"),),
        starts_at=world.now,
        ends_at=world.now + timedelta(seconds=seconds),
        every=every,
        until=None,
        author="ann",
        comment="disk swap",
    )
    return mutes.add(world.engine, asked, now=world.now)


@pytest.fixture
def world(store: Engine) -> World:
    return World(store)


def test_nothing_is_done_while_people_are_at_work_there(world: World) -> None:
    window(world, seconds=600)
    number = world.fault()
    assert ["plan", "begin"] == world.run()
    assert ([], [], State.OPEN) == (world.calls, world.pages(), world.incident(number).state)
    assert [HELD_OFF] == [row["waits_for"] for row in rows(world.engine, "SELECT waits_for FROM steps")]
    assert ["maintenance is going on: window maintenance window 1 by ann until 12:10 UTC: disk swap"] == world.stored(
        number
    )["objections"]


def test_a_look_that_finds_people_still_at_work_is_no_step(world: World) -> None:
    window(world, seconds=600)
    world.fault()
    world.run()
    world.forward(16)
    held = world.held()
    step = due_step(held)
    assert (StepKind.BEGIN, True) == (step.kind, quiet_look(held, step))
    assert 1 == world.ledger().count("plan.held-off")


def test_its_end_lets_the_plan_begin_although_nobody_looked(world: World) -> None:
    """Fault 6: after a maintenance window alerts stayed suppressed. On-call was down when it ended."""
    window(world, seconds=300)
    number = world.fault()
    world.run()
    world.forward(400)
    assert number == world.fault()
    assert ["begin", "act"] == world.run()
    assert (["carry_out"], State.VERIFYING) == (world.calls, world.incident(number).state)


def test_a_window_that_a_person_ends_early_is_over_at_once(world: World) -> None:
    ended = window(world, seconds=86_400)
    world.fault()
    world.run()
    world.forward(16)
    mutes.expire(world.engine, ended.id, MuteKind.MAINTENANCE, by="ann", now=world.now)
    assert ["begin", "act"] == world.run()


def test_what_is_silent_at_its_end_waits_and_closes_as_quiet(world: World) -> None:
    """Fault 1: an incident that no longer fires is not acted upon, and nobody is woken up for it."""
    window(world, seconds=300)
    number = world.fault()
    world.run()
    world.forward(400)
    assert ["begin"] == world.run()
    assert ([], []) == (world.calls, world.pages())
    world.forward(400)
    assert ["begin"] == world.run()
    assert (Resolution.QUIET, []) == (world.incident(number).resolution, world.pages())


def test_maintenance_of_another_service_holds_nothing_off(world: World) -> None:
    window(world, seconds=600, matcher=Matcher("service", "=", "db"))
    world.fault()
    assert ["plan", "begin", "act"] == world.run()


def test_a_recurring_window_holds_off_the_next_day_too(world: World) -> None:
    window(world, seconds=600, every="day")
    world.forward(86_400 + 60)
    world.fault()
    assert ["plan", "begin"] == world.run()
