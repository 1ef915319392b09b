"""One incident in hand, step by step, as `on-call` answers it; whoever takes it over goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from adapters import parts_file
from adapters.playbook_files import load as load_playbooks
from adapters.store import action_log
from adapters.store.database import Engine
from adapters.store.incident_queue import claim, close_by_hand, reread
from adapters.store.switches import set_pause
from domain.errors import Refused
from domain.incidents import Incident, State
from domain.settings import Settings
from domain.verification import Outcome, Verdict
from tasks.case import Case
from tasks.steps import Knowledge
from tests.contracts.fakes import RecordingExecutor
from tests.parts.judged_part import Feed, known, rows
from tests.parts.logs_part import an_error

PLAYBOOKS = load_playbooks(parts_file.PROJECT / "playbooks")
POOL = "connection pool exhausted"


def acting(**mitigation: object) -> Settings:
    return known(mitigation={"acting": True} | mitigation).settings


def taken(store: Engine, tree: Settings, executor: RecordingExecutor, *, service: str = "web") -> Case:
    """A fresh common incident, claimed."""
    feed = Feed(store, knowledge=Knowledge(tree, PLAYBOOKS, None))
    now = datetime.now(UTC)
    at = now.isoformat()
    feed.take(*(an_error(n, message=POOL, timestamp=at, service=service) for n in range(3)), now=now)
    return claimed(store, tree, executor)


def claimed(store: Engine, tree: Settings, executor: RecordingExecutor, *, later: timedelta = timedelta()) -> Case:
    lease = timedelta(seconds=45)
    (found,) = claim(store, token=f"{later}", lease=lease, now=datetime.now(UTC) + later, limit=1)
    return Case(found, tree, store, PLAYBOOKS, executor)


def pages(store: Engine) -> list[str]:
    return [row["reason"] for row in rows(store, "SELECT reason FROM pages ORDER BY id")]


def now_stored(case: Case) -> Incident:
    incident = reread(case.engine, case.incident.id)
    assert incident is not None
    return incident


def answered(case: Case, verdict: Verdict = Verdict.RECOVERED) -> Outcome:
    plan = case.make_plan()
    assert plan is not None
    assert [] == case.objected(plan)
    assert [] == case.act(plan)
    found = Outcome(verdict, 0.0, 0.05, 20)
    case.conclude(plan, found)
    return found


@pytest.fixture
def executor() -> RecordingExecutor:
    return RecordingExecutor({"web": 1, "db": 1, "api": 1})


def test_from_plan_to_recovery(store: Engine, executor: RecordingExecutor) -> None:
    case = taken(store, acting(), executor)
    answered(case)
    assert State.RESOLVED == now_stored(case).state
    assert [] == pages(store)
    kinds = [row["kind"] for row in rows(store, "SELECT kind FROM ledger ORDER BY id")]
    assert [
        "incident.opened",
        "incident.confirmed",
        "plan.made",
        "action.started",
        "action.done",
        "verification",
        "incident.resolved",
    ] == kinds


@pytest.mark.parametrize(("verdict", "reason"), [(Verdict.INEFFECTIVE, "ineffective"), (Verdict.UNKNOWN, "unknown")])
def test_what_did_not_help_goes_to_a_human(
    store: Engine, executor: RecordingExecutor, verdict: Verdict, reason: str
) -> None:
    """Fault 10: "remediated" was declared although there were no samples."""
    case = taken(store, acting(), executor)
    answered(case, verdict)
    assert (State.ESCALATED, [reason]) == (now_stored(case).state, pages(store))


def test_without_samples_the_verdict_is_unknown(store: Engine, executor: RecordingExecutor) -> None:
    """Fault 10."""
    case = taken(store, acting(), executor)
    plan = case.make_plan()
    assert plan is not None
    case.act(plan)
    assert case.look(plan) is None
    with store.begin() as connection:
        long_ago = datetime.now(UTC) - timedelta(minutes=10)
        connection.execute(sa.text("UPDATE actions SET finished_at = :at"), {"at": long_ago})
    found = case.look(plan)
    assert found is not None
    assert Verdict.UNKNOWN is found.verdict


def _close(store: Engine, case: Case) -> None:
    close_by_hand(store, case.incident.id, by="ann", now=datetime.now(UTC))


Preparation = Callable[[Engine, Case], None]
OBJECTIONS: list[tuple[str, dict[str, object], Preparation | None, str]] = [
    ("acting is off", {"acting": False}, None, "acting is off"),
    ("paused", {}, lambda store, _: set_pause(store, on=True, by="ann", now=datetime.now(UTC)), "acting is paused"),
    ("fault 1: closed", {}, _close, "the incident is closed"),
]


@pytest.mark.parametrize(
    ("changed", "prepare", "says"), [case[1:] for case in OBJECTIONS], ids=[c[0] for c in OBJECTIONS]
)
def test_nothing_is_done_when_something_speaks_against_it(
    store: Engine, executor: RecordingExecutor, changed: dict[str, object], prepare: Preparation | None, says: str
) -> None:
    case = taken(store, acting(**changed), executor)
    plan = case.make_plan()
    assert plan is not None
    if prepare:
        prepare(store, case)
    try:
        told = case.act(plan)
    except Refused as error:
        told = [str(error)]
    assert any(says in one or "closed meanwhile" in one for one in told)
    assert [] == executor.calls


def test_a_target_that_does_not_exist_is_objected_to(store: Engine, executor: RecordingExecutor) -> None:
    case = taken(store, acting(), executor, service="elsewhere")
    plan = case.make_plan()
    assert plan is not None
    assert any("nothing of that name" in told for told in case.objected(plan))


def test_the_same_target_is_left_alone_for_a_while(store: Engine, executor: RecordingExecutor) -> None:
    """Fault 9: no rate limit per target."""
    answered(taken(store, acting(), executor))
    case = taken(store, acting(), executor)
    plan = case.make_plan()
    assert plan is not None
    assert any("acted on lately" in told for told in case.objected(plan))
    assert 1 == len(executor.calls)


def test_the_third_ineffective_action_pages_instead(store: Engine, executor: RecordingExecutor) -> None:
    """Fault 9: one fingerprint was remediated 39 times."""
    tree = acting(target_seconds=0.001)
    for _ in range(2):
        answered(taken(store, tree, executor), Verdict.INEFFECTIVE)
        with store.begin() as connection:
            connection.execute(sa.text("UPDATE incidents SET state = 'resolved'"))
            an_hour_ago = datetime.now(UTC) - timedelta(hours=2)
            connection.execute(sa.text("UPDATE actions SET started_at = :at"), {"at": an_hour_ago})
    case = taken(store, tree, executor)
    plan = case.make_plan()
    assert plan is not None
    assert ["actions on the target did not help: target web, times 2"] == case.objected(plan)
    assert 2 == len(executor.calls)


# --- taking over ------------------------------------------------------------------------------


def began(store: Engine, executor: RecordingExecutor) -> None:
    """An owner that committed the action and died; its lease has run out."""
    case = taken(store, acting(), executor)
    plan = case.make_plan()
    assert plan is not None
    intent = action_log.Intent(plan.actions[0], executor.snapshot("web"), 0, plan.source)
    assert [] == action_log.begin(store, case.claim, intent, lambda _: [], now=datetime.now(UTC))


@pytest.mark.parametrize(
    ("done", "calls"),
    [
        pytest.param("nothing", ["carry_out"], id="not-done-so-do-it"),
        pytest.param("stopped", ["finish"], id="fault-22-stopped-so-finish-the-start"),
        pytest.param("all", [], id="done-so-go-on"),
    ],
)
def test_whoever_takes_over_looks_at_the_world_first(
    store: Engine, executor: RecordingExecutor, done: str, calls: list[str]
) -> None:
    """Fault 22: a process manager was interrupted between stop and start: the process stayed stopped."""
    began(store, executor)
    if done == "stopped":
        executor.stop("web:web_00")
    elif done == "all":
        executor._start("web:web_00")
    case = claimed(store, acting(), executor, later=timedelta(minutes=1))
    plan = case.make_plan()
    assert plan is not None
    assert [] == case.act(plan)
    assert calls == [call for call, _ in executor.calls]
    assert ("done", 1) == (
        action_log.of_incident(store, case.incident.id)[0].state,
        len(action_log.of_incident(store, case.incident.id)),
    )
    assert executor.snapshot("web").pids


def test_a_pause_stops_an_action_that_was_not_done_yet(store: Engine, executor: RecordingExecutor) -> None:
    began(store, executor)
    set_pause(store, on=True, by="ann", now=datetime.now(UTC))
    case = claimed(store, acting(), executor, later=timedelta(minutes=1))
    plan = case.make_plan()
    assert plan is not None
    assert ["acting is paused"] == case.act(plan)
    assert [] == executor.calls


def test_whoever_lost_the_lease_does_nothing(store: Engine, executor: RecordingExecutor) -> None:
    dead = taken(store, acting(), executor)
    plan = dead.make_plan()
    assert plan is not None
    claimed(store, acting(), executor, later=timedelta(minutes=1))
    with pytest.raises(Refused, match="the lease was lost"):
        dead.act(plan)
    assert [] == executor.calls
