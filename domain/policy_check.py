"""Whether a policy reaches a human, and how long that may take: the live functions follow it on a virtual clock.

Every start minute of the two weeks around each change of the clocks is covered: from one start to the next only the
moments matter at which somebody else comes on call while the policy is followed, so all starts between two of these
come to the same and are looked at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.amounts import lasting
from domain.contacts import Contact, ContactKind
from domain.escalation import Circumstances, Notice, Progress, fire
from domain.roster import Policy, Roster, Shift, TargetKind
from domain.roster_flaws import behind, targets_of
from domain.schedules import changes

RESTART = timedelta(seconds=25)  # a step is taken over when the lease of whoever had it has run out
MINUTE = timedelta(minutes=1)
AROUND = timedelta(days=7)  # before and after a change of the clocks
LOOK_AHEAD = timedelta(days=370)  # within which each zone changes its clocks as often as it does
DAY = timedelta(days=1)
FOR_EVER = timedelta(days=10_000)
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong while a policy is followed."""

    down: ContactKind | None = None  # this kind of channel delivers nothing
    restart: int | None = None  # our own restart delays the step of this number, from 0, and all behind it

    def __str__(self) -> str:
        down = f"{self.down} is down" if self.down else "every channel works"
        return down if self.restart is None else f"{down}, a restart before step {self.restart + 1}"


@dataclass(frozen=True, slots=True)
class Told:
    """One step as it was taken."""

    after: timedelta  # since the page
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of following a policy from one start."""

    start: datetime
    trouble: Trouble
    steps: tuple[Told, ...]
    reached: tuple[str, ...]  # whom the last step reached, in words; empty: nobody, ever
    holds: timedelta  # starts up to so much later come to the same

    @property
    def took(self) -> timedelta:
        """How long until somebody was reached; without end where nobody was."""
        return self.steps[-1].after if self.reached else FOR_EVER

    @property
    def why_nobody(self) -> str:
        """What each step came to, in words; empty where somebody was reached."""
        if self.reached:
            return ""
        told = [_in_words(step, self.trouble.down) for step in self.steps]
        return "; ".join([*told, "then nobody is left"])


@dataclass(frozen=True, slots=True)
class Line:
    """The worst that a policy comes to while one kind of channel is down, or none."""

    policy: str
    down: ContactKind | None
    worst: Followed
    with_restart: Followed  # the worst with one restart of ours at any step

    @property
    def counterexample(self) -> Followed | None:
        """A way to reach nobody, if there is one."""
        return next((found for found in (self.worst, self.with_restart) if not found.reached), None)


@dataclass(frozen=True, slots=True)
class World:
    """Everything but the start and the trouble."""

    roster: Roster
    overrides: Mapping[str, Sequence[Shift]]
    usable: Callable[[Contact], bool]
    edges: Sequence[datetime]  # when somebody else may come on call, in order

    def same_until(self, at: datetime) -> timedelta:
        """How much later than `at` the same people are on call."""
        index = bisect_right(self.edges, at)
        return self.edges[index] - at if index < len(self.edges) else FOR_EVER


@dataclass(frozen=True, slots=True)
class Checks:
    """What policies are checked against."""

    roster: Roster
    overrides: Mapping[str, Sequence[Shift]]
    usable: Callable[[Contact], bool]
    now: datetime

    def lines(self, policy: Policy) -> list[Line]:
        """The worst with every channel at work, and with each kind of channel down that the policy could use."""
        spans = spans_of(policy, self.roster, self.now)
        worlds = [(span, self._world(policy, span)) for span in spans]
        kinds = sorted({contact.kind for target in targets_of(policy) for contact in behind(target, self.roster)})
        return [_line(policy, down, worlds) for down in (None, *kinds)]

    def _world(self, policy: Policy, span: Span) -> World:
        length = sum((step.wait for step in policy.steps), timedelta()) * (policy.repeat + 1) + RESTART
        edges = {
            edge
            for name in schedules_of(policy, self.roster)
            for edge in changes(self.roster.schedules[name], self.overrides.get(name, ()), span[0], span[1] + length)
        }
        return World(self.roster, self.overrides, self.usable, sorted(edges))


def follow(policy: Policy, start: datetime, trouble: Trouble, world: World) -> Followed:
    """Follow a policy for a critical page until somebody is reached or nobody is left."""
    progress, at, holds = Progress(policy), start, FOR_EVER
    steps: list[Told] = []
    while True:
        at += RESTART if trouble.restart == len(steps) else timedelta()
        holds = min(holds, world.same_until(at))
        fired = fire(progress, Circumstances(world.roster, at, world.overrides, world.usable))
        steps.append(Told(at - start, fired.notices))
        reached = tuple(_reached(fired.notices, trouble.down))
        if reached or fired.wait is None:
            return Followed(start, trouble, tuple(steps), reached, holds)
        progress, at = fired.following, at + fired.wait


def from_every_minute(policy: Policy, span: Span, trouble: Trouble, world: World) -> Iterator[Followed]:
    """What comes of every start minute within the span, each outcome once; up to the first that reaches nobody."""
    start = span[0]
    while start < span[1]:
        found = follow(policy, start, trouble, world)
        yield found
        if not found.reached:
            return
        # The first whole minute behind those that come to the same.
        start += max(1, -(-found.holds // MINUTE)) * MINUTE


def spans_of(policy: Policy, roster: Roster, now: datetime) -> list[Span]:
    """Two weeks around each change of the clocks of the zones that the policy goes by; else the next two weeks."""
    zones = {roster.schedules[name].zone for name in schedules_of(policy, roster)}
    middles = sorted({day for zone in zones for day in _clock_changes(ZoneInfo(zone), now)})
    return [(day - AROUND, day + AROUND) for day in middles] or [(_day(now), _day(now) + 2 * AROUND)]


def schedules_of(policy: Policy, roster: Roster) -> list[str]:
    """The names of the schedules that a policy goes by."""
    names = (target.name for target in targets_of(policy) if target.kind is TargetKind.SCHEDULE)
    return [name for name in dict.fromkeys(names) if name in roster.schedules]


def _line(policy: Policy, down: ContactKind | None, worlds: Sequence[tuple[Span, World]]) -> Line:
    plain = [one for span, world in worlds for one in from_every_minute(policy, span, Trouble(down), world)]
    worst = max(plain, key=_took)
    if not worst.reached:
        return Line(policy.name, down, worst, worst)
    # A restart behind the step that reached somebody changes nothing.
    troubles = [Trouble(down, step) for step in range(max(len(one.steps) for one in plain))]
    restarted = (
        one for trouble in troubles for span, world in worlds for one in from_every_minute(policy, span, trouble, world)
    )
    return Line(policy.name, down, worst, max(restarted, key=_took))


def _took(followed: Followed) -> timedelta:
    return followed.took


def _reached(notices: Iterable[Notice], down: ContactKind | None) -> Iterator[str]:
    """Who is told by a channel that works; a critical page goes to all contacts at once."""
    for notice in notices:
        if works := [str(contact) for contact in notice.contacts if contact.kind is not down]:
            yield f"{notice.person} ({', '.join(works)})" if notice.person else works[0]


def _in_words(step: Told, down: ContactKind | None) -> str:
    after = "at once" if not step.after else f"after {lasting(step.after.total_seconds())}"
    if not step.notices:
        return f"{after} no step finds anybody: nobody is on call who could be reached"
    who = ", ".join(notice.person or str(notice.contacts[0]) for notice in step.notices)
    return f"{after} {who} would be told, but only by {down}"


def _clock_changes(zone: ZoneInfo, now: datetime) -> Iterator[datetime]:
    """The days within a year on which a zone changes its clocks."""
    day, last = _day(now), _day(now) + LOOK_AHEAD
    while day < last:
        if day.astimezone(zone).utcoffset() != (day + DAY).astimezone(zone).utcoffset():
            yield day
        day += DAY


def _day(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
