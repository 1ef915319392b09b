"""The first version's database is migrated with its open incidents, and the steps go on from what it left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.anchors import FileAnchors
from adapters.store import outbox
from adapters.store.chain import seal, verify
from adapters.store.database import Engine, connect
from adapters.store.migrate import migrate
from domain.actions import ActionState
from domain.incidents import Kind, State
from domain.inventory import Inventory
from domain.verification import Outcome
from tests.contracts.fakes import RecordingExecutor
from tests.parts.answering_part import World, acting, inventory
from tests.parts.first_version_part import (
    LEASED_UNTIL,
    a_page,
    add,
    add_ledger,
    an_action,
    an_incident,
    at,
    make,
    plan,
    processes,
)
from tests.parts.judged_part import NOW, rows

STARTED, DONE, WAITING, ESCALATED, STORM, METRIC, CLOSED = range(1, 8)
SERVICES = {"web": 1, "db": 1, "api": 1, "cart": 1}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database of the first version in the middle of its work."""
    server = request.getfixturevalue("postgres_server") if request.param == "postgres" else None
    engine = connect(server.empty() if server else f"sqlite:///{tmp_path / 'old.db'}")
    make(engine)
    leased = {"lease_token": "dead:1", "lease_until": LEASED_UNTIL}
    add(
        engine,
        "incidents",
        an_incident(STARTED, "web", state="acting", plan=plan("web"), **leased),
        an_incident(DONE, "db", state="verifying", plan=plan("db"), **leased),
        an_incident(WAITING, "api"),
        an_incident(ESCALATED, "auth", state="escalated", handled=True, route="human", playbook="", page_key="key-1"),
        an_incident(STORM, "auth", signature="(storm)", route="human", playbook="", severity=4, page_key="key-2"),
        an_incident(METRIC, "api", signature="metric pool_in_use high", metric="pool_in_use", direction="high"),
        an_incident(CLOSED, "cart", state="resolved", resolution="quiet", resolved_at=at(5), plan=plan("cart")),
    )
    after = {"after": processes("db", 901), "finished_at": at(5)}
    add(
        engine,
        "actions",
        an_action(1, STARTED, "web"),
        an_action(2, DONE, "db:db_00", state="done", **after),
        an_action(3, CLOSED, "cart"),
    )
    add(engine, "pages", a_page(1, ESCALATED), a_page(2, STORM, reason="storm", state="sent", sent_at=at(5)))
    add_ledger(engine, entries=5, sealed=3)
    migrate(engine.url.render_as_string(hide_password=False))
    yield engine
    engine.dispose()


@pytest.fixture
def world(old: Engine) -> World:
    """The real steps on it; `web` and `cart` were stopped and not started again, `db` was restarted."""
    services = inventory(*SERVICES, "replica").services
    both = Inventory({**services, "replica": replace(services["replica"], target="db")})
    found = World(old, acting(services=both), RecordingExecutor(SERVICES))
    for service in ("web", "cart"):
        found.executor.stop(f"{service}:{service}_00")
    return found


def test_what_was_half_done_is_finished_and_verified(world: World) -> None:
    assert ["finish"] == world.run(STARTED)
    assert (State.VERIFYING, ["finish"]) == (world.incident(STARTED).state, world.calls)
    (record,) = world.records(STARTED)
    assert (ActionState.DONE, "web") == (record.state, record.budget_key)
    assert 1 == len(world.executor.snapshot("web").pids)


def test_what_was_done_is_verified_and_resolved(world: World) -> None:
    world.forward(31)
    world.traffic(service="db")
    world.forward(1)
    assert ["verify", "resolve"] == world.run(DONE)
    assert State.RESOLVED == world.incident(DONE).state
    assert [Outcome.RECOVERED] == [record.outcome for record in world.records(DONE)]
    assert [] == world.calls


def test_what_waited_for_an_answer_is_answered(world: World) -> None:
    assert ["plan", "begin", "act"] == world.run(WAITING)
    assert (State.VERIFYING, ["carry_out"]) == (world.incident(WAITING).state, world.calls)


def test_budgets_know_what_the_first_version_did(world: World) -> None:
    """A7: one process of a group was restarted, and the whole group is the target of the next plan."""
    number = world.fault(service="replica", message="worker queue full: request rejected, server is busy")
    assert ["plan", "begin"] == world.run(number)
    assert ["another plan for the target is under way: target db"] == world.stored(number)["objections"]
    assert [] == world.calls


def test_a3_what_was_closed_with_a_half_done_action_is_finished_too(world: World) -> None:
    """A3: the first version closed it as quiet, and nobody came back to the stopped process."""
    assert ["finish"] == world.run(CLOSED)
    assert 1 == len(world.executor.snapshot("cart").pids)
    assert State.RESOLVED == world.incident(CLOSED).state


def test_a_human_keeps_what_a_human_has(world: World) -> None:
    assert [] == world.run(ESCALATED)
    assert State.ESCALATED == world.incident(ESCALATED).state


def test_kinds_are_columns_now(world: World) -> None:
    found = {number: world.incident(number) for number in (WAITING, STORM, METRIC)}
    assert [Kind.LOG, Kind.STORM, Kind.METRIC] == [one.kind for one in found.values()]
    assert ["connection pool exhausted", "", "pool_in_use high"] == [one.template for one in found.values()]
    assert 4 == found[STORM].told


def test_a_page_that_waited_is_still_to_be_sent_under_its_key(world: World) -> None:
    claimed = outbox.claim_pages(world.engine, token="t", lease=timedelta(minutes=1), now=NOW)
    assert [("key-1", ESCALATED)] == [(page.key, page.incident.id) for page in claimed]


def test_a_page_that_was_sent_has_a_delivery(old: Engine) -> None:
    query = (
        "SELECT pages.state, deliveries.state AS delivered, channel FROM pages JOIN deliveries ON page_id = pages.id"
    )
    assert [{"state": "sent", "delivered": "sent", "channel": "email"}] == rows(old, query)


def test_further_logs_join_what_was_open(world: World) -> None:
    world.forward(1)
    assert WAITING == world.fault(service="api")
    assert 6 == world.incident(WAITING).logs


def test_the_chain_goes_on_where_it_ended(world: World, tmp_path: Path) -> None:
    anchors = (FileAnchors(tmp_path / "ledger.anchor"),)
    world.run()
    entries = rows(world.engine, "SELECT count(*) AS n FROM ledger")[0]["n"]
    assert entries - 3 == seal(world.engine, anchors, now=NOW)
    assert (entries, 0, []) == verify(world.engine, anchors, now=NOW)
