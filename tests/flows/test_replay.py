"""`replay` on a real Prefect server: the table that it leaves, and the name of its run."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from prefect.testing.utilities import prefect_test_harness

from adapters.store.database import connect
from flows.replay import replay
from tests.parts.logs_part import NOON, SECOND, a_log
from tests.parts.replay_part import FAULTS, Live

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.timeout(300)]
HOUR = timedelta(hours=1)


async def _table() -> str:
    async with get_client() as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=["replay"]))
        found = await client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.UPDATED_DESC)
        return str(found[0].data) + str(found[0].description)


async def _run(**asked: object) -> tuple[str, str]:
    done = await replay(NOON - HOUR, NOON + HOUR, workers=1, **asked)  # type: ignore[arg-type]  # as a person types it
    return done, await _table()


def test_what_differs_is_a_table_of_the_run(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    engine = connect(sqlite_url)
    live = Live(engine)
    for second in range(4):
        live.now = NOON + second * SECOND
        live.take([(0, a_log(timestamp=live.now.isoformat(), **FAULTS[0]))])
    engine.dispose()
    stricter = tmp_path / "stricter.yaml"
    stricter.write_text("detection:\n  confidence_threshold: 0.95\n")
    with prefect_test_harness(server_startup_timeout=120):
        done, table = asyncio.run(_run())
        assert "nothing differs in 4 logs" == done
        assert "nothing differs in 4 logs" in table
        done, table = asyncio.run(_run(settings=str(stricter)))
    assert "differences in 4 logs" in done
    assert "page 1 lost: web" in table
