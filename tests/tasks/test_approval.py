"""Approval as a durable step: asked, given, refused, expired, and given for a plan that changed meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from adapters.store import answers
from adapters.store.closing import acknowledge
from adapters.store.database import Engine, transaction
from adapters.store.switches import set_pause
from adapters.store.tables.found import incidents
from domain.actions import Approval
from domain.errors import Refused
from domain.incidents import State
from domain.people import Role
from domain.plan_documents import as_document, digest
from domain.plans import Plan, Risk
from domain.settings import PersonSettings
from tasks.judging import Knowledge
from tests.parts.answering_part import World, acting, risky
from tests.parts.judged_part import rows

PEOPLE = {"ann": PersonSettings(role=Role.APPROVER), "bob": PersonSettings(role=Role.RESPONDER)}


def knowing(people: dict[str, PersonSettings]) -> Knowledge:
    found = acting(playbooks=risky(Risk.MEDIUM, "connection-pool-exhausted"))
    return replace(found, settings=found.settings.model_copy(update={"people": people}))


def asked(store: Engine, people: dict[str, PersonSettings] = PEOPLE) -> tuple[World, int, str]:
    """A plan that is too risky to run unattended."""
    world = World(store, knowledge=knowing(people))
    number = world.fault()
    assert ["plan", "begin"] == world.run()
    answer = world.answer(number)
    assert answer.plan is not None
    assert (State.WAITING, ["approval"]) == (answer.incident.state, world.pages())
    return world, number, digest(answer.plan)


def say(world: World, number: int, plan: str, *, granted: bool = True) -> Plan:
    said = Approval(granted=granted, by="ann", at=world.now, role="approver")
    with transaction(world.engine) as connection:
        return answers.allow(connection, number, plan, said)


def still_firing(world: World, number: int) -> None:
    """The fault goes on."""
    with transaction(world.engine) as connection:
        firing = incidents.update().where(incidents.c.id == number)
        connection.execute(firing.values(fires_at=world.now, last_at=world.now))


@pytest.mark.parametrize(
    ("people", "who"),
    [
        (PEOPLE, "ann (approver)"),
        ({}, "whoever can run `sre` here, as no people are configured"),
        ({"bob": PersonSettings(role=Role.RESPONDER)}, "nobody: no approver is configured (people)"),
    ],
    ids=["by-name", "nobody-configured", "none-with-the-role"],
)
def test_the_page_that_asks_names_plan_term_and_who_may_answer(
    store: Engine, people: dict[str, PersonSettings], who: str
) -> None:
    world, number, plan = asked(store, people)
    assert [
        "Needs your word: the risk is too high: risk medium, at most low",
        f"Who may answer: {who}",
        f"Allow it until 12:30 UTC: sre approve {number} {plan}",
        f"Refuse it: sre reject {number} {plan}",
    ] == world.lines()[1:5]
    (fields,) = [each["fields"] for each in world.stored(number)["ledger"] if each["kind"] == "approval.asked"]
    assert (who, plan, ["risk"]) == (fields["who"], fields["plan"], fields["met"])


def test_a_risky_plan_waits_for_a_person_and_is_then_carried_out(store: Engine) -> None:
    world, number, plan = asked(store)
    assert world.claim() is None
    world.forward(60)
    say(world, number, plan)
    assert ["begin", "act"] == world.run()
    assert (["carry_out"], State.VERIFYING) == (world.calls, world.incident(number).state)


def test_whoever_acknowledged_it_may_still_allow_its_plan(store: Engine) -> None:
    world, number, plan = asked(store)
    world.forward(60)
    assert acknowledge(store, number, by="ann", now=world.now)
    world.forward(4)
    say(world, number, plan)
    assert ["begin", "act"] == world.run()
    assert (["carry_out"], State.VERIFYING) == (world.calls, world.incident(number).state)


def test_an_answer_is_kept_with_the_role_that_its_author_had(store: Engine) -> None:
    world, number, plan = asked(store)
    say(world, number, plan)
    (row,) = rows(store, "SELECT plan_digest, by, role FROM approvals".replace(" by,", ' "by",'))
    assert {"plan_digest": plan, "by": "ann", "role": "approver"} == row
    approval = world.answer(number).approval
    assert approval is not None
    assert "approver" == approval.role


def test_a_person_who_refuses_gets_the_incident(store: Engine) -> None:
    world, number, plan = asked(store)
    say(world, number, plan, granted=False)
    assert ["escalate"] == world.run()
    assert ([], State.ESCALATED) == (world.calls, world.incident(number).state)
    assert "ann refused the plan" in world.lines()


def test_an_approval_that_nobody_gives_ends_with_a_human(store: Engine) -> None:
    world, number, _ = asked(store)
    world.forward(1_801)
    assert ["escalate"] == world.run()
    assert (State.ESCALATED, ["approval", "objected"]) == (world.incident(number).state, world.pages())
    assert "Because nobody answered in time" in world.lines()
    assert [False, False] == [bool(row["late"]) for row in rows(store, "SELECT late FROM pages ORDER BY id")]


def test_a_word_that_comes_too_late_is_no_word_although_on_call_was_down(store: Engine) -> None:
    world, number, plan = asked(store)
    world.forward(1_801)
    with pytest.raises(Refused, match=r"waited until 12:30 UTC; a human has it"):
        say(world, number, plan)
    assert [] == rows(store, "SELECT * FROM approvals")
    assert ["escalate"] == world.run()


def test_without_a_plan_the_word_is_about_the_one_that_waits_now(store: Engine) -> None:
    world, number, plan = asked(store)
    assert plan == digest(say(world, number, ""))
    assert ["begin", "act"] == world.run()


def test_a_word_for_a_plan_that_changed_meanwhile_is_refused_with_both(store: Engine) -> None:
    world, number, plan = asked(store)
    answer = world.answer(number)
    assert answer.plan is not None
    other = replace(answer.plan, confidence=0.99)
    with transaction(store) as connection:
        connection.execute(incidents.update().values(plan=as_document(other)))
    with pytest.raises(Refused, match=f"waits with another plan: {digest(other)}, not {plan}"):
        say(world, number, plan)
    assert [] == rows(store, "SELECT * FROM approvals")


def test_an_allowed_plan_that_changed_before_it_began_is_asked_about_anew(store: Engine) -> None:
    """A word holds for exactly the plan for which it was given."""
    world, number, plan = asked(store)
    say(world, number, plan)
    answer = world.answer(number)
    assert answer.plan is not None
    with transaction(store) as connection:
        changed = as_document(replace(answer.plan, confidence=0.99))
        connection.execute(incidents.update().values(plan=changed))
    world.run()
    assert ([], State.WAITING) == (world.calls, world.incident(number).state)


def test_an_approval_is_for_one_plan_once(store: Engine) -> None:
    world, number, plan = asked(store)
    say(world, number, plan)
    with pytest.raises(Refused, match="ann answered already"):
        say(world, number, plan, granted=False)
    with pytest.raises(Refused, match="does not wait"):
        say(world, 99, plan)


def test_an_approved_plan_still_meets_what_a_person_cannot_allow(store: Engine) -> None:
    world, number, plan = asked(store)
    set_pause(store, on=True, by="ann", now=world.now)
    say(world, number, plan)
    assert ["begin"] == world.run()
    assert ([], State.ESCALATED) == (world.calls, world.incident(number).state)


def test_fault_1_what_stopped_firing_while_it_waited_is_not_acted_upon(store: Engine) -> None:
    world, number, plan = asked(store)
    world.forward(600)
    say(world, number, plan)
    assert ["begin"] == world.run()
    assert ([], State.ESCALATED) == (world.calls, world.incident(number).state)
    assert any("the evidence is old" in told for told in world.stored(number)["objections"])


def test_what_fires_still_is_carried_out_after_a_long_wait(store: Engine) -> None:
    world, number, plan = asked(store)
    world.forward(1_500)
    still_firing(world, number)
    say(world, number, plan)
    assert ["begin", "act"] == world.run()
    assert ["carry_out"] == world.calls


def test_the_words_of_people_are_in_the_ledger(store: Engine) -> None:
    world, number, plan = asked(store)
    say(world, number, plan)
    with transaction(store) as connection:
        kept = connection.execute(sa.text("SELECT kind FROM ledger WHERE kind LIKE 'approval%' ORDER BY id"))
        assert ["approval.asked", "approval.given"] == [row.kind for row in kept]
