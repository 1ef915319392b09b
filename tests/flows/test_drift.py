"""`drift` on a real Prefect server: the table it leaves, what it keeps, and the run of `retrain` that it starts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import FlowRun
from prefect.testing.utilities import prefect_test_harness

from adapters.store.database import connect
from adapters.store.drift_rows import last_check
from domain.settings import Settings
from flows.drift import drift
from tests.tasks.test_drifting import moved, tree
from tests.tasks.test_retraining import feed
from tests.tasks.test_retraining import trained_on as train

__all__ = ["tree"]  # a fixture
pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.timeout(300)]


@flow(name="retrain")
def stand_in() -> None:
    """What the deployment would run, if a worker were there."""


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    """A server of Prefect with the deployment and no worker."""
    with prefect_test_harness(server_startup_timeout=120):
        asyncio.run(_deploy())
        yield


async def _deploy() -> None:
    async with get_client() as client:
        flow_id = await client.create_flow(stand_in)
        await client.create_deployment(flow_id, "retrain", entrypoint="flows/retrain.py:retrain")


async def _started() -> list[FlowRun]:
    async with get_client() as client:
        return [run for run in await client.read_flow_runs() if run.deployment_id is not None]


async def _table() -> str:
    async with get_client() as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=["drift"]))
        found = await client.read_artifacts(artifact_filter=wanted)
        return str(found[-1].data) + str(found[-1].description)


@pytest.mark.usefixtures("server")
def test_drift_starts_a_training_once_and_says_why(tree: Settings, tmp_path: Path) -> None:
    assert "no version is champion" in asyncio.run(drift())
    feed(tree)
    asyncio.run(train(tree))
    assert asyncio.run(drift()).startswith("no training: no drift in ")
    assert [] == asyncio.run(_started())
    moved(tree)
    done = asyncio.run(drift())
    assert done.startswith("retrain was started: 2 of 2 metrics of services drifted")
    (run,) = asyncio.run(_started())
    assert ["drift"] == run.tags
    assert run.name.startswith("retrain: 2 of 2 metrics of services drifted")
    assert "web queue" in asyncio.run(_table())
    kept = last_check(connect(tree.store.url.get_secret_value()))
    assert kept is not None
    assert (True, 1) == (kept.started, kept.version)
    assert (datetime.now(UTC) - kept.at).total_seconds() < 300
    again = asyncio.run(drift())
    assert again.startswith("no training: 2 of 2 metrics")
    assert again.endswith("at most one in 6 h")
    assert 1 == len(asyncio.run(_started()))
    assert (tmp_path / "home").exists()
