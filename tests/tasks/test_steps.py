"""The steps on a real database: in order, in time, and by whoever holds the incident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.store import step_queue
from adapters.store.closing import acknowledge, close_by_hand, close_quiet
from adapters.store.database import Engine, transaction
from adapters.store.switches import set_pause
from domain.actions import ActionState, UndoState
from domain.errors import Unavailable
from domain.incidents import Resolution, State
from domain.inventory import Inventory, Service
from domain.settings_acting import AutonomySettings
from domain.steps import StepKind
from domain.verification import Outcome
from tasks.answer import due_step, put_off, quiet_look, run_steps, take
from tests.contracts.fakes import RecordingExecutor
from tests.parts.answering_part import BUSY, PLAYBOOKS, POOL, SERVICES, World, acting, began, calling, inventory
from tests.parts.judged_part import rows
from tests.parts.logs_part import an_error

ACTED = ["plan", "begin", "act"]


@pytest.fixture
def world(store: Engine) -> World:
    return World(store)


def acted(world: World, **fault: Any) -> int:
    """An incident whose plan was carried out; its verification is due later."""
    number = world.fault(**fault)
    assert ACTED == world.run()
    return number


def found_late(store: Engine) -> tuple[World, int]:
    """An incident that a caller's errors confirmed, and two logs of what is behind it."""
    world = World(store, knowledge=acting(services=calling(SERVICES, "api", "web")))
    number = world.fault("upstream timed out", service="api", logs=6)
    world.forward(1)
    assert number == world.fault(POOL, logs=2)
    assert "web" == world.incident(number).service
    return world, number


def test_an_origin_found_a_moment_ago_is_acted_upon_once_it_showed_enough(store: Engine) -> None:
    world, number = found_late(store)
    assert ["plan", "begin"] == world.run()
    assert ([], State.REOPENED) == (world.calls, world.incident(number).state)
    world.forward(1)
    world.fault(POOL, logs=2)
    world.forward(1)
    assert ["begin", "act"] == world.run()
    assert (["carry_out"], State.VERIFYING) == (world.calls, world.incident(number).state)


def test_an_origin_that_stays_doubtful_goes_to_a_human(store: Engine) -> None:
    world, number = found_late(store)
    steps = world.run()
    for _ in range(8):
        world.forward(2)
        steps += world.run()
    assert "escalate" not in steps
    assert ([], State.ESCALATED) == (world.calls, world.incident(number).state)
    assert ["too few logs: logs 2, at least 3"] == world.stored(number)["objections"]
    assert "objected" == world.pages()[-1]


def test_from_plan_to_recovery(world: World) -> None:
    world.traffic()
    number = acted(world)
    assert (State.VERIFYING, ["carry_out"]) == (world.incident(number).state, world.calls)
    world.forward(31)
    world.traffic()
    world.forward(1)
    assert ["verify", "resolve"] == world.run()
    assert State.RESOLVED == world.incident(number).state
    assert [] == world.pages()
    assert [
        "incident.opened",
        "incident.confirmed",
        "incident.assessed",
        "incident.classified",
        "plan.made",
        "action.reserved",
        "action.started",
        "action.done",
        "verification",
        "incident.resolved",
    ] == world.ledger()


def test_the_ledger_names_the_processes_before_and_after(world: World) -> None:
    """It said "no process before" about each action that was carried out."""
    before = world.executor.snapshot("web").pids
    number = acted(world)
    (done,) = [entry for entry in world.stored(number)["ledger"] if entry["kind"] == "action.done"]
    after = world.executor.snapshot("web").pids
    assert [list(before), list(after)] == [done["fields"]["pids_before"], done["fields"]["pids_after"]]


def test_the_way_is_on_record_with_what_decided(world: World) -> None:
    number = acted(world)
    taken = rows(world.engine, "SELECT step, reason, now, knowledge FROM steps_taken ORDER BY id")
    assert ["plan", "begin", "act", "act"] == [row["step"] for row in taken]
    assert all(row["knowledge"] and row["reason"] for row in taken)
    assert 1 == rows(world.engine, "SELECT count(*) AS n FROM knowledge")[0]["n"]
    assert State.VERIFYING == world.incident(number).state


@pytest.mark.parametrize(
    ("fresh", "reason", "outcome"),
    [
        pytest.param({"level": "ERROR", "message": POOL}, "ineffective", Outcome.INEFFECTIVE, id="fault-9"),
        pytest.param(None, "unknown", Outcome.UNKNOWN, id="fault-10-no-samples"),
    ],
)
def test_what_did_not_help_goes_to_a_human(
    world: World, fresh: dict[str, Any] | None, reason: str, outcome: Outcome
) -> None:
    number = acted(world)
    world.forward(20)
    if fresh:
        world.traffic(30, **fresh)
    world.forward(45)
    assert ["verify", "escalate"] == world.run()
    assert (State.ESCALATED, [reason]) == (world.incident(number).state, world.pages())
    assert [outcome] == [record.outcome for record in world.records(number)]


def test_a_look_that_is_too_early_only_moves_the_timer(world: World) -> None:
    number = acted(world)
    world.forward(6)
    held = world.held()
    assert quiet_look(held, due_step(held))
    assert world.claim() is None
    due = world.answer(number).due
    assert ("fresh logs that show whether it helped", 2.0) == (due.waits_for, (due.at - world.now).total_seconds())
    assert due.until is not None


def test_what_did_not_help_is_taken_back(world: World) -> None:
    number = acted(world, message=BUSY)
    assert 3 == len(world.executor.snapshot("web").pids)
    world.forward(70)
    assert ["verify", "undo", "escalate"] == world.run()
    assert 1 == len(world.executor.snapshot("web").pids)
    assert [UndoState.DONE] == [record.undo for record in world.records(number)]
    assert "taken back: done" in str(rows(world.engine, "SELECT lines FROM pages"))


def test_a_pause_holds_for_taking_back_too(world: World) -> None:
    number = acted(world, message=BUSY)
    set_pause(world.engine, on=True, by="ann", now=world.now)
    world.forward(70)
    assert ["verify", "undo", "escalate"] == world.run()
    assert [UndoState.FAILED] == [record.undo for record in world.records(number)]
    assert "undo" not in world.calls


# --- the gate ---------------------------------------------------------------------------------------

Preparation = Callable[[World, int], object]
OBJECTIONS: list[tuple[str, dict[str, Any], Preparation | None, str]] = [
    ("acting is off", {"acting": False}, None, "acting is off"),
    ("paused", {}, lambda world, _: set_pause(world.engine, on=True, by="ann", now=world.now), "acting is paused"),
    ("old", {}, lambda world, _: world.forward(121), "the evidence is old"),
    ("acknowledged", {}, lambda w, n: acknowledge(w.engine, n, by="ann", now=w.now), "a human has acknowledged it"),
    ("a6: not in the inventory", {"services": inventory("db")}, None, "there is nothing of that name to act on"),
    ("a6: no inventory", {"services": inventory()}, None, "there is nothing of that name to act on"),
]


@pytest.mark.parametrize(
    ("changed", "prepare", "says"), [case[1:] for case in OBJECTIONS], ids=[case[0] for case in OBJECTIONS]
)
def test_nothing_is_done_when_something_speaks_against_it(
    store: Engine, changed: dict[str, Any], prepare: Preparation | None, says: str
) -> None:
    world = World(store, knowledge=acting(**changed))
    number = world.fault()
    if prepare:
        prepare(world, number)
    world.run()
    assert [] == world.calls
    assert any(says in told for told in world.stored(number)["objections"])
    assert State.ESCALATED == world.incident(number).state


def test_fault_1_nothing_is_done_about_what_is_closed(world: World) -> None:
    number = world.fault()
    held = world.held()
    assert take(held, due_step(held))
    close_by_hand(world.engine, number, by="ann", now=world.now)
    run_steps(held)
    assert [] == world.calls


def test_a_target_that_does_not_exist_is_objected_to(store: Engine) -> None:
    world = World(store, knowledge=acting(services=inventory("elsewhere")))
    number = world.fault(service="elsewhere")
    assert ["plan", "begin"] == world.run()
    assert any("nothing of that name" in told for told in world.stored(number)["objections"])
    assert ["objected"] == world.pages()


def test_fault_9_the_same_target_is_left_alone_for_a_while(world: World) -> None:
    acted(world)
    close_by_hand(world.engine, 1, by="ann", now=world.now)
    world.forward(1)
    number = world.fault(BUSY)
    world.run()
    assert any("acted on lately" in told for told in world.stored(number)["objections"])
    assert 1 == len(world.calls)


def test_fault_9_the_third_ineffective_action_pages_instead(store: Engine) -> None:
    trusted = AutonomySettings(start="act", failures=9)
    world = World(store, knowledge=acting(target_seconds=0.001, autonomy=trusted))
    for _ in range(2):
        number = acted(world)
        world.forward(70)
        world.run()
        close_by_hand(store, number, by="ann", now=world.now)
        world.forward(7200)
    number = world.fault()
    world.run()
    assert ["actions on the target did not help: target web, times 2"] == world.stored(number)["objections"]
    assert 2 == len(world.calls)


def test_a7_two_names_of_one_thing_have_one_budget(store: Engine) -> None:
    services = inventory("web", "web-frontend")
    named = dict(services.services) | {"web-frontend": replace(services.services["web-frontend"], target="web:web_00")}
    world = World(store, knowledge=acting(services=replace(services, services=named)))
    acted(world)
    number = world.fault(service="web-frontend")
    world.run()
    assert ["another plan for the target is under way: target web"] == world.stored(number)["objections"]
    assert 1 == len(world.calls)


# --- taking over ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("happened", "calls"),
    [
        pytest.param("nothing", ["carry_out"], id="not-done-so-do-it"),
        pytest.param("stopped", ["finish"], id="fault-22-stopped-so-finish-the-start"),
        pytest.param("all", [], id="done-so-go-on"),
    ],
)
def test_whoever_takes_over_looks_at_the_world_first(world: World, happened: str, calls: list[str]) -> None:
    number = began(world)
    if happened == "stopped":
        world.executor.stop("web:web_00")
    elif happened == "all":
        world.executor._start("web:web_00")
    assert ["finish"] == world.run()
    assert calls == world.calls
    (record,) = world.records(number)
    assert ActionState.DONE is record.state
    assert world.executor.snapshot("web").pids


@pytest.mark.parametrize("changed", [{"acting": False}, {"playbooks": ()}, {"enabled": False}], ids=str)
def test_a4_what_was_begun_is_finished_whatever_is_set_by_now(world: World, changed: dict[str, Any]) -> None:
    """A4: the plan was bound anew from today's playbook, and the half-done action stayed half done."""
    number = began(world)
    world.executor.stop("web:web_00")
    world.knowledge = acting(**changed)
    assert ["finish"] == world.run()
    assert ["finish"] == world.calls
    assert world.executor.snapshot("web").pids
    assert State.VERIFYING == world.incident(number).state


def test_a4_a_playbook_edited_meanwhile_changes_nothing_under_way(world: World) -> None:
    number = world.fault()
    held = world.held()
    assert take(held, due_step(held))
    others = tuple(replace(book, actions=()) for book in PLAYBOOKS)
    world.knowledge = acting(playbooks=others)
    run_steps(replace(held, means=world.means()))
    assert (["carry_out"], State.VERIFYING) == (world.calls, world.incident(number).state)


def test_a3_a_half_done_restart_is_finished_although_the_incident_was_closed(world: World) -> None:
    number = began(world)
    world.executor.stop("web:web_00")
    close_by_hand(world.engine, number, by="ann", now=world.now)
    assert ["finish"] == world.run()
    assert world.executor.snapshot("web").pids
    assert State.RESOLVED == world.incident(number).state
    assert [] == rows(world.engine, "SELECT * FROM steps")


def test_a3_a_late_log_of_a_closed_incident_does_not_make_its_half_done_restart_forgotten(world: World) -> None:
    number = began(world)
    world.executor.stop("web:web_00")
    close_by_hand(world.engine, number, by="ann", now=world.now)
    world.feed.take(
        an_error(999, message=POOL, timestamp=(world.now - timedelta(seconds=30)).isoformat()), now=world.now
    )
    assert State.RESOLVED == world.incident(number).state
    assert ["finish"] == world.run()
    assert world.executor.snapshot("web").pids


def test_a3_what_somebody_works_on_does_not_go_quiet(world: World) -> None:
    number = acted(world)
    world.forward(3_600)
    assert [] == close_quiet(world.engine, quiet=timedelta(minutes=15), now=world.now)
    assert State.VERIFYING == world.incident(number).state


def test_a_pause_stops_an_action_that_was_not_done_yet(world: World) -> None:
    number = began(world)
    set_pause(world.engine, on=True, by="ann", now=world.now)
    assert ["finish", "escalate"] == world.run()
    assert ([], State.ESCALATED) == (world.calls, world.incident(number).state)


def test_whoever_lost_the_lease_does_nothing(world: World) -> None:
    number = world.fault()
    dead = world.held()
    world.forward(60)
    living = world.held()
    assert [] == [step for step in run_steps(dead) if step.kind is not StepKind.PLAN]
    assert [] == world.calls
    assert world.answer(number).plan is None
    run_steps(living)
    assert ["carry_out"] == world.calls


# --- what fails -------------------------------------------------------------------------------------


class Gone(RecordingExecutor):
    """An executor that answers questions and cannot be reached for work."""

    def carry_out(self, _action: object) -> None:
        raise Unavailable("no route to host")

    finish = carry_out  # type: ignore[assignment]


def test_a8_what_cannot_be_reached_is_tried_again_and_in_the_end_a_human_gets_it(store: Engine) -> None:
    world = World(store, executor=Gone({"web": 1}))
    number = world.fault()
    names: list[str] = []
    for _ in range(8):
        names += world.run()
        world.forward(17)
    assert ["plan", "begin", "act", "finish", "finish", "finish", "finish", "escalate"] == names
    assert State.ESCALATED == world.incident(number).state
    assert ["failed"] == world.pages()
    (row,) = rows(store, "SELECT lines FROM pages")
    assert "Failed 5 times: no route to host" in str(row["lines"])
    assert ["failed"] == [record.state for record in world.records(number)]


def test_a8_an_error_that_nobody_foresaw_counts_as_a_try(world: World) -> None:
    number = world.fault()
    held = world.held()
    put_off(held, ZeroDivisionError("in a detector"))
    due = world.answer(number).due
    assert (1, "in a detector") == (due.tries, due.error)
    assert world.claim() is None
    world.forward(3)
    assert ACTED == world.run()
    assert 0 == world.answer(number).due.tries


def test_a_stored_plan_that_cannot_be_read_goes_to_a_human(world: World) -> None:
    number = acted(world)
    with transaction(world.engine) as connection:
        connection.execute(sa.text('UPDATE incidents SET plan = \'{"source": "x"}\''))
    world.forward(10)
    assert ["escalate"] == world.run()
    assert (State.ESCALATED, ["failed"]) == (world.incident(number).state, world.pages())


# --- clocks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_a_clock_that_jumps_keeps_nothing_waiting(world: World, jump: float) -> None:
    number = acted(world)
    world.forward(jump)
    for _ in range(80):
        world.run()
        world.forward(2)
    assert State.ESCALATED == world.incident(number).state
    assert ["unknown"] == world.pages()


def test_a_lease_from_a_clock_that_was_ahead_is_no_lease(world: World) -> None:
    world.forward(86_400)
    world.fault()
    world.held()
    world.forward(-86_400)
    with transaction(world.engine) as connection:
        connection.execute(sa.text("UPDATE steps SET due_at = :now"), {"now": world.now})
    assert world.claim() is not None


# --- what comes of it elsewhere ---------------------------------------------------------------------


def test_n6_symptoms_are_over_when_their_origin_is_repaired(store: Engine) -> None:
    services = inventory("web", "db", "api")
    calling = dict(services.services) | {"api": replace(services.services["api"], dependencies=("web",))}
    world = World(store, knowledge=acting(services=replace(services, services=calling)))
    world.traffic()
    number = world.fault()
    world.forward(125)
    assert number == world.fault()
    symptom = world.fault("checkout failed with an error", service="api")
    stranger = world.fault("disk error: cannot write", service="db")
    assert 3 == len({number, symptom, stranger})
    world.forward(1)
    world.run()
    assert [State.VERIFYING, State.ESCALATED, State.ESCALATED] == [
        world.incident(one).state for one in (number, symptom, stranger)
    ]
    world.forward(31)
    world.traffic()
    world.forward(1)
    world.run()
    assert Resolution.ORIGIN == world.stored(symptom)["resolution"]
    assert State.ESCALATED == world.incident(stranger).state


def test_symptoms_that_come_with_their_origin_are_over_with_it(world: World) -> None:
    """N6: three symptom mails, and the incidents stayed open after the repair."""
    calling = dict(SERVICES.services) | {"api": replace(SERVICES.services["api"], dependencies=("web",))}
    world.knowledge = acting(services=Inventory(calling))
    world.feed.knowledge = world.knowledge
    world.traffic()
    number = world.fault()
    assert number == world.fault("upstream timed out with an error", service="api")
    world.run()
    world.forward(31)
    world.traffic()
    world.forward(1)
    world.run()
    assert State.RESOLVED == world.incident(number).state
    assert [] == world.pages()
    assert ["web", "api"] == [row["service"] for row in world.stored(number)["alerts"]]


def test_two_workers_never_hold_one_incident(world: World) -> None:
    world.fault()
    assert world.claim() is not None
    assert world.claim() is None


def test_the_worst_is_taken_first(world: World) -> None:
    world.fault("disk error: cannot write", service="db")
    critical = world._send(3, service="api", message="fatal error: out of memory", level="CRITICAL").of_row[0].id
    claims = step_queue.claim(world.engine, token="t", lease=timedelta(minutes=1), now=world.now, limit=5)
    assert critical == claims[0].incident_id


def test_a_target_on_which_a_plan_goes_on_is_busy_however_long_that_takes(world: World) -> None:
    """A second plan took a half-done restart for what is usual, because a clock had gone on by an hour."""
    twice = Inventory({**SERVICES.services, "replica": Service("replica", "supervisord", "web")})
    world.knowledge = acting(services=twice)
    world.feed.knowledge = world.knowledge
    acted(world)
    world.forward(3_600)
    number = world.fault(BUSY, service="replica")
    while (held := world.claim(number)) is not None:
        run_steps(held)
    assert ["another plan for the target is under way: target web"] == world.stored(number)["objections"]
    assert 1 == len(world.calls)


def test_what_came_back_and_was_mended_unseen_is_no_news(world: World) -> None:
    """An episode of which nobody was paged ended with a mail that it was over."""
    world.traffic()
    number = world.fault("disk error: cannot write", service="db")
    world.run()
    assert ["uncommon"] == world.pages()
    with transaction(world.engine) as connection:
        connection.execute(sa.text("UPDATE pages SET state = 'sent'"))
        connection.execute(sa.text("UPDATE incidents SET page_key = '', episode = 2, state = 'reopened'"))
    close_by_hand(world.engine, number, by="ann", now=world.now)
    assert ["uncommon"] == world.pages()
