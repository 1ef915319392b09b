"""A roster for tests: two people with two contacts each, a channel, a policy of three steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from domain.contacts import Contact, ContactKind
from domain.roster import Layer, Policy, PolicyStep, Roster, Schedule, Shift, Target, TargetKind, User

MINUTES = timedelta(minutes=1)
ANN_MAIL, ANN_SLACK = Contact(ContactKind.EMAIL, "ann@example.org"), Contact(ContactKind.SLACK, "U-ANN")
BOB_MAIL = Contact(ContactKind.EMAIL, "bob@example.org")
CHIEF_MAIL = Contact(ContactKind.EMAIL, "chief@example.org")
OPS = Contact(ContactKind.SLACK, "#ops")
ALWAYS = Shift("ann", datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def user(name: str) -> Target:
    return Target(TargetKind.USER, name)


def schedule(name: str) -> Target:
    return Target(TargetKind.SCHEDULE, name)


def channel(contact: Contact) -> Target:
    return Target(TargetKind.CHANNEL, str(contact), contact)


POLICY = Policy(
    "default",
    (
        PolicyStep((schedule("primary"), channel(OPS)), 5 * MINUTES),
        PolicyStep((user("bob"),), 10 * MINUTES),
    ),
    repeat=1,
    last_resort=(user("chief"),),
)
ROSTER = Roster(
    users={
        "ann": User("ann", (ANN_MAIL, ANN_SLACK)),
        "bob": User("bob", (BOB_MAIL,)),
        "chief": User("chief", (CHIEF_MAIL,)),
    },
    teams={"web": ("ann", "bob")},
    schedules={"primary": Schedule("primary", "UTC", (Layer("always", shifts=(ALWAYS,)),))},
    policies={"default": POLICY},
)


@dataclass
class FixedRoster:
    """What a source of rosters gives; a test may change it."""

    roster: Roster = ROSTER
    text: str = "roster 1"
    flaws: Sequence[str] = field(default_factory=tuple)

    def current(self) -> FixedRoster:
        return self
