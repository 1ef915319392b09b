"""The only door to execution: one case for each thing that can speak against a plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain import gate
from domain.gate import (
    APPROVABLE,
    History,
    Objection,
    Policy,
    Question,
    beyond_limits,
    last_check,
    may_be_allowed,
    objections,
)
from domain.incidents import Incident, State
from domain.inventory import Limits, Service
from domain.plans import Action, ActionKind, Measure, Plan, Preconditions, Risk, Undo, Verification
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON, SECOND

MINUTE = timedelta(minutes=1)
RESTART = Action(ActionKind.RESTART, "web", Risk.LOW, Undo.NONE, {})
PLAN = Plan(1, "playbook:mend-it", (RESTART,), Verification(Measure.ERROR_RATE, 0.05, MINUTE), 0.95, 15 * MINUTE)
POLICY = Policy(
    acting=True,
    paused=False,
    max_risk=Risk.LOW,
    min_confidence=0.8,
    target_pause=15 * MINUTE,
    actions_per_hour=6,
    max_ineffective=2,
    max_evidence_age=2 * MINUTE,
)


def needing(**preconditions: Any) -> Plan:
    return replace(PLAN, preconditions=Preconditions(**preconditions))


NOTHING_DONE = History({}, {}, 0)
NOW = NOON + SECOND


def found(
    plan: Plan = PLAN,
    incident: Incident | None = None,
    policy: Policy = POLICY,
    history: History = NOTHING_DONE,
    *,
    approved: bool = False,
) -> list[Objection]:
    keys = tuple(action.target for action in plan.actions)
    everything = objections(Question(plan, incident or an_incident(), keys, history, approved), policy, now=NOW)
    assert all(str(one) for one in everything)
    return [one.objection for one in everything]


def test_nothing_speaks_against_a_good_plan() -> None:
    assert [] == found()


CASES: list[Any] = [
    pytest.param({"policy": replace(POLICY, acting=False)}, Objection.DRY_RUN, id="acting-is-off"),
    pytest.param({"policy": replace(POLICY, paused=True)}, Objection.PAUSED, id="paused"),
    pytest.param({"incident": an_incident(state=State.RESOLVED)}, Objection.CLOSED, id="fault-1-resolved"),
    pytest.param({"incident": an_incident(state=State.MERGED)}, Objection.CLOSED, id="merged-into-a-storm"),
    pytest.param({"incident": an_incident(acked_at=NOON)}, Objection.ACKNOWLEDGED, id="a-human-has-it"),
    pytest.param({"incident": an_incident(last_at=NOW - 121 * SECOND)}, Objection.OLD_EVIDENCE, id="fault-23-old"),
    pytest.param({"plan": needing(max_age_seconds=0)}, Objection.OLD_EVIDENCE, id="older-than-the-playbook-takes"),
    pytest.param({"plan": replace(PLAN, actions=(replace(RESTART, risk=Risk.MEDIUM),))}, Objection.RISK, id="risky"),
    pytest.param({"plan": replace(PLAN, confidence=0.79)}, Objection.CONFIDENCE, id="fits-badly"),
    pytest.param({"plan": needing(min_confidence=0.95)}, Objection.CONFIDENCE, id="doubtful-anomaly"),
    pytest.param({"incident": an_incident(logs=2)}, Objection.TOO_FEW_LOGS, id="too-few-logs"),
    pytest.param({"history": History({"web": NOW - 14 * MINUTE}, {}, 1)}, Objection.TARGET_BUSY, id="fault-9-lately"),
    pytest.param({"history": History({}, {}, 1, frozenset({"web"}))}, Objection.UNDER_WAY, id="another-plan-goes-on"),
    pytest.param(
        {"plan": replace(PLAN, cool_down=timedelta(hours=2)), "history": History({"web": NOW - 90 * MINUTE}, {}, 0)},
        Objection.TARGET_BUSY,
        id="within-the-playbooks-own-pause",
    ),
    pytest.param({"history": History({}, {}, 6)}, Objection.HOURLY_BUDGET, id="fault-9-six-an-hour"),
    pytest.param({"history": History({}, {"web": 2}, 0)}, Objection.INEFFECTIVE, id="fault-9-did-not-help-twice"),
]


@pytest.mark.parametrize(("changed", "expected"), CASES)
def test_what_speaks_against_a_plan(changed: dict[str, Any], expected: Objection) -> None:
    assert [expected] == found(**changed)


FINE: list[Any] = [
    pytest.param({"incident": an_incident(last_at=NOW - 120 * SECOND)}, id="evidence-just-fresh"),
    pytest.param({"plan": replace(PLAN, confidence=0.8)}, id="fits-well-enough"),
    pytest.param({"history": History({"web": NOW - 15 * MINUTE}, {}, 1)}, id="pause-is-over"),
    pytest.param({"history": History({"db": NOW}, {"db": 9}, 5)}, id="another-target"),
    pytest.param({"history": History({}, {"web": 1}, 0)}, id="did-not-help-once"),
    pytest.param({"incident": an_incident(page_key="k", state=State.ACTING)}, id="paged-and-in-hand"),
]


@pytest.mark.parametrize("changed", FINE)
def test_what_does_not_speak_against_it(changed: dict[str, Any]) -> None:
    assert [] == found(**changed)


def test_a_destructive_action_without_a_way_back_never_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 17: no kind of the catalogue is destructive yet; the rule is there before the first one is."""
    monkeypatch.setattr(gate, "DESTRUCTIVE", {ActionKind.RESTART})
    assert [Objection.NO_UNDO] == found()


def test_a_plan_of_several_actions_needs_room_for_all_of_them() -> None:
    both = replace(PLAN, actions=(RESTART, replace(RESTART, target="db")))
    assert Objection.HOURLY_BUDGET in found(plan=both, history=History({}, {}, 5))


RISKY = replace(PLAN, actions=(replace(RESTART, risk=Risk.MEDIUM),))


def test_a_person_may_allow_what_is_risky_and_nothing_else() -> None:
    assert [] == found(plan=RISKY, approved=True)
    assert [Objection.TARGET_BUSY] == found(plan=RISKY, history=History({"web": NOW}, {}, 1), approved=True)
    assert {Objection.RISK} == APPROVABLE


def test_only_where_nothing_else_speaks_against_it_is_a_person_asked() -> None:
    asked = Question(RISKY, an_incident(), ("web",), NOTHING_DONE)
    assert may_be_allowed(objections(asked, POLICY, now=NOW))
    assert not may_be_allowed(objections(asked, replace(POLICY, acting=False), now=NOW))
    assert not may_be_allowed([])


def test_an_action_of_the_future_still_counts_when_the_clock_was_set_back() -> None:
    assert [Objection.TARGET_BUSY] == found(history=History({"web": NOW + timedelta(days=1)}, {}, 1))


@pytest.mark.parametrize(
    ("incident", "policy", "expected"),
    [
        (an_incident(last_at=NOW - timedelta(hours=1), logs=1), POLICY, []),
        (an_incident(), replace(POLICY, paused=True), [Objection.PAUSED]),
        (an_incident(acked_at=NOON), POLICY, [Objection.ACKNOWLEDGED]),
        (an_incident(state=State.RESOLVED), POLICY, [Objection.CLOSED]),
    ],
    ids=["a4-what-was-reserved-goes-on", "paused", "acknowledged", "fault-1-closed"],
)
def test_before_each_action_only_people_are_asked_again(
    incident: Incident, policy: Policy, expected: list[Objection]
) -> None:
    assert expected == [met.objection for met in last_check(incident, policy)]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(), []),
        (Limits(workers=2), []),
        (Limits(workers=1), [Objection.LIMIT]),
        (Limits(actions=frozenset({ActionKind.RESTART})), [Objection.LIMIT]),
    ],
)
def test_the_inventory_limits_what_is_done(limits: Limits, expected: list[Objection]) -> None:
    scaling = replace(PLAN, actions=(Action(ActionKind.SCALE, "web", Risk.LOW, Undo.RESTORE, {"workers": 2}),))
    service = Service("web", "supervisord", "web", limits)
    assert expected == [met.objection for met in beyond_limits(scaling, service)]


def test_every_objection_has_a_case() -> None:
    elsewhere = {Objection.NO_UNDO, Objection.LIMIT}
    on_the_store = {Objection.NO_TARGET}  # needs an executor: tests/tasks/test_steps.py
    assert set(Objection) == {case.values[1] for case in CASES} | elsewhere | on_the_store
