"""On the running shop: every fault is answered once and to the end, however often `on-call` dies meanwhile."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.shop import control, running
from deployments.shop.control import Injection
from domain.actions import ActionState, UndoState
from domain.incidents import Resolution, State
from domain.pages import PageReason
from domain.verification import SETTLING, Outcome
from tests.parts.brake_part import PAGES, kill_runs
from tests.soak.conftest import SOAK
from tests.soak.shop_part import Case, Watched, until, watched

pytestmark = [
    pytest.mark.slow,
    pytest.mark.prefect,
    pytest.mark.timeout(1_800),
    pytest.mark.skipif(not SOAK, reason="half an hour on a running shop: `make soak` runs it"),
]

# A death costs the start of a successor, half a minute on an idle machine: more rounds than one are for a long night.
ROUNDS = range(int(os.environ.get("SRE_SOAK_ROUNDS", "1")))
DRAWS = range(3 * len(ROUNDS))
POOL = Injection("pool-exhaustion", "payments")
LEAK = Injection("memory-leak", "inventory", amount=25)  # megabytes a second: at its limit within ten seconds
SLOW = Injection("slow-dependency", "payments")  # more workers carry it
STUCK = Injection("slow-dependency", "payments", sticky=True, amount=6)  # … and they do not carry this
LEFT = Injection("pool-exhaustion", "payments", sticky=True)  # a restart does not help
MENDABLE = [pytest.param(fault, id=fault.fault) for fault in (POOL, LEAK)]
# Whoever looks for the end of a fault must find this much silence.
OVER = timedelta(seconds=15)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched(tmp_path_factory.mktemp("shop")) as found:
        yield found


def is_mended_once(case: Case, service: str) -> None:
    """One action on the service, which helped, and an incident that is resolved by that proof."""
    until(lambda: case.of(service) and case.is_over(service), f"an end of the answer to {service}")
    (action,) = [row for row in case.actions() if row["target"] == service]
    (incident,) = case.of(service)
    assert (ActionState.DONE, Outcome.RECOVERED) == (action["state"], action["outcome"])
    assert (State.RESOLVED, Resolution.VERIFIED) == (incident["state"], incident["resolution"])
    assert pids(action["before"]) != pids(action["after"])
    assert [] == case.flaws()


def pids(snapshot: dict) -> list[int]:
    return [process["pid"] for process in snapshot["processes"] if process["pid"]]


def is_left_to_a_human(case: Case, service: str, *outcomes: Outcome) -> dict[str, Any]:
    """One action on the service, with one of these outcomes, and a page that says so; the action."""
    until(lambda: case.of(service) and case.is_over(service), f"an end of the answer to {service}")
    (action,) = [row for row in case.actions() if row["target"] == service]
    (incident,) = case.of(service)
    assert ActionState.DONE == action["state"]
    assert action["outcome"] in outcomes
    assert State.ESCALATED == incident["state"]
    # A page is called as the outcome that it tells of.
    assert ["sent"] == [row["state"] for row in case.pages() if row["reason"] == action["outcome"]]
    assert [] == case.flaws()
    return action


def is_not_done(case: Case, service: str) -> None:
    """Nothing was done, and a human has the incident and knows why."""
    until(lambda: case.of(service) and case.is_over(service), f"an end of the answer to {service}")
    (incident,) = case.of(service)
    assert ([], State.ESCALATED) == (case.actions(), incident["state"])
    assert ["sent"] == [row["state"] for row in case.pages() if row["reason"] == PageReason.OBJECTED]
    assert [] == case.flaws()


@pytest.mark.parametrize("fault", MENDABLE)
def test_a_fault_is_mended_by_one_action_and_the_logs_prove_it(shop: Watched, fault: Injection) -> None:
    case = Case.begin(shop, fault)
    is_mended_once(case, fault.service)


def test_recovery_is_proved_by_the_service_alone_while_others_stay_as_they_were(shop: Watched) -> None:
    """The control: inventory calls nobody, and the fault does not touch it."""
    case = Case.begin(shop, POOL)
    is_mended_once(case, "payments")
    (action,) = case.actions()
    fault = (case.begun, action["started_at"])
    after = (action["finished_at"] + SETTLING, datetime.now(UTC))
    assert shop.errors("payments", *fault) > 0.3
    assert shop.errors("payments", *after) <= 0.05
    assert [0, 0] == [shop.errors("inventory", *fault), shop.errors("inventory", *after)]
    assert action["outcome_numbers"]["value"] <= action["outcome_numbers"]["at_most"]


def test_fault_10_traffic_that_stops_is_no_recovery(shop: Watched) -> None:
    """The fault is still there: only nobody asks any more, so nobody fails."""
    case = Case.begin(shop, LEFT)
    until(case.actions, "an action on payments", every=0.05)
    running.set_traffic(control.existing(shop.home), on=False)
    is_left_to_a_human(case, "payments", Outcome.UNKNOWN)


def test_a_fault_that_healed_before_the_action_is_not_credited_to_it(shop: Watched) -> None:
    case = Case.begin(shop, STUCK)
    number, plan = case.asked("payments")
    control.inject(shop.home, replace(STUCK, heals_after=0.5))
    until(lambda: shop.is_calm(OVER), "an end of the fault by itself", every=0.1)
    shop.stack.sre("approve", str(number), plan)
    until(lambda: case.is_over("payments"), "an end of the answer to payments")
    (incident,) = case.of("payments")
    assert Outcome.RECOVERED not in [row["outcome"] for row in case.actions()]
    assert State.ESCALATED == incident["state"]
    assert [] == case.flaws()


def test_a_fault_that_heals_long_after_the_action_is_not_credited_to_it(shop: Watched) -> None:
    case = Case.begin(shop, LEFT)
    until(lambda: ActionState.DONE in [row["state"] for row in case.actions()], "a restart of payments", every=0.1)
    control.inject(shop.home, replace(LEFT, heals_after=20))
    is_left_to_a_human(case, "payments", Outcome.INEFFECTIVE, Outcome.UNKNOWN)


# --- a person's word --------------------------------------------------------------------------------


def test_a_plan_that_a_person_allowed_is_carried_out(shop: Watched) -> None:
    case = Case.begin(shop, SLOW)
    case.allow("payments")
    is_mended_once(case, "payments")


def test_a_plan_that_a_person_refused_is_not_carried_out(shop: Watched) -> None:
    """The same plan was allowed when the fault was there before; that word was for that time, so a person is asked."""
    case = Case.begin(shop, SLOW)
    number, plan = case.asked("payments")
    shop.stack.sre("reject", str(number), plan)
    is_not_done(case, "payments")


def test_a_plan_that_nobody_answered_goes_to_a_human_when_the_time_is_over(shop: Watched) -> None:
    case = Case.begin(shop, SLOW)
    number, plan = case.asked("payments")
    is_not_done(case, "payments")
    with pytest.raises(SystemExit, match=f"incident {number} does not wait for approval"):
        shop.stack.sre("approve", str(number), plan)


def test_a_word_about_another_plan_is_refused_and_nothing_is_done(shop: Watched) -> None:
    case = Case.begin(shop, SLOW)
    number, plan = case.asked("payments")
    with pytest.raises(SystemExit, match=plan):  # which plan it waits with
        shop.stack.sre("approve", str(number), "0" * len(plan))
    assert (number, plan) == case.asked("payments")
    shop.stack.sre("reject", str(number), plan)
    is_not_done(case, "payments")


# --- and what went wrong all the same -----------------------------------------------------------------


def test_an_error_that_no_playbook_knows_goes_to_a_human_and_nothing_is_done(shop: Watched) -> None:
    case = Case.begin(shop, Injection("error-burst", "orders"))
    until(lambda: case.is_over("orders"), "an end of the answer to orders")
    assert [] == case.actions()
    assert [] == case.flaws()


def test_a_fault_left_in_place_ends_ineffective_and_pages(shop: Watched) -> None:
    case = Case.begin(shop, LEFT)
    is_left_to_a_human(case, "payments", Outcome.INEFFECTIVE)


@pytest.mark.parametrize("number", ROUNDS)
def test_killed_in_the_middle_of_every_step_it_restarts_once(shop: Watched, number: int) -> None:
    case = Case.begin(shop, POOL, LEAK)
    shop.kill("plan")
    shop.kill("begin")
    shop.kill("act")  # before the action is on record
    # Stopping, stopped, starting, started: chance decides.
    shop.kill_under_way(case.has_begun_action, "act", random.Random(number).uniform(0, 2.5))
    shop.kill("finish")  # what was done is not on record
    shop.kill("verify")
    shop.kill("resolve")
    for fault in (POOL, LEAK):
        is_mended_once(case, fault.service)


@pytest.mark.parametrize("number", ROUNDS)
def test_killed_while_it_takes_back_hands_over_and_pages_it_does_each_once(shop: Watched, number: int) -> None:
    case = Case.begin(shop, STUCK)
    case.allow("payments")
    shop.kill("undo")  # before it is on record
    with shop.brake.on("escalate"):
        shop.kill_under_way(case.has_begun_undo, "undo", random.Random(number).uniform(0, 1.5))
    shop.kill("escalate")
    shop.kill(PAGES)  # it was accepted, and that is not on record
    is_left_to_a_human(case, "payments", Outcome.INEFFECTIVE)
    assert [UndoState.DONE] == [row["undo"] for row in case.actions()]


@pytest.mark.parametrize("number", DRAWS)
def test_killed_at_random_moments_it_mends_both_faults_once(shop: Watched, number: int) -> None:
    chance = random.Random(int.from_bytes(os.urandom(4)) + number)
    case = Case.begin(shop, POOL, LEAK)
    for _ in range(3):
        time.sleep(chance.uniform(0, 20))
        until(lambda: kill_runs(shop.home), "a run to kill")
    for fault in (POOL, LEAK):
        is_mended_once(case, fault.service)


def test_the_ledger_is_whole(shop: Watched) -> None:
    shop.stack.sre("ledger", "verify")
