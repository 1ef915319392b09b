"""Who is told of an incident, and by which page: its own, or one of the whole fleet."""

from __future__ import annotations

import heapq
from datetime import UTC, datetime, timedelta

from domain.folded import Correlation, Folded, Known, PageIntent, stored_page_key
from domain.going_out import TOLD_AS, GoneOut, told_already
from domain.incidents import Incident, Kind, Resolution, Route, Severity, State, page_reason
from domain.kept_evidence import EVIDENCE_KEPT
from domain.ledger import LedgerKind
from domain.pages import PageReason

LATE_AGAIN = timedelta(hours=1)  # a backlog is one piece of news for so long
FLEET = "fleet"


class Telling:
    """The pages of a fold, incident by incident; changes the incidents that it is given.

    Parameters
    ----------
    now
        Wall time, for lateness; None runs on the logs' own clock, on which nothing is late.
    """

    def __init__(self, known: Known, rules: Correlation, now: datetime | None) -> None:
        self.rules = rules
        self.now = now
        self.late_paged = dict(known.late_paged)
        self.page_times = list(known.page_times)
        heapq.heapify(self.page_times)
        self.newest = max(self.page_times, default=datetime.min.replace(tzinfo=UTC))
        self.fleet = next((one for one in known.open if one.kind is Kind.FLEET), None)
        self.gone_out = list(known.gone_out)
        self.made = 0

    def tell(self, incident: Incident, folded: Folded) -> None:
        """Page somebody of it if need be."""
        reason = page_reason(incident)
        if reason is None:
            return
        if gone := told_already(incident, self.gone_out):
            self._is_told(incident, gone, reason, folded)
        elif self._is_late(incident) and self._late_already(incident):
            self._hold_back(incident, reason, folded)
        elif incident.kind is Kind.CANARY:
            self._page(incident, reason, folded)
        elif incident.severity < Severity.CRITICAL and self._is_flood(incident.last_at):
            self._join_fleet(incident, folded)
        else:
            self._page(incident, reason, folded)

    def _just(self, told_at: datetime, at: datetime) -> bool:
        """Both ways: what is dated wrongly must not silence what comes later."""
        return abs(at - told_at) <= self.rules.group

    def _is_flood(self, at: datetime) -> bool:
        """Whether so many pages were due around that time that a person cannot read further ones."""
        times = self.page_times
        # No more are kept than make a flood, so all of them must be of that time: the oldest and the newest.
        return len(times) >= self.rules.fleet_after and self._just(times[0], at) and self._just(self.newest, at)

    def _count(self, incident: Incident, at: datetime) -> None:
        if incident.kind is Kind.CANARY:
            return
        self.newest = max(self.newest, at)
        if len(self.page_times) < self.rules.fleet_after:
            heapq.heappush(self.page_times, at)
        else:
            heapq.heappushpop(self.page_times, at)

    def _join_fleet(self, incident: Incident, folded: Folded) -> None:
        """It is told of as one of many; what happens to the fleet gets as bad as the worst of them."""
        at = incident.last_at
        fleet = self._open_fleet(at, folded)
        fleet.logs += 1
        fleet.last_at = max(fleet.last_at, at)
        fleet.severity = max(fleet.severity, incident.severity)
        if len(fleet.evidence) < EVIDENCE_KEPT:
            fleet.evidence = [*fleet.evidence, *incident.evidence[-1:]]
        folded.touch(fleet)
        if reason := page_reason(fleet):
            self._page(fleet, reason, folded)
        if incident.paged_at is None:
            incident.paged_at = at
            self._count(incident, at)
        incident.page_key = incident.page_key or fleet.page_key
        incident.told = max(incident.told, fleet.told)
        folded.touch(incident, LedgerKind.PAGE_JOINED, key=fleet.page_key, told_with=fleet.service)

    def _open_fleet(self, at: datetime, folded: Folded) -> Incident:
        if self.fleet is not None and not close_if_quiet(self.fleet, at, self.rules.quiet, folded):
            return self.fleet
        self.fleet = Incident(
            id=0,
            service=FLEET,
            kind=Kind.FLEET,
            template="",
            metric="",
            direction="",
            detector=f"more than {self.rules.fleet_after} pages within {self.rules.group.total_seconds():g} s",
            route=Route.HUMAN,
            playbook="",
            opened_at=at,
            last_at=at,
            confirmed_at=at,
        )
        folded.touch(self.fleet, LedgerKind.OPENED, kind=Kind.FLEET, detector=self.fleet.detector, route=Route.HUMAN)
        folded.due[id(self.fleet)] = self.fleet
        return self.fleet

    def _is_told(self, incident: Incident, gone: GoneOut, reason: PageReason, folded: Folded) -> None:
        """People have its page already, at its worst and under that key; only the store has not."""
        self.gone_out.remove(gone)
        self._page(incident, reason, folded, gone_out=gone.key)
        incident.told = max(incident.told, TOLD_AS)

    def _page(self, incident: Incident, reason: PageReason, folded: Folded, *, gone_out: str = "") -> None:
        late = self._is_late(incident)
        if late and self.now is not None:
            self.late_paged[incident.service] = self.now
        self.made += 1
        key = gone_out or (stored_page_key(incident, reason) if incident.id else f"page {self.made}")
        if incident.paged_at is None:
            incident.page_key, incident.paged_at = key, incident.last_at
            self._count(incident, incident.last_at)
        incident.told = incident.severity
        incident.acked_at = None  # who acknowledged it knew it less bad
        made = PageIntent(incident, reason, incident.severity, incident.episode, key, late, bool(gone_out))
        folded.pages.append(made)
        folded.touch(incident, LedgerKind.PAGE_QUEUED, reason=reason, late=late, key=key)

    def _hold_back(self, incident: Incident, reason: PageReason, folded: Folded) -> None:
        if not incident.late_noted:
            incident.late_noted = True
            folded.touch(incident, LedgerKind.PAGE_SUPPRESSED, why="late", reason=reason)

    def _is_late(self, incident: Incident) -> bool:
        """By the newest log: one that is dated long ago does not make fresh evidence old."""
        return self.now is not None and self.now - incident.last_at > self.rules.late

    def _late_already(self, incident: Incident) -> bool:
        """Whether the service had its one late page."""
        last = self.late_paged.get(incident.service)
        return last is not None and self.now is not None and self.now - last < LATE_AGAIN


def close_if_quiet(incident: Incident, at: datetime, quiet: timedelta, folded: Folded) -> bool:
    """Whether it had been quiet for so long at `at` that it is over; then it is closed.

    What somebody works on does not go quiet: whoever acts on it would lose it half done.
    """
    if incident.state.in_hand or at - incident.last_at <= quiet:
        return False
    incident.state = State.RESOLVED
    incident.resolution = Resolution.QUIET
    for alert in incident.alerts:
        alert.closed = True
    seconds = (at - incident.last_at).total_seconds()
    folded.touch(incident, LedgerKind.RESOLVED, resolution=Resolution.QUIET, quiet_seconds=seconds)
    return True
