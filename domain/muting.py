"""What people muted: silences hold pages back, maintenance windows hold pages and actions back.

All of it is derived from stored rules at the moment it is asked for, so that a rule that ends while nobody
looks has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.incidents import Kind, Severity
from domain.inventory import Inventory
from domain.patterns import is_readable, is_whole
from domain.recurrence import Span, Times
from domain.shown_texts import printable

LABELS = ("service", "severity", "kind", "playbook", "template", "metric", "owner", "id")
Labels = Mapping[str, str]


class MuteKind(StrEnum):
    """What a rule holds back."""

    SILENCE = "silence"  # pages
    MAINTENANCE = "maintenance"  # pages and actions


NAMES: Mapping[MuteKind, str] = {MuteKind.SILENCE: "silence", MuteKind.MAINTENANCE: "maintenance window"}


class Phase(StrEnum):
    """Where a rule is on its way."""

    ACTIVE = "active"
    PENDING = "pending"  # it will be active, for the first time or again
    ENDED = "ended"


# How a whole value is compared with what the rule says.
OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    # A rule that cannot be read mutes nothing: a page too many is better than one too few.
    "=~": lambda value, pattern: is_readable(pattern) and is_whole(pattern, value),
    "!~": lambda value, pattern: is_readable(pattern) and not is_whole(pattern, value),
}


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label."""

    label: str
    op: str  # = | != | =~ | !~
    value: str

    def matches(self, labels: Labels) -> bool:
        """Whether it holds; a label that is not there is empty."""
        return OPERATORS[self.op](labels.get(self.label, ""), self.value)

    def __str__(self) -> str:
        return f"{self.label}{self.op}{printable(self.value)}"


@dataclass(frozen=True, slots=True)
class Mute:
    """One rule as it is stored."""

    id: int
    kind: MuteKind
    matchers: tuple[Matcher, ...]  # all must match
    starts_at: datetime
    ends_at: datetime  # of its first occurrence
    every: str  # "" | day | week
    until: datetime | None  # a recurring one begins no further occurrence after this
    author: str
    comment: str
    expired_at: datetime | None = None

    @property
    def times(self) -> Times:
        """When it would be active if nobody expired it."""
        return Times(Span(self.starts_at, self.ends_at), self.every, self.until if self.every else None)

    @property
    def name(self) -> str:
        """`silence 3`."""
        return f"{NAMES[self.kind]} {self.id}"

    def matches(self, labels: Labels) -> bool:
        """Whether all of its conditions hold."""
        return all(matcher.matches(labels) for matcher in self.matchers)


class Labelled(Protocol):
    """What has labels: an incident, or what is known of one."""

    @property
    def id(self) -> int: ...
    @property
    def service(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def playbook(self) -> str: ...
    @property
    def template(self) -> str: ...
    @property
    def metric(self) -> str: ...


def labels_of(incident: Labelled, inventory: Inventory, *, service: str = "") -> dict[str, str]:
    """The labels of an incident, as one of its services has them; without `service` as its own."""
    named = service or incident.service
    known = inventory.services.get(named)
    return {
        "service": named,
        "severity": incident.severity.name.lower(),
        "kind": incident.kind.value,
        "playbook": incident.playbook,
        "template": incident.template,
        "metric": incident.metric,
        "owner": known.owner if known else "",
        "id": str(incident.id),
    }


def present(mute: Mute, now: datetime) -> Span | None:
    """The occurrence that is in force at `now`."""
    return None if _is_expired(mute, now) else mute.times.at(now)


def ends(mute: Mute, now: datetime) -> datetime | None:
    """When the present occurrence ends; None while there is none."""
    span = present(mute, now)
    return span.ends if span else None


def phase(mute: Mute, now: datetime) -> Phase:
    """Where it is on its way."""
    if present(mute, now):
        return Phase.ACTIVE
    return Phase.PENDING if not _is_expired(mute, now) and mute.times.after(now) else Phase.ENDED


def _is_expired(mute: Mute, now: datetime) -> bool:
    return mute.expired_at is not None and mute.expired_at <= now


def muted_by(labels: Labels, mutes: Iterable[Mute], *, now: datetime) -> Mute | None:
    """The rule that holds what has these labels back at `now`; the one that ends last where several do."""
    found = [(end, mute.id, mute) for mute in mutes if (end := ends(mute, now)) and mute.matches(labels)]
    return max(found, key=lambda one: one[:2])[2] if found else None


def in_maintenance(labels: Labels, mutes: Iterable[Mute], *, now: datetime) -> Mute | None:
    """The maintenance window that what has these labels is in at `now`."""
    return muted_by(labels, (mute for mute in mutes if mute.kind is MuteKind.MAINTENANCE), now=now)


def muting(each: Iterable[Labels], mutes: Iterable[Mute], *, now: datetime) -> tuple[Mute, ...]:
    """The rules that hold back what has all of these sets of labels; none when one of the sets is free.

    A silence for one service must not hide what another one suffers.
    """
    rules = tuple(mutes)
    found: dict[Mute, None] = {}
    for labels in each:
        rule = muted_by(labels, rules, now=now)
        if rule is None:
            return ()
        found[rule] = None
    return tuple(found)


def in_words(mute: Mute, now: datetime) -> str:
    """The rule for people: `silence 3 by ann until 14:30 UTC: disk swap`; the same all through one occurrence."""
    span = present(mute, now) or mute.times.after(now) or mute.times.first
    return f"{mute.name} by {printable(mute.author)} until {span.end}: {printable(mute.comment)}"
