"""What is kept, and what is old enough to go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Piece:
    """Logs that arrived together, and the room that they take."""

    arrived_at: datetime
    size: int  # bytes


def cut_by_age(now: datetime, days: int) -> datetime:
    """Logs that arrived before this go: whole days, in UTC."""
    return datetime.combine(now.astimezone(UTC).date() - timedelta(days=days), time(), UTC)


def cut_by_size(pieces: Iterable[Piece], most_bytes: float) -> datetime | None:
    """Logs that arrived before this go, so that the rest takes no more; None where nothing need go."""
    if not most_bytes:
        return None
    kept = 0
    for piece in sorted(pieces, key=lambda one: one.arrived_at, reverse=True):
        kept += piece.size
        if kept > most_bytes:
            return piece.arrived_at + MICROSECOND
    return None
