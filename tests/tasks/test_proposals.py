"""Plans that an analysis proposes: offered by name, and carried out only where a person allows one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.store import answers, experience
from adapters.store.closing import acknowledge
from adapters.store.database import Engine, transaction
from benchmarks.evals.minds import honest
from benchmarks.evals.scripted import serve
from domain.actions import Approval
from domain.autonomy import Autonomy, Word
from domain.errors import Refused
from domain.incidents import State
from domain.inventory import Limits
from domain.pages import PageReason
from domain.plans import PROPOSED
from tests.parts.analyst_part import UNKNOWN, Desk, llm
from tests.parts.answering_part import SERVICES, World, acting


def proposed(store: Engine, **mitigation: object) -> tuple[Desk, int, str]:
    """An incident that a human has, with plans that an analysis proposes; the digest of the first."""
    desk = Desk(World(store, knowledge=acting(common_error_threshold=0.99, **mitigation)))
    number = desk.incident("connection pool exhausted")
    desk.work()
    return desk, number, desk.stored(number).options[0]["digest"]


def allow(desk: Desk, number: int, plan: str = "") -> None:
    said = Approval(granted=True, by="ann", at=desk.world.now, role="approver")
    with transaction(desk.world.engine) as connection:
        answers.allow(connection, number, plan, said)


def test_nothing_is_done_before_a_person_allows_it(store: Engine) -> None:
    desk, number, _ = proposed(store)
    desk.world.run()
    assert desk.world.incident(number).state is State.ESCALATED
    assert desk.world.calls == []
    told = desk.stored(number).answer
    assert told is not None
    assert told.plans[0] == "P1"


@pytest.mark.parametrize("named", [True, False])
def test_what_a_person_allows_is_carried_out_and_proved(store: Engine, named: bool) -> None:  # noqa: FBT001
    desk, number, plan = proposed(store)
    desk.world.fault("connection pool exhausted")  # it goes on
    allow(desk, number, plan if named else "")
    assert ["begin", "act"] == desk.world.run()[:2]
    assert [record.action.target for record in desk.world.records(number)] == ["web"]
    assert PROPOSED in str(desk.world.answer(number).plan)
    desk.world.forward(5)
    desk.world.traffic(60)
    desk.world.forward(70)
    desk.world.traffic(60)
    desk.world.run()
    assert desk.world.incident(number).state is State.RESOLVED


def test_whoever_has_it_gives_it_back_by_allowing_the_plan(store: Engine) -> None:
    desk, number, plan = proposed(store)
    acknowledge(desk.world.engine, number, by="ann", now=desk.world.now)
    desk.world.fault("connection pool exhausted")
    allow(desk, number, plan)
    assert desk.world.incident(number).acked_at is None
    assert "act" in desk.world.run()


def test_the_gate_is_asked_all_the_same(store: Engine) -> None:
    desk, number, plan = proposed(store, actions_per_hour=1, target_seconds=1e6)
    desk.world.forward(300)  # nothing fires any more
    allow(desk, number, plan)
    desk.world.run()
    assert desk.world.calls == []
    assert desk.world.incident(number).state is State.ESCALATED
    assert PageReason.OBJECTED in desk.world.pages()


def test_a_plan_that_nobody_proposed_cannot_be_allowed(store: Engine) -> None:
    desk, number, _ = proposed(store)
    with pytest.raises(Refused, match="no plan abcabcabcabc is proposed"):
        allow(desk, number, "abcabcabcabc")
    assert desk.world.incident(number).state is State.ESCALATED


def test_a_word_is_given_once(store: Engine) -> None:
    desk, number, plan = proposed(store)
    allow(desk, number, plan)
    with pytest.raises(Refused, match="ann answered already"):
        allow(desk, number, plan)


def test_where_the_inventory_knows_no_target_nothing_is_offered(store: Engine) -> None:
    desk = Desk(World(store))
    number = desk.incident(UNKNOWN, service="unlisted")
    desk.work()
    assert desk.stored(number).options == []


def test_a_model_orders_what_is_offered_and_adds_nothing(store: Engine) -> None:
    with serve(honest) as server:
        desk = Desk(World(store, knowledge=acting(common_error_threshold=0.99)), llm(server))
        number = desk.incident("connection pool exhausted")
        desk.work()
    stored = desk.stored(number)
    assert stored.answer is not None
    assert set(stored.answer.plans) <= {one["name"] for one in stored.options}
    assert all(one["plan"]["source"].startswith(PROPOSED) for one in stored.options)


def in_vain(store: Engine) -> tuple[Desk, int]:
    """An incident whose playbook was followed and did not help, looked into."""
    limits = {"target_seconds": 0.001, "target_per_day": 99, "kind_per_hour": 99, "max_ineffective": 99}
    desk = Desk(World(store, knowledge=acting(**limits)))
    number = desk.world.fault()
    desk.world.run()
    desk.world.forward(70)
    desk.world.fault()
    desk.world.run()
    desk.world.forward(16)
    desk.work()
    assert desk.world.incident(number).state is State.ESCALATED
    return desk, number


def test_what_was_done_in_vain_is_not_offered_again(store: Engine) -> None:
    desk, number = in_vain(store)
    offered = [one["playbook"] for one in desk.stored(number).options]
    assert offered
    assert "connection-pool-exhausted" not in offered


def test_another_plan_is_carried_out_after_one_that_did_not_help(store: Engine) -> None:
    desk, number = in_vain(store)
    desk.world.fault()
    allow(desk, number, desk.stored(number).options[0]["digest"])
    assert ["begin", "act"] == desk.world.run()[:2]
    assert [(PROPOSED + "overload", 1)] == [(one.source, one.ordinal) for one in desk.world.records(number)]
    desk.world.forward(70)
    desk.world.run()
    assert desk.world.incident(number).state is State.ESCALATED
    with pytest.raises(Refused, match="was begun before"):
        allow(desk, number, desk.stored(number).options[0]["digest"])


@pytest.mark.parametrize("level", [Autonomy.OBSERVE, Autonomy.SUGGEST])
def test_what_a_person_said_about_the_playbook_holds_for_what_is_proposed(store: Engine, level: Autonomy) -> None:
    desk, number, plan = proposed(store)
    with transaction(store) as connection:
        word = Word(level, "ann", "not on this one", desk.world.now)
        experience.say(connection, "connection-pool-exhausted", "web", word, before=Autonomy.ACT)
    desk.world.fault("connection pool exhausted")
    allow(desk, number, plan)
    desk.world.run()
    assert desk.world.calls == []
    assert any("the playbook may only" in said for said in desk.world.stored(number)["objections"])


@pytest.mark.parametrize("level", [Autonomy.OBSERVE, Autonomy.SUGGEST])
def test_where_a_person_must_do_it_by_hand_nothing_is_offered(store: Engine, level: Autonomy) -> None:
    web = replace(SERVICES.services["web"], limits=Limits(autonomy=level))
    services = replace(SERVICES, services={**SERVICES.services, "web": web})
    desk = Desk(World(store, knowledge=acting(services=services, common_error_threshold=0.99)))
    number = desk.incident("connection pool exhausted")
    desk.work()
    assert desk.stored(number).options == []
