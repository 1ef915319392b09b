"""`replay` and `report` on a real Prefect server: what they leave there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from prefect.testing.utilities import prefect_test_harness

from adapters.store.database import Engine, connect
from adapters.store.noise_reports import listed_reports
from flows.replay import NOT_REPRODUCED, replay
from flows.report import report
from tests.parts.judged_part import rows
from tests.parts.logs_part import NOON, SECOND, a_log
from tests.parts.replay_part import FAULTS, Live

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.timeout(300)]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def _artifact(key: str) -> str:
    async with get_client() as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        found = await client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.UPDATED_DESC)
        return str(found[0].data) + str(found[0].description)


async def _run(**asked: object) -> tuple[str, str]:
    done = await replay(NOON - HOUR, NOON + HOUR, workers=1, **asked)  # type: ignore[arg-type]  # as a person types it
    return done, await _artifact("replay")


def _with_a_fault(url: str) -> Engine:
    """A store in which four logs of a fault were decided about."""
    engine = connect(url)
    live = Live(engine)
    for second in range(4):
        live.now = NOON + second * SECOND
        live.take([(0, a_log(timestamp=live.now.isoformat(), **FAULTS[0]))])
    return engine


def test_what_differs_is_a_table_and_pages_are_reported_on(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    engine = _with_a_fault(sqlite_url)
    engine.dispose()
    stricter = tmp_path / "stricter.yaml"
    stricter.write_text("detection:\n  confidence_threshold: 0.95\n")
    with prefect_test_harness(server_startup_timeout=120):
        done, table = asyncio.run(_run())
        assert "nothing differs in 4 logs" == done
        assert "nothing differs in 4 logs" in table
        done, table = asyncio.run(_run(settings=str(stricter)))
        monkeypatch.setenv("SRE_PAGING__DIGEST_AT", "07:00")
        assert "1 page, 1 of them acted upon by nobody" == asyncio.run(_reported())
    assert "differences in 4 logs" in done
    assert "page 1 lost: web" in table
    engine = connect(sqlite_url)
    # What was asked to be otherwise, and what came out as it was, is told to nobody.
    assert [] == rows(engine, "SELECT 1 FROM incidents WHERE kind = 'own'")
    assert 1 == len(rows(engine, "SELECT 1 FROM pages WHERE reason = 'digest'"))
    (report_kept,) = listed_reports(engine, 5)
    assert report_kept.headline.startswith("1 page, 1 of them acted upon by nobody")
    engine.dispose()


def test_what_is_not_decided_again_as_it_was_is_told_once(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    engine = _with_a_fault(sqlite_url)
    with engine.begin() as connection:  # somebody tampers with what was decided
        connection.exec_driver_sql("UPDATE logs SET anomaly = 0, confidence = 0.1 WHERE offset = 2")
    engine.dispose()
    with prefect_test_harness(server_startup_timeout=120):
        for _ in range(2):
            done, _ = asyncio.run(_run(tell=True))
    assert "difference" in done
    engine = connect(sqlite_url)
    (incident,) = rows(engine, "SELECT id, template FROM incidents WHERE kind = 'own'")
    assert NOT_REPRODUCED == incident["template"]
    assert 1 == len(rows(engine, "SELECT 1 FROM pages WHERE incident_id = :id", id=incident["id"]))
    engine.dispose()


async def _reported() -> str:
    """A report on everything since then."""
    done = await report(days=(datetime.now(UTC) - NOON) / DAY + 1)
    assert "would have saved" in await _artifact("report")
    return done.partition(";")[0]
