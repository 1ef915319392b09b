"""The plots of an incident: what was found about its minutes and logs, beside what is normal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from markupsafe import Markup

from adapters.store.database import Engine
from adapters.store.minute_findings import StoredFinding
from adapters.store.minute_series import Series, Subject, findings_of_incident, metrics_of, series
from console.http.plots import Plot, drawing
from domain.findings import SUBJECTS, MinuteFinding, minute_at
from domain.minutes import Measured

BEFORE, AFTER = timedelta(minutes=30), timedelta(minutes=10)
LONGEST = timedelta(minutes=120)  # of a plot; what goes on for longer looks the same
HOUR = timedelta(hours=1)
RECENT = 10  # minutes in which a metric counts as one that the service has
MOST = 6  # plots of one incident
MOST_ROWS = 12  # of the table beside a plot
Worded = Callable[[MinuteFinding], MinuteFinding]


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot as a page holds it, and the same in numbers for those who do not see it."""

    plot: Plot
    svg: Markup
    rows: tuple[tuple[datetime, str], ...]  # the latest minutes


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known about a subject before its minutes are read."""

    what: str
    normal: float | None = None
    spread: float = 0.0
    marks: frozenset[int] = frozenset()


def pictures(engine: Engine, found: Mapping[str, Any], worded: Worded) -> list[Picture]:
    """At most six, of what was found first; where nothing was found about a measure, errors and volume.

    `found`: an incident as `look_ups.one_incident` gives it.
    """
    known = _of_findings(findings_of_incident(engine, found["id"]), worded) or _of_logs(found)
    usual = {(found["service"], kind, ""): _Found(SUBJECTS[kind]) for kind in (Measured.ERRORS, Measured.LOGS)}
    subjects = dict(list((known | {one: usual[one] for one in usual if one not in known}).items())[:MOST])
    first, last = _window(found)
    values = series(engine, list(subjects), first, last)
    plots = [_plot(subject, about, values[subject], found) for subject, about in subjects.items()]
    drawn = [plot for plot in plots if plot.points]
    return [Picture(plot, drawing(plot, f"plot-{at}"), _rows(plot)) for at, plot in enumerate(drawn)]


def latest(engine: Engine, service: str, now: datetime) -> list[Picture]:
    """The last hour of a service: volume, errors, and the metrics of its last minutes."""
    last = _minute(now)
    first = last - int(HOUR / timedelta(minutes=1))
    kinds = {(service, kind, ""): _Found(SUBJECTS[kind]) for kind in (Measured.LOGS, Measured.ERRORS)}
    metrics = metrics_of(engine, service, last - RECENT, last)[: MOST - len(kinds)]
    subjects = kinds | {(service, Measured.METRIC, name): _Found(name) for name in metrics}
    values = series(engine, list(subjects), first, last)
    plots = [Plot(service, about.what, _points(values[one])) for one, about in subjects.items() if values[one]]
    return [Picture(plot, drawing(plot, f"plot-{at}"), _rows(plot)) for at, plot in enumerate(plots)]


def _points(values: Series) -> tuple[tuple[datetime, float], ...]:
    return tuple((minute_at(minute), value) for minute, value in values.items())


def _of_findings(stored: Iterable[StoredFinding], worded: Worded) -> dict[Subject, _Found]:
    """By what they are about; what is normal is what it was when it began."""
    by_subject: dict[Subject, list[MinuteFinding]] = {}
    for one in stored:
        by_subject.setdefault((one.finding.service, one.finding.measured, one.finding.name), []).append(one.finding)
    return {
        subject: _Found(
            worded(held[0]).subject,
            held[0].normal,
            held[0].spread,
            frozenset(one.minute for one in held),
        )
        for subject, held in by_subject.items()
    }


def _of_logs(found: Mapping[str, Any]) -> dict[Subject, _Found]:
    """The metrics that its logs were anomalies by."""
    known: dict[Subject, _Found] = {}
    for kept in found["evidence"]:
        metric, normal = kept["numbers"].get("metric"), kept["numbers"].get("normal")
        if not metric:
            continue
        subject = (kept.get("service") or found["service"], Measured.METRIC, str(metric))
        minute = _minute(datetime.fromisoformat(str(kept["at"])))
        before = known.get(subject, _Found(str(metric), normal))
        known[subject] = _Found(before.what, before.normal, marks=before.marks | {minute})
    return known


def _window(found: Mapping[str, Any]) -> tuple[int, int]:
    """The first and the last minute that are shown, since 1970."""
    begins = (found["came_back_at"] or found["opened_at"]) - BEFORE
    ends = min(found["last_at"] + AFTER, begins + LONGEST)
    return _minute(begins), _minute(ends)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _plot(subject: Subject, about: _Found, values: Series, found: Mapping[str, Any]) -> Plot:
    points = _points(values)
    normal, spread = about.normal, about.spread
    if normal is None:
        normal, spread = _before(values, _minute(found["came_back_at"] or found["opened_at"]))
    return Plot(subject[0], about.what, points, normal, spread, frozenset(map(minute_at, about.marks)))


def _before(values: Series, began: int) -> tuple[float | None, float]:
    """Median, and median distance from it, of the minutes before it began."""
    held = [value for minute, value in values.items() if minute < began]
    if not held:
        return None, 0.0
    middle = median(held)
    return middle, median(abs(value - middle) for value in held)


def _rows(plot: Plot) -> tuple[tuple[datetime, str], ...]:
    """The minutes that were not as usual, and the latest ones as far as there is room."""
    marked = [one for one in plot.points if one[0] in plot.marks][-MOST_ROWS:]
    others = [one for one in plot.points if one[0] not in plot.marks]
    room = MOST_ROWS - len(marked)
    chosen = sorted([*marked, *(others[-room:] if room else [])])
    return tuple((at, plot.say(value)) for at, value in chosen)
