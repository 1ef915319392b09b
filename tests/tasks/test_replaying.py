"""A replay with the same inputs decides everything as it was decided, and with others says what differs."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.log_archive import Archive
from adapters.store.database import Engine, connect, transaction
from adapters.store.tables.decided import batches
from adapters.store.tables.schema import metadata
from domain.differences import How
from domain.ledger import LedgerKind
from ml.scoring import Champion
from tasks.recalling import RULES, Changes
from tasks.replaying import Replayed
from tasks.templates import Templates
from tests.parts.compaction_part import gather, opened
from tests.parts.judged_part import known, rows
from tests.parts.keys_part import a_keyring, using
from tests.parts.logs_part import NOON, a_log
from tests.parts.replay_part import (
    FAULTS,
    MINUTE,
    SECOND,
    Live,
    decided_by,
    lines,
    live_stream,
    minutes_of,
    replayed,
    rows_of,
    told,
    with_settings,
)
from tests.tasks.test_model_judging import BLIND, GOOD

MODELS = {1: Champion(BLIND, 1), 2: Champion(GOOD, 2)}
QUIET, LENGTH = 40, 46


def a_store() -> Engine:
    engine = connect("sqlite:///:memory:")
    metadata.create_all(engine)
    return engine


def assert_the_same(found: Replayed) -> None:
    assert [] == told(found)
    assert [] == found.doubts
    assert found.differences.none
    assert [one.content for one in found.stored.decisions] == [one.content for one in found.decided.decisions]
    assert found.stored.findings == found.decided.findings


@settings(max_examples=6)
@given(seed=st.integers(0, 2**32))
def test_a_random_stream_is_decided_again_to_the_last_decision(seed: int) -> None:
    engine = a_store()
    live_stream(engine, seed, 40)
    found = replayed(engine)
    assert_the_same(found)
    assert {LedgerKind.OPENED, LedgerKind.PAGE_QUEUED} <= {one.kind for one in found.stored.decisions}
    engine.dispose()


@pytest.mark.slow
def test_so_is_one_on_postgresql(postgres: Engine) -> None:
    live_stream(postgres, 11)
    assert_the_same(replayed(postgres))


def test_a_replay_may_begin_amid_a_stream(store: Engine) -> None:
    """What was open at its begin is known from before."""
    live_stream(store, 2)
    whole = replayed(store)
    middle = whole.stored.decisions[len(whole.stored.decisions) // 2].at
    found = replayed(store, since=middle)
    assert_the_same(found)
    assert 0 < found.batches < whole.batches
    assert 0 < found.logs < whole.logs
    assert found.began is not None
    assert found.began <= middle


def steady(engine: Engine, *, restarts: int = 0, templates: bool = False) -> Live:
    """Three services minute by minute, until one is silent and one's queue is full."""
    rng, live = random.Random(5), Live(engine, templates=Templates() if templates else None)
    for minute in range(LENGTH):
        logs = minutes_of(rng, minute, broken=minute >= QUIET)
        for begin in range(0, len(logs), 8):
            live.now = NOON + minute * MINUTE + (60 + begin) * SECOND
            live.take(logs[begin : begin + 8])
        if restarts and minute % restarts == 0:
            live.restart()
    return live


@pytest.mark.parametrize("templates", [False, True])
def test_minutes_are_judged_again_with_what_they_found(store: Engine, *, templates: bool) -> None:
    steady(store, restarts=9, templates=templates)
    found = replayed(store)
    assert_the_same(found)
    assert {"db", "cache"} == {one.service for one in found.stored.findings}
    middle = replayed(store, since=NOON + (QUIET + 3) * MINUTE)
    assert_the_same(middle)
    assert 0 < len(middle.stored.findings) < len(found.stored.findings)


def test_seconds_in_which_no_minute_was_judged_are_as_certain_as_others(store: Engine) -> None:
    steady(store)
    begin = NOON + (QUIET + 3) * MINUTE
    with transaction(store) as connection:
        connection.execute(batches.update().where(batches.c.now >= begin).values(judged=None))
    found = replayed(store, since=begin, until=begin + 3 * MINUTE)
    assert found.batches
    assert [] == list(found.doubts)


def test_a_champion_that_changes_amid_a_stream_is_the_one_of_then(store: Engine) -> None:
    live, logs = Live(store, decided_by(1, BLIND)), Counter[int]()
    for second in range(40):
        live.now = NOON + second * SECOND
        if second == 20:
            live.knowledge = decided_by(2, GOOD)
        live.take([(0, a_log(timestamp=live.now.isoformat(), metrics={"queue": 500}))])
        logs[live.knowledge.champion.version if live.knowledge.champion else 0] += 1
    found = replayed(store, models=MODELS)
    assert_the_same(found)
    assert {1: 20, 2: 20} == logs
    newer = replayed(store, models=MODELS, changes=Changes(model=2))
    assert 20 == newer.differences.verdicts.won["web"]
    older = replayed(store, models=MODELS, changes=Changes(model=1))
    assert {How.LOST} == {one.how for one in older.differences.found if one.what in ("page", "incident")}
    assert 20 == replayed(store, models=MODELS, changes=Changes(model=RULES)).differences.verdicts.lost["web"]


def test_members_that_share_a_topic_are_decided_as_one(store: Engine) -> None:
    """Each has a partition and a clock of its own; one of them goes and the other one takes its partition."""
    rng = random.Random(8)
    members = [Live(store, partitions=1, first=number) for number in (0, 1)]
    for minute in range(LENGTH):
        logs = minutes_of(rng, minute, broken=minute >= QUIET)
        for member in members:
            member.now = NOON + (minute + 1) * MINUTE + rng.randrange(900) * SECOND / 100
            mine = [one for one in logs if one[0] in member.next]
            member.take(mine, idle=() if mine else tuple(member.next))
        if minute == QUIET + 2:
            members = [Live(store)]
    found = replayed(store)
    assert_the_same(found)
    assert {"db", "cache"} == {one.service for one in found.stored.findings}


@pytest.mark.parametrize("acts", [False, True])
def test_what_is_acted_upon_does_not_go_quiet(store: Engine, *, acts: bool) -> None:
    """On-call's steps are given: whether a log of later is of the same incident depends on them."""
    live = Live(store)
    for second in range(3):
        live.now = NOON + second * SECOND
        live.take([(0, a_log(timestamp=live.now.isoformat(), **FAULTS[0]))])
    live.now += SECOND
    if acts:
        live.acts(1)
    live.now += 60 * MINUTE
    live.take([(0, a_log(timestamp=live.now.isoformat(), **FAULTS[0]))])
    assert (1 if acts else 2) == len(rows(store, "SELECT 1 FROM incidents"))
    assert_the_same(replayed(store))


def test_a_sealed_store_is_replayed_as_any_other(store: Engine) -> None:
    with using(a_keyring()):
        live_stream(store, 6, 20)
        assert_the_same(replayed(store))


def test_a_model_that_is_gone_is_said_by_its_version(store: Engine) -> None:
    live = Live(store, decided_by(7, GOOD))
    live.take([(0, a_log(metrics={"queue": 500}))])
    found = replayed(store)
    assert ["version 7 is not registered; what it judged is judged by rules alone"] == list(found.doubts)
    assert {"web": 1} == found.differences.verdicts.lost


def test_files_are_read_as_what_they_were_gathered_from(tmp_path: Path, sqlite_url: str) -> None:
    engine = opened(sqlite_url, tmp_path / "files")
    live_stream(engine, 3)
    before = replayed(engine)
    assert gather(engine, Archive(tmp_path / "files"), NOON + timedelta(days=1))
    after = replayed(engine)
    assert_the_same(after)
    assert before.logs == after.logs
    engine.dispose()


def test_nothing_is_written(store: Engine) -> None:
    live_stream(store, 4, 20)
    before = rows_of(store)
    replayed(store)
    replayed(store, changes=with_settings(detection={"confidence_threshold": 0.95}))
    assert before == rows_of(store)


def test_a_higher_threshold_loses_pages_and_says_so(store: Engine) -> None:
    live = Live(store)
    for second in range(6):
        live.now = NOON + second * SECOND
        live.take([(second % 2, a_log(timestamp=live.now.isoformat(), **FAULTS[0]))])
    found = replayed(store, changes=with_settings(detection={"confidence_threshold": 0.95}))
    lost = "page 1 lost: web: “connection refused”; it opens no incident: 6 of its logs are no anomaly any more"
    assert lost == told(found)[0]
    assert 6 == found.differences.verdicts.lost["web"]
    # Settings as they were give what was.
    assert_the_same(replayed(store, changes=with_settings()))


def test_more_logs_to_confirm_make_a_page_later(store: Engine) -> None:
    live = Live(store)
    for second in range(6):
        live.now = NOON + second * SECOND
        live.take([(0, a_log(timestamp=live.now.isoformat(), **FAULTS[0]))])
    found = replayed(store, changes=with_settings(incidents={"confirm_logs": 5}))
    assert told(found)[0] == "page 1 changed: web: “connection refused”, 2 s later"


def test_batches_of_before_this_was_kept_are_decided_as_far_as_is_known(store: Engine) -> None:
    steady(store)
    with transaction(store) as connection:
        connection.execute(batches.update().values(runs=None, judged=None, after_entry=None))
    found = replayed(store)
    assert any("which minutes were judged" in doubt for doubt in found.doubts)
    assert not found.differences.verdicts.other


def test_of_a_time_without_batches_there_is_nothing_to_say(store: Engine) -> None:
    found = replayed(store)
    assert (0, 0, None) == (found.batches, found.logs, found.began)
    assert found.differences.none


def test_each_batch_says_in_which_order_its_partitions_were_read(store: Engine) -> None:
    live = Live(store)
    live.take([(0, a_log()), (0, a_log()), (1, a_log()), (0, a_log())])
    live.take([(1, a_log()), (1, a_log())])
    held = rows(store, "SELECT runs, after_entry FROM batches ORDER BY id")
    topic = live.topic
    with store.connect() as connection:
        runs = list(connection.scalars(batches.select().with_only_columns(batches.c.runs).order_by(batches.c.id)))
    assert [[[topic, 0, 1], [topic, 1, 0], [topic, 0, 2]], None] == runs
    assert [None, None] == [row["after_entry"] for row in held]


@pytest.mark.parametrize("seed", [1, 2])
def test_logs_of_partitions_are_taken_in_the_order_of_reading(store: Engine, seed: int) -> None:
    """Two partitions tell of two faults at once: which one opens the incident is a matter of order."""
    rng, live = random.Random(seed), Live(store, known(incidents={"confirm_logs": 1}))
    for second in range(12):
        live.now = NOON + 400 * second * SECOND
        live.take(lines(rng, live.now, 12, faulty=1.0))
    assert_the_same(replayed(store))
