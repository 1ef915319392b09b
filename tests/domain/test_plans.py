"""Plans and actions: nothing unbound, nothing undeclared."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import timedelta

import pytest

from domain.errors import BadInput
from domain.parameters import Parameters, Restart, Scale
from domain.plan_documents import as_document, as_plan, digest
from domain.plans import PARAMETERS, UNDOS, Action, ActionKind, Measure, Plan, Risk, Undo, Verification


def an_action(
    kind: ActionKind = ActionKind.RESTART, target: str = "web", parameters: Parameters | None = None, **given: Risk
) -> Action:
    return Action(kind, target, given.get("risk", Risk.LOW), Undo.NONE, parameters or Restart())


def a_plan(*actions: Action) -> Plan:
    verification = Verification(Measure.ERROR_RATE, 0.05, timedelta(minutes=1))
    return Plan(7, "playbook:x", actions, verification, 0.9, timedelta(minutes=15))


@pytest.mark.parametrize(
    ("kind", "target", "parameters"),
    [
        pytest.param(ActionKind.RESTART, "", Restart(), id="no-target"),
        pytest.param(ActionKind.RESTART, "{service}", Restart(), id="unbound-target"),
        pytest.param(ActionKind.RESTART, "web", Scale(2), id="parameters-of-another-kind"),
        pytest.param(ActionKind.SCALE, "web", Restart(), id="missing-parameters"),
    ],
)
def test_an_action_cannot_be_built_wrong(kind: ActionKind, target: str, parameters: Parameters) -> None:
    with pytest.raises(BadInput):
        an_action(kind, target, parameters)


def test_an_action_cannot_be_changed_after_the_gate_saw_it() -> None:
    with pytest.raises(FrozenInstanceError):
        an_action().target = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("risks", "expected"),
    [
        ([Risk.LOW], Risk.LOW),
        ([Risk.LOW, Risk.HIGH, Risk.MEDIUM], Risk.HIGH),
    ],
)
def test_a_plan_is_as_risky_as_its_riskiest_action(risks: list[Risk], expected: Risk) -> None:
    assert expected == a_plan(*(an_action(risk=risk) for risk in risks)).risk


def test_every_kind_declares_its_parameters_and_its_ways_back() -> None:
    assert set(ActionKind) == set(PARAMETERS) == set(UNDOS)
    assert all(UNDOS.values())


def test_a_plan_is_stored_whole_and_another_target_is_another_plan() -> None:
    plan = replace(a_plan(an_action()), target="web")
    assert plan == as_plan(7, as_document(plan))
    assert digest(plan) != digest(replace(plan, target="web2"))


def test_a_plan_of_the_version_before_keeps_the_digest_that_people_were_asked_about() -> None:
    assert "target" not in as_document(a_plan(an_action()))
    assert "" == as_plan(7, as_document(a_plan(an_action()))).target


def test_a_plan_says_what_it_does_in_words() -> None:
    both = a_plan(an_action(), an_action(ActionKind.SCALE, "db", Scale(3)))
    assert "restart web and scale db (workers 3)" == both.told
