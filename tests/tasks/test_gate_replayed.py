"""What the gate was asked live is asked again by a replay; with other settings it is told what it would have said."""

from __future__ import annotations

from dataclasses import replace

from adapters.store.database import Engine, transaction
from adapters.store.gate_rows import kept_questions
from adapters.store.switches import set_pause
from domain.differences import How
from domain.plans import Risk
from tasks.recalling import Changes
from tasks.replaying import GATE
from tests.parts.answering_part import World, acting, risky
from tests.parts.judged_part import NOW
from tests.parts.replay_part import BEGIN, END, replayed


def acted(store: Engine) -> World:
    """An incident that a playbook answered by itself, and was proved."""
    world = World(store)
    world.fault()
    world.run()
    return world


def test_each_question_is_kept_with_its_answer_and_comes_out_again(store: Engine) -> None:
    world = acted(store)
    assert "carry_out" in world.calls
    with transaction(store) as connection:
        kept = kept_questions(connection, BEGIN, END)
        assert [] == kept_questions(connection, BEGIN, NOW)
    assert ["begin", "next"] == [one.question["purpose"] for one in kept]
    assert [(), ()] == [one.objections for one in kept]
    found = replayed(store).differences
    assert 2 == found.same[GATE]
    assert [] == [one.told for one in found.found if one.what == "action"]


def test_with_stricter_settings_what_ran_would_not_have(store: Engine) -> None:
    acted(store)
    stricter = Changes(branches={"mitigation": {"evidence_seconds": 0.0001, "actions_per_hour": 1, "acting": False}})
    told = [one for one in replayed(store, changes=stricter).differences.found if one.what == "action"]
    assert {How.LOST} == {one.how for one in told}
    assert any("would not have begun; against it now: acting is off" in one.told for one in told)


def test_with_looser_settings_what_waited_would_have_begun(store: Engine) -> None:
    world = World(store, acting(playbooks=risky(Risk.MEDIUM, "connection-pool-exhausted"), max_risk="low"))
    world.fault()
    world.run()
    assert [] == world.calls
    looser = Changes(branches={"mitigation": {"max_risk": "medium"}})
    (told,) = [one for one in replayed(store, changes=looser).differences.found if one.what == "action"]
    assert How.WON is told.how
    assert "would have begun; no longer against it: the risk is too high: risk medium, at most low" in told.told


def test_a_pause_is_given(store: Engine) -> None:
    world = World(store)
    set_pause(store, on=True, by="ann", now=NOW)
    world.fault()
    world.run()
    found = replayed(store).differences
    assert 1 == found.same[GATE]
    with transaction(store) as connection:
        (kept,) = kept_questions(connection, BEGIN, END)
    assert kept.paused
    assert replace(kept, paused=False).objections == kept.objections
