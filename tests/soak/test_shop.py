"""On the running shop: every fault is answered once and to the end, however often `on-call` dies meanwhile."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator

import pytest

from deployments.shop.control import Injection
from domain.actions import ActionState, UndoState
from domain.incidents import Resolution, State
from domain.pages import PageReason
from domain.verification import Outcome
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
SLOW = Injection("slow-dependency", "payments")
MENDABLE = [pytest.param(fault, id=fault.fault) for fault in (POOL, LEAK, SLOW)]


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


def is_left_to_a_human(case: Case, service: str) -> None:
    """One action on the service, which did not help, and a page that says so."""
    until(lambda: case.of(service) and case.is_over(service), f"an end of the answer to {service}")
    (action,) = [row for row in case.actions() if row["target"] == service]
    (incident,) = case.of(service)
    assert (ActionState.DONE, Outcome.INEFFECTIVE) == (action["state"], action["outcome"])
    assert State.ESCALATED == incident["state"]
    assert ["sent"] == [row["state"] for row in case.pages() if row["reason"] == PageReason.INEFFECTIVE]
    assert [] == case.flaws()


@pytest.mark.parametrize("fault", MENDABLE)
def test_a_fault_is_mended_by_one_action_and_the_logs_prove_it(shop: Watched, fault: Injection) -> None:
    case = Case.begin(shop, fault)
    is_mended_once(case, fault.service)


def test_an_error_that_no_playbook_knows_goes_to_a_human_and_nothing_is_done(shop: Watched) -> None:
    case = Case.begin(shop, Injection("error-burst", "orders"))
    until(lambda: case.is_over("orders"), "an end of the answer to orders")
    assert [] == case.actions()
    assert [] == case.flaws()


def test_a_fault_left_in_place_ends_ineffective_and_pages(shop: Watched) -> None:
    case = Case.begin(shop, Injection("pool-exhaustion", "payments", sticky=True))
    is_left_to_a_human(case, "payments")


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
    case = Case.begin(shop, Injection("slow-dependency", "payments", sticky=True, amount=6))
    shop.kill("undo")  # before it is on record
    with shop.brake.on("escalate"):
        shop.kill_under_way(case.has_begun_undo, "undo", random.Random(number).uniform(0, 1.5))
    shop.kill("escalate")
    shop.kill(PAGES)  # it was accepted, and that is not on record
    is_left_to_a_human(case, "payments")
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
