"""A replay over processes of this machine and over Dask's workers comes to what one in this process comes to."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from distributed import LocalCluster
from pydantic import SecretStr

from adapters.store.database import connect
from domain.errors import Unavailable
from domain.settings import Settings
from tasks import side_by_side
from tasks.recalling import Changes
from tasks.replaying import Replayed
from tasks.side_by_side import run, run_each
from tests.parts.logs_part import NOON, SECOND, a_log
from tests.parts.replay_part import BEGIN, END, FAULTS, Live

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def tree(sqlite_url: str, tmp_path: Path) -> Settings:
    """Settings of a store in which a few faults were decided about."""
    engine = connect(sqlite_url)
    live = Live(engine)
    for second in range(20):
        live.now = NOON + second * SECOND
        live.take([(0, a_log(timestamp=live.now.isoformat(), **FAULTS[second % 2]))])
    engine.dispose()
    found = Settings()
    store = found.store.model_copy(update={"url": SecretStr(sqlite_url), "files": str(tmp_path / "files")})
    return found.model_copy(update={"store": store})


def by(tree: Settings, scheduler: str) -> Settings:
    return tree.model_copy(update={"detection": tree.detection.model_copy(update={"training_scheduler": scheduler})})


def same(found: Replayed) -> None:
    assert (20, 20) == (found.batches, found.logs)
    assert found.stored.decisions
    assert found.differences.none


@pytest.mark.parametrize("scheduler", ["", "local"])
def test_over_processes_of_this_machine(tree: Settings, scheduler: str) -> None:
    same(run(by(tree, scheduler), Changes(), BEGIN, END, workers=2))


def test_changes_that_score_logs_alike_are_tried_over_one_scoring(
    tree: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [
        Changes(),
        Changes(branches={"incidents": {"confirm_logs": 11}}),
        Changes(branches={"detection": {"confidence_threshold": 0.95}}),
        Changes(branches={"detection": {"false_alarms_per_day": 0.1}}),
    ]
    begun = []
    real = side_by_side.replays
    monkeypatch.setattr(
        side_by_side, "replays", lambda *given: begun.append(len(given[1])) or real(*given)
    )  # how many were tried at once
    together = run_each(tree, asked, BEGIN, END, workers=2)
    assert [3, 1] == begun
    assert [one.differences for one in together] == [run(tree, one, BEGIN, END, workers=2).differences for one in asked]
    assert [True, False, False, True] == [one.differences.none for one in together]


def test_over_the_workers_of_a_cluster(tree: Settings) -> None:
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        there = by(tree, cluster.scheduler_address)
        same(run(there, Changes(), BEGIN, END))
        stricter = Changes(branches={"detection": {"confidence_threshold": 0.95}})
        assert not run(there, stricter, BEGIN, END).differences.none
        same(run(there, Changes(), BEGIN, END))


def test_a_cluster_without_workers_is_named(tree: Settings) -> None:
    with (
        LocalCluster(n_workers=0, processes=True, dashboard_address=None) as cluster,
        pytest.raises(Unavailable, match="has no worker"),
    ):
        run(by(tree, cluster.scheduler_address), Changes(), BEGIN, END)


def test_a_scheduler_that_does_not_answer_is_named(tree: Settings) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(Unavailable, match="does not answer"):
            run(by(tree, nobody), Changes(), BEGIN, END)


def test_a_process_that_ends_is_told_with_what_is_known_of_it() -> None:
    """It was told as too little memory, whatever had ended it."""
    with (
        side_by_side.processes(1) as (pool, _),
        pytest.raises(Unavailable, match=r"ended before it answered: its error stands above; where none does"),
    ):
        list(side_by_side._in_order(lambda _: pool.submit(os._exit, 3), [[]], 1))
