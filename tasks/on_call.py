"""The rounds of `on-call`: what is due is claimed, what is quiet is closed, the ledger is sealed."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from adapters.channels import CHANNELS
from adapters.store import chain, step_queue
from adapters.store.closing import close_quiet
from adapters.store.database import Engine
from adapters.store.outbox import QueuedPage
from adapters.store.own_incidents import open_own_incident
from adapters.store.switches import report_condition
from domain.ledger import AnchorPlace
from tasks.held import Held, Means
from tasks.judging import Knowledge
from tasks.paging import Pager

log = logging.getLogger(__name__)

SEEN_BY = "on-call"
# Incidents answered side by side.
AT_ONCE = 8
# A page that no incident's run has taken for so long goes out from here.
OVERDUE = timedelta(seconds=4)


def tell_flaws(store: Engine, known: Knowledge) -> int:
    """Open and page an incident of our own about what cannot be read; its id, 0 when all is well."""
    if not known.flaws:
        return 0
    message = "; ".join(known.flaws)
    log.error("knowledge.flaws", extra={"flaws": message[:2_000]})
    template = "playbooks or the inventory cannot be read as they are written"
    return open_own_incident(store, template, message[:2_000], channels=CHANNELS, now=datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Rounds:
    """What an `on-call` run holds; its methods block."""

    means: Means
    pager: Pager
    anchors: tuple[AnchorPlace, ...]
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def claim(self, room: int) -> list[Held]:
        """Incidents with a step that is due, at most `room`."""
        claims = step_queue.claim(
            self.means.engine, token=uuid.uuid4().hex, lease=self.means.lease, now=self.means.clock(), limit=room
        )
        return [Held(self.means, claimed) for claimed in claims]

    def tell_flaws(self) -> None:
        """What of playbooks and inventory cannot be read is a human's matter; the rest works."""
        tell_flaws(self.means.engine, self.means.knowledge)

    def overdue_pages(self) -> list[QueuedPage]:
        """Pages that should have gone out by now, claimed."""
        return self.pager.claim(self.token, older_than=OVERDUE)

    def close_quiet(self) -> None:
        """Close what nobody works on and nothing was seen of for long."""
        quiet = timedelta(seconds=self.means.settings.incidents.quiet_seconds)
        for number in close_quiet(self.means.engine, quiet=quiet, now=self.means.clock()):
            log.info("incident.resolved", extra={"incident": number, "resolution": "quiet"})

    def seal(self) -> None:
        """Chain what the ledger has got since."""
        chain.seal(self.means.engine, self.anchors, now=self.means.clock())

    def report(self, part: str, *, healthy: bool, detail: str) -> None:
        """Tell the other processes, and through them people, how a part is. Raises Unavailable."""
        report_condition(
            self.means.engine, part, seen_by=SEEN_BY, healthy=healthy, detail=detail, now=self.means.clock()
        )
