"""What effects need of the steps around them: a lease that lasts, a watch that is sharper, a dry run that is one."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, current_thread, main_thread
from threading import enumerate as enumerate_threads

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from adapters.dry_run import DryRun
from adapters.executing import Given
from adapters.store.database import Engine, transaction
from adapters.store.tables.decided import steps
from adapters.store.tables.found import incidents
from adapters.watching import WatchingExecutor
from domain.actions import ActionState
from domain.execution import Order
from domain.parameters import Monitor
from domain.plans import ActionKind
from domain.settings import Settings
from tasks import held as held_module
from tasks.answer import run_steps
from tasks.held import Held
from tests.contracts.executors_part import order
from tests.contracts.fakes import RecordingExecutor
from tests.parts.answering_part import World, acting, began


class Slow(RecordingExecutor):
    """Takes longer than a lease."""

    def __init__(self, engine: Engine) -> None:
        super().__init__({"web": 1})
        self.engine = engine
        self.leases: list[datetime] = []

    def carry_out(self, order: Order) -> None:
        for _ in range(30):
            with transaction(self.engine) as connection:
                self.leases.append(connection.scalar(sa.select(steps.c.lease_until)))
            time.sleep(0.02)
        super().carry_out(order)


def test_a_lease_is_renewed_as_long_as_the_effect_takes(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollout takes minutes, a lease seconds: nobody may take it for dead meanwhile."""
    slow = Slow(store)
    world = World(store, executor=slow)
    number = world.fault()
    held = world.held(number)
    shift = iter(range(10_000))
    ticking = replace(held.means, clock=lambda: world.now + timedelta(milliseconds=next(shift)))
    monkeypatch.setattr(type(ticking), "lease", timedelta(seconds=0.15))
    run_steps(replace(held, means=ticking))
    assert ["carry_out"] == world.calls
    assert len(set(slow.leases)) >= 2, "the lease stood still"
    assert sorted(slow.leases) == slow.leases


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1)], ids=["back", "forward"])
def test_a_clock_that_is_set_while_an_effect_lasts_does_not_end_the_lease(
    store: Engine, monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    world = World(store)
    world.fault()
    held = world.held()
    monkeypatch.setattr(type(held.means), "lease", timedelta(seconds=0.03))
    renewed, known = Event(), Held.renew

    def renew(self: Held) -> None:
        known(self)
        if current_thread() is not main_thread():
            renewed.set()

    monkeypatch.setattr(Held, "renew", renew)
    with held.while_it_takes(ActionKind.RESTART):
        world.forward(jump.total_seconds())
        renewed.clear()
        assert renewed.wait(10)
    assert not [thread for thread in enumerate_threads() if thread.name.startswith("lease of")]


def watched(world: World) -> tuple[WatchingExecutor, Order]:
    """The service web, for ten minutes."""
    executor = WatchingExecutor(Given(Settings(), world.engine, clock=lambda: world.now))
    one = order(ActionKind.MONITOR, "web", Monitor(10))
    executor.carry_out(one)
    return executor, one


def test_a_service_that_is_watched_sharply_is_confirmed_by_one_log(store: Engine) -> None:
    world = World(store)
    watched(world)
    assert confirmed(world, world.fault(logs=1))


def test_another_service_is_not_and_neither_is_it_once_the_watch_is_taken_back(store: Engine) -> None:
    world = World(store)
    executor, one = watched(world)
    assert not confirmed(world, world.fault(service="db", logs=1))
    world.forward(3_600)
    watched(world)
    executor.undo(one, executor.observe(one))
    assert not confirmed(world, world.fault(logs=1))


def test_a_sharper_watch_ends_by_itself(store: Engine) -> None:
    world = World(store)
    watched(world)
    world.forward(601)
    assert not confirmed(world, world.fault(logs=1))


def confirmed(world: World, number: int) -> bool:
    with transaction(world.engine) as connection:
        return connection.scalar(sa.select(incidents.c.confirmed_at).where(incidents.c.id == number)) is not None


def test_while_acting_is_off_every_executor_is_a_dry_run(store: Engine) -> None:
    """Even if the gate let something through, nothing could be done."""
    url = {"supervisord_url": SecretStr("http://127.0.0.1:1")}
    off, on = (World(store, knowledge=acting(acting=on, **url)).means(given=None) for on in (False, True))
    assert isinstance(off.executor("supervisord"), DryRun)
    assert not isinstance(on.executor("supervisord"), DryRun)
    assert datetime.now(UTC) >= off.clock()


def test_what_was_begun_before_acting_was_switched_off_is_finished_by_the_real_executor(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A4 and fault 22: the process is down, and a dry run that only says that it is done would leave it so."""
    world = World(store)
    number = began(world)
    world.executor.stop("web:web_00")
    monkeypatch.setattr(held_module, "EXECUTORS", {"supervisord": lambda _: world.executor})
    off = world.means(knowledge=acting(acting=False), given=None)
    run_steps(replace(world.held(), means=off))
    (record,) = world.records(number)
    assert (ActionState.DONE, ["finish"]) == (record.state, world.calls)
    assert world.executor.snapshot("web").pids


def test_what_was_not_begun_when_acting_was_switched_off_is_not_done(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(store)
    number = began(world)
    monkeypatch.setattr(held_module, "EXECUTORS", {"supervisord": lambda _: world.executor})
    run_steps(replace(world.held(), means=world.means(knowledge=acting(acting=False), given=None)))
    (record,) = world.records(number)
    assert (ActionState.DROPPED, []) == (record.state, world.calls)
