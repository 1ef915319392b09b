"""How two answers to one question differ, in words; the same answers differ in nothing."""

from __future__ import annotations

from typing import Any

import pytest

from domain.asked_again import TELLING, difference
from domain.decided import Opening
from domain.differences import How
from domain.errors import BadInput
from domain.questions import COUNTED_AS, Answered, Asked, Kept, Kind, answered_of
from domain.verification import Because
from tests.parts.logs_part import NOON

ABOUT = Opening("web", "log", "pool exhausted", NOON)
GATE = {"purpose": "begin", "plan": {"source": "playbook:pool"}}
SURE = {"playbook": "pool", "confidence": 0.9, "objection": "", "plan": "0a", "told": "restart web"}
UNSURE = SURE | {"confidence": 0.74, "plan": "", "told": ""}


def kept(kind: Kind, answered: Answered) -> Kept:
    return Kept(NOON, ABOUT, "digest", Asked(kind, GATE if kind is Kind.GATE else {}, answered))


def said(*objections: str) -> Answered:
    return Answered("objected" if objections else "allowed", {"objections": list(objections)})


def common(**changes: object) -> Answered:
    return Answered("common", SURE | changes, "90 % sure, at least the 80 % that make it common")


UNCOMMON = Answered("uncommon", UNSURE, "74 % sure, below the 80 % that make it common")
RECOVERED = Answered("recovered", {"because": str(Because.HEALTHY)}, "the measure is back")
UNPROVED = Answered("unknown", {"because": str(Because.USUAL)}, "it may have healed by itself")


def called(*to: str, policy: str = "default", after: float | None = 300.0) -> Answered:
    return Answered("told" if to else "nobody", {"policy": policy, "to": list(to), "next_seconds": after})


CASES: list[Any] = [
    pytest.param(Kind.GATE, said(), said("acting is off"), How.LOST,
        "the plan playbook:pool would not have begun; against it now: acting is off", id="stopped"),
    pytest.param(Kind.GATE, said("acting is off"), said(), How.WON,
        "the plan playbook:pool would have begun; no longer against it: acting is off", id="let-go"),
    pytest.param(Kind.GATE, said("one"), said("two"), How.CHANGED,
        "the gate says otherwise of playbook:pool; against it now: two; no longer against it: one", id="for-another"),
    pytest.param(Kind.CLASSIFICATION, common(), UNCOMMON, How.LOST,
        "it would have been uncommon: 74 % sure, below the 80 % that make it common; "
        "no plan would have been made; it was: restart web", id="uncommon"),
    pytest.param(Kind.CLASSIFICATION, UNCOMMON, common(), How.WON,
        "it would have been common: 90 % sure, at least the 80 % that make it common; "
        "the plan would have been: restart web", id="common"),
    pytest.param(Kind.CLASSIFICATION, common(), common(confidence=0.85, plan="0b"), How.CHANGED,
        "it would have been 85 % sure, not 90 %", id="less-sure"),
    pytest.param(Kind.CLASSIFICATION, common(), common(playbook="busy", told="scale web", plan="0b"), How.CHANGED,
        "by playbook busy, not pool; the plan would have been: scale web; it was: restart web", id="another-playbook"),
    pytest.param(Kind.CLASSIFICATION, common(), common(objection="it observes", plan="", told=""), How.LOST,
        "against a plan: it observes; no plan would have been made; it was: restart web", id="not-trusted"),
    pytest.param(Kind.CLASSIFICATION, common(objection="it observes", plan="", told=""), common(), How.WON,
        "no longer against a plan: it observes; the plan would have been: restart web", id="trusted"),
    pytest.param(Kind.CLASSIFICATION, common(), common(plan="0b"), How.CHANGED,
        "its plan would have had other limits", id="other-limits"),
    pytest.param(Kind.VERIFICATION, RECOVERED, UNPROVED, How.LOST,
        "the recovery would have been called unproved: it may have healed by itself", id="unproved"),
    pytest.param(Kind.VERIFICATION, UNPROVED, RECOVERED, How.WON,
        "it would have been called a recovery: the measure is back", id="proved"),
    pytest.param(Kind.VERIFICATION, RECOVERED, Answered("ineffective", {"because": "x"}), How.LOST,
        "the action would have been called ineffective", id="ineffective"),
    pytest.param(Kind.VERIFICATION, RECOVERED, Answered("too early", {"because": ""}, "it waits"), How.LOST,
        "there would have been no verdict by then: it waits", id="too-early"),
    pytest.param(Kind.VERIFICATION, UNPROVED, Answered("unknown", {"because": "x"}, "few logs"), How.CHANGED,
        "the verdict would have been the same for another reason: few logs", id="another-reason"),
    pytest.param(Kind.CALL, called("ann"), called("bob"), How.CHANGED,
        "bob would have been told, not ann", id="somebody-else"),
    pytest.param(Kind.CALL, called("ann"), called(after=None), How.LOST,
        "nobody would have been told, not ann; the next ones never, not 5 min later", id="nobody"),
    pytest.param(Kind.CALL, called(after=None), called("ann", "bob"), How.WON,
        "ann, bob would have been told, not nobody; the next ones 5 min later, not never", id="found"),
    pytest.param(Kind.CALL, called("ann"), called("ann", policy="night", after=60.0), How.CHANGED,
        "by policy night, not default; the next ones 1 min later, not 5 min later", id="another-policy"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "before", "now", "how", "told"), CASES)
def test_what_differs_is_told(kind: Kind, before: Answered, now: Answered, how: How, told: str) -> None:
    found = difference(kept(kind, answered_of(before.document())), now)
    assert found is not None
    assert (TELLING[kind].what, how, f"web: “pool exhausted”: {told}") == (found.what, found.how, found.told)


@pytest.mark.parametrize(
    ("kind", "answered"), [(Kind.GATE, said("one")), (Kind.CLASSIFICATION, UNCOMMON), (Kind.VERIFICATION, RECOVERED)]
)
def test_the_same_answer_differs_in_nothing_whatever_its_words(kind: Kind, answered: Answered) -> None:
    assert difference(kept(kind, answered_of(answered.document())), answered) is None


@pytest.mark.parametrize(("kind", "now"), [(Kind.GATE, said("one")), (Kind.CLASSIFICATION, UNCOMMON)])
def test_an_answer_that_lacks_what_was_decided_is_refused(kind: Kind, now: Answered) -> None:
    with pytest.raises(BadInput, match=f"a kept answer of a {kind} cannot be read"):
        difference(kept(kind, Answered("allowed", {})), now)


def test_every_kind_is_told_and_counted() -> None:
    assert set(Kind) == set(TELLING) == set(COUNTED_AS)
