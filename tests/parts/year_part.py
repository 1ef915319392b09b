"""A year of incidents on a virtual clock: the real tasks on a real store, workers that die, channels that are down.

What is drawn: when an incident opens, which channel is down meanwhile, where workers die, what people do. What must
hold: whoever is told of a critical incident first hears of it within the bound that `sre on-call check` proves.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from adapters.store.closing import acknowledge, resolve
from adapters.store.database import Engine, connect, transaction
from adapters.store.deliveries import channels_due
from adapters.store.escalations import Phase
from adapters.store.tables.paging import deliveries, escalations, pages
from adapters.store.tables.schema import metadata
from domain.contacts import ContactKind
from domain.errors import Unavailable
from domain.incidents import Resolution
from domain.pages import Page, PageReason, Receipt
from domain.policy_check import RESTART, Checks
from domain.roster import Roster
from domain.settings import Settings
from tasks.auditing import audit
from tasks.delivering import claim, deliver
from tasks.expanding import expand_due
from tasks.paging import Pager
from tasks.timers import fire_due
from tests.parts.desk_part import store_incident
from tests.parts.on_call_part import PAGING, example
from tests.parts.roster_part import FixedRoster
from tests.soak.killing_part import Fate, doom

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
# Berlin and New York change their clocks.
CHANGES = (
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
)
# Services, and the policy that a critical incident of each goes by.
POLICIES = {"web": "default", "checkout": "checkout"}
DOWN = (None, ContactKind.EMAIL, ContactKind.SLACK, ContactKind.APPRISE, ContactKind.PAGERDUTY)
SHARES = (0.0, 0.001, 0.004)  # how often a worker dies at a statement
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
# A lease is over once its last moment is.
JUST_AFTER = timedelta(milliseconds=1)
OUTAGE = 16 * MINUTE  # longer than anything that is proved
RESTART_SECONDS = 12.0
AT_ONCE, ROUNDS = 50, 2_000
# What may be due, where it still waits.
TIMERS = (
    (pages, pages.c.state == "queued"),
    (deliveries, deliveries.c.state == "queued"),
    (escalations, escalations.c.state != Phase.OVER),
)


def one_contact_each(roster: Roster) -> Roster:
    """The same people with their first contact alone, so that one channel down leaves some of them unreachable."""
    users = {name: replace(one, contacts=one.contacts[:1]) for name, one in roster.users.items()}
    return replace(roster, users=users)


@dataclass
class Case:
    """One critical incident."""

    number: int
    service: str
    since: datetime
    deaths: int  # of workers before it
    ends_at: datetime
    acked_at: datetime | None  # nobody acknowledges it: None
    reached_at: datetime | None = None
    reached_deaths: int = 0
    closed: bool = False


@dataclass
class Year:
    """One store and one line of workers, each of which takes over from the one before."""

    seed: int
    fate: Fate = field(default_factory=lambda: Fate(random.Random()))
    now: datetime = BEGIN
    down: ContactKind | None = None
    deaths: int = 0
    cases: dict[int, Case] = field(default_factory=dict)  # those of the present episode
    flaws: list[str] = field(default_factory=list)
    worst: dict[tuple[str, str], timedelta] = field(default_factory=dict)  # policy, what is down -> longest so far
    reached: int = 0
    audited: datetime = BEGIN

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.fate.chance = random.Random(self.draw.random())
        random.seed(self.seed)  # by which pauses between tries differ
        self.engine: Engine = connect("sqlite:///:memory:")
        metadata.create_all(self.engine)
        doom(self.engine, self.fate)
        sa.event.listen(self.engine, "before_cursor_execute", lambda *_: self.fate.strike())
        self.roster = one_contact_each(example())
        self.bounds = dict(self._bounds())

    def _bounds(self) -> Iterator[tuple[tuple[str, ContactKind | None], timedelta]]:
        """What is proved, without a restart of ours."""
        checks = Checks(self.roster, {}, lambda _contact: True, BEGIN)
        for name in set(POLICIES.values()):
            for line in checks.lines(self.roster.policies[name]):
                yield (name, line.down), line.worst.took

    @property
    def pager(self) -> Pager:
        """A worker that knows nothing but the store."""
        rosters = FixedRoster(self.roster)
        return Pager(Settings(paging=PAGING), self.engine, clock=lambda: self.now, given=self, rosters=rosters)

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        """What every channel does: it takes a page, unless it is down; whoever sends may die before or after."""
        self.fate.strike(10)
        if page.to.kind is self.down:
            raise Unavailable("it is down")
        case = self.cases.get(page.incident_id)
        if case is not None and case.reached_at is None:
            case.reached_at, case.reached_deaths = self.now, self.deaths
        self.fate.strike(10)
        return Receipt("memory", "memory", page.key, self.now)

    def live(self, episodes: int) -> None:
        """So many times something breaks."""
        for number, start in enumerate(sorted(self._starts(episodes))):
            self.down, self.fate.share = DOWN[number % len(DOWN)], self.draw.choice(SHARES)
            self.now = max(self.now, start)
            self._episode()

    def _starts(self, episodes: int) -> Iterator[datetime]:
        """A third of them are within hours of a change of the clocks."""
        for number in range(episodes):
            if number % 3:
                yield BEGIN + YEAR * self.draw.random()
            else:
                yield self.draw.choice(CHANGES) + 3 * HOUR * (2 * self.draw.random() - 1)

    def _episode(self) -> None:
        self.cases, down = {}, self.down
        for _ in range(self.draw.choice((1, 1, 2, 3))):
            self._break(self.draw.choice(sorted(POLICIES)))
            self._until(self.now + self.draw.random() * 90 * SECOND)
        if self.draw.random() < 0.3:  # something that is not critical comes beside it
            store_incident(self.engine, now=self.now, service="cache", template=f"slow {self.now}")
        last = max(case.ends_at for case in self.cases.values())
        self._until(self.now + OUTAGE)
        self.down = None
        self._until(last + HOUR / 6)
        self._judge(down)

    def _break(self, service: str) -> None:
        number = store_incident(
            self.engine, now=self.now, service=service, template=f"{self.now}", severity=4, reason=PageReason.CRITICAL
        )
        ends_at = self.now + (0.2 + 0.5 * self.draw.random()) * HOUR
        acked_at = self.now + HOUR * self.draw.random() / 3 if self.draw.random() < 0.6 else None
        self.cases[number] = Case(number, service, self.now, self.deaths, ends_at, acked_at)
        self._round()

    def _until(self, end: datetime) -> None:
        """Work, and let people act, until nothing is due before the end."""
        for _ in range(ROUNDS):
            self._people()
            self._round()
            following = self._next()
            if following is None or following > end:
                self.now = max(self.now, end)
                self._people()
                self._round()
                return
            self.now = following
        self.flaws.append(f"{self.now}: {ROUNDS} rounds, and something is due still")

    def _round(self) -> None:
        """What `on-call` does in a round; whoever dies in it has a successor within seconds."""
        while self._dies():
            self.deaths += 1
            self.now += RESTART_SECONDS * self.draw.random() * SECOND
        self._audit()

    def _dies(self) -> bool:
        with self.fate.watched():
            pager, token = self.pager, f"worker {self.deaths}"
            expand_due(pager, token)
            fire_due(pager, token)
            for kind in sorted(channels_due(self.engine, now=self.now)):
                for one in claim(pager, kind, f"{token} {self.now}", AT_ONCE):
                    deliver(pager, one)
            return False
        return True

    def _audit(self) -> None:
        """As every minute: there is never anything to mend."""
        if self.now - self.audited >= MINUTE:
            self.audited = self.now
            if found := audit(self.pager, None):
                self.flaws.append(f"{self.now}: the auditor had to mend {found}")

    def _people(self) -> None:
        for case in self.cases.values():
            knows = case.reached_at is not None and not case.closed
            if knows and case.acked_at is not None and case.acked_at <= self.now:
                acknowledge(self.engine, case.number, by="ann", now=self.now)
                case.acked_at = None
            if not case.closed and case.ends_at <= self.now:
                case.closed = True
                with transaction(self.engine) as connection:
                    resolve(connection, case.number, Resolution.QUIET, now=self.now)

    def _next(self) -> datetime | None:
        """When something is due next, or somebody acts."""
        times = [case.ends_at for case in self.cases.values() if not case.closed]
        times += [case.acked_at for case in self.cases.values() if case.acked_at and not case.closed]
        with transaction(self.engine) as connection:
            for table, waits in TIMERS:
                for column in (table.c.due_at, table.c.lease_until):
                    query = sa.select(sa.func.min(column)).where(waits, column > self.now)
                    if found := connection.scalar(query):
                        times.append(found + JUST_AFTER)
        return min((at for at in times if at > self.now), default=None)

    def _judge(self, down: ContactKind | None) -> None:
        """Whoever had to be reached was, in time; each death may have cost as much as one restart does."""
        for case in self.cases.values():
            policy = POLICIES[case.service]
            if case.reached_at is None:
                self.flaws.append(f"incident {case.number} of {case.since}: nobody was reached")
                continue
            self.reached += 1
            took = case.reached_at - case.since
            deaths = case.reached_deaths - case.deaths
            key = (policy, str(down or "nothing"))
            self.worst[key] = max(took, self.worst.get(key, timedelta()))
            if took > self.bounds.get((policy, down), self.bounds[policy, None]) + deaths * RESTART + SECOND:
                told = f"took {took}, {down or 'nothing'} was down, {deaths} workers died"
                self.flaws.append(f"incident {case.number} of {case.since} by policy {policy}: {told}")
        self._nothing_left()

    def _nothing_left(self) -> None:
        over = [number for number, case in self.cases.items() if case.closed]
        with transaction(self.engine) as connection:
            for table in (pages, deliveries):
                mine = (table.c.incident_id.in_(over), table.c.state == "queued")
                if left := connection.scalar(sa.select(sa.func.count()).select_from(table).where(*mine)):
                    self.flaws.append(f"{self.now}: {left} rows of {table.name} wait for ever")
