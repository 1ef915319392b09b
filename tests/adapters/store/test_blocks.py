"""Many logs are one block, and answer every question as the same logs do as rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pyarrow.compute as pc
import pytest

from adapters.log_blocks import STORED, pack, unpack
from adapters.store import log_search
from adapters.store.closing import reread
from adapters.store.database import Engine, connect, transaction
from adapters.store.impact_rows import impact
from adapters.store.log_look_ups import find_log, log_totals, newest_model, stored_positions
from adapters.store.log_metrics import metric_mean
from adapters.store.log_reader import Asked, whole
from adapters.store.log_writer import BLOCK_FROM
from adapters.store.traffic import first_seen, fresh, others, pace, said, traffic
from adapters.store.training_history import history
from adapters.store.wanted_logs import Wanted
from tests.parts.databases_part import Server
from tests.parts.judged_part import NOW, Feed, count, rows
from tests.parts.logs_part import NOON, SECOND, a_log, an_error

pytestmark = pytest.mark.slow

MANY = BLOCK_FROM + 100
SINCE, UNTIL = NOON - timedelta(minutes=1), NOON + timedelta(minutes=1)


def logs() -> list[bytes]:
    """Of two services within a minute; every tenth log of `web` fails."""
    found = []
    for number in range(MANY):
        at = (NOON + (number % 10) * SECOND + timedelta(milliseconds=number)).isoformat()
        about = {"timestamp": at, "request_id": f"r{number}", "metrics": {"cpu": number % 7, "memory": 1.5}}
        if number % 3 == 0:
            found.append(a_log(service="db", **about))
        elif number % 10 == 1:
            found.append(an_error(**about))
        else:
            found.append(a_log(**about, attribute=number))
    return found


@pytest.fixture(scope="module")
def as_block(postgres_server: Server) -> Iterator[Engine]:
    engine = connect(postgres_server.fresh())
    Feed(engine).take(*logs(), b"{")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def as_rows(postgres_server: Server) -> Iterator[Engine]:
    """The same logs in batches that are too small for blocks."""
    engine = connect(postgres_server.fresh())
    feed, values = Feed(engine), [*logs(), b"{"]
    for begin in range(0, len(values), 100):
        feed.take(*values[begin : begin + 100])
    yield engine
    engine.dispose()


def test_a_large_batch_is_a_block_and_the_logs_of_incidents_are_rows_beside_it(as_block: Engine) -> None:
    assert (1, len([log for log in logs() if b"refused" in log])) == (
        count(as_block, "log_blocks"),
        count(as_block, "logs"),
    )
    (block,) = rows(as_block, "SELECT logs, anomalies, positions, size FROM log_blocks")
    assert (MANY, count(as_block, "logs")) == (block["logs"], block["anomalies"])
    assert 0 < block["size"] < 100 * MANY


def test_small_batches_are_rows(as_rows: Engine) -> None:
    assert (0, MANY) == (count(as_rows, "log_blocks"), count(as_rows, "logs"))


def test_both_hold_the_same_logs(as_block: Engine, as_rows: Engine) -> None:
    def held(engine: Engine) -> list[dict[str, object]]:
        with transaction(engine) as connection:
            found = whole(connection, Asked(), STORED.names)
        return sorted(found.to_pylist(), key=lambda log: log["offset"])

    block, single = held(as_block), held(as_rows)
    assert MANY == len(block)
    for one, other in zip(block, single, strict=True):
        assert one == other


TIMES = [
    pytest.param(SINCE, UNTIL, id="the whole block"),
    pytest.param(NOON + 2 * SECOND, NOON + 5 * SECOND, id="a part of the block"),
    pytest.param(NOON - 2 * SECOND, NOON + timedelta(milliseconds=1), id="its first log alone"),
    pytest.param(UNTIL, UNTIL + SECOND, id="nothing of it"),
]


@pytest.mark.parametrize(("since", "until"), TIMES)
def test_a_verification_sees_the_same(as_block: Engine, as_rows: Engine, since: datetime, until: datetime) -> None:
    def seen(engine: Engine) -> list[object]:
        incident = reread(engine, 1)
        assert incident is not None
        with transaction(engine) as connection:
            return [
                traffic(connection, incident, since=since, until=until),
                first_seen(connection, "web", since=since, until=until),
                others(connection, "web", since=since, until=until),
                pace(connection, incident, since=since, until=until),
                said(connection, ["web"], (since, until), metric="cpu"),
                said(connection, ["web"], (since, until), all_but=True, metric="memory"),
                fresh(connection, "web", since=since, metric="cpu"),
                impact(connection, incident, now=until),
            ]

    assert seen(as_rows) == seen(as_block)


@pytest.mark.parametrize("request_id", ["r0", "r1", f"r{MANY - 1}"])
def test_any_log_is_found_by_its_request(as_block: Engine, request_id: str) -> None:
    (found,) = find_log(as_block, request_id)
    assert (request_id, "logs", NOW) == (found["request_id"], found["topic"], found["arrived_at"])
    assert request_id in found["body"]


@pytest.mark.parametrize("limit", [5, 100])
def test_the_logs_of_an_incident_need_no_block_as_long_as_all_are_rows(
    as_block: Engine, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Wanted(SINCE, UNTIL, services=["web"])
    found = log_search.around(as_block, wanted, 1, limit)
    assert limit == len(found)
    assert {1} <= {log["incident_id"] for log in found}
    monkeypatch.setattr(log_search, "ROWS_OF_INCIDENT", 2)
    assert log_search.around(as_block, wanted, 1, limit) == found
    monkeypatch.undo()
    with monkeypatch.context() as patched:
        patched.setattr(log_search, "unpack", None)  # no block is looked into
        own = log_search._own_rows(as_block, replace(wanted, incident=1), limit)
    assert own is not None
    assert [log for log in found if log["incident_id"] == 1][-3:] == own[-3:]


def test_a_request_that_nobody_logged_is_not_found(as_block: Engine) -> None:
    assert [] == find_log(as_block, "never")


def test_what_was_read_can_be_compared_with_the_broker(as_block: Engine, as_rows: Engine) -> None:
    expected = [(0, number) for number in range(MANY + 1)]
    assert expected == sorted(stored_positions(as_block, "logs")) == sorted(stored_positions(as_rows, "logs"))


def test_both_are_counted_alike(as_block: Engine, as_rows: Engine) -> None:
    assert log_totals(as_rows) == log_totals(as_block)
    assert newest_model(as_rows, "logs") == newest_model(as_block, "logs")


def test_training_reads_columns_of_normal_logs(as_block: Engine, as_rows: Engine) -> None:
    held = [history(engine, since=NOW - SECOND, now=NOW, limit=10_000) for engine in (as_block, as_rows)]
    services = {len(one.logs.filter(pc.equal(one.logs["service"], name))) for one in held for name in ("web", "db")}
    assert 0 not in services
    for one in held:
        assert MANY == one.seen == len(one.logs) + sum(one.left_out.values())
        assert one.left_out["anomaly"] == log_totals(as_block)["anomalies"]


def test_a_block_is_read_by_its_columns(as_block: Engine) -> None:
    with transaction(as_block) as connection:
        found = whole(connection, Asked(), STORED.names)
    packed = pack(found)
    assert found.equals(unpack(packed).cast(found.schema))
    assert ["service", "measured"] == unpack(packed, ["service", "measured"]).column_names


def test_a_block_of_as_many_services_as_logs_has_no_buckets_and_answers_from_the_logs(postgres_server: Server) -> None:
    engine = connect(postgres_server.fresh())
    Feed(engine).take(*(a_log(service=f"s{number}", metrics={"cpu": number % 3}) for number in range(MANY)))
    with transaction(engine) as connection:
        assert (MANY, 1.0) == metric_mean(connection, Asked(since=SINCE - timedelta(hours=1), until=UNTIL), "cpu")
    (block,) = rows(engine, "SELECT measures FROM log_blocks")
    engine.dispose()
    assert b"" == bytes(block["measures"])
