"""Changes that are posted: one JSON object, or a list of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from domain.changes import Change, ChangeKind, checked
from domain.errors import BadInput
from domain.nearest import nearest

MOST_CHANGES = 1_000
KEYS = ("service", "kind", "what", "by", "at")


def read(body: bytes, *, now: datetime) -> list[Change]:
    """The changes in a body, checked. Raises BadInput, naming the first that is wrong and why."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"not JSON: {error}") from error
    entries = document if isinstance(document, list) else [document]
    if not entries:
        raise BadInput("nothing was stored: the list holds no change")
    if len(entries) > MOST_CHANGES:
        raise BadInput(f"{len(entries):,} changes at once, at most {MOST_CHANGES:,}: send them in several requests")
    return [_placed(entry, f"entry {place}: ", now) for place, entry in enumerate(entries, 1)]


def _placed(entry: object, place: str, now: datetime) -> Change:
    try:
        return checked(_change(entry, now), now=now)
    except BadInput as error:
        raise BadInput(f"nothing was stored: {place}{error}") from error


def _change(entry: object, now: datetime) -> Change:
    if not isinstance(entry, Mapping):
        raise BadInput("is no object; a change is {service, kind, what, by, at}")
    if unknown := sorted(set(entry) - set(KEYS)):
        raise BadInput(f"unknown key {unknown[0][:40]!r}; {nearest(unknown[0], KEYS)}")
    kind = entry.get("kind", ChangeKind.DEPLOY)
    if kind not in list(ChangeKind):
        raise BadInput(f"kind is {repr(kind)[:40]}, none of {', '.join(ChangeKind)}")
    at = entry.get("at")
    return Change(
        at=now if at is None else _time(at),
        service=_text(entry, "service"),
        kind=ChangeKind(kind),
        what=_text(entry, "what"),
        by=_text(entry, "by"),
    )


def _text(entry: Mapping[str, Any], name: str) -> str:
    found = entry.get(name)
    if found is not None and not isinstance(found, str):
        raise BadInput(f"{name} is {repr(found)[:40]}, no text")
    return found or ""


def _time(found: object) -> datetime:
    """A moment; in UTC where it names no zone."""
    try:
        time = datetime.fromisoformat(found if isinstance(found, str) else "")
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"at is {repr(found)[:40]}, no time of RFC 3339, such as 2026-01-05T14:30:00Z") from error
