"""`sre score` decides as the live path does, and where a batch ends changes nothing."""

from __future__ import annotations

import csv
import io
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import parts_file
from adapters.log_files import batches
from adapters.playbook_files import load as load_playbooks
from adapters.store.database import Engine, transaction
from adapters.store.log_reader import Asked, whole
from domain.logs import RawBatch
from flows.scoring_run import COLUMNS, ScoringRun, write_rows
from tasks.judging import Knowledge
from tests.parts.judged_part import NOW, TREE, Feed, known, rows
from tests.parts.logs_part import NOON, SECOND, a_batch, a_log, write_lines
from tests.tasks import test_sessions as live
from tests.tasks import test_texts_of_minutes as texts

Table = list[dict[str, str]]

MESSAGES = [
    "all is well",
    "connection refused",
    "request timed out",
    "connection pool exhausted",
    "disk is full: error",
]
KINDS = st.tuples(
    st.sampled_from(["web", "db", "api"]),
    st.sampled_from(["INFO", "INFO", "WARN", "ERROR", "CRITICAL"]),
    st.sampled_from(MESSAGES),
    st.sampled_from([0, 1, 1, 2, 40, 700, 1_000]),
)


def stream(kinds: list[tuple[str, str, str, int]]) -> list[bytes]:
    """Logs in order of time; each kind ends with the seconds since the one before."""
    at, logs = NOON, []
    for number, (service, level, message, seconds) in enumerate(kinds):
        at += seconds * SECOND
        logs.append(
            a_log(timestamp=at.isoformat(), service=service, level=level, message=message, request_id=f"r{number}")
        )
    return logs


def knowing(**branches: object) -> Knowledge:
    playbooks = load_playbooks(parts_file.PROJECT / "playbooks")
    return Knowledge(known(**branches).settings, playbooks, None)


QUICK = knowing(incidents={"confirm_logs": 2, "storm_after": 3})


def scored(source: Iterator[RawBatch] | list[RawBatch], knowledge: Knowledge = QUICK) -> tuple[Table, ScoringRun]:
    run, out = ScoringRun(knowledge), io.StringIO()
    for _ in write_rows(run, source, out):
        pass
    out.seek(0)
    return list(csv.DictReader(out)), run


def test_a_row_per_log_and_no_effect() -> None:
    found, run = scored(
        [a_batch([a_log(), b"no log", a_log(level="CRITICAL", message="fatal error", request_id="r2")])]
    )
    assert ["r1", "r2"] == [row["request_id"] for row in found]
    assert list(COLUMNS) == list(found[0])
    assert {"anomaly": "0", "confidence": "0.0", "incident_id": "", "page_id": ""} == {
        name: found[0][name] for name in COLUMNS[1:]
    }
    assert {"anomaly": "1", "confidence": "0.95", "incident_id": "1", "page_id": ""} == {
        name: found[1][name] for name in COLUMNS[1:]
    }
    found = run.summary
    assert (3, 1, 1, 1) == (found.logs, found.rejected.total(), found.anomalies, len(found.incidents))


@given(kinds=st.lists(KINDS, min_size=1, max_size=40), sizes=st.lists(st.integers(1, 12), min_size=1, max_size=5))
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_size_of_batches_changes_nothing(kinds: list[tuple[str, str, str, int]], sizes: list[int]) -> None:
    logs = stream(kinds)
    cut, begin = [], 0
    for size in [*sizes, len(logs)]:
        if logs[begin : begin + size]:
            cut.append(a_batch(logs[begin : begin + size], begin=begin))
        begin += size
    assert scored([a_batch(logs)])[0] == scored(cut)[0]


@pytest.fixture(scope="module")
def some_logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half an hour of three services with quiet times, storms and lines that are no logs."""
    random.seed(7)
    choices = [
        (
            random.choice(["web", "db", "api"]),
            random.choices(["INFO", "WARN", "ERROR", "CRITICAL"], [70, 10, 18, 2])[0],
            random.choice(MESSAGES) + random.choice(["", "", f" by {random.choice('abcdefghijklmnop')}x"]),
            random.choices([0, 1, 2, 1_000], [50, 30, 19, 1])[0],
        )
        for _ in range(800)
    ]
    logs = stream(choices)
    for place in (100, 300, 301):
        logs.insert(place, b"no log at all")
    return write_lines(tmp_path_factory.mktemp("logs") / "some.jsonl", logs)


@pytest.mark.parametrize("batch_rows", [50, 333])
def test_a_file_scores_the_same_with_any_batch_size(some_logs: Path, batch_rows: int) -> None:
    whole, run = scored(batches(some_logs, 20_000))
    assert whole == scored(batches(some_logs, batch_rows))[0]
    assert 0 < run.summary.triggers <= len(run.summary.pages)
    assert run.summary.triggers == len({row["page_id"] for row in whole} - {""}), "updates are no pages"
    assert {"", "1"} < {row["incident_id"] for row in whole}


@pytest.mark.parametrize("batch_rows", [97, 20_000])
def test_scoring_a_file_and_sending_it_decide_alike(some_logs: Path, store: Engine, batch_rows: int) -> None:
    """The same anomalies, the same confidence, the same logs in one incident, the same pages."""
    expected, run = scored(batches(some_logs, 20_000))
    # Late pages are of the wall clock, which a file has none of.
    knowledge = knowing(incidents={"confirm_logs": 2, "storm_after": 3}, paging={"late_seconds": 10.0**9})
    feed = Feed(store, knowledge=knowledge)
    for batch in batches(some_logs, batch_rows):
        feed.take(*batch.values, now=NOW + timedelta(days=1))
    with transaction(store) as connection:
        held = whole(connection, Asked(), ("request_id", "anomaly", "confidence", "incident_id", "offset"))
    live = held.sort_by("offset").to_pylist()
    assert [(row["request_id"], row["anomaly"] == "1", row["confidence"]) for row in expected] == [
        (row["request_id"], bool(row["anomaly"]), str(round(row["confidence"], 4))) for row in live
    ]
    assert _groups((row["incident_id"], row["request_id"]) for row in expected) == _groups(
        (str(row["incident_id"] or ""), row["request_id"]) for row in live
    )
    paged = "SELECT service, template, reason FROM pages JOIN incidents ON incidents.id = incident_id"
    told = sorted((incident.service, incident.template) for incident in run.summary.pages.values())
    assert told == sorted((row["service"], row["template"]) for row in rows(store, paged))
    assert len(run.summary.incidents) == len(rows(store, "SELECT 1 FROM incidents"))


def _groups(pairs: Iterator[tuple[str, str]]) -> set[frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for incident, request_id in pairs:
        if incident:
            found[incident].add(request_id)
    return {frozenset(members) for members in found.values()}


@pytest.mark.parametrize("size", [97, 5_000])
def test_requests_are_judged_as_they_are_live(size: int) -> None:
    knowledge, logs = knowing(detection=live.BY_REQUEST), live.STREAM
    cut = [a_batch(logs[begin : begin + size], begin=begin) for begin in range(0, len(logs), size)]
    _, run = scored(cut, knowledge)
    assert len(live.sessions(live.whole())) == run.summary.sessions
    (incident,) = run.summary.incidents
    assert ("db", "abnormal requests in 100 high") == (incident.service, incident.template)
    assert "“commit order <*>” is missing" in incident.evidence[0].message
    assert None is scored(cut[:1])[1].summary.sessions, "no key tells them apart"


def test_detection_that_is_switched_off_flags_nothing() -> None:
    off = Knowledge(
        TREE.model_copy(update={"detection": TREE.detection.model_copy(update={"enabled": False})}), (), None
    )
    found, _ = scored([a_batch([a_log(level="CRITICAL", message="fatal error")])], off)
    assert ["0"] == [row["anomaly"] for row in found]


@pytest.mark.parametrize("size", [100, 701])
def test_a_text_that_takes_over_is_found_in_a_file_as_it_is_live(size: int) -> None:
    stream = texts.minutes("mirror {} was asked again", 20)
    run = ScoringRun(known())
    for begin in range(0, len(stream), size):
        list(run.rows(a_batch(stream[begin : begin + size], begin=begin)))
    assert texts.titles(texts.taken(stream)) == [one.template for one in run.summary.incidents]
    assert ["“mirror <*> was asked again” high"] == [one.template for one in run.summary.incidents]
