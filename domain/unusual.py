"""Times of which nothing is learned: incidents, and what people silenced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.muting import Mute
from domain.recurrence import Span

# What shows a fault begins before its first anomalous log, and ends after its last one.
AROUND = timedelta(minutes=2)
STEP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Unusual:
    """A time in which one service was not as usual."""

    service: str
    span: Span
    why: str  # "incident" or "silence"


def of_alert(service: str, begun: datetime, last: datetime, *, is_open: bool, now: datetime) -> Unusual:
    """The time of one alert; what is open lasts until now."""
    return Unusual(service, Span(begun - AROUND, max(now, last) if is_open else last + AROUND), "incident")


def of_mutes(mutes: Iterable[Mute], services: Iterable[str], whole: Span) -> Iterator[Unusual]:
    """The times for which people muted a service by its name, within a longer one."""
    named = sorted(services)
    for mute in mutes:
        muted = [service for service in named if mute.matches({"service": service})]
        if not muted:
            continue
        for span in _occurrences(mute, whole):
            yield from (Unusual(service, span, "silence") for service in muted)


def _occurrences(mute: Mute, whole: Span) -> Iterator[Span]:
    at, last = whole.begins, None
    while at < whole.ends:
        span = mute.times.at(at)
        if span is not None and span != last and (mute.expired_at is None or mute.expired_at > span.begins):
            yield Span(span.begins, min(span.ends, mute.expired_at or span.ends))
        last = span or last
        at += STEP
