"""How times of a roster are written, and read again: `5m`, `1 week`, `mon-fri 09:00-17:00`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from domain.errors import BadInput
from domain.nearest import nearest
from domain.roster import Turn, Window

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WHOLE_WEEK = frozenset(range(7))
DAILY = "daily"
MIDNIGHT = time(0)
_UNITS: Mapping[str, timedelta] = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_SPAN = re.compile(r"(\d{1,6})([smhd])")
_TURN = re.compile(r"(?:(\d{1,4}) )?(hour|day|week)s?")
_WINDOW = re.compile(r"(?:([a-z, -]+?) +)?(\d\d:\d\d)-(\d\d:\d\d)")


def as_span(text: str) -> timedelta:
    """A duration such as 90s, 5m, 2h or 7d. Raises BadInput."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise BadInput(f"{text!r} is no duration; write 90s, 5m, 2h or 7d")
    return int(found[1]) * _UNITS[found[2]]


def span_text(span: timedelta) -> str:
    """A duration as `as_span` reads it, in the largest unit that fits."""
    unit = next(unit for unit in ("d", "h", "m", "s") if unit == "s" or not span % _UNITS[unit])
    return f"{span // _UNITS[unit]}{unit}"


def as_turn(text: str) -> tuple[Turn, int]:
    """How long somebody's turn is: `week`, `2 weeks`, `12 hours`. Raises BadInput."""
    found = _TURN.fullmatch(text.strip())
    every = int(found[1] or 1) if found else 0
    if found is None or not every:
        raise BadInput(f"{text!r} is no turn; write 1 week, 2 days or 12 hours")
    return Turn(f"{found[2]}s"), every


def turn_text(turn: Turn, every: int) -> str:
    """A turn as `as_turn` reads it."""
    return f"{every} {turn.value.removesuffix('s') if every == 1 else turn.value}"


def as_window(text: str) -> Window:
    """A part of the week: `mon-fri 09:00-17:00`, `sat,sun 00:00-24:00`, `daily 22:00-06:00`. Raises BadInput."""
    found = _WINDOW.fullmatch(" ".join(text.lower().split()))
    if found is None:
        raise BadInput(f"{text!r} is no part of the week; write mon-fri 09:00-17:00 or daily 22:00-06:00")
    return Window(_days(found[1] or DAILY), _clock(found[2]), _clock(found[3], end=True))


def window_text(window: Window) -> str:
    """A part of the week as `as_window` reads it."""
    ends = "24:00" if window.ends == MIDNIGHT else f"{window.ends:%H:%M}"
    days = DAILY if window.days == WHOLE_WEEK else ",".join(DAYS[day] for day in sorted(window.days))
    return f"{days} {window.begins:%H:%M}-{ends}"


def as_local(value: object) -> datetime:
    """A local time such as 2026-01-05T09:00. Raises BadInput where it names a zone or is none."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, MIDNIGHT)
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise BadInput(f"{value!r} is no local time; write 2026-01-05T09:00") from error
    if found.tzinfo is not None:
        raise BadInput(f"{str(value)!r} names a zone; write the local time of the schedule's zone: 2026-01-05T09:00")
    return found


def as_zone(text: str) -> str:
    """The name of a zone of the IANA database. Raises BadInput."""
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(f"no time zone {text!r}; {nearest(text, available_timezones())}") from error
    return text


def _days(text: str) -> frozenset[int]:
    if text.strip() == DAILY:
        return WHOLE_WEEK
    return frozenset(day for part in text.split(",") for day in _range(part.strip()))


def _range(text: str) -> Iterable[int]:
    """`mon`, or `fri-mon` over the end of the week."""
    first, _, last = text.partition("-")
    for name in (first, last or first):
        if name not in DAYS:
            raise BadInput(f"no day {name!r}; the days are {', '.join(DAYS)} and {DAILY}")
    begins, ends = DAYS.index(first), DAYS.index(last or first)
    return ((begins + more) % 7 for more in range((ends - begins) % 7 + 1))


def _clock(text: str, *, end: bool = False) -> time:
    if end and text == "24:00":
        return MIDNIGHT
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no time of a day; write 00:00 to 23:59") from error
