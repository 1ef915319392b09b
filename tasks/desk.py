"""What an `on-call` run holds: the store, the playbooks, the pager, and its rounds as functions that block."""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.store import chain, incident_queue
from adapters.store.database import Engine
from adapters.store.outbox import QueuedPage
from adapters.store.switches import report_condition
from domain.errors import Unavailable
from domain.playbooks import Playbook
from domain.settings import Settings
from tasks.case import LEASE_SLACK, Case
from tasks.paging import Pager

log = logging.getLogger(__name__)

SEEN_BY = "on-call"
# Incidents answered side by side.
AT_ONCE = 8
# A page that no incident's run has taken for so long goes out from here.
OVERDUE = timedelta(seconds=4)


class Desk:
    """The means of an `on-call` run; its methods block."""

    def __init__(self, settings: Settings, engine: Engine, playbooks: tuple[Playbook, ...], anchor_file: Path) -> None:
        self.settings = settings
        self.engine = engine
        self.playbooks = playbooks
        self.anchor_file = anchor_file
        self.pager = Pager(settings, engine)
        self.token = uuid.uuid4().hex

    def claim(self, room: int) -> list[Case]:
        """Incidents that wait for an answer, at most `room`."""
        lease = timedelta(seconds=self.settings.calls.timeout_seconds) + LEASE_SLACK
        claims = incident_queue.claim(
            self.engine, token=uuid.uuid4().hex, lease=lease, now=datetime.now(UTC), limit=room
        )
        return [Case(claim, self.settings, self.engine, self.playbooks) for claim in claims]

    def overdue_pages(self) -> list[QueuedPage]:
        """Pages that should have gone out by now, claimed."""
        return self.pager.claim(self.token, older_than=OVERDUE)

    def tidy(self) -> None:
        """Seal the ledger, and close what has been quiet for long."""
        now = datetime.now(UTC)
        chain.seal(self.engine, self.anchor_file, now=now)
        quiet = timedelta(seconds=self.settings.incidents.quiet_seconds)
        for number in incident_queue.close_quiet(self.engine, quiet=quiet, now=now):
            log.info("incident.resolved", extra={"incident": number, "resolution": "quiet"})

    def report(self, part: str, *, healthy: bool, detail: str) -> None:
        """Tell the other processes, and through them people, how a part of the outside is."""
        try:
            report_condition(self.engine, part, seen_by=SEEN_BY, healthy=healthy, detail=detail, now=datetime.now(UTC))
        except Unavailable as error:
            log.warning("store.unavailable", extra={"error": str(error)[:200]})
