"""Decisions while the store does not answer: nothing of them is kept but the critical pages, in the spool."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace
from datetime import datetime

from adapters.page_spool import PageSpool
from adapters.store.batches import Judged
from domain.errors import Unavailable
from domain.folded import Folded, Known, PageIntent
from domain.going_out import SpooledPage, fault_key, faults_of
from domain.incidents import Incident, Severity
from ml.anomalies import anomalies
from tasks.judging import Knowledge, correlate

log = logging.getLogger(__name__)


class Remembered:
    """The open incidents that our batches touched last, as they were stored."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.incidents: dict[int, Incident] = {}

    def add(self, folded: Folded) -> None:
        """What a batch did, once it is stored."""
        for incident in folded.touched.values():
            self.incidents.pop(incident.id, None)
            if not incident.state.closed:
                self.incidents[incident.id] = incident
        for number in list(self.incidents)[: max(0, len(self.incidents) - self.most)]:
            del self.incidents[number]

    def lately(self, knowledge: Knowledge) -> list[Incident]:
        """Copies of those that had a log until just before the newest one: they go on; others may be closed by now."""
        newest = max((one.last_at for one in self.incidents.values()), default=None)
        if newest is None:
            return []
        return [deepcopy(one) for one in self.incidents.values() if newest - one.last_at <= knowledge.rules.join]


class Outage:
    """What was decided since the store was lost, in memory; all of it is decided again when it is back."""

    def __init__(self, spool: PageSpool | None, *, since: datetime, open_before: Iterable[Incident], most: int) -> None:
        self.spool = spool
        self.since = since
        self.most = most
        self.open = list(open_before)
        self.page_times: list[datetime] = []
        self.late_paged: dict[str, datetime] = {}
        self.logs = 0
        self.pages = 0
        self.asked_at = since  # when the store was asked last whether it is back

    def take(self, judged: Judged, knowledge: Knowledge, *, now: datetime) -> None:
        """Fold a batch into what is open here, and spool the critical pages that follow from it."""
        self.logs += len(judged.raw)
        seen = anomalies(judged.batch, judged.verdicts)
        if not seen:
            return
        threads = {id(incident): incident.page_key for incident in self.open}
        known = Known(open=self.open, page_times=self.page_times, late_paged=self.late_paged)
        folded = correlate(judged, seen, knowledge, known, now=now)
        for made in folded.pages:
            self._tell(made, threads.get(id(made.incident), ""), now)
        self._keep(folded, knowledge)

    def _tell(self, made: PageIntent, thread: str, now: datetime) -> None:
        """Whoever is told for the first time starts a thread of the page's own."""
        incident = made.incident
        if made.late:
            self.late_paged[incident.service] = now
        if made.severity < Severity.CRITICAL:
            incident.page_key = thread  # nobody is told of it: it has no thread yet
            return
        key = fault_key(incident, incident.last_at)
        incident.page_key = thread or key
        page = SpooledPage(
            key=key,
            thread=incident.page_key,
            reason=made.reason,
            late=made.late,
            since=self.since,
            made_at=now,
            at=incident.last_at,
            faults=faults_of(incident),
            incident=replace(incident, alerts=[]),
        )
        self._spool(page)

    def _spool(self, page: SpooledPage) -> None:
        if self.spool is None:
            return
        try:
            self.pages += self.spool.add(page)
        except Unavailable as error:
            log.critical("page.not-spooled", extra={"key": page.key, "error": str(error)})
        else:
            log.warning("page.spooled", extra={"key": page.key, "service": page.incident.service})

    def _keep(self, folded: Folded, knowledge: Knowledge) -> None:
        """What is open, as far as there is room for its alerts: those that were quiet for longest go first."""
        found = {id(one): one for one in [*self.open, *folded.touched.values()] if not one.state.closed}
        self.open, room = [], self.most
        for incident in sorted(found.values(), key=lambda one: one.last_at, reverse=True):
            incident.alerts = heapq.nlargest(room, incident.alerts, key=lambda one: one.last_at)
            room -= max(1, len(incident.alerts))
            self.open.append(incident)
            if room <= 0:
                break
        paged = (one.paged_at for one in folded.touched.values() if one.paged_at is not None)
        newest = heapq.nlargest(knowledge.rules.fleet_after, {*self.page_times, *paged})
        self.page_times = list(newest)
