"""One run in which the champion is deleted, corrupted, of another schema, raises, and takes for ever: no batch is lost.

Each batch that it did not judge says why, what is stored with it says so too, and a good one is taken up by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
import sqlalchemy as sa

from adapters.store.batches import BatchStore
from adapters.store.database import Engine, connect
from adapters.store.tables.decided import batches
from adapters.store.tables.schema import metadata
from adapters.store.tables.stored_logs import logs
from domain.settings import Settings
from ml.asking import Asking
from ml.detectors.service_deviation import Deviation
from ml.detectors.service_model import ServiceModel
from ml.model_runs import Submission, register
from ml.promotion import Decision
from ml.registry import ALIAS, MODEL_FILE, Registry
from ml.scoring import Champion
from ml.training import Candidate, train
from tasks.champion import ChampionSource
from tasks.judging import Knowledge, Stopwatch, judge
from tasks.minutes import MinuteMemory
from tasks.storing import store_batch
from tests.ml.test_training import normal
from tests.parts.judged_part import NOW, Feed
from tests.parts.logs_part import a_log, an_error

pytestmark = pytest.mark.slow


class Run:
    """A consumer with its source of champions; each batch is two logs, of which one says that it failed."""

    def __init__(self, registry: Registry, engine: Engine) -> None:
        self.registry = registry
        self.source = ChampionSource(Knowledge(Settings(), (), None), registry)
        self.feed, self.memory = Feed(engine), MinuteMemory()

    def batch(self) -> tuple[int, str]:
        """The model that judged the next batch, 0 for rules, and why it did not where there is one."""
        self.source.refresh()
        raw = self.feed.raw([a_log(service="web", metrics={"cpu": 40, "latency": 20}), an_error()])
        judged = judge(raw, self.source.knowledge, Stopwatch(), now=NOW)
        kept = BatchStore(self.feed.engine)
        _, self.memory = store_batch(kept, judged, self.source.knowledge, self.memory, now=NOW)
        self.feed.next = raw.following[self.feed.topic_id, 0]
        assert [False, True] == judged.verdicts.anomalous.tolist()
        return judged.verdicts.model, judged.verdicts.fallback

    def with_detector(self, detector: Any) -> None:
        """Put another detector in the place of the loaded one, as a file that loads well and works badly would be."""
        held = self.source.knowledge.champion
        assert held is not None
        self.source.knowledge = replace(
            self.source.knowledge, champion=Champion(detector, held.version, Asking(0.2, lambda: 0.0))
        )


class Behaving(ServiceModel):
    """A fitted detector whose answers go through a function."""

    answer: Callable[[Deviation], Deviation]

    def measure(self, codes: Any, columns: Any) -> Deviation:
        return self.answer(super().measure(codes, columns))


def behaving(good: ServiceModel, answer: Callable[[Deviation], Deviation]) -> Behaving:
    found = Behaving()
    found.__dict__.update(copy(good).__dict__)
    found.answer = answer
    return found


@pytest.fixture(scope="module")
def good() -> Candidate:
    found = train(normal()).candidate
    assert found is not None
    return found


def take(registry: Registry, candidate: Candidate, *, promoted: bool = True) -> int:
    """Register a candidate; its version."""
    return register(registry, Submission(candidate, Decision(promoted, "under test")), now=NOW)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    engine = connect("sqlite:///:memory:")
    metadata.create_all(engine)
    return Run(Registry(f"sqlite:///{tmp_path}/mlflow.db", "detector", tmp_path / "models"), engine)


@pytest.fixture
def never() -> Iterator[Callable[[Deviation], Deviation]]:
    end = threading.Event()

    def wait(found: Deviation) -> Deviation:
        end.wait(60)
        return found

    yield wait
    end.set()


def raises(_found: Deviation) -> Deviation:
    raise ArithmeticError


def not_a_number(found: Deviation) -> Deviation:
    return replace(found, reach=np.full_like(found.reach, np.nan))


def test_no_batch_is_lost_whatever_becomes_of_the_champion(
    run: Run, good: Candidate, never: Callable[[Deviation], Deviation]
) -> None:
    assert (0, "no model is registered") == run.batch()
    take(run.registry, good)
    assert (1, "") == run.batch()
    client = run.registry.client()
    client.delete_registered_model_alias(run.registry.name, ALIAS)
    assert (0, "no version is champion any more") == run.batch()
    client.set_registered_model_alias(run.registry.name, ALIAS, "1")
    assert (1, "") == run.batch()
    for answer, why in (
        (raises, "model 1: it raised ArithmeticError"),
        (not_a_number, "model 1: it gave no number for a log"),
        (never, "model 1: it took longer than 0.2 s"),
    ):
        run.with_detector(behaving(good, answer))
        assert (0, why) == run.batch()
    run.with_detector(good)
    assert (1, "") == run.batch()
    assert 8 == _stored(run, 2 * 8)


def test_a_version_that_cannot_be_used_is_not_taken_up_and_the_next_good_one_is(run: Run, good: Candidate) -> None:
    take(run.registry, good)
    assert (1, "") == run.batch()
    odd = copy(good)
    odd.metrics_ = [*odd.metrics_, "one more"]
    odd_one = take(run.registry, odd, promoted=False)
    run.registry.client().set_registered_model_alias(run.registry.name, ALIAS, str(odd_one))
    assert "cannot judge a log" in run.source.refresh() or "another schema" in run.source.refresh()
    number, why = run.batch()
    assert 0 == number
    assert "schema" in why or "cannot judge a log" in why
    version = take(run.registry, good)
    assert (version, "") == run.batch()
    skops.io.dump(odd, run.registry.cache / run.registry.name / str(version) / MODEL_FILE)
    again = ChampionSource(Knowledge(Settings(), (), None), run.registry)
    assert "" == again.refresh()  # the damaged copy is fetched anew
    assert again.knowledge.champion is not None


def test_champions_that_change_under_load_judge_each_batch_once_and_whole(run: Run, good: Candidate) -> None:
    over = threading.Event()
    champions = [Champion(good, version) for version in (1, 2)]
    source = ChampionSource(replace(run.source.knowledge, champion=champions[0]), None)

    def swap() -> None:
        turn = 0
        while not over.wait(0.0005):
            turn += 1
            source.knowledge = replace(source.knowledge, champion=champions[turn % 2])

    changing = threading.Thread(target=swap)
    changing.start()
    try:
        for _ in range(150):
            raw = run.feed.raw([a_log(metrics={"cpu": 40, "latency": 20}), a_log(service="db")])
            known = source.knowledge  # what `watch` takes when it weighs a batch
            judged = judge(raw, known, Stopwatch(), now=NOW)
            _, run.memory = store_batch(BatchStore(run.feed.engine), judged, known, run.memory, now=NOW)
            run.feed.next = raw.following[run.feed.topic_id, 0]
    finally:
        over.set()
        changing.join()
    with run.feed.engine.connect() as connection:
        rows = connection.execute(sa.select(logs.c.offset, logs.c.model).order_by(logs.c.offset)).all()
    assert list(range(300)) == [row.offset for row in rows]
    models = [row.model for row in rows]
    assert models[::2] == models[1::2]
    assert {1, 2} == set(models)


def _stored(run: Run, expected: int) -> int:
    """How many batches are stored, with all of their logs."""
    with run.feed.engine.connect() as connection:
        assert expected == connection.scalar(sa.select(sa.func.count()).select_from(logs))
        told = list(connection.scalars(sa.select(batches.c.fallback).order_by(batches.c.id)))
    assert 5 == sum(map(bool, told))
    return len(told)
