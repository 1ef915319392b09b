"""The store is down: critical faults are paged all the same, once, and what is stored later joins those pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.page_spool import PageSpool
from adapters.store.database import connect
from deployments.kafka_server import KafkaServer
from domain.errors import SreError
from domain.settings import Settings
from tasks.delivering import run
from tasks.paging import Pager
from tasks.spooled import drain
from tasks.watching import Watching
from tests.contracts.fakes import RecordingChannel
from tests.parts.databases_part import Server
from tests.parts.judged_part import rows
from tests.parts.kafka_part import Topic, until
from tests.parts.logs_part import a_log
from tests.parts.watching_part import turn, watching

pytestmark = [pytest.mark.slow, pytest.mark.kafka]


@pytest.fixture
def topic(kafka: KafkaServer) -> Topic:
    return Topic(kafka.bootstrap_servers)


def critical(number: int = 0, service: str = "pay", text: str = "disk failed") -> bytes:
    at = datetime.now(UTC).isoformat()
    return a_log(timestamp=at, service=service, level="CRITICAL", message=text, request_id=f"r{number}")


def stored(watch: Watching) -> int:
    try:
        return int(rows(watch.engine, "SELECT coalesce(sum(next_offset), 0) AS n FROM offsets")[0]["n"])
    except SreError:
        return -1


class Desk:
    """An `on-call` beside it, with a receiver that keeps what it gets."""

    def __init__(self, url: str, home: Path) -> None:
        self.receiver = RecordingChannel()
        paging = Settings().paging
        email = paging.email.model_copy(update={"recipients": ("ann@example.org",)})
        tree = Settings(paging=paging.model_copy(update={"email": email}))
        self.pager = Pager(tree, connect(url), given=self.receiver, spool=PageSpool(home))

    def works(self) -> None:
        drain(self.pager)
        run(self.pager, "token")

    def again(self) -> Pager:
        """A successor of a run that died: it knows what is on disk alone."""
        spool = self.pager.spool
        assert spool is not None
        self.pager = replace(self.pager, spool=PageSpool(spool.pages_file.parents[1]))
        return self.pager


def test_a_critical_fault_is_paged_without_the_store_and_its_incident_joins_that_page(
    topic: Topic, postgres_server: Server, tmp_path: Path
) -> None:
    """Fault 18, with the database down: one incident, one page, nothing lost, nothing doubled."""
    url = postgres_server.fresh()
    desk = Desk(url, tmp_path)
    topic.send([a_log()] * 3)
    with watching(topic, url, tmp_path) as watch:
        until(lambda: turn(watch) or stored(watch) == 3, "the first logs")
        postgres_server.stop()
        try:
            begun = datetime.now(UTC)
            topic.send([critical(number) for number in range(3)])
            topic.send([a_log(service="web", level="ERROR", message="refused")] * 3)
            until(lambda: turn(watch) or drain(desk.pager) or desk.receiver.pages, "a page")
            assert datetime.now(UTC) - begun < timedelta(seconds=15)
            (page,) = desk.receiver.pages
            assert "the store does not answer since" in page.degraded[0]
            assert ("pay", "critical", 0) == (page.service, page.severity, page.incident_id)
            assert "sre ack 0" not in str(page)
            # More of the same, and a restart of `on-call`: nobody is told again.
            topic.send([critical(number) for number in range(3)])
            until(lambda: turn(watch) or watch.outage is None or watch.outage.logs >= 9, "the further logs")
            assert [] == drain(desk.again())
        finally:
            postgres_server.start()
        until(lambda: turn(watch) or stored(watch) == 12, "everything stored")
        until(lambda: desk.works() or rows(watch.engine, "SELECT 1 FROM pages WHERE state = 'sent'"), "its page sent")
        found = rows(watch.engine, "SELECT id, service, page_key, logs FROM incidents WHERE service = 'pay'")
        assert [(page.key, 6)] == [(row["page_key"], row["logs"]) for row in found]
        assert 1 == sum(one.key == page.key for one in desk.receiver.pages)
        (delivery,) = rows(watch.engine, "SELECT state, thread FROM deliveries WHERE thread = :key", key=page.key)
        assert ("sent", page.key) == (delivery["state"], delivery["thread"])
        counted = rows(watch.engine, "SELECT count(*) AS n FROM logs")[0]["n"]
        assert 12 == counted
