"""Small pictures of what a service did minute by minute, as SVG in the page's own colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from markupsafe import Markup, escape

from domain.amounts import counted, measured, number

# Drawn for a telephone; wider windows draw it larger, so its letters stay legible.
WIDTH, HEIGHT = 360.0, 150.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 8.0, 10.0, 22.0
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Plot:
    """One measure of one service over time."""

    service: str
    what: str  # what is measured, in words
    points: tuple[tuple[datetime, float], ...]  # by time, a minute each; where none is known there is no point
    normal: float | None = None  # what was expected
    spread: float = 0.0  # how far from it is usual
    marks: frozenset[datetime] = frozenset()  # minutes that were not as usual

    @property
    def title(self) -> str:
        """What the picture is about."""
        return f"{self.service}: {self.what}"

    @property
    def told(self) -> str:
        """What can be seen, in words."""
        if not self.points:
            return "no minute of that time is kept"
        values = [value for _, value in self.points]
        begin, end = self.points[0][0], self.points[-1][0]
        usual = "" if self.normal is None else f"; normally {self.say(self.normal)} ± {self.say(self.spread)}"
        marked = f"; {counted(len(self.marks), 'minute')} not as usual" if self.marks else ""
        return (
            f"{begin:%H:%M} to {end:%H:%M} UTC: between {self.say(min(values))} and {self.say(max(values))}"
            f"{usual}{marked}"
        )

    def say(self, value: float) -> str:
        """A value with its unit."""
        return measured(self.what, value)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where values and times lie in the picture."""

    first: datetime
    last: datetime
    low: float
    high: float

    def x(self, at: datetime) -> float:
        whole = (self.last - self.first) / MINUTE or 1.0
        return LEFT + (at - self.first) / MINUTE / whole * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def drawing(plot: Plot, name: str) -> Markup:
    """The plot as SVG, empty where nothing is known; `name`: of its parts within the page."""
    if not plot.points:
        return Markup()
    frame = _frame(plot)
    parts = [*_baseline(plot, frame), *_lines(plot.points, frame), *_marks(plot, frame), *_axes(frame)]
    return Markup(  # noqa: S704 - each text in it is escaped where it is put in
        f'<svg class="plot" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(plot.title)}</title><desc id="{name}-d">{escape(plot.told)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _frame(plot: Plot) -> _Frame:
    """Zero is in the picture, and so is what is usual: a change is as large as it looks."""
    values = [value for _, value in plot.points]
    if plot.normal is not None:
        values += [plot.normal - plot.spread, plot.normal + plot.spread]
    low, high = min(0.0, *values), max(0.0, *values)
    return _Frame(plot.points[0][0], plot.points[-1][0], low, high if high > low else low + 1.0)


def _baseline(plot: Plot, frame: _Frame) -> list[str]:
    if plot.normal is None:
        return []
    upper, lower, at = (frame.y(plot.normal + way * plot.spread) for way in (1, -1, 0))
    across = WIDTH - LEFT - RIGHT
    return [
        f'<rect class="usual" x="{LEFT:g}" y="{upper:.1f}" width="{across:g}" height="{max(1.0, lower - upper):.1f}"/>',
        f'<path class="normal" d="M{LEFT:g} {at:.1f}H{WIDTH - RIGHT:g}"/>',
    ]


def _lines(points: Sequence[tuple[datetime, float]], frame: _Frame) -> list[str]:
    """Minutes that follow on each other as one line; a minute alone as a dot."""
    runs: list[list[tuple[datetime, float]]] = [[points[0]]]
    for before, here in pairwise(points):
        if here[0] - before[0] > MINUTE:
            runs.append([])
        runs[-1].append(here)
    found = []
    for run in runs:
        corners = [f"{frame.x(at):.1f} {frame.y(value):.1f}" for at, value in run]
        if len(run) == 1:
            x, _, y = corners[0].partition(" ")
            found.append(f'<circle class="dot" cx="{x}" cy="{y}" r="2"/>')
        else:
            found.append(f'<path class="line" d="M{"L".join(corners)}"/>')
    return found


def _marks(plot: Plot, frame: _Frame) -> list[str]:
    return [
        f'<circle class="mark" cx="{frame.x(at):.1f}" cy="{frame.y(value):.1f}" r="3.5"/>'
        for at, value in plot.points
        if at in plot.marks
    ]


def _axes(frame: _Frame) -> list[str]:
    floor = HEIGHT - BOTTOM
    found = [f'<path class="axis" d="M{LEFT:g} {TOP:g}V{floor:g}H{WIDTH - RIGHT:g}"/>']
    for value in (frame.low, frame.high):
        y = frame.y(value) + 4
        found.append(f'<text x="{LEFT - 4:g}" y="{y:.1f}" text-anchor="end">{escape(number(float(value)))}</text>')
    ends = [(frame.first, "start")] + ([(frame.last, "end")] if frame.last > frame.first else [])
    for at, anchor in ends:
        found.append(f'<text x="{frame.x(at):.1f}" y="{HEIGHT - 6:g}" text-anchor="{anchor}">{at:%H:%M}</text>')
    return found
