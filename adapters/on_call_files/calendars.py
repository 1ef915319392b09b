"""Calendars in and out: who is on call by the events of an iCalendar file or URL, and our shifts as one.

A URL's last good copy is kept and used while the URL does not answer.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import httpx
import recurring_ical_events
from icalendar import Calendar, Component, Event

from adapters.trust import hint, trusted
from domain.amounts import ago
from domain.errors import BadInput, Unavailable
from domain.masking import masked_urls
from domain.roster import Shift, User

if TYPE_CHECKING:
    from adapters.on_call_files.reading import Surroundings

FOLDER = "calendars"  # in the home
SECONDS = 5.0  # longest wait for a URL to go on
WHOLE_SECONDS = 20.0  # longest wait for all of it
MOST_BYTES = 5_000_000
MOST_EVENTS = 20_000
BEFORE, AFTER = timedelta(days=35), timedelta(days=400)  # how far events are read
NAMED = 3  # so many events that name nobody are told one by one
_WEB = ("http://", "https://", "webcal://")
_LEVEL = re.compile(r"^\[L\d+\]\s*")  # the level that Grafana OnCall reads from an event's name


def shifts(
    source: str, around: Surroundings, users: Mapping[str, User], zone: str
) -> tuple[tuple[Shift, ...], list[str]]:
    """Who is on call by a calendar, and what should be known of it; nothing for no source. Raises BadInput."""
    if not source:
        return (), []
    content, told = _content(source, around)
    found, nobody = [], []
    known = _known_as(users)
    for event in _events(content, source, around.now):
        names = _people(event, known)
        begins, ends = (_instant(at, zone) for at in (event.start, event.end))
        found += [Shift(name, begins, ends, "calendar") for name in names if begins < ends]
        if not names:
            nobody.append(f"{str(event.get('SUMMARY', 'an event without a name'))!r} at {begins:%Y-%m-%d %H:%M} UTC")
    told += [f"the event {text} names nobody of `users`" for text in nobody[:NAMED]]
    if more := len(nobody) - NAMED if len(nobody) > NAMED else 0:
        told.append(f"{more} more events name nobody of `users`")
    return tuple(sorted(found, key=lambda shift: shift.begins)), told


def written(name: str, zone: str, found: Sequence[Shift], users: Mapping[str, User], now: datetime) -> bytes:
    """Shifts as an iCalendar file; a gap is no event."""
    calendar = Calendar()
    calendar.add("prodid", "-//SRE Agent//on-call//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", zone)
    for shift in found:
        if shift.user:
            calendar.add_component(_event(name, shift, users.get(shift.user), now))
    return bytes(calendar.to_ical())


def _event(name: str, shift: Shift, user: User | None, now: datetime) -> Event:
    event = Event()
    key = f"{name}|{shift.user}|{shift.begins.astimezone(UTC).isoformat()}"
    event.add("uid", f"{hashlib.sha256(key.encode()).hexdigest()[:32]}@sre-agent")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", shift.begins.astimezone(UTC))
    event.add("dtend", shift.ends.astimezone(UTC))
    event.add("summary", shift.user)
    event.add("description", f"on call by schedule {name}: {shift.why}")
    if user and user.email:
        event.add("attendee", f"mailto:{user.email}")
    return event


def _content(source: str, around: Surroundings) -> tuple[bytes, list[str]]:
    """What a file or URL holds, and what should be known of how it was come by."""
    if not source.startswith(_WEB):
        return _file(around.folder / source), []
    copy = around.copies / f"{hashlib.sha256(source.encode()).hexdigest()[:32]}.ics"
    if not around.asks and copy.exists():
        return _file(copy), []
    try:
        content = _fetched(source)
    except Unavailable as error:
        if not copy.exists():
            raise BadInput(f"{error}, and there is no earlier copy") from error
        age = ago(around.now - datetime.fromtimestamp(copy.stat().st_mtime, UTC))
        return _file(copy), [f"{error}; the copy that was made {age} is used"]
    return content, _kept(content, copy)


def _kept(content: bytes, copy: Path) -> list[str]:
    """Keep a copy; what should be known where that fails."""
    new = copy.with_suffix(".new")
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(content)
        new.replace(copy)
    except OSError as error:
        return [f"no copy could be kept in {copy.parent}: {error.strerror}"]
    return []


def _file(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path} is larger than {MOST_BYTES:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error


def _fetched(source: str) -> bytes:
    """What a URL answers. Raises Unavailable, with the URL without its passwords."""
    shown, url = masked_urls(source), re.sub("^webcal://", "https://", source)
    content, began = bytearray(), monotonic()
    try:
        with httpx.stream("GET", url, timeout=SECONDS, follow_redirects=True, verify=trusted()) as answer:
            if not answer.is_success:
                raise Unavailable(f"{shown} answered {answer.status_code}")
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > MOST_BYTES or monotonic() - began > WHOLE_SECONDS:
                    most = f"{MOST_BYTES:,} bytes, or for more than {WHOLE_SECONDS:.0f} s"
                    raise Unavailable(f"{shown} sends more than {most}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"{shown} did not answer: {type(error).__name__}{hint(error)}") from error
    if b"BEGIN:VCALENDAR" not in content:
        raise Unavailable(f"{shown} sent no calendar")
    return bytes(content)


def _events(content: bytes, source: str, now: datetime) -> Iterator[Event]:
    """Every event around `now`, those that recur once each time; cancelled ones are none."""
    shown = masked_urls(source)
    try:
        calendar = Calendar.from_ical(content)
        if any(_too_often(event) for event in calendar.walk("VEVENT")):
            raise BadInput(f"{shown} has an event that recurs each second or minute")
        found = recurring_ical_events.of(calendar, skip_bad_series=True).between(now - BEFORE, now + AFTER)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise BadInput(f"{shown} is no calendar that can be read: {error}") from error
    if len(found) > MOST_EVENTS:
        raise BadInput(f"{shown} has more than {MOST_EVENTS:,} events in {(BEFORE + AFTER).days} days")
    yield from (event for event in found if str(event.get("STATUS", "")).upper() != "CANCELLED")


def _too_often(event: Component) -> bool:
    """Whether an event recurs so often that going through a year of it would take for ever."""
    rules = event.get("RRULE", [])
    each = [rule.get("FREQ", []) for rule in (rules if isinstance(rules, list) else [rules])]
    return any(str(word).upper() in ("SECONDLY", "MINUTELY") for words in each for word in words)


def _instant(at: date | datetime, zone: str) -> datetime:
    """When something is: a whole day begins at midnight, and a time without a zone is local, where the schedule is."""
    local = at if isinstance(at, datetime) else datetime.combine(at, time(0))
    return (local if local.tzinfo else local.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _known_as(users: Mapping[str, User]) -> dict[str, str]:
    """What people may be called by, in small letters -> their name here."""
    return {
        called.strip().casefold(): user.name
        for user in users.values()
        for called in (user.full_name, user.email, user.name)
        if called.strip()
    }


def _people(event: Event, known: Mapping[str, str]) -> list[str]:
    """Whom the event's name says, else who takes part."""
    summary = _LEVEL.sub("", str(event.get("SUMMARY", "")))
    called = [summary, *re.split(r"[,;&/]", summary)]
    attendees = event.get("ATTENDEE", [])
    for one in attendees if isinstance(attendees, list) else [attendees]:
        called += [re.sub("(?i)^mailto:", "", str(one)), str(one.params.get("CN", ""))]
    found = [known[name.strip().casefold()] for name in called if name.strip().casefold() in known]
    return list(dict.fromkeys(found))
