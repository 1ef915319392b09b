"""`kill -9` at every point of sending: a page arrives at least once, under one key, and once where keys are heeded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from adapters.channels.webhook.channel import KEY
from adapters.store.database import Engine, connect
from domain.contacts import Contact, ContactKind
from domain.pages import PageReason
from domain.paging_settings import HookSettings, PagerDutySettings, PagingSettings
from domain.roster import Policy, PolicyStep, Roster, User
from domain.settings import Settings
from tasks.auditing import audit
from tasks.delivering import run
from tasks.paging import Pager
from tasks.timers import fire_due
from tests.parts.databases_part import Server
from tests.parts.desk_part import store_incident
from tests.parts.judged_part import rows
from tests.parts.killed_part import Owner
from tests.parts.logs_part import NOON
from tests.parts.receivers_part import PagerDuty, Receiver, receiving
from tests.parts.roster_part import MINUTES, FixedRoster, user
from tests.soak.conftest import SOAK

pytestmark = pytest.mark.slow
ANN_HOOK, BOB_HOOK = Contact(ContactKind.WEBHOOK, "ann"), Contact(ContactKind.WEBHOOK, "bob")
DUTY = Contact(ContactKind.PAGERDUTY, "default")
POLICY = Policy(
    "default", (PolicyStep((user("ann"),), 5 * MINUTES), PolicyStep((user("bob"),), 10 * MINUTES)), repeat=1
)
ROSTER = Roster(
    users={"ann": User("ann", (DUTY, ANN_HOOK)), "bob": User("bob", (BOB_HOOK,))}, policies={"default": POLICY}
)
# Where each death that the promise names must have been met.
NAMED = {
    "while a page is claimed": "UPDATE pages",
    "while it is expanded": "INSERT deliveries",
    "before a delivery is claimed": "SELECT deliveries",
    "after it was claimed": "after a transaction",
    "before the first channel is called": "before pagerduty default is called",
    "after it accepted, and before that is written down": "after pagerduty default accepted",
    "between two channels": "before webhook ann is called",
    "while a step of the policy fires": "UPDATE escalations",
    "before the next person is told": "before webhook bob is called",
    "after the next person was told": "after webhook bob accepted",
    "in the middle of what is written down": "before a commit",
}


@dataclass
class World:
    """Receivers that are there all the time, and a store for each death."""

    server: Server
    duty: PagerDuty
    ann: Receiver
    bob: Receiver

    @property
    def settings(self) -> Settings:
        hooks = {"ann": self.ann, "bob": self.bob}
        paging = PagingSettings(
            pagerduty=PagerDutySettings(routing_key=SecretStr("k" * 32), url=f"{self.duty.url}/v2/enqueue"),
            webhooks={name: HookSettings(url=SecretStr(hook.url)) for name, hook in hooks.items()},
        )
        return Settings(paging=paging)

    def begin(self) -> Owner:
        """A new store with a critical page that waits; nobody has heard anything."""
        for receiver in (self.duty, self.ann, self.bob):
            receiver.seen.clear()
        self.duty.alerts.clear()
        owner = Owner(self.server.fresh(), self.settings, FixedRoster(ROSTER))
        engine = connect(owner.url)
        store_incident(engine, now=NOON, severity=4, reason=PageReason.CRITICAL)
        engine.dispose()
        return owner


@pytest.fixture
def world(postgres_server: Server) -> Iterator[World]:
    with receiving(PagerDuty()) as duty, receiving(Receiver()) as ann, receiving(Receiver()) as bob:
        yield World(postgres_server, duty, ann, bob)


def look(pager: Pager, clock: Callable[[datetime], None], minutes: float) -> None:
    """One round of `on-call` so long after the page."""
    clock(NOON + timedelta(minutes=minutes))
    fire_due(pager, f"round {minutes}")
    run(pager, f"round {minutes}")


def first_owner(pager: Pager, clock: Callable[[datetime], None]) -> None:
    for minutes in (0, 5):
        look(pager, clock, minutes)


def successor(pager: Pager, clock: Callable[[datetime], None]) -> None:
    """Whoever takes over once leases have run out; the second step is due at the fifth or sixth minute."""
    for minutes in (1, 6, 7):
        look(pager, clock, minutes)
    assert [] == audit(pager, None), "each incident has a next step"


def chosen(points: Sequence[str]) -> list[int]:
    """Numbers of the points to die at: each that is named at its first and its last time, and some; in a soak all."""
    numbers = range(1, len(points) + 1)
    if SOAK:
        return list(numbers)
    named = {name: [number for number in numbers if points[number - 1] == name] for name in NAMED.values()}
    return sorted({number for found in named.values() for number in (found[0], found[-1])} | set(numbers[::40]))


def test_a_page_survives_every_death_of_its_sender(world: World) -> None:
    """Faults 2, 3, 8 and 16."""
    points = world.begin().points(first_owner)
    assert {} == {point: name for point, name in NAMED.items() if name not in points}
    for number in chosen(points):
        owner = world.begin()
        died = owner.dies(first_owner, number)
        engine = connect(owner.url)
        owner.works(successor, engine)
        told(world, engine, f"death {number} of {len(points)}, {died}")
        engine.dispose()
        assert died == points[number - 1]


def told(world: World, engine: Engine, when: str) -> None:
    """Everybody who should be is told of the page, by one key, and nobody more than the one death explains."""
    (alert,) = world.duty.alerts
    assert {"triggered"} == {alert.state}, when
    keys = {hook: [seen.headers[KEY.lower()] for seen in hook.seen] for hook in (world.ann, world.bob)}
    (page,) = rows(engine, "SELECT key, state FROM pages")
    assert [{page["key"]}] * 2 == [set(heard) for heard in keys.values()], when
    assert "sent" == page["state"], when
    repeated = len(world.duty.seen) + sum(map(len, keys.values())) - 3
    assert repeated in (0, 1), f"{when}: {repeated} repeated"
    sent = rows(engine, "SELECT person, channel, step, state FROM deliveries ORDER BY id")
    assert [
        {"person": "ann", "channel": "pagerduty", "step": 1, "state": "sent"},
        {"person": "ann", "channel": "webhook", "step": 1, "state": "sent"},
        {"person": "bob", "channel": "webhook", "step": 2, "state": "sent"},
    ] == sent, when
