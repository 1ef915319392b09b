"""Alertmanager's webhook, version 4."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain.errors import BadInput
from domain.outside_alerts import OURS, OutsideAlert, Status

VERSION = "4"
MOST_ALERTS = 5_000
LONGEST = 10_000  # characters of one text
# The year that stands for "it is not over".
NEVER = 1


def read(document: object) -> list[OutsideAlert]:
    """The alerts of others in a webhook; keys that we do not know are left alone. Raises BadInput with what is wrong.

    Our own are left out: as an incident each would be paged for, come back as an alert, and so on without end.
    """
    if not isinstance(document, Mapping):
        raise BadInput("not a JSON object: send Alertmanager's webhook as it is")
    if document.get("version") != VERSION:
        raise BadInput(f"version is {_shown(document.get('version'))}, not {VERSION!r}: send Alertmanager's webhook")
    group = _text(document, "groupKey", "the webhook")
    alerts = document.get("alerts")
    if not isinstance(alerts, list):
        raise BadInput("alerts is no list")
    if len(alerts) > MOST_ALERTS:
        raise BadInput(f"{len(alerts)} alerts at once, at most {MOST_ALERTS}: set max_alerts at the receiver")
    found = (_alert(one, f"alerts[{place}]", group) for place, one in enumerate(alerts))
    return [alert for alert in found if alert.labels.get("alertname") != OURS]


def _alert(found: object, place: str, group: str) -> OutsideAlert:
    if not isinstance(found, Mapping):
        raise BadInput(f"{place} is no object")
    status = found.get("status")
    if status not in set(Status):
        raise BadInput(f"{place}.status is {_shown(status)}, neither firing nor resolved")
    starts_at = _time(found.get("startsAt"), f"{place}.startsAt")
    if starts_at is None:
        raise BadInput(f"{place}.startsAt is missing")
    ends_at = _time(found.get("endsAt"), f"{place}.endsAt")
    return OutsideAlert(
        fingerprint=_text(found, "fingerprint", place),
        group_key=group,
        status=Status(str(status)),
        labels=_texts(found.get("labels"), f"{place}.labels"),
        annotations=_texts(found.get("annotations"), f"{place}.annotations"),
        starts_at=starts_at,
        ends_at=ends_at if status == Status.RESOLVED else None,
        url=_clean(str(found.get("generatorURL") or "")),
    )


def _text(document: Mapping[str, Any], name: str, place: str) -> str:
    found = document.get(name)
    if not isinstance(found, str) or not _clean(found):
        raise BadInput(f"{place}: {name} is missing")
    return _clean(found)


def _texts(found: object, place: str) -> dict[str, str]:
    if found is None:
        return {}
    if not isinstance(found, Mapping) or not all(isinstance(value, str) for value in found.values()):
        raise BadInput(f"{place} is no object of texts")
    return {_clean(name): _clean(value) for name, value in found.items()}


def _time(found: object, place: str) -> datetime | None:
    """A time, or None for none and for the year 1."""
    if found is None:
        return None
    try:
        time = datetime.fromisoformat(found if isinstance(found, str) else "")
        aware = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        if isinstance(found, str) and found.startswith("0001-01-01"):
            return None
        raise BadInput(f"{place} is {_shown(found)}, no time of RFC 3339") from error
    return None if aware.year == NEVER else aware


def _clean(text: str) -> str:
    """`text` as every store takes it: no NUL, no half characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:LONGEST]


def _shown(value: object) -> str:
    return repr(value)[:40]
