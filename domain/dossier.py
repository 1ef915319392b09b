"""What is known of an incident without a model: what moved, what moved first, who leads, and what was like it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.changes import Change
from domain.exhibits import Exhibit, Exhibits, LogExhibit, MetricExhibit, told_metric
from domain.incidents import Incident
from domain.movements import CAME, ROSE, WENT, Movement, MovementKind
from domain.shown_texts import cut
from domain.suspects import Suspect
from domain.telemetry import LogId, Telemetry
from domain.templates import template

MOST_SUSPECTS = 5
MOST_FACTS = 6  # of one suspect
MOST_FIRST = 6  # of what moved first
MOST_CHANGES = 8
MOST_CALLS = 40
LONGEST_FACT = 400  # characters
# What was changed so long before may be the cause.
CHANGED_WITHIN = timedelta(hours=2)
# Whoever leads has so many times the score of the next one, or it is a guess.
CLEARLY = 1.5
# What moved by less than this share of what moved most is chance, and hides the rest.
WORTH = 0.25
OF_TEXTS = CAME | WENT | {MovementKind.NOT_HEARD}
# Less of a lead is enough where the incident itself began there.
CONFIRMED = 1.2
# What moved by less than a factor of e past what is usual leads nobody anywhere.
LEAST_SCORE = 1.0
OF_METRICS = ROSE | {MovementKind.METRIC_FELL}
# What has a moment at which it began; a text that comes more or less often has none.
BEGAN = OF_METRICS | {MovementKind.TEXT_NEW}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known, with what shows it."""

    text: str
    service: str
    at: datetime
    cites: tuple[str, ...] = ()  # names of exhibits


@dataclass(frozen=True, slots=True)
class Ranked:
    """One service that may be at fault."""

    service: str
    score: float
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Similar:
    """A past incident that is alike."""

    incident_id: int
    text: str  # what it was, and how it ended
    cause: str = ""  # as a person wrote it
    helped: str = ""  # what a person wrote, or which action was proved to help
    score: float = 0.0  # 0–1
    playbook: str = ""  # whose plan was proved to help


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything that was found; texts are masked, and untrusted where they come from logs or people."""

    incident_id: int
    title: str
    onset: datetime
    until: datetime  # what came later was not looked at
    services: tuple[str, ...]  # that the incident touches
    severity: str
    logs: int
    suspects: tuple[Ranked, ...]
    first: tuple[Fact, ...]  # what moved, in order of time
    changes: tuple[Fact, ...]
    calls: tuple[tuple[str, str], ...]  # (caller, called) around the incident's services
    similar: tuple[Similar, ...]
    exhibits: Mapping[str, Exhibit]
    impact: str = ""  # in words
    flaws: tuple[str, ...] = ()  # what could not be looked at, in words

    @property
    def lead(self) -> Ranked | None:
        """Who is most likely at fault, None where nothing moved."""
        return self.suspects[0] if self.suspects and self.suspects[0].score > 0 else None

    @property
    def is_clear(self) -> bool:
        """Whether one service leads clearly."""
        if self.lead is None or self.lead.score < LEAST_SCORE:
            return False
        margin = CONFIRMED if self.lead.service in self.services[:1] else CLEARLY
        return all(self.lead.score >= margin * one.score for one in self.suspects[1:2])

    @property
    def confidence(self) -> float:
        """How sure the lead is, 0–1: its share of the first two scores, and never certain."""
        scores = [max(one.score, 0.0) for one in self.suspects[:2]]
        total = sum(scores)
        return round(0.8 * scores[0] / total, 2) if total else 0.0


def shown_logs(found: Sequence[Suspect]) -> list[LogId]:
    """The logs whose text a dossier of these suspects quotes."""
    shown = _shown(found)
    moved = [*(one for suspect in shown for one in suspect.movements), *_first(shown)]
    return list(dict.fromkeys(one.example for one in moved if one.example is not None))


def _shown(found: Sequence[Suspect]) -> list[Suspect]:
    """The services that moved, the likeliest first, each with what of it is worth telling."""
    strongest = max((one.size for suspect in found for one in suspect.movements), default=0.0)
    worth = [
        replace(suspect, movements=tuple(one for one in suspect.movements if one.size >= WORTH * strongest))
        for suspect in found
        if suspect.score > 0
    ]
    told = [one for one in worth if one.movements][:MOST_SUSPECTS]
    return [replace(one, movements=one.movements[:MOST_FACTS]) for one in told]


@dataclass(frozen=True, slots=True)
class Looked:
    """What was looked up for a dossier beside the telemetry."""

    texts: Mapping[LogId, LogExhibit]  # masked
    changes: Sequence[Change] = ()
    similar: Sequence[Similar] = ()
    impact: str = ""
    flaws: Sequence[str] = ()


def compose(
    incident: Incident, telemetry: Telemetry, found: Sequence[Suspect], looked: Looked, mask: Callable[[str], str]
) -> Dossier:
    """The dossier of an incident; every text of a log or a person in it is masked."""
    exhibits = Exhibits()
    telling = _Telling(telemetry, looked.texts, exhibits, mask)
    shown = _shown(found)
    suspects = tuple(_ranked(one, telling) for one in shown)
    first = tuple(telling.fact(one) for one in _first(shown))
    about = {*touched(incident), *(one.service for one in shown)}
    changed = _recent(looked.changes, telemetry.onset, about)
    return Dossier(
        incident_id=incident.id,
        title=mask(incident.title),
        onset=telemetry.onset,
        until=telemetry.during.until,
        services=touched(incident),
        severity=incident.severity.name.lower(),
        logs=incident.logs,
        suspects=suspects,
        first=first,
        changes=tuple(_changed(one, telemetry.onset, mask) for one in changed),
        calls=_around(telemetry.calls, {*touched(incident), *(one.service for one in suspects)}),
        similar=tuple(looked.similar),
        exhibits=exhibits.as_mapping,
        impact=looked.impact,
        flaws=tuple(looked.flaws),
    )


def _around(calls: Iterable[tuple[str, str]], services: set[str]) -> tuple[tuple[str, str], ...]:
    """The calls from and to these services."""
    return tuple(sorted(one for one in calls if services & set(one)))[:MOST_CALLS]


def touched(incident: Incident) -> tuple[str, ...]:
    """The services of an incident, that of its likely origin first."""
    return tuple(dict.fromkeys([incident.service, *(alert.service for alert in incident.alerts)]))


def _ranked(suspect: Suspect, telling: _Telling) -> Ranked:
    facts = tuple(telling.fact(one) for one in suspect.movements)
    return Ranked(suspect.service, round(suspect.score, 3), facts)


def _first(found: Iterable[Suspect]) -> list[Movement]:
    """What began first."""
    began = [one for suspect in found for one in suspect.movements if one.kind in BEGAN]
    return sorted(began, key=lambda one: (one.at, -one.size, one.service, one.what))[:MOST_FIRST]


@dataclass(frozen=True, slots=True)
class _Telling:
    """How movements become facts that cite."""

    telemetry: Telemetry
    texts: Mapping[LogId, LogExhibit]
    exhibits: Exhibits
    mask: Callable[[str], str]

    def fact(self, moved: Movement) -> Fact:
        """The movement in words, with what shows it."""
        cites = []
        told = self.mask(self._whole(moved).told)
        if moved.example is not None and moved.example in self.texts:
            cites.append(self.exhibits.add(self.texts[moved.example]))
        elif (measured := self._measured(moved)) is not None:
            cites.append(self.exhibits.add(measured))
        return Fact(cut(told, LONGEST_FACT), moved.service, moved.at, tuple(cites))

    def _whole(self, moved: Movement) -> Movement:
        """With its text masked as a whole log is: of what is cut short, half of a secret may be left."""
        if moved.kind not in OF_TEXTS:
            return replace(moved, what=self.mask(moved.what))
        shown = self.texts.get(moved.example) if moved.example is not None else None
        return replace(moved, what=template(shown.text) if shown else self.mask(moved.what))

    def _measured(self, moved: Movement) -> MetricExhibit | None:
        """The means of a metric since the onset and before it."""
        if moved.kind not in OF_METRICS:
            return None
        same = (moved.service, moved.what, moved.instance)
        for one in self.telemetry.series:
            if (one.service, one.metric, one.instance) == same:
                since, until = self.telemetry.onset, self.telemetry.during.until
                value = one.mean(since, until)
                if value is not None and one.at[0] < since:
                    metric = told_metric(one.metric, self.mask)
                    return MetricExhibit(one.service, metric, since, until, value, one.mean(one.at[0], since))
        return None


def _recent(changes: Iterable[Change], onset: datetime, about: Container[str]) -> list[Change]:
    """The newest changes before the onset, the newest first; those of services that it is about before all others."""
    found = [one for one in changes if onset - CHANGED_WITHIN <= one.at <= onset]
    newest = sorted(found, key=lambda one: one.at, reverse=True)
    kept = sorted(newest, key=lambda one: one.service not in about)[:MOST_CHANGES]
    return sorted(kept, key=lambda one: one.at, reverse=True)


def _changed(change: Change, onset: datetime, mask: Callable[[str], str]) -> Fact:
    minutes = (onset - change.at).total_seconds() / 60
    by = f", by {mask(change.by)}" if change.by else ""
    return Fact(f"{change.kind} {mask(change.what)}{by}, {minutes:.0f} min before", change.service, change.at)
