"""Whether logs are being read: by what `watch` leaves in the store, and by what waits in Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from domain.amounts import counted
from domain.members import WATCH

# A run that has yet to begin waits for its worker, its imports and a lapsed Kafka session.
STARTING = timedelta(seconds=180)
# The end of a transaction takes an offset that nobody can read, so one offset that waits is none.
MARKER = 1

Offsets = Mapping[int, int]  # partition -> offset


class Reading(StrEnum):
    """How reading goes."""

    WELL = "well"
    UNSURE = "unsure"  # neither proved: it may just begin
    SILENT = "silent"  # no sign of life
    NO_KAFKA = "no kafka"  # it says itself that it cannot read
    STUCK = "stuck"  # it lives, logs wait, and nothing is stored: a crash loop, say


ILL = frozenset({Reading.SILENT, Reading.NO_KAFKA, Reading.STUCK})


@dataclass(frozen=True, slots=True)
class Signs:
    """What `watch` left in the store."""

    alive_at: datetime | None = None  # when it said something last, None when it never did
    kafka_down_since: datetime | None = None  # None while it says nothing of the kind
    kafka_detail: str = ""
    kafka_said_at: datetime | None = None  # when it spoke of Kafka last
    stored: Offsets = field(default_factory=dict)  # the next offset of each partition, as committed
    readers: Mapping[str, frozenset[int]] = field(default_factory=dict)  # which partitions each member has


@dataclass(frozen=True, slots=True)
class Share:
    """Partitions that are looked after together: all of them, or those of one member."""

    reader: str
    partitions: frozenset[int]

    def of(self, offsets: Offsets) -> dict[int, int]:
        """What of these offsets belongs to it."""
        return {number: offset for number, offset in offsets.items() if number in self.partitions}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the store was when it moved last."""

    stored: Offsets
    since: datetime  # nothing was stored since, though logs waited
    left: int = 0  # logs that wait
    reader: str = WATCH


@dataclass(frozen=True, slots=True)
class Verdict:
    """How reading goes, and why that is said, in words."""

    reading: Reading
    why: str = ""


def waiting(stored: Offsets, ends: Offsets) -> int:
    """How many logs wait in Kafka, of those partitions that were ever read."""
    behind = (ends[number] - offset for number, offset in stored.items() if number in ends)
    return sum(one for one in behind if one > MARKER)


def progress(before: Progress | None, stored: Offsets, left: int, *, now: datetime) -> Progress:
    """The same as before while nothing is stored of what waits."""
    if before is None or not left or dict(before.stored) != dict(stored):
        return Progress(dict(stored), now, left)
    return replace(before, left=left)


Moved = Mapping[Share, Progress]


def shares(signs: Signs) -> list[Share]:
    """All partitions together, and where several members read, what each of them has."""
    whole = Share(WATCH, frozenset(signs.stored))
    each = [Share(member, partitions) for member, partitions in sorted(signs.readers.items())]
    return [whole, *each] if len(each) > 1 else [whole]


def look_on(before: Moved, signs: Signs, ends: Offsets, *, now: datetime) -> dict[Share, Progress]:
    """How each share moves; a partition that went to another member begins anew there."""
    found = {}
    for share in shares(signs):
        stored = share.of(signs.stored)
        moved = progress(before.get(share), stored, waiting(stored, ends), now=now)
        found[share] = replace(moved, reader=share.reader)
    return found


def slowest(moved: Moved) -> Progress:
    """What stands longest of that where logs wait: one member that stores nothing hides behind none that does."""
    return min(moved.values(), key=lambda one: (not one.left, one.since))


def verdict(signs: Signs, moved: Progress, *, begun: datetime, now: datetime, patience: timedelta) -> Verdict:
    """How reading goes, as whoever looks on since `begun` can tell."""
    if ill := _no_kafka(signs, now, patience) or _silent(signs, begun, now, patience) or _stuck(moved, now, patience):
        return ill
    spoke_lately = signs.alive_at is not None and signs.alive_at > now - patience
    if not spoke_lately or moved.left or signs.kafka_down_since is not None:
        return Verdict(Reading.UNSURE)
    return Verdict(Reading.WELL)


def _no_kafka(signs: Signs, now: datetime, patience: timedelta) -> Verdict | None:
    since, said = signs.kafka_down_since, signs.kafka_said_at
    if since is None or said is None or said <= now - patience or now - since < patience:
        return None
    return Verdict(Reading.NO_KAFKA, f"watch cannot read Kafka since {_at(since)}: {signs.kafka_detail}")


def _silent(signs: Signs, begun: datetime, now: datetime, patience: timedelta) -> Verdict | None:
    if signs.alive_at is None or signs.alive_at < begun:  # it may be starting beside us
        if now - begun < max(STARTING, patience):
            return None
        last = f"it was heard of last at {_at(signs.alive_at)}" if signs.alive_at else "it never ran"
        return Verdict(Reading.SILENT, f"watch gave no sign of life for {_for(now - begun)}; {last}")
    if (quiet := now - signs.alive_at) < patience:
        return None
    return Verdict(Reading.SILENT, f"watch gave no sign of life for {_for(quiet)}, since {_at(signs.alive_at)}")


def _stuck(moved: Progress, now: datetime, patience: timedelta) -> Verdict | None:
    if not moved.left or now - moved.since < patience:
        return None
    logs = f"{counted(moved.left, 'log')} wait in Kafka"
    return Verdict(Reading.STUCK, f"{moved.reader} lives, {logs}, and it stored nothing for {_for(now - moved.since)}")


def _for(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
