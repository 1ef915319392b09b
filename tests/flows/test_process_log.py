"""`process_log`: the whole chain from Python, with every part replaceable."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest

from benchmarks.evals.minds import honest
from benchmarks.evals.scripted import Turn, serve
from domain.errors import BadInput, Unavailable
from domain.inventory import Inventory, Service
from domain.pages import PageReason
from domain.settings import MitigationSettings, Settings
from domain.settings_acting import AutonomySettings
from flows import process_log as entry
from flows.process_log import Result, health, process_log, run_due, stats
from ml.detectors.service_deviation import SERVICE, ServiceDeviation
from tests.contracts.fakes import RecordingChannel, RecordingExecutor
from tests.parts.judged_part import rows

PATIENCE_SECONDS = 50
METRICS = {"cpu_usage": 95.5, "memory_usage": 87.2, "error_rate": 0.15}
POOL = "Database connection pool exhausted"


def entry_of(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "timestamp": datetime.now(UTC).isoformat(),
        "service": "database-primary",
        "level": "ERROR",
        "metrics": METRICS,
        "message": POOL,
    }
    return fields | changes


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Settings]:
    """Settings with a store of the test's own; one log confirms an incident."""
    found = Settings()
    yield found.model_copy(
        update={
            "store": found.store.model_copy(update={"sqlite_path": tmp_path / "data" / "store.db"}),
            "incidents": found.incidents.model_copy(update={"confirm_logs": 1}),
            "mitigation": MitigationSettings(autonomy=AutonomySettings(start="act")),
        }
    )
    for chain in entry._chains:
        chain.engine.dispose()
    entry._chains.clear()


def whats(result: Result) -> list[str]:
    assert all(str(decision) for decision in result.decisions)
    return [decision.what for decision in result.decisions]


async def test_the_example_of_the_readme(tree: Settings) -> None:
    result = await process_log(entry_of(), settings=tree)
    assert ["anomaly", "incident 1", "common", "plan", "objection"] == whats(result)
    assert () == result.actions_taken
    assert (1, 1, 0) == tuple(stats()[name] for name in ("total_logs_processed", "anomalies_detected", "pages_sent"))
    assert {"logs": 1, "anomalies": 1, "incidents": 1} == {
        name: stats()["store"][name] for name in ("logs", "anomalies", "incidents")
    }


async def test_a_normal_log_is_normal(tree: Settings) -> None:
    result = await process_log(entry_of(level="INFO", metrics={}, message="fine"), settings=tree)
    assert (["normal"], None) == (whats(result), result.incident_id)


async def test_an_executor_that_is_passed_in_acts(tree: Settings) -> None:
    executor = RecordingExecutor({"database-primary": 1})
    services = Inventory({"database-primary": Service("database-primary", "supervisord", "database-primary")})
    results = [await process_log(entry_of(), settings=tree, executor=executor, inventory=services)]
    assert () == results[0].actions_taken  # the playbook wants three logs
    entry._chains.clear()
    three = tree.model_copy(
        update={
            "incidents": tree.incidents.model_copy(update={"confirm_logs": 3}),
            "store": tree.store.model_copy(update={"sqlite_path": tree.store.sqlite_path.with_name("other.db")}),
        }
    )
    results = [await process_log(entry_of(), settings=three, executor=executor, inventory=services) for _ in range(4)]
    assert [0, 0, 1, 0] == [len(result.actions_taken) for result in results]
    assert ["carry_out"] == [call for call, _ in executor.calls]
    assert "restart database-primary: done, process 1 became 2" == results[2].actions_taken[0]
    assert [] == await run_due()  # it is too early for a verdict
    later = datetime.now(UTC) + timedelta(minutes=2)
    assert ["verify", "escalate"] == [decision.what for decision in await run_due(later)][:2]


async def test_nothing_is_carried_out_unless_an_executor_is_passed_in(tree: Settings) -> None:
    for _ in range(4):
        assert () == (await process_log(entry_of(), settings=tree)).actions_taken


async def test_a_channel_that_is_passed_in_pages(tree: Settings) -> None:
    channel = RecordingChannel()
    result = await process_log(entry_of(message="it broke: error"), settings=tree, channel=channel)
    assert "paged" in whats(result)
    assert [PageReason.UNCOMMON] == [page.reason for page in channel.pages]
    assert 1 == stats()["pages_sent"]


async def test_steps_that_are_due_later_page_through_the_channel(tree: Settings) -> None:
    """What came of `run_due` with a time ahead was queued and never sent."""
    channel, executor = RecordingChannel(), RecordingExecutor({"database-primary": 1})
    services = Inventory({"database-primary": Service("database-primary", "supervisord", "database-primary")})
    three = tree.model_copy(update={"incidents": Settings().incidents})
    for _ in range(3):
        await process_log(entry_of(), settings=three, executor=executor, inventory=services, channel=channel)
    told = await run_due(datetime.now(UTC) + timedelta(minutes=2))
    assert "paged" in [decision.what for decision in told]
    assert [PageReason.UNKNOWN] == [page.reason for page in channel.pages]


async def test_a_page_that_is_not_accepted_waits(tree: Settings) -> None:
    channel = RecordingChannel()
    channel.failure = Unavailable("mailbox busy")
    result = await process_log(entry_of(message="it broke: error"), settings=tree, channel=channel)
    assert "page waits" in whats(result)
    assert ["sending"] == [row["state"] for row in rows(entry._chains[0].engine, "SELECT state FROM pages")]


async def test_the_detector_may_be_replaced(tree: Settings) -> None:
    wave = np.linspace(-1, 1, 100)
    own = ServiceDeviation().fit(pd.DataFrame({SERVICE: "database-primary", "cpu_usage": 95 + wave}))
    forest = IsolationForest(n_estimators=10, random_state=0).fit(pd.DataFrame({"cpu_usage": 50 + wave}))
    quiet = entry_of(level="INFO", message="fine", metrics={"cpu_usage": 95.0})
    assert "normal" == whats(await process_log(quiet, settings=tree, detector=own))[0]
    assert "anomaly" == whats(await process_log(quiet, settings=tree, detector=forest))[0]
    assert "anomaly" == whats(await process_log(quiet, settings=tree))[0]  # the fixed limit of the rules


async def test_the_playbooks_may_be_replaced(tree: Settings, tmp_path: Path) -> None:
    result = await process_log(entry_of(), settings=tree, playbooks=())
    assert "uncommon" in whats(result)
    (tmp_path / "none").mkdir()
    other = await process_log(entry_of(service="other"), settings=tree, playbooks=tmp_path / "none")
    assert "uncommon" in whats(other)


async def test_the_thresholds_may_be_replaced(tree: Settings) -> None:
    assert "normal" == whats(await process_log(entry_of(metrics={}), settings=tree, confidence_threshold=0.95))[0]
    result = await process_log(entry_of(), settings=tree, common_error_threshold=0.99)
    assert "uncommon" in whats(result)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"timestamp": None}, "timestamp is missing"),
        ({"service": {"name": "web"}}, "service is no text"),
        ({"message": object()}, "not JSON serializable"),
    ],
)
async def test_what_cannot_be_read_is_said_and_the_next_log_goes_on(
    tree: Settings, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        await process_log(entry_of(**changes), settings=tree)
    assert "anomaly" == whats(await process_log(entry_of(), settings=tree))[0]


async def test_many_at_once_are_each_stored_once(tree: Settings) -> None:
    await process_log(entry_of(), settings=tree)
    results = await asyncio.gather(*(process_log(entry_of(), settings=tree) for _ in range(8)))
    assert {1} == {result.incident_id for result in results}
    assert (9, 9) == (stats()["total_logs_processed"], stats()["store"]["logs"])


async def test_a_store_that_cannot_be_written_is_replaced_by_memory_and_that_is_said(
    tree: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    nowhere = tree.model_copy(
        update={"store": tree.store.model_copy(update={"sqlite_path": tmp_path / "file" / "store.db"})}
    )
    assert "anomaly" == whats(await process_log(entry_of(), settings=nowhere))[0]
    found = health()
    assert (False, "in memory only") == (found["healthy"], found["parts"]["store"])


async def test_what_no_playbook_is_for_is_looked_into(tree: Settings) -> None:
    told = []
    for number in range(3):
        entry = entry_of(request_id=f"r{number}", message="ledger drift: failed to add up", metrics={})
        result = await process_log(entry, settings=tree)
        told = [decision for decision in [*told, *result.decisions] if decision.what.startswith("analysis")]
    (analysis,) = told
    assert "analysis of incident 1" == analysis.what
    assert analysis.reason.startswith("Analysis without a model")


async def test_no_page_waits_for_a_model(tree: Settings) -> None:
    channel, paged = RecordingChannel(), threading.Event()

    def slow(body: dict[str, Any]) -> Turn:
        assert paged.wait(PATIENCE_SECONDS)
        return honest(body)

    with serve(slow) as server:
        asked = tree.model_copy(update={"llm": tree.llm.model_copy(update={"base_url": server.url})})
        texts = ("it broke: error", "the disk is on fire: error")
        calls = []
        for pages, text in enumerate(texts, 1):
            log = entry_of(message=text, service=f"service-{pages}", metrics={})
            calls.append(asyncio.create_task(process_log(log, settings=asked, channel=channel)))
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(channel.pages) < pages or not server.requests:  # noqa: ASYNC110 - threads do it
                    await asyncio.sleep(0.02)
        assert not any(call.done() for call in calls)
        paged.set()
        found = await asyncio.gather(*calls)
    assert all(any(what.startswith("analysis of incident") for what in whats(one)) for one in found)


async def test_health_names_what_works(tree: Settings) -> None:
    await process_log(entry_of(), settings=tree)
    found = health()
    assert found["healthy"]
    assert ["detection", "playbooks", "mitigation", "llm", "paging"] == found["active_agents"]
    assert "ready, without a model: none is set" == found["parts"]["llm"]
    assert "rules alone" in found["parts"]["detection"]


async def test_a_later_process_goes_on_with_the_same_store(tree: Settings) -> None:
    await process_log(entry_of(), settings=tree)
    entry._chains.pop().engine.dispose()
    result = await process_log(entry_of(), settings=tree)
    assert 1 == result.incident_id
    assert 2 == stats()["store"]["logs"]
