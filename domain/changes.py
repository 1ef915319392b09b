"""What was changed about a service, as people and systems tell of it: often the cause of what breaks next."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from domain.errors import BadInput
from domain.shown_texts import cut, printable

LONGEST = 500  # characters of a service, of what was changed, and of by whom
AHEAD = timedelta(minutes=10)  # so far may a clock that tells of a change be ahead of ours
LONGEST_VERSION = 100


class ChangeKind(StrEnum):
    """What kind of change."""

    DEPLOY = "deploy"  # another version runs
    CONFIG = "config"
    SCALE = "scale"
    FLAG = "flag"  # a feature was switched
    OTHER = "other"


class ChangeSource(StrEnum):
    """Who told of it."""

    HTTP = "http"  # POST /changes
    COMMAND = "command"  # `sre change`
    KUBERNETES = "kubernetes"  # rollouts that the cluster knows of
    LOGS = "logs"  # another version stands in the attributes of the service's logs


@dataclass(frozen=True, slots=True)
class Change:
    """One change."""

    at: datetime
    service: str
    kind: ChangeKind
    what: str  # in a few words, untrusted: "v1.4.2", "timeout 5 s to 1 s"
    by: str = ""  # who or what made it
    source: ChangeSource = ChangeSource.HTTP
    key: str = ""  # the same change twice has the same; empty: made of the rest


def key_of(change: Change) -> str:
    """Its key, or what the same change told of again within the same minute has as well; 32 hexadecimal digits."""
    minute = change.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
    told = f"{change.service}\0{change.kind}\0{change.what}\0{minute}"
    return change.key or hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:32]


def checked(change: Change, *, now: datetime) -> Change:
    """The change with printable texts and its key. Raises BadInput with what is wrong and what to do."""
    texts = {name: printable(getattr(change, name)) for name in ("service", "what", "by")}
    if flaw := next(_flaws(change, texts, now), ""):
        raise BadInput(flaw)
    at, service, what, by = change.at.astimezone(UTC), texts["service"], texts["what"], texts["by"]
    made = replace(change, at=at, service=service, what=what, by=by)
    return replace(made, key=key_of(made))


def _flaws(change: Change, texts: Mapping[str, str], now: datetime) -> Iterator[str]:
    for name in ("service", "what"):
        if not texts[name]:
            yield f"{name} is empty: say {'whose change it is' if name == 'service' else 'in a few words what changed'}"
    for name, text in texts.items():
        if len(text) > LONGEST:
            yield f"{name} has {len(text):,} characters, at most {LONGEST}: say it shorter"
    if change.at.tzinfo is None:
        yield f"at {change.at.isoformat()} names no zone: write it with one, such as 2026-01-05T14:30:00Z"
    elif change.at > now + AHEAD:
        yield f"at {change.at.isoformat()} lies ahead of now ({now:%Y-%m-%d %H:%M} UTC): tell of changes that were made"


Seen = Mapping[str, datetime]  # version -> when it was seen first


def versions_changed(before: Mapping[str, Seen], during: Mapping[str, Seen]) -> list[Change]:
    """The versions that began to write logs, by the time of their first one.

    A service of which no version was known before is left out: it may have had this one all the time.
    """
    found = [change for service, seen in during.items() for change in _of_service(service, before.get(service), seen)]
    return sorted(found, key=lambda change: (change.at, change.service))


def _of_service(service: str, before: Seen | None, during: Seen) -> Iterator[Change]:
    if not before:
        return
    present = max(before, key=lambda version: (before[version], version))
    for version in sorted(during.keys() - before.keys(), key=lambda version: (during[version], version)):
        what = f"version {cut(printable(present), LONGEST_VERSION)} to {cut(printable(version), LONGEST_VERSION)}"
        change = Change(during[version], service, ChangeKind.DEPLOY, what, source=ChangeSource.LOGS)
        yield replace(change, key=key_of(change))
        present = version
