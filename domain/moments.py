"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from domain.errors import BadInput


def as_moment(text: str, *, after: datetime) -> datetime:
    """`2026-01-05T14:30`, in UTC unless it names a zone; `14:30` is the next such time after `after`.

    Raises BadInput.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return _next(text, after)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _next(text: str, after: datetime) -> datetime:
    try:
        clock = time.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no moment; write 14:30 or 2026-01-05T14:30, which are UTC") from error
    zone = clock.tzinfo or UTC
    found = datetime.combine(after.astimezone(zone).date(), clock.replace(tzinfo=None), zone)
    return (found if found > after else found + timedelta(days=1)).astimezone(UTC)
