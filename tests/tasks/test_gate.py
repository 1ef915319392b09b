"""The gate on a real database: asked in the transaction that begins an action, takeovers and undos included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.store import budget_rows
from adapters.store.closing import acknowledge, close_by_hand
from adapters.store.database import Engine, connect, transaction
from adapters.store.switches import set_pause
from domain.actions import ActionState, UndoState
from domain.errors import Unavailable
from domain.execution import Order, Snapshot, TargetState
from domain.incidents import State
from domain.plans import ActionKind
from domain.playbooks import Playbook
from tasks import gate
from tasks.answer import due_step, run_steps, take
from tests.contracts.fakes import RecordingExecutor
from tests.parts.answering_part import BUSY, World, acting, began, inventory, step_by_step, two_actions
from tests.parts.judged_part import rows

PLANNED, BEGUN = 1, 2


@pytest.fixture
def world(store: Engine) -> World:
    return World(store)


def gone(world: World) -> None:
    world.executor.processes.clear()


def unknown(world: World) -> None:
    known = world.executor.processes
    known["web:web_00"] = replace(known["web:web_00"], state=TargetState.UNKNOWN)


def nobody_owns_it(world: World) -> None:
    world.knowledge = acting(services=inventory("db"))


def elsewhere(world: World) -> None:
    there = inventory("web").services["web"]
    services = inventory("web", "db")
    world.knowledge = acting(services=replace(services, services={"web": replace(there, target="db"), "db": there}))


def pause(world: World) -> None:
    set_pause(world.engine, on=True, by="ann", now=world.now)


def ack(world: World) -> None:
    acknowledge(world.engine, 1, by="ann", now=world.now)


def spread(world: World) -> None:
    with transaction(world.engine) as connection:
        connection.execute(sa.text("UPDATE incidents SET widespread = :yes, services = 12"), {"yes": True})


def silent(world: World) -> None:
    world.forward(121)


CHANGES: list[Any] = [
    pytest.param(silent, "the evidence is old", id="fault-1-it-no-longer-fires"),
    pytest.param(gone, "there is nothing of that name to act on", id="its-target-is-gone"),
    pytest.param(unknown, "the target is in a state that is not known", id="its-target-is-in-an-unknown-state"),
    pytest.param(nobody_owns_it, "the target is not where it was", id="it-left-the-inventory"),
    pytest.param(elsewhere, "the target is not where it was", id="the-inventory-names-another-target"),
    pytest.param(pause, "acting is paused", id="a-person-paused"),
    pytest.param(ack, "a human has acknowledged it", id="a-person-took-it"),
]


@pytest.mark.parametrize("done", [PLANNED, BEGUN], ids=["before-it-begins", "before-the-action"])
@pytest.mark.parametrize(("change", "says"), CHANGES)
def test_what_changed_since_the_plan_was_made_stops_it(
    world: World, change: Callable[[World], None], says: str, done: int
) -> None:
    number = world.fault()
    held = step_by_step(world, done)
    change(world)
    run_steps(replace(held, means=world.means()))
    assert ([], State.ESCALATED) == (world.calls, world.incident(number).state)
    told = " ".join([*world.stored(number)["objections"], *(each.error or "" for each in world.records(number))])
    assert says in told


def test_what_spread_before_its_plan_began_goes_to_a_human(world: World) -> None:
    world.fault()
    held = step_by_step(world, PLANNED)
    spread(world)
    run_steps(replace(held, means=world.means()))
    assert ([], ["widespread"]) == (world.calls, world.pages())


def test_what_spread_before_its_action_stops_it(world: World) -> None:
    number = world.fault()
    held = step_by_step(world, BEGUN)
    spread(world)
    run_steps(replace(held, means=world.means()))
    assert ([], State.ESCALATED) == (world.calls, world.incident(number).state)
    assert "its fault is in several services at once" in str(world.records(number)[0].error)


def test_fault_1_whoever_takes_over_does_not_act_on_what_no_longer_fires(world: World) -> None:
    number = began(world)
    world.forward(61)
    assert ["finish", "escalate"] == world.run()
    assert ([], [ActionState.DROPPED]) == (world.calls, [each.state for each in world.records(number)])
    assert "the evidence is old: age 121 s, at most 120 s" == world.records(number)[0].error


def test_what_a_plan_has_silenced_itself_does_not_stop_its_next_action(store: Engine) -> None:
    world = World(store, knowledge=acting(playbooks=two_actions()))
    number = world.fault()
    held = step_by_step(world, 3)
    assert [ActionKind.RESTART] == [action.kind for _, action in world.executor.calls]
    silent(world)
    held = replace(held, means=world.means())
    assert take(held, due_step(held))
    assert [ActionKind.RESTART, ActionKind.SCALE] == [action.kind for _, action in world.executor.calls]
    assert State.VERIFYING == world.incident(number).state


def test_what_was_begun_in_an_episode_that_is_over_is_not_done_any_more(world: World) -> None:
    number = began(world)
    close_by_hand(world.engine, number, by="ann", now=world.now)
    with transaction(world.engine) as connection:
        connection.execute(sa.text("UPDATE incidents SET state = 'reopened', episode = 2, plan = NULL"))
    held = world.held()
    assert take(held, due_step(held))
    error = rows(world.engine, "SELECT state, error FROM actions")
    assert [{"state": "dropped", "error": "its plan holds no longer"}] == error
    assert [] == world.calls


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (pause, "acting is paused"),
        (gone, "there is nothing of that name to act on: target web"),
        (unknown, "the target is in a state that is not known: process web:web_00"),
        (
            nobody_owns_it,
            "the target is not where it was when the plan was made: service web, inventory no longer in it",
        ),
    ],
    ids=["paused", "gone", "unknown-state", "left-the-inventory"],
)
def test_an_undo_asks_the_gate_and_the_page_says_what_could_not_be_taken_back(
    world: World, change: Callable[[World], None], says: str
) -> None:
    number = world.fault(BUSY)
    world.run()
    change(world)
    world.forward(70)
    assert ["verify", "undo", "escalate"] == world.run()
    assert ("undo" in world.calls, [UndoState.FAILED]) == (False, [each.undo for each in world.records(number)])
    assert ["not taken back"] == world.pages()
    assert f"scale web could not be taken back: {says}" in world.lines()


def test_an_undo_is_not_stopped_by_budgets_or_by_a_human_who_has_the_incident(world: World) -> None:
    number = world.fault(BUSY)
    world.run()
    world.knowledge = acting(actions_per_hour=1, kind_per_hour=1, target_per_day=1)
    acknowledge(world.engine, number, by="ann", now=world.now)
    world.forward(70)
    assert ["verify", "undo", "escalate"] == world.run()
    assert [UndoState.DONE] == [each.undo for each in world.records(number)]


# --- budgets ----------------------------------------------------------------------------------------


def test_fault_9_budgets_are_rows_and_hold_over_a_restart(store_url: str) -> None:
    engine = connect(store_url)
    first = World(engine, knowledge=acting(kind_per_hour=1))
    first.fault()
    first.run()
    engine.dispose()
    again = World(connect(store_url), knowledge=acting(kind_per_hour=1), now=first.now)
    number = again.fault(service="db")
    again.run(number)
    says = "too many actions of this kind in the last hour: kind restart, done or reserved 1, asked for 1, at most 1"
    assert [says] == again.stored(number)["objections"]
    again.engine.dispose()


def test_fault_9_what_a_plan_intends_counts_before_it_is_done(store: Engine) -> None:
    world = World(store, knowledge=acting(playbooks=two_actions(), actions_per_hour=2))
    first = world.fault()
    second = world.fault(service="db")
    held = world.held(first)
    for _ in range(BEGUN):
        assert take(held, due_step(held))
    assert ([], 2) == (world.calls, len(world.records(first)))
    world.run(second)
    says = "too many actions in the last hour: done or reserved 2, asked for 2, at most 2"
    assert [says] == world.stored(second)["objections"]


def test_each_action_is_kept_with_the_service_whose_target_it_is(world: World) -> None:
    number = world.fault()
    world.run()
    assert ["web"] == [each.service for each in world.records(number)]


def test_fault_9_a_budget_of_a_service_counts_all_of_its_targets(store: Engine) -> None:
    world = World(store, knowledge=acting(service_per_hour=1, target_seconds=0.001))
    number = world.fault()
    world.run()
    close_by_hand(store, number, by="ann", now=world.now)
    world.forward(1_200)
    number = world.fault(BUSY)
    world.run()
    says = "too many actions on the service in the last hour: service web, done or reserved 1, asked for 1, at most 1"
    assert [says] == world.stored(number)["objections"]


def test_the_inventory_says_how_much_of_a_service_may_be_touched(store: Engine) -> None:
    services = inventory("web")
    web = services.services["web"]
    limited = replace(services, services={"web": replace(web, limits=replace(web.limits, share=0.5))})
    world = World(store, knowledge=acting(services=limited))
    number = world.fault()
    world.run()
    says = "too much of the service at a time: service web, touched 1 of 1 running processes, at most 50 %"
    assert [says] == world.stored(number)["objections"]


def test_fault_9_a_store_that_does_not_answer_lets_nothing_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets fail closed: nothing is reserved and nothing done; the step is tried again."""

    def away(*_: object, **__: object) -> None:
        raise Unavailable("store: connection refused")

    number = world.fault()
    monkeypatch.setattr(gate.budget_rows, "history", away)
    assert ["plan", "begin"] == world.run()
    assert ([], ()) == (world.calls, world.records(number))
    assert 1 == world.answer(number).due.tries
    monkeypatch.undo()
    world.forward(3)
    assert ["begin", "act"] == world.run()


def test_an_action_of_the_future_counts_when_the_clock_was_set_back(world: World) -> None:
    world.fault()
    world.run()
    with transaction(world.engine) as connection:
        earlier = world.now - timedelta(days=2)
        found = budget_rows.history(connection, ["web"], ["web"], back=timedelta(0), now=earlier)
    assert ["web"] == [done.budget_key for done in found.actions]
    assert {"web"} == found.targets_under_way == found.services_under_way


class Away(RecordingExecutor):
    """Carries out its first action; then its platform is gone."""

    def observe(self, order: Order) -> Snapshot:
        if self.calls and self.calls[-1][0] == "carry_out" and order.action.kind is ActionKind.RESTART:
            raise Unavailable("no route to host")
        return super().observe(order)


def scaled_then_restarted() -> tuple[Playbook, ...]:
    return tuple(replace(book, actions=tuple(reversed(book.actions))) for book in two_actions())


def test_a_plan_whose_second_platform_is_gone_is_taken_back_as_far_as_it_went(store: Engine) -> None:
    world = World(store, knowledge=acting(playbooks=scaled_then_restarted()), executor=Away({"web": 3}))
    number = world.fault()
    for _ in range(8):
        world.run()
        world.forward(17)
    first, second = world.records(number)
    assert (UndoState.DONE, ActionState.DROPPED) == (first.undo, second.state)
    assert State.ESCALATED == world.incident(number).state
    assert 1 == len(world.executor.snapshot("web").pids)
    assert "no route to host" in (second.error or "")
