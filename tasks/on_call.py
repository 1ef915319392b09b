"""The rounds of `on-call`: what is due is claimed, what is quiet is closed, the ledger is sealed."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from adapters.heartbeat import Heartbeat
from adapters.store import chain, step_queue
from adapters.store.closing import close_quiet
from adapters.store.database import Engine
from adapters.store.deliveries import Delivery, channels_due
from adapters.store.own_incidents import open_own_incident
from adapters.store.switches import report_condition
from domain.ledger import AnchorPlace
from domain.settings import people_of
from tasks.analysing import Analyst
from tasks.auditing import audit
from tasks.delivering import claim
from tasks.digest import queue_digest
from tasks.expanding import expand_due
from tasks.held import Held, Means
from tasks.judging import Knowledge
from tasks.outside_alerts import take
from tasks.paging import Pager
from tasks.responding import act_on_stored
from tasks.spooled import drain
from tasks.timers import fire_due
from tasks.watch_health import WatchHealth

log = logging.getLogger(__name__)

SEEN_BY = "on-call"
# Incidents answered side by side.
AT_ONCE = 8


def tell_flaws(store: Engine, known: Knowledge) -> int:
    """Open and page an incident of our own about what cannot be read; its id, 0 when all is well."""
    if not known.flaws:
        return 0
    message = "; ".join(known.flaws)
    log.error("knowledge.flaws", extra={"flaws": message[:2_000]})
    template = "playbooks or the inventory cannot be read as they are written"
    return open_own_incident(store, template, message[:2_000], now=datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Rounds:
    """What an `on-call` run holds; its methods block."""

    means: Means
    pager: Pager
    anchors: tuple[AnchorPlace, ...]
    analyst: Analyst
    heartbeat: Heartbeat | None = None
    watch: WatchHealth | None = None
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

    def expand(self) -> set[str]:
        """Expand what is due, and tell who comes next where nobody acknowledged; the channels that have work."""
        expand_due(self.pager, self.token)
        fire_due(self.pager, self.token)
        return channels_due(self.means.engine, now=self.pager.clock())

    def drain(self) -> None:
        """Send the critical pages that `watch` could not store. Raises Unavailable when its spool cannot be read."""
        drain(self.pager)

    def hear(self) -> None:
        """Act on what people answered through the HTTP service, and on what the alerts of others say."""
        now, settings = self.means.clock(), self.means.settings
        act_on_stored(self.means.engine, people_of(settings), now=now, roster=self.pager.roster()[0])
        take(self.means.engine, quiet=timedelta(seconds=settings.incidents.quiet_seconds), now=now)

    def look_at_roster(self) -> None:
        """What is wrong with the file of who is on call is a condition; the last good one counts meanwhile."""
        if self.pager.rosters is not None:
            self.pager.report("the on-call file", "; ".join(self.pager.rosters.current().flaws)[:1_000])

    def deliveries(self, channel: str, room: int) -> list[Delivery]:
        """Due deliveries of one channel, at most `room`, claimed."""
        return claim(self.pager, channel, uuid.uuid4().hex, room)

    def audit(self) -> None:
        """Whatever has no next step is given one; then a sign of life goes out."""
        audit(self.pager, self.heartbeat)

    def look_at_watch(self) -> None:
        """Whether logs are read is a condition, and when they are not, an incident of ours."""
        if self.watch is not None:
            self.watch.look(self.means.clock())

    def digest(self) -> None:
        """Once a day: what did not deserve a page."""
        queue_digest(self.pager)

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
