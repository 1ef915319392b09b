"""Closed hours become files, and nothing is lost, doubled or changed by that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from adapters.log_archive import Archive
from adapters.log_blocks import STORED
from adapters.sealing import PLAIN, Keyring, use
from adapters.store import compaction
from adapters.store.compaction import closed_hours, compact
from adapters.store.database import Contended, Engine, connect, transaction
from adapters.store.log_counts import counted
from adapters.store.log_look_ups import find_log
from adapters.store.log_metrics import metric_mean
from adapters.store.log_reader import Asked
from adapters.store.migrate import migrate
from adapters.store.opening import with_archive
from adapters.store.unnamed_files import note, sweep
from tests.parts.compaction_part import FILLED_LOGS, LATER, dies, fill, filled_store, gather, held, opened, places
from tests.parts.databases_part import Server
from tests.parts.first_version_part import POOL, add, at, make
from tests.parts.judged_part import NOW, count, rows
from tests.parts.keys_part import FIRST
from tests.parts.logs_part import a_log

pytestmark = pytest.mark.slow


@pytest.fixture
def filled(store_url: str, tmp_path: Path) -> Iterator[Engine]:
    with filled_store(store_url, tmp_path / "files") as engine:
        yield engine


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "files")


def test_what_is_gathered_reads_as_before(filled: Engine, archive: Archive) -> None:
    before = held(filled)
    with transaction(filled) as connection:
        tallied = counted(connection, Asked()).num_rows
    assert 2 == len(gather(filled, archive))
    assert FILLED_LOGS == len(before)
    assert before.to_pylist() == held(filled).to_pylist()
    assert tallied > 0
    assert [0] == [row["n"] for row in rows(filled, "SELECT count(*) AS n FROM logs WHERE NOT in_block")]
    assert [2] == [row["n"] for row in rows(filled, "SELECT count(*) AS n FROM log_blocks WHERE path IS NOT NULL")]
    assert 2 == count(filled, "log_blocks")


def test_summaries_answer_as_the_logs_did(filled: Engine, archive: Archive) -> None:
    def seen() -> tuple[object, ...]:
        with transaction(filled) as connection:
            found = counted(connection, Asked())
            by_service = found.group_by(["service", "level", "incident_id"]).aggregate(
                [("logs", "sum"), ("anomalies", "sum"), ("first_at", "min"), ("last_at", "max")]
            )
            keys = [("service", "ascending"), ("level", "ascending"), ("incident_id", "ascending")]
            return by_service.sort_by(keys).to_pylist(), metric_mean(connection, Asked(), "cpu")

    before = seen()
    gather(filled, archive)
    assert before == seen()


def test_a_file_is_sorted_and_its_filter_finds_a_request(filled: Engine, archive: Archive) -> None:
    path, _ = gather(filled, archive)
    found = archive.read(path, ["service", "timestamp"]).to_pylist()
    assert found == sorted(found, key=lambda log: (log["service"], log["timestamp"]))
    assert {"r17"} == {log["request_id"] for log in find_log(filled, "r17")}


def test_logs_of_incidents_stay_as_rows_beside_the_file(filled: Engine, archive: Archive) -> None:
    gather(filled, archive)
    assert [(3, 3)] == [
        (row["n"], row["of"]) for row in rows(filled, "SELECT count(*) AS n, count(incident_id) AS of FROM logs")
    ]


def test_an_hour_that_is_not_over_stays(filled: Engine, archive: Archive) -> None:
    assert 1 == len(gather(filled, archive, NOW + timedelta(minutes=59, seconds=50)))
    assert [7] == [row["n"] for row in rows(filled, "SELECT count(*) AS n FROM logs WHERE NOT in_block")]


def test_a_second_run_finds_nothing(filled: Engine, archive: Archive) -> None:
    gather(filled, archive)
    assert [] == gather(filled, archive)


def test_a_large_hour_is_several_files(filled: Engine, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    before = places(filled)
    monkeypatch.setattr(compaction, "MOST_LOGS", 5)
    monkeypatch.setattr(compaction, "ROWS_AT_ONCE", 25)
    assert 3 <= len(gather(filled, archive))
    assert before == places(filled)


def test_of_two_runs_over_one_hour_the_second_changes_nothing(filled: Engine, archive: Archive) -> None:
    before = places(filled)
    hour = next(closed_hours(filled, LATER))
    assert 1 == len(list(compact(filled, archive, hour)))
    with pytest.raises(Contended, match=r"compacted|another run"):
        list(compact(filled, archive, hour))
    assert before == places(filled)


def test_files_that_were_left_behind_go_after_a_day_and_those_of_others_never(
    filled: Engine, archive: Archive, tmp_path: Path
) -> None:
    kept = gather(filled, archive)
    left, theirs = "2026/01/05/12-left.parquet", "2026/01/05/12-theirs.parquet"
    for path in (left, theirs):
        (tmp_path / "files" / path).touch()
    with transaction(filled) as connection:
        note(connection, [left, *kept])
    now = datetime.now(UTC)
    assert [] == sweep(filled, archive, now=now)
    assert [left] == sweep(filled, archive, now=now + timedelta(days=2))
    assert {*kept, theirs} == set(archive.paths())
    assert 0 == count(filled, "unnamed_files")


def test_a_process_killed_at_any_point_loses_and_doubles_nothing(postgres_server: Server, tmp_path: Path) -> None:
    where = ["start"]
    number = 0
    while where[-1]:
        number += 3
        url, folder = postgres_server.fresh(), tmp_path / str(number)
        engine = opened(url, folder)
        fill(engine)
        before = places(engine)
        engine.dispose()
        where.append(dies(url, folder, number))
        assert before == places(engine), where[-1]
        gather(engine, Archive(folder))
        assert before == places(engine), where[-1]
        engine.dispose()
    assert FILLED_LOGS == len(before)
    assert {"before a commit", "after a transaction"} <= set(where)
    assert 8 < len(where)


def test_rows_of_the_first_version_are_read_once_and_gathered(postgres_server: Server, tmp_path: Path) -> None:
    engine = with_archive(connect(postgres_server.empty()), Archive(tmp_path))
    make(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE logs_20260105 PARTITION OF logs"
            " FOR VALUES FROM ('2026-01-05 00:00+00') TO ('2026-01-06 00:00+00')"
        )
    body = a_log(message=POOL, metrics={"cpu": 3}, trace_id="t1").decode()
    about = {"topic_id": 1, "partition": 0, "service": "web", "level": 2, "confidence": 0.1, "reason": 0, "model": 0}
    said = about | {"arrived_at": at(0), "timestamp": at(0), "request_id": "r1", "anomaly": False}
    add(engine, "logs", said | {"offset": 0, "body": body}, said | {"offset": 1, "body": "{"})
    migrate(engine.url.render_as_string(hide_password=False))
    assert 1 == len(gather(engine, Archive(tmp_path)))
    first, second = held(engine).to_pylist()
    assert (POOL, [("cpu", 3.0)], body.encode()) == (first["message"], first["measured"], first["body"])
    assert ("{", b"{") == (second["message"], second["body"])
    assert set(STORED.names) == set(first)
    engine.dispose()


@pytest.mark.parametrize(
    ("keyring", "plain"),
    [
        pytest.param(Keyring([FIRST]), False, id="sealed: no file tells what a log said"),
        pytest.param(PLAIN, True, id="plain: a file does, so the search can fail"),
    ],
)
def test_files_are_sealed(tmp_path: Path, keyring: Keyring, *, plain: bool) -> None:
    phrase = "unmistakable payment of Ann Example failed"
    logs = pa.table({"body": pa.array([phrase.encode()])})
    use(keyring)
    try:
        Archive(tmp_path).write("one.parquet", logs, level=3)
        assert [phrase.encode()] == Archive(tmp_path).read("one.parquet", ["body"])["body"].to_pylist()
    finally:
        use(PLAIN)
    raw = (tmp_path / "one.parquet").read_bytes()
    assert plain is (phrase.encode() in raw)
    assert plain is raw.startswith(b"PAR1")
