"""Champions come, go, are damaged and swapped on the deployed agent: no log is lost or scored twice."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.log_look_ups import stored_positions
from adapters.store.tables.decided import batches
from benchmarks.stack import Stack, running
from ml.detectors.service_deviation import SERVICE
from ml.model_runs import Submission, register
from ml.model_versions import promote, rollback
from ml.promotion import Decision
from ml.registry import ALIAS, MODEL_FILE, registry_of
from ml.training import TIME, Candidate, train
from tests.flows.conftest import Traffic, until
from tests.soak.conftest import SOAK

pytestmark = [
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.prefect,
    pytest.mark.timeout(1_800),
    pytest.mark.skipif(not SOAK, reason="minutes on a deployed stack: `make soak` runs it"),
]
SWAPS = 20


class Run:
    """The stack, and its registry as somebody else reaches it."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        found = registry_of(stack.settings, folder)
        assert found is not None
        self.stack, self.registry, self.engine = stack, found, stack.engine()

    def take(self, candidate: Candidate, *, promoted: bool = True) -> int:
        """Register a candidate; its version."""
        submission = Submission(candidate, Decision(promoted, "under test"))
        return register(self.registry, submission, now=datetime.now(UTC))

    def point(self, version: int) -> None:
        """Give the alias to a version without looking at it, as somebody in MLflow's own pages would."""
        self.registry.client().set_registered_model_alias(self.registry.name, ALIAS, str(version))

    def newest(self) -> tuple[str, str]:
        """What decided the newest batch, and why it was not the model."""
        with transaction(self.engine) as connection:
            query = sa.select(batches.c.id, batches.c.fallback).order_by(batches.c.id.desc()).limit(1)
            row = connection.execute(query).one_or_none()
        return (str(row.id), str(row.fallback)) if row else ("", "")

    def comes_to(self, why: str) -> None:
        """Wait for a batch that was decided by rules for that reason; by the model where it is empty."""
        at_first = self.newest()[0]

        def reached() -> bool:
            number, told = self.newest()
            return number != at_first and (why in told if why else not told)

        until(reached, f"a batch with {why or 'the model'!r}")

    def asked(self, sql: str) -> list[dict[str, object]]:
        told = self.stack.sre("logs", "--since", "1h", "--sql", sql, "--json")
        return [json.loads(line) for line in told.splitlines()]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    often = {"SRE_DETECTION__REFRESH_SECONDS": "0.5"}
    with running("champion", "--sink", extra=often) as stack:
        found = Run(stack, tmp_path_factory.mktemp("models"))
        yield found
        found.engine.dispose()


@pytest.fixture(scope="module")
def good() -> Candidate:
    rows = 2_000
    rng = np.random.default_rng(3)
    start = pd.Timestamp("2026-01-01", tz="UTC")
    frame = pd.DataFrame(
        {
            TIME: [start + pd.Timedelta(seconds=at) for at in range(rows)],
            SERVICE: [f"service-{at % 10}" for at in range(rows)],
            "cpu_usage": rng.normal(40, 2, rows),
        }
    )
    found = train(frame).candidate
    assert found is not None
    return found


def damage(run: Run, version: int) -> None:
    """Change the registered file where the server keeps it."""
    folder = run.registry.client().get_model_version(run.registry.name, str(version)).source
    model_id = folder.rsplit("/", 1)[-1]
    files = [path for path in run.stack.home.rglob(MODEL_FILE) if model_id in str(path)]
    assert files, f"no file of {folder}"
    for path in files:
        path.write_bytes(path.read_bytes()[:-50] + bytes(50))


def test_whatever_becomes_of_the_champion_each_log_is_stored_and_scored_once(run: Run, good: Candidate) -> None:
    traffic = Traffic(run.stack.settings.kafka)
    try:
        run.comes_to("no model is registered")
        first = run.take(good)
        run.comes_to("")
        run.registry.client().delete_registered_model_alias(run.registry.name, ALIAS)
        run.comes_to("no version is champion any more")
        run.point(first)
        run.comes_to("")
        damaged = run.take(good, promoted=False)
        damage(run, damaged)
        run.point(damaged)
        run.comes_to("its SHA-256 is another one")
        run.point(first)
        run.comes_to("")
        odd = copy(good)
        odd.metrics_ = [*odd.metrics_, "one more"]
        run.point(run.take(odd, promoted=False))
        run.comes_to("model at")  # it has another schema
        second = run.take(good)
        run.comes_to("")
        for swap in range(SWAPS):
            promote(run.registry, first if swap % 2 == 0 else second, by="a test", now=datetime.now(UTC))
            time.sleep(0.7)
        rollback(run.registry, by="a test", now=datetime.now(UTC))
    finally:
        sent = traffic.stop()
    until(lambda: len(stored_positions(run.engine, run.stack.topic)) >= sent, "the storage of everything")
    positions = stored_positions(run.engine, run.stack.topic)
    assert (sent, sent) == (len(positions), len(set(positions)))
    models = run.asked("SELECT model, count(*) AS many FROM logs GROUP BY 1 ORDER BY 1")
    assert {0, first, second} == {row["model"] for row in models}
    assert sent == sum(int(str(row["many"])) for row in models)
