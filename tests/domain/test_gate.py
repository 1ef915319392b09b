"""The only door to execution: one case for each thing that can speak against it, and when it is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain import gate
from domain.asking import Objected, Objection, Policy, Purpose, Question
from domain.autonomy import Autonomy, Trust
from domain.execution import Snapshot, TargetState
from domain.gate import APPROVABLE, may_be_allowed, objections, waits_for_logs
from domain.incidents import Incident, State
from domain.inventory import Limits
from domain.plans import ActionKind, Plan, Preconditions, Risk
from tests.domain.test_budgets import CASES as BUDGET_CASES
from tests.parts.asking_part import NOW, PLAN, POLICY, RESTART, SCALE, WEB, a_question, one_seen, processes
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON, SECOND


def needing(**preconditions: Any) -> Plan:
    return replace(PLAN, preconditions=Preconditions(**preconditions))


def owned(limits: Limits) -> Any:
    return replace(WEB, limits=limits)


PROPOSED = replace(PLAN, source="analysis:restart-it", confidence=0.3)
RISKY = replace(PLAN, actions=(replace(RESTART, risk=Risk.MEDIUM),))
SCALING = replace(PLAN, actions=(SCALE,))


def met(asked: Question, policy: Policy = POLICY) -> list[Objection]:
    found = objections(asked, policy, now=NOW)
    assert all("{" not in str(one) and "timedelta" not in str(one) for one in found)
    return [one.objection for one in found]


def test_nothing_speaks_against_a_good_plan() -> None:
    assert [] == met(a_question())


OLD = {"incident": an_incident(last_at=NOW - 121 * SECOND)}
CASES: list[Any] = [
    pytest.param({}, replace(POLICY, acting=False), Objection.DRY_RUN, id="acting-is-off"),
    pytest.param({}, replace(POLICY, paused=True), Objection.PAUSED, id="paused"),
    pytest.param({"maintenance": "weekly patches"}, POLICY, Objection.MAINTENANCE, id="maintenance"),
    pytest.param({"incident": an_incident(state=State.RESOLVED)}, POLICY, Objection.CLOSED, id="fault-1-resolved"),
    pytest.param({"incident": an_incident(state=State.MERGED)}, POLICY, Objection.CLOSED, id="merged-into-a-storm"),
    pytest.param({"incident": an_incident(acked_at=NOON)}, POLICY, Objection.ACKNOWLEDGED, id="a-human-has-it"),
    pytest.param(
        {"incident": an_incident(widespread=True, services=12)}, POLICY, Objection.WIDESPREAD,
        id="one-fault-in-many-services-has-its-cause-elsewhere",
    ),
    pytest.param(OLD, POLICY, Objection.OLD_EVIDENCE, id="fault-23-old"),
    pytest.param(
        {"incident": an_incident(fires_at=NOW - 121 * SECOND)}, POLICY, Objection.OLD_EVIDENCE,
        id="fault-1-the-origin-is-silent-although-its-symptoms-go-on",
    ),
    pytest.param({"plan": needing(max_age_seconds=0)}, POLICY, Objection.OLD_EVIDENCE, id="older-than-playbook-takes"),
    pytest.param({"plan": RISKY}, POLICY, Objection.RISK, id="risky"),
    pytest.param({"trusted": Trust(Autonomy.ASK, "x")}, POLICY, Objection.ASKS, id="it-has-proved-too-little"),
    pytest.param({"trusted": Trust(Autonomy.SUGGEST, "x")}, POLICY, Objection.SUGGESTS, id="it-has-failed"),
    pytest.param({"trusted": Trust(Autonomy.OBSERVE, "x")}, POLICY, Objection.OBSERVES, id="it-is-not-trusted-at-all"),
    pytest.param({"plan": PROPOSED}, POLICY, Objection.PROPOSED, id="an-analysis-proposes-it-however-well-it-fits"),
    pytest.param({"plan": replace(PLAN, confidence=0.79)}, POLICY, Objection.CONFIDENCE, id="fits-badly"),
    pytest.param({"plan": needing(min_confidence=0.95)}, POLICY, Objection.CONFIDENCE, id="doubtful-anomaly"),
    pytest.param({"incident": an_incident(logs=2)}, POLICY, Objection.TOO_FEW_LOGS, id="too-few-logs"),
    pytest.param(
        {"incident": an_incident(logs=300, origin_logs=2)}, POLICY, Objection.TOO_FEW_LOGS,
        id="symptoms-are-no-logs-of-the-origin",
    ),
    pytest.param({"service": None}, POLICY, Objection.MOVED, id="no-longer-in-the-inventory"),
    pytest.param({"service": replace(WEB, target="web2")}, POLICY, Objection.MOVED, id="another-target-than-planned"),
    pytest.param({"service": replace(WEB, executor="k8s")}, POLICY, Objection.MOVED, id="another-executor"),
    pytest.param({"seen": (one_seen(owner=None),)}, POLICY, Objection.MOVED, id="a-target-that-nobody-owns"),
    pytest.param({"seen": (one_seen(snapshot=Snapshot("web", ())),)}, POLICY, Objection.NO_TARGET, id="nothing-there"),
    pytest.param(
        {"seen": (one_seen(snapshot=None, problem="no route"),)}, POLICY, Objection.NO_TARGET, id="cannot-be-seen"
    ),
    pytest.param(
        {"seen": (one_seen(snapshot=processes(running=1, state=TargetState.UNKNOWN)),)}, POLICY,
        Objection.UNKNOWN_STATE, id="in-a-state-that-is-not-known",
    ),
    pytest.param(
        {"seen": (one_seen(owner=owned(Limits(actions=frozenset({ActionKind.SCALE}))))  ,)}, POLICY, Objection.LIMIT,
        id="a-kind-that-the-inventory-does-not-allow",
    ),
    pytest.param(
        {"plan": SCALING, "seen": (one_seen(SCALE, owned(Limits(workers=1))),)}, POLICY, Objection.LIMIT,
        id="more-workers-than-the-inventory-allows",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "policy", "expected"), CASES)
def test_what_speaks_against_a_plan(changed: dict[str, Any], policy: Policy, expected: Objection) -> None:
    assert [expected] == met(a_question(**changed), policy)


FINE: list[Any] = [
    pytest.param({"incident": an_incident(last_at=NOW - 120 * SECOND)}, id="evidence-just-fresh"),
    pytest.param(
        {"incident": an_incident(last_at=NOW - 999 * SECOND, fires_at=NOW)}, id="the-origin-fires-that-is-enough"
    ),
    pytest.param({"plan": replace(PLAN, confidence=0.8)}, id="fits-well-enough"),
    pytest.param({"incident": an_incident(page_key="k", state=State.ACTING)}, id="paged-and-in-hand"),
    pytest.param({"plan": SCALING, "seen": (one_seen(SCALE, owned(Limits(workers=2))),)}, id="within-its-limits"),
    pytest.param({"plan": replace(PLAN, target="")}, id="a-plan-of-the-version-before-names-no-target"),
    pytest.param({"seen": (one_seen(snapshot=None),)}, id="nobody-looked-at-the-world-in-a-dry-run"),
]


@pytest.mark.parametrize("changed", FINE)
def test_what_does_not_speak_against_it(changed: dict[str, Any]) -> None:
    assert [] == met(a_question(**changed))


FORWARD, EVER = {Purpose.BEGIN, Purpose.NEXT, Purpose.TAKEOVER}, set(Purpose)
WHEN: list[Any] = [
    pytest.param({}, replace(POLICY, acting=False), EVER, id="acting-off-stops-an-undo-too"),
    pytest.param({}, replace(POLICY, paused=True), EVER, id="a-pause-stops-an-undo-too"),
    pytest.param({"maintenance": "patches"}, POLICY, EVER, id="maintenance-stops-an-undo-too"),
    pytest.param({"service": None}, POLICY, EVER, id="what-left-the-inventory-is-not-touched-for-an-undo-either"),
    pytest.param({"seen": (one_seen(snapshot=Snapshot("web", ())),)}, POLICY, EVER, id="nor-is-what-is-gone"),
    pytest.param(
        {"seen": (one_seen(snapshot=processes(state=TargetState.UNKNOWN, running=1)),)}, POLICY, EVER,
        id="nor-what-is-in-an-unknown-state",
    ),
    pytest.param(OLD, POLICY, FORWARD, id="fault-1-it-must-fire-at-the-moment-of-each-action"),
    pytest.param(OLD | {"acted": True}, POLICY, set(), id="what-its-own-earlier-action-silenced-stops-no-next-one"),
    pytest.param({"incident": an_incident(state=State.RESOLVED)}, POLICY, FORWARD, id="fault-1-closed"),
    pytest.param({"incident": an_incident(acked_at=NOON)}, POLICY, FORWARD, id="acknowledged"),
    pytest.param({"incident": an_incident(widespread=True)}, POLICY, FORWARD, id="it-spread-meanwhile"),
    pytest.param({"plan": RISKY}, POLICY, FORWARD, id="people-lowered-the-risk-meanwhile"),
    pytest.param({"plan": RISKY, "allowed_at": NOON}, POLICY, set(), id="what-was-allowed-stays-allowed"),
    pytest.param({"plan": PROPOSED}, POLICY, {Purpose.BEGIN}, id="a-proposed-plan-needs-a-word-before-it-begins"),
    pytest.param(
        {}, replace(POLICY, budgets=replace(POLICY.budgets, actions_per_hour=0)), {Purpose.BEGIN},
        id="what-is-reserved-has-its-place-in-the-budgets",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "policy", "expected"), WHEN)
def test_what_is_asked_when(changed: dict[str, Any], policy: Policy, expected: set[Purpose]) -> None:
    assert expected == {purpose for purpose in Purpose if met(a_question(purpose, **changed), policy)}


def test_a_destructive_action_without_a_way_back_never_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 17: no kind of the catalogue is destructive yet; the rule is there before the first one is."""
    monkeypatch.setattr(gate, "DESTRUCTIVE", {ActionKind.RESTART})
    assert [Objection.NO_UNDO] == met(a_question())


def test_a_person_may_allow_what_is_risky_and_nothing_else() -> None:
    assert [] == met(a_question(plan=RISKY, allowed_at=NOON))
    assert [] == met(a_question(plan=PROPOSED, allowed_at=NOON))


@pytest.mark.parametrize(
    ("acked_after", "expected"),
    [
        pytest.param(-1, [], id="whoever has it allows the plan"),
        pytest.param(0, [], id="at the same moment"),
        pytest.param(1, [Objection.ACKNOWLEDGED], id="somebody took it after it was allowed"),
    ],
)
def test_who_has_it_may_still_allow_the_plan(acked_after: int, expected: list[Objection]) -> None:
    incident = an_incident(acked_at=NOON + acked_after * SECOND)
    assert expected == met(a_question(plan=RISKY, allowed_at=NOON, incident=incident))
    assert {Objection.RISK, Objection.NO_UNDO, Objection.ASKS, Objection.PROPOSED} == APPROVABLE


def test_only_where_nothing_else_speaks_against_it_is_a_person_asked() -> None:
    asked = a_question(plan=RISKY)
    assert may_be_allowed(objections(asked, POLICY, now=NOW))
    assert not may_be_allowed(objections(asked, replace(POLICY, acting=False), now=NOW))
    assert not may_be_allowed([])


@pytest.mark.parametrize(
    ("incident", "says"),
    [
        (an_incident(last_at=NOW - timedelta(minutes=5)), "the evidence is old: age 300 s, at most 120 s"),
        (an_incident(acked_at=NOON), "a human has acknowledged it: at 12:00:00 UTC"),
        (an_incident(logs=1), "too few logs: logs 1, at least 3"),
    ],
)
def test_an_objection_reads_as_words_with_units(incident: Incident, says: str) -> None:
    assert [says] == [str(one) for one in objections(a_question(incident=incident), POLICY, now=NOW)]


def test_every_objection_has_a_case() -> None:
    elsewhere = {Objection.NO_UNDO, Objection.VOID}  # above, and on the store: tests/tasks/test_steps.py
    budgets = {case.values[2] for case in BUDGET_CASES}
    assert set(Objection) == {case.values[2] for case in CASES} | budgets | elsewhere


@pytest.mark.parametrize(
    ("found", "waits"),
    [
        pytest.param([Objection.TOO_FEW_LOGS], True, id="its-origin-was-found-a-moment-ago"),
        pytest.param([Objection.TOO_FEW_LOGS, Objection.CONFIDENCE, Objection.RISK], True, id="a-person-is-asked-then"),
        pytest.param(
            [Objection.TOO_FEW_LOGS, Objection.OLD_EVIDENCE], False, id="more-logs-are-not-all-that-is-missing"
        ),
        pytest.param([Objection.CONFIDENCE], False, id="it-fits-badly"),
        pytest.param([], False, id="nothing"),
    ],
)
def test_more_logs_of_its_origin_are_waited_for(found: list[Objection], *, waits: bool) -> None:
    assert waits == waits_for_logs([Objected(one, {}) for one in found])
