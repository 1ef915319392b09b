"""Fault 9: durable budgets per action, target, service and fleet; what is intended counts as done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.asking import Budgets, Objection, Policy
from domain.gate import objections
from domain.inventory import Limits
from domain.parameters import RollbackDeploy
from domain.plans import ActionKind
from domain.verification import Outcome
from tests.parts.asking_part import (
    BUDGETS,
    DB,
    MINUTE,
    NOW,
    PLAN,
    POLICY,
    RESTART,
    SCALE,
    WEB,
    a_question,
    done,
    history,
    one_seen,
    processes,
)

HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
ON_WEB = {"budget_key": "web", "service": "web", "kind": ActionKind.RESTART}
ROLLBACK = replace(RESTART, kind=ActionKind.ROLLBACK_DEPLOY, parameters=RollbackDeploy())
ONE_OF_FOUR = replace(RESTART, target="web:01")
SINGLE = one_seen(ONE_OF_FOUR, snapshot=replace(processes(), processes=processes().processes[:1]), whole=processes())
BOTH = replace(PLAN, actions=(RESTART, replace(RESTART, target="db")))
SEEN_BOTH = (one_seen(), one_seen(replace(RESTART, target="db"), DB))


def with_budgets(**changes: Any) -> Policy:
    return replace(POLICY, budgets=replace(BUDGETS, **changes))


def lately(*actions: Any, **under_way: Any) -> dict[str, Any]:
    return {"history": history(*actions, **under_way)}


CASES: list[Any] = [
    pytest.param(lately(*[done(59 * MINUTE)] * 6), POLICY, Objection.HOURLY_BUDGET, id="six-an-hour-on-anything"),
    pytest.param(
        lately(*[done(MINUTE)] * 5) | {"plan": BOTH, "seen": SEEN_BOTH}, POLICY, Objection.HOURLY_BUDGET,
        id="a-plan-of-two-actions-needs-room-for-both",
    ),
    pytest.param(
        lately(*[done(MINUTE, kind=ActionKind.RESTART)] * 5), POLICY, Objection.KIND_BUDGET, id="five-restarts-an-hour"
    ),
    pytest.param(
        lately(*[done(MINUTE, service="web")] * 4), POLICY, Objection.SERVICE_BUDGET, id="four-an-hour-on-a-service"
    ),
    pytest.param(
        lately(*[done(23 * HOUR, budget_key="web")] * 4), POLICY, Objection.TARGET_BUDGET, id="four-a-day-on-a-target"
    ),
    pytest.param({}, with_budgets(max_share=0.5), Objection.SHARE, id="not-all-of-a-service-at-a-time"),
    pytest.param(
        {"plan": replace(PLAN, actions=(ROLLBACK,)), "seen": (one_seen(ROLLBACK),)}, with_budgets(max_share=0.5),
        Objection.SHARE, id="a-rollback-replaces-processes-as-a-restart-does",
    ),
    pytest.param(
        {"seen": (one_seen(owner=replace(WEB, limits=Limits(share=0.5))),)}, POLICY, Objection.SHARE,
        id="the-inventory-allows-less-of-a-service-than-policy",
    ),
    pytest.param(
        {"seen": (SINGLE,), "plan": replace(PLAN, actions=(ONE_OF_FOUR,))}, with_budgets(max_share=0.2),
        Objection.SHARE, id="one-of-four-is-more-than-a-fifth",
    ),
    pytest.param(
        lately(targets_under_way=frozenset({"web"})), POLICY, Objection.UNDER_WAY, id="another-plan-for-it-goes-on"
    ),
    pytest.param(
        lately(services_under_way=frozenset({"web"})), POLICY, Objection.UNDER_WAY,
        id="another-plan-for-the-service-goes-on",
    ),
    pytest.param(lately(done(14 * MINUTE, **ON_WEB)), POLICY, Objection.TARGET_BUSY, id="acted-on-lately"),
    pytest.param(
        lately(done(90 * MINUTE, **ON_WEB)) | {"plan": replace(PLAN, cool_down=2 * HOUR)}, POLICY,
        Objection.TARGET_BUSY, id="within-the-playbooks-own-pause",
    ),
    pytest.param(
        lately(done(30 * HOUR, **ON_WEB)) | {"plan": replace(PLAN, cool_down=2 * DAY)}, POLICY,
        Objection.TARGET_BUSY, id="within-a-pause-of-days",
    ),
    pytest.param(lately(done(-DAY, **ON_WEB)), POLICY, Objection.TARGET_BUSY, id="the-clock-was-set-back"),
    pytest.param(
        lately(*[done(23 * HOUR, **ON_WEB, outcome=Outcome.INEFFECTIVE)] * 2), POLICY, Objection.INEFFECTIVE,
        id="did-not-help-twice",
    ),
    pytest.param(
        lately(done(2 * HOUR, **ON_WEB, outcome=Outcome.WORSE), done(3 * HOUR, **ON_WEB, outcome=Outcome.UNKNOWN)),
        POLICY, Objection.INEFFECTIVE, id="made-it-worse-once-and-nobody-can-say-once",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "policy", "expected"), CASES)
def test_what_a_budget_stops(changed: dict[str, Any], policy: Policy, expected: Objection) -> None:
    found = objections(a_question(**changed), policy, now=NOW)
    assert [expected] == [one.objection for one in found]


FINE: list[Any] = [
    pytest.param(lately(*[done(MINUTE)] * 4), POLICY, id="room-for-one-more"),
    pytest.param(lately(*[done(61 * MINUTE)] * 9), POLICY, id="longer-ago-than-an-hour"),
    pytest.param(lately(*[done(25 * HOUR, **ON_WEB)] * 9), POLICY, id="longer-ago-than-a-day"),
    pytest.param(lately(done(15 * MINUTE, **ON_WEB)), POLICY, id="the-pause-is-over"),
    pytest.param(lately(done(2 * HOUR, **ON_WEB, outcome=Outcome.INEFFECTIVE)), POLICY, id="did-not-help-once"),
    pytest.param(
        lately(*[done(2 * HOUR, **ON_WEB, outcome=Outcome.RECOVERED)] * 3), POLICY, id="what-helped-is-no-failure"
    ),
    pytest.param({"seen": (SINGLE,)}, with_budgets(max_share=0.25), id="one-of-four-is-a-quarter"),
    pytest.param(
        {"plan": replace(PLAN, actions=(SCALE,)), "seen": (one_seen(SCALE),)}, with_budgets(max_share=0.1),
        id="scaling-interrupts-nothing",
    ),
    pytest.param(
        {"plan": BOTH, "seen": SEEN_BOTH}, with_budgets(max_share=1.0), id="all-of-each-service-where-policy-says-so"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "policy"), FINE)
def test_what_no_budget_stops(changed: dict[str, Any], policy: Policy) -> None:
    assert [] == objections(a_question(**changed), policy, now=NOW)


def test_a_budget_says_what_it_counted_in_words() -> None:
    told = [str(one) for one in objections(a_question(**lately(*[done(MINUTE)] * 6)), POLICY, now=NOW)]
    assert ["too many actions in the last hour: done or reserved 6, asked for 1, at most 6"] == told
    (share,) = objections(a_question(), with_budgets(max_share=0.5), now=NOW)
    assert "too much of the service at a time: service web, touched 4 of 4 running processes, at most 50 %" == str(
        share
    )
    (busy,) = objections(a_question(**lately(done(5 * MINUTE, **ON_WEB))), POLICY, now=NOW)
    assert "the target was acted on lately: target web, last 5 min ago, pause 15 min" == str(busy)


minutes = st.integers(-3_000, 3_000).map(lambda n: timedelta(minutes=n))
counted = st.builds(
    done,
    minutes,
    budget_key=st.sampled_from(["web", "db"]),
    service=st.sampled_from(["web", "db"]),
    kind=st.sampled_from(ActionKind),
    outcome=st.sampled_from([None, *Outcome]),
)
limits = st.builds(
    Budgets,
    target_pause=st.just(MINUTE),
    actions_per_hour=st.integers(1, 4),
    kind_per_hour=st.integers(1, 4),
    service_per_hour=st.integers(1, 4),
    target_per_day=st.integers(1, 4),
    max_share=st.just(1.0),
    max_ineffective=st.integers(1, 3),
)


@given(st.lists(counted, max_size=12), limits)
def test_whatever_was_done_no_budget_is_ever_exceeded(actions: list[Any], budgets: Budgets) -> None:
    """Each limit holds for what was done and what is asked for together, with actions of the future counted."""
    asked = a_question(history=history(*actions), plan=replace(PLAN, cool_down=timedelta(0)))
    if objections(asked, replace(POLICY, budgets=budgets), now=NOW):
        return
    in_hour = [each for each in actions if NOW - each.at < HOUR]
    in_day = [each for each in actions if NOW - each.at < DAY]
    assert len(in_hour) + 1 <= budgets.actions_per_hour
    assert sum(each.kind is ActionKind.RESTART for each in in_hour) + 1 <= budgets.kind_per_hour
    assert sum(each.service == "web" for each in in_hour) + 1 <= budgets.service_per_hour
    assert sum(each.budget_key == "web" for each in in_day) + 1 <= budgets.target_per_day
