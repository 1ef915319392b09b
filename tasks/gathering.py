"""The dossier of an incident: read from what is stored, without a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.executing import Given
from adapters.executors import CHANGES
from adapters.log_telemetry import Part, telemetry, versions
from adapters.redaction import redaction
from adapters.store import changes as change_rows
from adapters.store import impact_rows
from adapters.store.alert_rows import some_alerts
from adapters.store.database import snapshot
from adapters.store.telemetry import Quoted, first_of, part
from domain.changes import Change, versions_changed
from domain.dossier import CHANGED_WITHIN, Dossier, Looked, compose, shown_logs, touched
from domain.errors import SreError
from domain.exhibits import LogExhibit
from domain.incidents import Incident
from domain.options import Option, offered
from domain.quoted import Mask
from domain.shown_texts import cut, printable
from domain.suspects import suspects
from domain.telemetry import LogId, Span
from tasks.alike import alike, candidates
from tasks.held import Means

BEFORE, DURING = timedelta(minutes=15), timedelta(minutes=5)
# What moved may be seen a little before the first log that was found abnormal.
AHEAD = timedelta(seconds=30)
LONGEST_LOG = 400  # characters of a quoted log
MOST_CHANGES = 50
MOST_ASKED = 5  # services whose platform is asked for changes
LONGEST_FLAW = 200  # characters


@dataclass(frozen=True)
class Gathered:
    """A dossier with what may be chosen."""

    dossier: Dossier
    options: list[Option]


@dataclass
class Gathering:
    """What an incident's dossier is made with; its methods read, and write nothing."""

    means: Means
    incident: Incident
    mask: Mask = field(init=False)
    flaws: list[str] = field(default_factory=list)  # what could not be looked at, in words

    def __post_init__(self) -> None:
        self.mask = redaction(self.means.settings.paging.mask)

    def gather(self) -> Gathered:
        """Everything there is. Raises Unavailable where the store does not answer."""
        with snapshot(self.means.engine) as connection:
            self.incident.alerts = some_alerts(connection, self.incident.id)
            impact = impact_rows.impact(connection, self.incident, now=self.means.clock())
        before, during = self.parts()
        seen = telemetry(self.incident.begun_at, before, during, self._calls())
        found = suspects(seen, touched(self.incident))
        similar = alike(self.means, self.incident, self.mask)
        looked = Looked(
            texts=self.texts(shown_logs(found), [during, before]),
            changes=self._changes(before, during),
            similar=similar,
            impact=str(impact) if impact.ratio is not None else "",
            flaws=self.flaws if len(during.logs) else ["there are no logs since it began", *self.flaws],
        )
        dossier = compose(self.incident, seen, found, looked, self.mask)
        fitting = candidates(self.means, self.incident, similar)
        return Gathered(dossier, offered(self.incident, fitting, self.means.knowledge.inventory))

    def parts(self) -> tuple[Part, Part]:
        """The logs before the incident, and those from it on."""
        first = self.incident.begun_at - AHEAD
        until = min(self.means.clock(), self.incident.begun_at + DURING)
        spans = Span(first - BEFORE, first), Span(first, max(until, first + AHEAD))
        before, during = (part(self.means.engine, span, incident_id=self.incident.id) for span in spans)
        return before, during

    def texts(self, wanted: Sequence[LogId], parts: Sequence[Part]) -> dict[LogId, LogExhibit]:
        """The text of each log that is quoted, masked."""
        found: dict[LogId, Quoted] = {}
        for one in parts:
            found |= first_of(one.logs, [log for log in wanted if log not in found])
        return {log: exhibit(one, self.mask) for log, one in found.items()}

    def _calls(self) -> frozenset[tuple[str, str]]:
        services = self.means.knowledge.inventory.services
        return frozenset((name, called) for name, one in services.items() for called in one.dependencies)

    def _changes(self, before: Part, during: Part) -> list[Change]:
        onset = self.incident.begun_at
        with snapshot(self.means.engine) as connection:
            # Those of its own services in any case, however much else was changed.
            known = {
                one.key: one
                for services in (touched(self.incident), None)
                for one in change_rows.recent(connection, services, onset - CHANGED_WITHIN, onset + AHEAD, MOST_CHANGES)
            }
        return [
            *known.values(),
            *versions_changed(versions(before.logs), versions(during.logs)),
            *self._rollouts(onset),
        ]

    def _rollouts(self, onset: datetime) -> list[Change]:
        """What the platforms of its services rolled out before; where one does not say, the dossier says that."""
        known, found = self.means.knowledge.inventory.services, []
        given = Given(self.means.settings, self.means.engine, self.means.home, self.means.clock)
        for name in touched(self.incident)[:MOST_ASKED]:
            service = known.get(name)
            if service is None or service.executor not in CHANGES:
                continue
            try:
                found += CHANGES[service.executor](given, service, onset - CHANGED_WITHIN)
            except SreError as error:
                self.flaws.append(f"changes of {name}: {error}"[:LONGEST_FLAW])
        return found


def exhibit(log: Quoted, mask: Mask) -> LogExhibit:
    """A stored log as it may be shown: masked, on one line, cut."""
    return LogExhibit(log.log, log.at, log.service, log.level, cut(printable(mask(log.message)), LONGEST_LOG))
