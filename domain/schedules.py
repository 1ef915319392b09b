"""Who is on call at a moment, and from when to when: rotations, layers, calendars and overrides.

Days and weeks are counted in local time, so that a hand-over at 09:00 stays at 09:00 over changes of DST; hours are
counted as they pass. A local time that a change of DST leaves out is the moment right after the change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from domain.roster import Hours, Layer, Schedule, Shift, Turn, Window

DAY = timedelta(days=1)
MIDNIGHT = time(0)
_LENGTHS: Mapping[Turn, timedelta] = {
    Turn.HOURS: timedelta(hours=1),
    Turn.DAYS: DAY,
    Turn.WEEKS: timedelta(weeks=1),
}


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is on call, and what says so; nobody and an empty text in a gap."""

    users: tuple[str, ...] = ()
    why: str = ""  # the override or the name of the layer


def on_duty(schedule: Schedule, overrides: Sequence[Shift], at: datetime) -> tuple[str, ...]:
    """The names of those on call at `at`; empty in a gap. `overrides`: those of this schedule, the oldest first."""
    return duty(schedule, overrides, at).users


def duty(schedule: Schedule, overrides: Sequence[Shift], at: datetime) -> Duty:
    """Who is on call at `at` and why: the newest override, else the last layer that has somebody."""
    for shift in reversed(overrides):
        if shift.begins <= at < shift.ends:
            return Duty((shift.user,), shift.why or "override")
    zone = ZoneInfo(schedule.zone)
    for layer in reversed(schedule.layers):
        if users := _of_layer(layer, zone, at):
            return Duty(users, layer.name)
    return Duty()


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is on call at a moment, until when, and who comes then; no end where nobody else comes for long."""

    now: Duty
    until: datetime | None
    then: Duty


def standing(schedule: Schedule, overrides: Sequence[Shift], at: datetime, within_time: timedelta) -> Standing:
    """Who is on call at `at`, and who comes next, as far as `within_time` from there."""
    now = duty(schedule, overrides, at)
    for edge in changes(schedule, overrides, at, at + within_time):
        then = duty(schedule, overrides, edge)
        if then.users != now.users:
            return Standing(now, edge, then)
    return Standing(now, None, now)


def shifts(schedule: Schedule, overrides: Sequence[Shift], begins: datetime, ends: datetime) -> list[Shift]:
    """Who is on from when to when, in order and without a hole; a gap is a shift of nobody.

    Only where a calendar names several people at once do their shifts overlap.
    """
    found: list[tuple[Duty, datetime, datetime]] = []
    for since, until in pairwise([begins, *changes(schedule, overrides, begins, ends), ends]):
        holder = duty(schedule, overrides, since)
        if found and found[-1][0] == holder:
            found[-1] = (holder, found[-1][1], until)
        else:
            found.append((holder, since, until))
    return [Shift(user, since, until, who.why) for who, since, until in found for user in who.users or ("",)]


def gaps(schedule: Schedule, overrides: Sequence[Shift], begins: datetime, ends: datetime) -> list[Shift]:
    """When nobody is on call."""
    return [shift for shift in shifts(schedule, overrides, begins, ends) if not shift.user]


def changes(schedule: Schedule, overrides: Sequence[Shift], begins: datetime, ends: datetime) -> list[datetime]:
    """Every moment after `begins` and before `ends` at which somebody else may come on call, in order, in UTC."""
    zone = ZoneInfo(schedule.zone)
    moments = {edge for shift in overrides for edge in (shift.begins, shift.ends)}
    for layer in schedule.layers:
        moments.update(_edges(layer, zone, begins, ends))
    return sorted({moment.astimezone(UTC) for moment in moments if begins < moment < ends})


def within(hours: Hours, at: datetime) -> bool:
    """Whether `at` is in these working hours; a holiday has none."""
    zone = ZoneInfo(hours.zone)
    return at.astimezone(zone).date() not in hours.holidays and _inside(hours.windows, zone, at)


def hours_change(hours: Hours, begins: datetime, ends: datetime) -> list[datetime]:
    """Every moment after `begins` and before `ends` at which working hours may begin or end, in order, in UTC."""
    zone = ZoneInfo(hours.zone)
    moments = set(_window_edges(hours.windows, zone, begins, ends))
    moments |= {moment(each + timedelta(days=more), MIDNIGHT, zone) for each in hours.holidays for more in (0, 1)}
    return sorted({each for each in moments if begins < each < ends})


def moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """A local time as a moment in UTC: of two the first, and of none the one right after the change."""
    return _instant(datetime.combine(day, clock), zone)


def exists(local: datetime, zone: ZoneInfo) -> bool:
    """Whether a naive local time occurs at all: a change of DST leaves some out."""
    return _instant(local, zone).astimezone(zone).replace(tzinfo=None) == local


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)


def _of_layer(layer: Layer, zone: ZoneInfo, at: datetime) -> tuple[str, ...]:
    """Whom one layer names."""
    if layer.shifts:
        return tuple(dict.fromkeys(shift.user for shift in layer.shifts if shift.begins <= at < shift.ends))
    if not layer.users or layer.begins is None or at < _instant(layer.begins, zone):
        return ()
    if layer.ends is not None and at >= _instant(layer.ends, zone):
        return ()
    if layer.only and not _inside(layer.only, zone, at):
        return ()
    return (layer.users[_turn(layer, layer.begins, zone, at) % len(layer.users)],)


def _turn(layer: Layer, first: datetime, zone: ZoneInfo, at: datetime) -> int:
    """The number of the turn that `at` belongs to, from 0."""
    length = _LENGTHS[layer.turn] * layer.every
    if layer.turn is Turn.HOURS:
        return (at - _instant(first, zone)) // length
    number = (at.astimezone(zone).replace(tzinfo=None) - first) // length
    # A clock that was set back or forth may show the time of the turn beside.
    if _instant(first + number * length, zone) > at:
        return number - 1
    return number + 1 if _instant(first + (number + 1) * length, zone) <= at else number


def _inside(windows: Iterable[Window], zone: ZoneInfo, at: datetime) -> bool:
    today = at.astimezone(zone).date()
    spans = (span for day in (today - DAY, today) for span in _spans(windows, zone, day))
    return any(begins <= at < ends for begins, ends in spans)


def _spans(windows: Iterable[Window], zone: ZoneInfo, day: date) -> Iterator[tuple[datetime, datetime]]:
    """When the windows of one day begin and end."""
    for window in windows:
        if day.weekday() in window.days:
            over = day if window.begins < window.ends else day + DAY
            yield moment(day, window.begins, zone), moment(over, window.ends, zone)


def _edges(layer: Layer, zone: ZoneInfo, begins: datetime, ends: datetime) -> Iterator[datetime]:
    """Moments at which a layer may change, some of them outside of the span."""
    for shift in layer.shifts:
        yield from (shift.begins, shift.ends)
    if layer.shifts or layer.begins is None:
        return
    yield from (_instant(edge, zone) for edge in (layer.begins, layer.ends) if edge is not None)
    yield from _window_edges(layer.only, zone, begins, ends)
    yield from _hand_overs(layer, layer.begins, zone, (begins, ends))


def _window_edges(windows: tuple[Window, ...], zone: ZoneInfo, begins: datetime, ends: datetime) -> Iterator[datetime]:
    day, last = begins.astimezone(zone).date() - DAY, ends.astimezone(zone).date()
    while windows and day <= last:
        for span in _spans(windows, zone, day):
            yield from span
        day += DAY


def _hand_overs(layer: Layer, first: datetime, zone: ZoneInfo, span: tuple[datetime, datetime]) -> Iterator[datetime]:
    """When one follows another within the span."""
    length, begins = _LENGTHS[layer.turn] * layer.every, _instant(first, zone)
    number = _turn(layer, first, zone, max(span[0], begins))
    while True:
        elapsed = number * length
        at = begins + elapsed if layer.turn is Turn.HOURS else _instant(first + elapsed, zone)
        if at >= span[1]:
            return
        yield at
        number += 1
