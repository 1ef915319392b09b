"""Autonomy on the store: asked at the gate, changed by verdicts, on record with its evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.store import answers, experience
from adapters.store.database import Engine, transaction
from adapters.store.tables.acting import actions
from domain.actions import Approval
from domain.autonomy import Autonomy, Word
from domain.errors import BadInput, Refused
from domain.execution import Order
from domain.incidents import State
from domain.inventory import Limits
from domain.settings_acting import AutonomySettings
from tasks.answer import due_step, run_steps, take
from tasks.trust import everyone, set_by_hand
from tests.contracts.fakes import RecordingExecutor
from tests.parts.answering_part import SERVICES, World, acting, tried_in_vain

POOL = "connection-pool-exhausted"
EARNING = AutonomySettings(start="ask", proofs=2, failures=1)


@pytest.fixture
def world(store: Engine) -> World:
    return World(store, knowledge=acting(autonomy=EARNING, target_seconds=0.001, target_per_day=99))


def said(world: World, number: int) -> list[str]:
    return [str(one) for one in world.stored(number)["objections"]]


def allow(world: World, number: int) -> None:
    with transaction(world.engine) as connection:
        answers.allow(connection, number, "", Approval(granted=True, by="ann", at=world.now, role="approver"))


def proved(world: World) -> int:
    """A fault, a plan that a person allows, a recovery that is proved."""
    world.traffic()
    number = world.fault()
    world.run()
    if world.incident(number).state is State.WAITING:
        allow(world, number)
        world.run()
    world.forward(31)
    world.traffic()
    world.forward(1)
    world.run()
    assert State.RESOLVED == world.incident(number).state
    world.forward(7_200)
    return number


def test_at_first_a_person_is_asked_and_the_page_says_why(world: World) -> None:
    number = world.fault()
    world.run()
    assert (State.WAITING, []) == (world.incident(number).state, world.calls)
    assert "the playbook asks first on the service: because it begins there" in said(world, number)[0]


def test_proved_recoveries_earn_the_right_to_act_and_the_ledger_says_so(world: World) -> None:
    proved(world)
    last = proved(world)
    number = world.fault()
    assert ["plan", "begin", "act"] == world.run()
    assert State.VERIFYING == world.incident(number).state
    (change,) = [entry for entry in world.stored(last)["ledger"] if entry["kind"] == "autonomy.changed"]
    assert ("ask", "act") == (change["fields"]["before"], change["fields"]["after"])
    assert "2 proved recoveries in a row" in change["fields"]["why"]


def test_what_does_not_help_costs_it(world: World) -> None:
    proved(world)
    proved(world)
    number = world.fault()
    world.run()
    world.forward(70)
    world.run()
    (change,) = [entry for entry in world.stored(number)["ledger"] if entry["kind"] == "autonomy.changed"]
    assert ("act", "ask") == (change["fields"]["before"], change["fields"]["after"])


@pytest.mark.parametrize(
    ("level", "says"),
    [(Autonomy.SUGGEST, "the playbook may only suggest"), (Autonomy.OBSERVE, "the playbook may only observe")],
)
def test_below_asking_a_human_gets_it(store: Engine, level: Autonomy, says: str) -> None:
    limited = {name: replace(one, limits=Limits(autonomy=level)) for name, one in SERVICES.services.items()}
    services = replace(SERVICES, services=limited)
    world = World(store, knowledge=acting(services=services))
    number = world.fault()
    world.run()
    assert (State.ESCALATED, []) == (world.incident(number).state, world.calls)
    assert says in said(world, number)[0]
    assert (world.answer(number).plan is None) == (level is Autonomy.OBSERVE)


def test_a_persons_word_holds_from_then_on_and_is_in_the_ledger(world: World) -> None:
    with transaction(world.engine) as connection:
        word = Word(Autonomy.ACT, "ann", "tried by hand for years", world.now)
        found = set_by_hand(connection, world.knowledge, POOL, "web", word)
    assert (Autonomy.ACT, True) == (found.level, "ann said so" in found.why)
    assert ["plan", "begin", "act"] == (world.fault(), world.run())[1]
    assert "autonomy.changed" in world.ledger()


def test_a_word_about_what_does_not_exist_or_at_length_is_an_error(world: World) -> None:
    word = Word(Autonomy.ACT, "ann", "x", world.now)
    with transaction(world.engine) as connection:
        with pytest.raises(BadInput, match="the nearest is connection-pool-exhausted"):
            set_by_hand(connection, world.knowledge, "connection-pool", "web", word)
        with pytest.raises(BadInput, match="the nearest is web"):
            set_by_hand(connection, world.knowledge, POOL, "webb", word)
        with pytest.raises(BadInput, match="the reason has 1,001 characters, at most 1,000"):
            set_by_hand(connection, world.knowledge, POOL, "web", replace(word, why="x" * 1_001))


def test_everyone_is_told_with_what_it_rests_on(world: World) -> None:
    proved(world)
    with transaction(world.engine) as connection:
        found = everyone(connection, world.knowledge, now=world.now)
    (mine,) = [one for one in found if one.tried]
    assert (POOL, "web", Autonomy.ASK, 1, 0) == (
        mine.playbook,
        mine.service,
        mine.trust.level,
        mine.helped,
        mine.failed,
    )
    assert "1 of 2 proved recoveries in a row" in mine.trust.why


def test_what_failed_again_and_again_is_uncommon_and_the_page_says_how_often(store: Engine) -> None:
    world = tried_in_vain(store)
    number = world.fault()
    world.run()
    assert (State.ESCALATED, 3) == (world.incident(number).state, len(world.calls))
    assert any("the same fault of the same service: it helped 0 of 3 times" in line for line in world.lines())


def test_how_often_a_fault_went_by_itself_is_counted(world: World) -> None:
    number = world.fault()
    with transaction(world.engine) as connection:
        found = experience.past(connection, world.incident(number), now=world.now + timedelta(seconds=1))
    assert (0, 0) == (found.seen, found.alone)


def test_a_plan_whose_playbook_cannot_be_read_any_more_asks_first(store: Engine) -> None:
    """A slip in a file must not lift the limits that the file, or its past, sets."""
    world = World(store)
    number = world.fault()
    held = world.held()
    assert take(held, due_step(held))
    world.knowledge = acting(playbooks=())
    run_steps(replace(held, means=world.means()))
    assert (State.WAITING, []) == (world.incident(number).state, world.calls)
    assert "the playbook asks first on the service" in said(world, number)[0]


class Refusing(RecordingExecutor):
    """Its platform says no."""

    def carry_out(self, order: Order) -> None:
        raise Refused(f"{order.target}: no")


def test_what_could_not_be_carried_out_costs_it_too(store: Engine) -> None:
    """An action that fails each time must not be tried for ever by itself."""
    world = World(store, knowledge=acting(autonomy=AutonomySettings(start="act")), executor=Refusing({"web": 1}))
    number = world.fault()
    world.run()
    assert State.ESCALATED == world.incident(number).state
    (change,) = [entry for entry in world.stored(number)["ledger"] if entry["kind"] == "autonomy.changed"]
    assert ("act", "ask") == (change["fields"]["before"], change["fields"]["after"])


def test_runs_elsewhere_do_not_crowd_out_what_happened_here(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    number = proved(world)
    monkeypatch.setattr(experience, "MOST_RUNS", 1)
    with transaction(world.engine) as connection:
        mine = actions.select().where(actions.c.incident_id == number)
        row = dict(connection.execute(mine).one()._mapping)
        for episode in (2, 3):
            elsewhere = row | {"id": row["id"] + episode, "service": "db", "episode": episode}
            connection.execute(actions.insert(), elsewhere)
        found = experience.runs(connection, POOL, world.incident(number), now=world.now)
    assert ["web", "db"] == [run.service for run in found]
