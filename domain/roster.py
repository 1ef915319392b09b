"""Who is reached about what: people, teams, schedules, escalation policies and the routes to them.

One YAML file says it (`deployments/on_call.example.yaml`); without one `default_roster` says it from the settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from domain.contacts import Contact
from domain.muting import Labels, Matcher


class TargetKind(StrEnum):
    """Whom a step of a policy may name."""

    USER = "user"
    SCHEDULE = "schedule"  # whoever is on call by it at that moment
    TEAM = "team"  # every member
    CHANNEL = "channel"  # a contact point that belongs to nobody


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a step notifies."""

    kind: TargetKind
    name: str  # of the user, schedule or team; of a channel its contact in words
    contact: Contact | None = None  # of a channel

    def __str__(self) -> str:
        return self.name if self.kind is TargetKind.CHANNEL else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """Whom to notify, and how long to wait for an acknowledgement before the next step."""

    notify: tuple[Target, ...]
    wait: timedelta
    assigned: bool = False  # by a person, for one incident


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is notified one after the other until somebody acknowledges."""

    name: str
    steps: tuple[PolicyStep, ...]
    repeat: int = 0  # how often all steps are gone through again after the first time
    last_resort: tuple[Target, ...] = ()  # notified in the end, and whenever a step finds nobody
    ack_lasts: timedelta = timedelta(hours=4)  # after so long whoever acknowledged is reminded, and then it is void


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the week in local time; one that ends before it begins goes over midnight."""

    days: frozenset[int]  # 0 is Monday
    begins: time
    ends: time  # 00:00 is the end of the day


@dataclass(frozen=True, slots=True)
class Hours:
    """Working hours: when a route takes its first policy."""

    name: str
    zone: str  # of the IANA database
    windows: tuple[Window, ...]
    holidays: frozenset[date] = frozenset()


class Turn(StrEnum):
    """What a rotation counts in; days and weeks are hand-overs at one local time, also over changes of DST."""

    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"


@dataclass(frozen=True, slots=True)
class Shift:
    """A time for which somebody is on call; aware times."""

    user: str
    begins: datetime
    ends: datetime
    why: str = ""  # "override 3 by ann", "calendar"


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody who takes a time of a schedule, whoever's turn it is."""

    schedule: str
    person: str
    begins: datetime
    ends: datetime
    by: str
    why: str = ""
    id: int = 0

    @property
    def shift(self) -> Shift:
        """The time as a schedule sees it."""
        return Shift(self.person, self.begins, self.ends, f"override {self.id} by {self.by}")


@dataclass(frozen=True, slots=True)
class Layer:
    """One rotation of a schedule, or a calendar."""

    name: str
    users: tuple[str, ...] = ()  # in turn
    begins: datetime | None = None  # first hand-over, local and naive; never None where there are users
    turn: Turn = Turn.WEEKS
    every: int = 1  # so many turns each
    ends: datetime | None = None  # local and naive
    only: tuple[Window, ...] = ()  # on call in these only; empty: always
    shifts: tuple[Shift, ...] = ()  # of a calendar, instead of all of this
    calendar: str = ""  # file or URL that the shifts come from


@dataclass(frozen=True, slots=True)
class Schedule:
    """Who is on call when; where several layers name somebody the last one counts, and an override above all."""

    name: str
    zone: str
    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who can be reached."""

    name: str
    contacts: tuple[Contact, ...]  # the preferred one first; a critical page goes to all of them
    zone: str = "UTC"
    full_name: str = ""
    slack_id: str = ""  # who presses a button there
    email: str = ""  # who acts at PagerDuty


@dataclass(frozen=True, slots=True)
class Route:
    """Which policy a page goes by; the first route that fits counts."""

    matchers: tuple[Matcher, ...]  # all must match; labels as in `muting.LABELS`, those of an alert from outside too
    policy: str
    hours: str = ""  # outside of these working hours `otherwise` holds
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class Roster:
    """Everything that the file says."""

    users: Mapping[str, User] = field(default_factory=dict)
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    hours: Mapping[str, Hours] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    default: str = "default"  # the policy of what no route fits
    digest: tuple[Target, ...] = ()  # who gets the daily digest
    warnings: tuple[str, ...] = ()  # what is not wrong and yet should be known

    def routed(self, labels: Iterable[Labels]) -> Route:
        """The first route that fits one of these sets of labels; a page is about several services."""
        sets = list(labels)
        fits = (one for one in self.routes if any(all(m.matches(each) for m in one.matchers) for each in sets))
        return next(fits, Route((), self.default))


EVERYBODY = "everybody"
# Without a file a page goes out once to everybody at once, as there is nobody to go on to.
NOBODY_ELSE = timedelta(hours=1)


def default_roster(contacts: Iterable[Contact]) -> Roster:
    """Everybody whom the settings name, at once: without a file nothing says who comes after whom."""
    targets = tuple(Target(TargetKind.CHANNEL, str(contact), contact) for contact in contacts)
    policy = Policy("default", (PolicyStep(targets, NOBODY_ELSE),))
    return Roster(policies={policy.name: policy})
