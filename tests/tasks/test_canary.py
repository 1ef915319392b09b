"""The canary through the live steps: logs in, a page to its own contact out, and nothing else touched."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.store import canary_rows, escalations
from adapters.store.closing import close_quiet
from adapters.store.database import Engine, transaction
from adapters.store.incident_rows import page_times
from adapters.store.look_ups import list_incidents
from adapters.store.switches import degraded
from adapters.store.training_history import history, later
from domain.canary import MISSED, SERVICE, Outcome, Stage, Trace, logs, next_stage
from domain.errors import Unavailable
from domain.incidents import Severity
from domain.settings import Settings
from tasks.canary import PART, Canary, fly
from tasks.delivering import run as deliver_all
from tasks.paging import Pager
from tests.parts.judged_part import Feed, count, rows
from tests.parts.logs_part import a_log, an_error

RUNS = iter(f"{number:012x}" for number in range(1, 1_000))
WITHIN = timedelta(seconds=60)
TREE = Settings.model_validate({"paging": {"settle_seconds": 0, "group_seconds": 0}})


class Beats:
    """A dead man's switch that counts."""

    def __init__(self, error: str = "") -> None:
        self.at: list[datetime] = []
        self.error = error

    def beat(self, at: datetime) -> None:
        if self.error:
            raise Unavailable(self.error)
        self.at.append(at)


class World:
    """A store with a reader and a pager on one clock, which moves when the canary waits."""

    def __init__(self, store: Engine) -> None:
        self.store, self.feed, self.beats = store, Feed(store), Beats()
        self.now = datetime.now(UTC)
        self.begun = self.now
        self.reads = self.delivers = True
        self.run = ""

    def clock(self) -> datetime:
        return self.now

    def send(self, values: Sequence[bytes]) -> None:
        if self.reads:
            self.feed.take(*values, now=self.now)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        if self.delivers:
            self.deliver()

    def deliver(self) -> list[str]:
        return [told for _, told in deliver_all(Pager(TREE, self.store, clock=self.clock), "t")]

    def fly(self, send: Callable[[Sequence[bytes]], None] | None = None) -> Trace:
        self.run = next(RUNS)
        works = Canary(self.store, send or self.send, WITHIN, 3, self.beats, self.clock, self.wait)
        trace = fly(works, self.run)
        self.deliver()
        return trace

    def fault(self, service: str = "web", **changes: object) -> None:
        at = {"timestamp": self.now.isoformat()}
        self.feed.take(*(an_error(number, service=service, **at, **changes) for number in range(3)), now=self.now)

    def kinds(self) -> list[tuple[str, str]]:
        query = "SELECT service, kind FROM incidents ORDER BY id"
        return [(row["service"], row["kind"]) for row in rows(self.store, query)]

    def told(self) -> set[tuple[str, str]]:
        found = rows(self.store, "SELECT channel, receiver FROM deliveries")
        return {(row["channel"], row["receiver"]) for row in found}

    def own(self) -> list[tuple[str, str]]:
        found = rows(self.store, "SELECT template, state FROM incidents WHERE kind = 'own' ORDER BY id")
        return [(row["template"], row["state"]) for row in found]


@pytest.fixture
def world(store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("SRE_HOME", str(tmp_path))
    return World(store)


def test_a_known_fault_becomes_a_page_to_its_own_contact(world: World, tmp_path: Path) -> None:
    trace = world.fly()
    assert (Outcome.PASSED, "", None) == (trace.outcome, trace.why, next_stage(trace))
    assert {("file", "canary")} == world.told()
    first, *_ = map(json.loads, (tmp_path / "canary.jsonl").read_text().splitlines())
    assert SERVICE == first["incident"]["service"]
    assert [(SERVICE, "canary")] == world.kinds()
    assert ["resolved"] == [row["state"] for row in rows(world.store, "SELECT state FROM incidents")]
    assert [world.now] == world.beats.at
    last = canary_rows.last_run(world.store)
    assert last is not None
    assert (world.run, Outcome.PASSED, trace.reached) == (last.run, last.outcome, last.reached)


def test_people_see_nothing_of_one_that_passed(world: World) -> None:
    world.fly()
    assert [] == list_incidents(world.store, only_open=False, limit=10)
    assert [] == world.own()
    assert [] == degraded(world.store, now=world.now)


def test_a_miss_pages_people_once_and_the_next_success_ends_it(world: World) -> None:
    world.reads = False
    for _ in range(2):
        trace = world.fly()
        assert Outcome.MISSED is trace.outcome
        assert {Stage.SENT} == trace.reached.keys()
        assert "see the run of `watch`" in trace.why
        assert [(MISSED, "open")] == world.own()
    assert 1 == count(world.store, "pages")
    assert [int(Severity.CRITICAL)] == [row["severity"] for row in rows(world.store, "SELECT severity FROM pages")]
    assert [] == world.beats.at
    assert [] == close_quiet(world.store, quiet=timedelta(minutes=2), now=world.now + timedelta(hours=3))
    world.reads = True
    assert Outcome.PASSED is world.fly().outcome
    assert [(MISSED, "resolved")] == world.own()
    assert 1 == len(world.beats.at)


def test_a_page_that_is_not_delivered_is_a_miss_and_its_incident_is_closed(world: World) -> None:
    world.delivers = False
    trace = world.fly()
    assert Outcome.MISSED is trace.outcome
    assert Stage.QUEUED in trace.reached
    assert "canary.contact" in trace.why
    open_ones = "SELECT kind FROM incidents WHERE state = 'open'"
    assert ["own"] == [row["kind"] for row in rows(world.store, open_ones)]


def test_a_broker_that_takes_nothing_is_a_miss(world: World) -> None:
    def refuses(_values: Sequence[bytes]) -> None:
        raise Unavailable("kafka: no broker")

    trace = world.fly(refuses)
    assert (Outcome.MISSED, {}) == (trace.outcome, trace.reached)
    assert "Kafka did not take its logs: kafka: no broker" == trace.why


def test_a_switch_that_cannot_be_told_is_known_to_be_down(world: World) -> None:
    world.beats = Beats("heartbeat host: ConnectError")
    assert Outcome.PASSED is world.fly().outcome
    (down,) = degraded(world.store, now=world.now)
    assert down.startswith(f"{PART} is down")
    world.beats = Beats()
    world.fly()
    assert [] == degraded(world.store, now=world.now)


def test_it_joins_nothing_and_nothing_joins_it(world: World) -> None:
    """Neither words, nor a time close by, nor a flood of pages bring them together."""
    world.fault("web", message="connection failed")

    def beside_others(values: Sequence[bytes]) -> None:
        others = [an_error(number, service="db", timestamp=world.now.isoformat()) for number in range(3)]
        same = json.loads(values[0])["message"]
        echo = [
            an_error(number, service="cache", message=same, timestamp=world.now.isoformat()) for number in (0, 1, 2)
        ]
        world.feed.take(*others[:1], *values, *others[1:], *echo, now=world.now)

    assert Outcome.PASSED is world.fly(beside_others).outcome
    query = "SELECT incident_id, service FROM alerts"
    of_it = [row for row in rows(world.store, query) if row["service"] == SERVICE]
    together = [row for row in rows(world.store, query) if row["incident_id"] == of_it[0]["incident_id"]]
    assert 1 == len(of_it) == len(together)
    assert (SERVICE, "canary") in world.kinds()
    assert {"web"} <= {service for service, _ in world.kinds()}


def test_it_counts_for_no_storm_and_no_escalation(world: World) -> None:
    world.delivers = False

    def open_meanwhile(values: Sequence[bytes]) -> None:
        world.send(values)
        with transaction(world.store) as connection:
            assert [] == page_times(connection, newest=50)
        world.deliver()
        assert [] == escalations.unattended(world.store, overdue_since=world.now + WITHIN)
        assert {("file", "canary")} == world.told()

    world.fly(open_meanwhile)
    assert (SERVICE, "canary") in world.kinds()


def test_nothing_is_learned_from_it(world: World) -> None:
    world.feed.take(*(a_log(timestamp=world.now.isoformat()) for _ in range(4)), now=world.now)
    world.fly()
    learned = history(world.store, since=world.begun - WITHIN, now=world.now, limit=1_000)
    assert {SERVICE}.isdisjoint(learned.logs["service"].to_pylist())
    assert 4 == len(learned.logs)
    assert 0 == len(learned.told)
    judged = later(
        world.store, arrived_since=world.begun - WITHIN, since=world.begun - WITHIN, now=world.now, limit=1_000
    )
    assert {SERVICE}.isdisjoint(judged.logs["service"].to_pylist())
    assert not judged.incident.any()


def test_a_log_that_only_calls_itself_so_is_one_like_any_other(world: World) -> None:
    """A stranger must not silence a fault by the name of the service, nor by a run that there is not."""
    stranger = [json.dumps(one).encode() for one in logs("f" * 12, world.now, 3)]
    world.feed.take(*stranger, now=world.now)
    assert [(SERVICE, "log")] == world.kinds()
    world.fault(SERVICE, message="disk failed")
    assert {"log"} == {kind for _, kind in world.kinds()}
    assert ("file", "canary") not in world.told()


def test_a_stranger_of_that_name_is_paged_while_a_test_is_under_way(world: World) -> None:
    """Neither takes the other in, whichever is open first, and however many of them there are."""

    def with_a_stranger(values: Sequence[bytes]) -> None:
        for word in ("alpha", "bravo", "charlie"):
            world.fault(SERVICE, message=f"{word} failed")
        world.feed.take(*values, now=world.now)
        world.fault(SERVICE, message="disk failed")

    assert Outcome.PASSED is world.fly(with_a_stranger).outcome
    of_a_test = [row for row in rows(world.store, "SELECT kind, logs FROM incidents") if row["kind"] == "canary"]
    assert [{"kind": "canary", "logs": 3}] == of_a_test
    assert {"log"} == {kind for _, kind in world.kinds() if kind != "canary"}
    query = "SELECT kind FROM alerts WHERE template LIKE '%disk failed%'"
    assert ["log"] == [row["kind"] for row in rows(world.store, query)]
    assert 1 < count(world.store, "pages")


def test_a_storm_of_a_strangers_logs_does_not_swallow_a_test(world: World) -> None:
    def in_a_storm(values: Sequence[bytes]) -> None:
        at = {"timestamp": world.now.isoformat()}
        words = [f"{first}{second} failed" for first in "abcdef" for second in "uvwxyz"]
        world.feed.take(*(an_error(0, service=SERVICE, message=word, **at) for word in words), now=world.now)
        world.feed.take(*values, now=world.now)

    assert Outcome.PASSED is world.fly(in_a_storm).outcome
    assert {"canary", "log", "storm"} >= {row["kind"] for row in rows(world.store, "SELECT kind FROM alerts")}
    assert "storm" in {row["kind"] for row in rows(world.store, "SELECT kind FROM alerts")}


def test_each_run_has_an_incident_of_its_own(world: World) -> None:
    for _ in range(3):
        assert Outcome.PASSED is world.fly().outcome
    assert 3 * [(SERVICE, "canary")] == world.kinds()
    assert [1, 1, 1] == [row["episode"] for row in rows(world.store, "SELECT episode FROM incidents")]
