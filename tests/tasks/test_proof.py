"""Proof of recovery on a real database: against the time before, other services, and what heals by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.store.closing import close_quiet, healed_alone
from adapters.store.database import Engine, transaction
from domain.actions import ActionState, UndoState
from domain.errors import Refused
from domain.incidents import State
from domain.verification import Outcome
from tests.contracts.fakes import RecordingExecutor
from tests.parts.answering_part import BUSY, POOL, SERVICES, World, acting, calling

WRITES = "disk error: cannot write"


@pytest.fixture
def world(store: Engine) -> World:
    return World(store)


def sick(world: World, *, seconds: int = 6, healthy: int = 4, other: str = "", logs: int = 3) -> int:
    """A fault that went on for a while when it was acted upon; its incident."""
    number = world.fault(logs=logs)
    for _ in range(seconds):
        world.forward(1)
        world._send(1, message=POOL)
        world.traffic(healthy)
        world.traffic(5, service="db")
        if other:
            world._send(5, service=other, message=WRITES)
    assert ["plan", "begin", "act"] == world.run(number)
    return number


def over(world: World) -> int:
    """A fault that had ended for a while when it was acted upon; its incident."""
    number = world.fault(logs=40)
    world.forward(20)
    world.traffic(40)
    assert ["plan", "begin", "act"] == world.run(number)
    return number


def judged(world: World, number: int, **fresh: Any) -> dict[str, Any]:
    """Fresh logs come, the time is up, and this is what the verification keeps."""
    world.forward(20)
    world.traffic(40, service="db")
    world.traffic(**({"logs": 40} | fresh))
    world.forward(42)
    world.run(number)
    (kept,) = [each["fields"] for each in world.stored(number)["ledger"] if each["kind"] == "verification"]
    assert isinstance(kept, dict)
    return kept


def test_a_recovery_is_proved_against_the_time_before_and_a_control(world: World) -> None:
    number = sick(world)
    kept = judged(world, number)
    assert ("recovered", State.RESOLVED) == (kept["outcome"], world.incident(number).state)
    assert (0.0, 0.0, 0.0) == (kept["value"], kept["others_before"], kept["others_after"])
    assert kept["before"] > 0.2
    told = [line for line in world.tried(number) if line.startswith("Verification")]
    assert "errors 2" in told[0]
    assert "% before, 0 % after, at most 5 % allowed; others 0 % before and after" in told[0]


def test_metrics_that_waver_on_healthy_logs_after_a_restart_are_not_the_fault_s_own(world: World) -> None:
    number = sick(world)
    world.forward(20)
    for _ in range(8):
        world.traffic(5)
        world.forward(1)
        world._send(1, level="INFO", message="alive", metrics={"cpu_usage": 99.0})
    kept = judged(world, number)
    assert world.incident(number).logs > 8
    assert ("recovered", 0) == (kept["outcome"], kept["own_logs"])


def test_another_error_of_the_service_after_the_action_is_the_fault_s_own(world: World) -> None:
    number = sick(world)
    world.forward(20)
    world._send(8, message="cannot open the file")
    kept = judged(world, number, logs=200)
    assert ("ineffective", 8) == (kept["outcome"], kept["own_logs"])


def test_what_others_lost_alike_is_not_credited(world: World) -> None:
    number = sick(world, other="cache")
    kept = judged(world, number)
    assert ("unknown", State.ESCALATED) == (kept["outcome"], world.incident(number).state)
    assert "unknown" in world.pages()
    assert any("it healed by itself: all other services had the same" in line for line in world.lines())


def test_symptoms_of_the_fault_are_no_control(store: Engine) -> None:
    """What the services that call it show goes with the fault, and says nothing about the rest of the world."""
    world = World(store, knowledge=acting(services=calling(SERVICES, "api", "web")))
    number = sick(world, other="api")
    assert "recovered" == judged(world, number)["outcome"]


def test_a_fault_that_had_ended_before_the_action_is_not_credited_to_it(world: World) -> None:
    number = over(world)
    kept = judged(world, number)
    assert ("unknown", "it healed by itself: the fault had ended before the action began") == (
        kept["outcome"],
        kept["because"],
    )
    assert (State.ESCALATED, ["unknown"]) == (world.incident(number).state, world.pages())


def test_what_usually_heals_by_itself_within_that_time_is_not_credited(store: Engine) -> None:
    world = World(store, knowledge=acting(acting=False))
    for _ in range(3):
        world.fault()
        world.run()
        world.forward(1_000)
        close_quiet(store, quiet=timedelta(minutes=15), now=world.now)
    world.knowledge = acting()
    number = sick(world)
    with transaction(store) as connection:
        assert (0.0, 0.0, 0.0) == healed_alone(connection, world.incident(number))
    kept = judged(world, number)
    assert "unknown" == kept["outcome"]
    assert "it may have healed by itself" in str(kept["because"])


def test_what_an_action_ended_is_no_fault_that_healed_by_itself(world: World) -> None:
    number = sick(world)
    judged(world, number, message=POOL, level="ERROR")
    world.forward(1_000)
    assert number in close_quiet(world.engine, quiet=timedelta(minutes=15), now=world.now)
    with transaction(world.engine) as connection:
        assert () == healed_alone(connection, world.incident(number))


def test_what_made_it_worse_says_so(world: World) -> None:
    number = sick(world, healthy=9, seconds=32)
    kept = judged(world, number, level="ERROR", message="cannot open the file, error 5")
    assert ("worse", State.ESCALATED) == (kept["outcome"], world.incident(number).state)
    assert "made worse" == world.pages()[-1]
    assert any("clearly worse than before the action: errors" in line for line in world.lines())


class Stuck(RecordingExecutor):
    """Cannot take anything back."""

    def undo(self, _action: object, _before: object) -> None:
        raise Refused("web_01 does not stop")


def test_a_rollback_that_failed_says_so_in_the_page(store: Engine) -> None:
    world = World(store, executor=Stuck({"web": 3}))
    number = world.fault(BUSY)
    world.run()
    world.forward(70)
    assert ["verify", "undo", "escalate"] == world.run()
    assert (["not taken back"], [UndoState.FAILED]) == (world.pages(), [each.undo for each in world.records(number)])
    assert "scale web could not be taken back: web_01 does not stop" == world.lines()[0]


def test_traffic_that_merely_stopped_is_unknown(world: World) -> None:
    world.traffic(300)
    world.forward(30)
    number = sick(world)
    kept = judged(world, number, logs=12)
    assert ("unknown", "most of the usual traffic is gone") == (kept["outcome"], kept["because"])


def test_traffic_that_stopped_everywhere_soon_after_the_start_is_unknown(world: World) -> None:
    """A service that logged for 15 s only seemed to log a quarter of what it does, so its heartbeats were enough."""
    for _ in range(15):
        world.forward(1)
        world.traffic(10)
        world.traffic(30, service="db")
    number = sick(world, healthy=10)
    world.forward(6)
    for _ in range(60):
        world.forward(1)
        world.traffic(1)
        world.traffic(3, service="db")
    world.run(number)
    assert State.ESCALATED == world.incident(number).state
    assert [Outcome.UNKNOWN] == [each.outcome for each in world.records(number)]


def test_traffic_that_stopped_is_unknown_although_the_service_was_seen_for_seconds_only(world: World) -> None:
    """Two seconds of traffic are no minute of nearly none."""
    world.traffic(20)
    world.forward(2)
    number = sick(world, healthy=9)
    kept = judged(world, number, logs=45)
    assert ("unknown", "most of the usual traffic is gone") == (kept["outcome"], kept["because"])


def test_what_healed_by_itself_counts_as_no_success_in_budgets(store: Engine) -> None:
    """Fault 9: a playbook that runs after the fault has gone has not helped."""
    world = World(store, knowledge=acting(max_ineffective=1, target_seconds=0.001))
    number = over(world)
    judged(world, number)
    assert [(ActionState.DONE, Outcome.UNKNOWN)] == [(each.state, each.outcome) for each in world.records(number)]
    world.forward(3_600)
    again = world.fault(BUSY)
    world.run(again)
    assert ["actions on the target did not help: target web, times 1"] == world.stored(again)["objections"]
