"""Who is notified by a step of a policy, and what comes after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from domain.contacts import Contact
from domain.muting import Labels
from domain.roster import Policy, PolicyStep, Roster, Shift, Target, TargetKind
from domain.schedules import on_duty, within

POLICY = TypeAdapter(Policy)
AT_ONCE = timedelta()
LAST_RESORT = "the last resort of the policy"


@dataclass(frozen=True, slots=True)
class Notice:
    """One person who is told, and how."""

    person: str  # "" where the contact belongs to nobody
    contacts: tuple[Contact, ...]  # each of them at once when it is critical, else the next one when one refuses
    why: str  # why this person, in words


def in_words(notices: Sequence[Notice], *, at_once: bool) -> list[str]:
    """Who is told, how and why."""
    told = []
    for notice in notices:
        ways = " and ".join(map(str, notice.contacts if at_once else notice.contacts[:1]))
        told.append(f"{notice.person} by {ways} ({notice.why})" if notice.person else f"{ways} ({notice.why})")
    return told


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides who is behind a target at a moment."""

    roster: Roster
    at: datetime
    overrides: Mapping[str, Sequence[Shift]]  # schedule -> shifts that people took
    usable: Callable[[Contact], bool] = lambda _contact: True  # whether the settings say how to reach it

    def of(self, targets: Sequence[Target]) -> tuple[Notice, ...]:
        """Who is told; each person once, for the first reason, and nobody who cannot be reached."""
        found: dict[object, Notice] = {}
        for target in targets:
            for notice in self._behind(target):
                contacts = tuple(filter(self.usable, notice.contacts))
                if contacts:
                    found.setdefault(notice.person or contacts, replace(notice, contacts=contacts))
        return tuple(found.values())

    def _behind(self, target: Target) -> list[Notice]:
        if target.kind is TargetKind.CHANNEL:
            return [Notice("", (target.contact,), "the policy names this channel")] if target.contact else []
        names, why = BEHIND[target.kind](self, target.name)
        users = [self.roster.users[name] for name in names if name in self.roster.users]
        return [Notice(user.name, user.contacts, why) for user in users]

    def _user(self, name: str) -> tuple[Sequence[str], str]:
        return [name], "the policy names this person"

    def _team(self, name: str) -> tuple[Sequence[str], str]:
        return self.roster.teams.get(name, ()), f"member of team {name}"

    def _schedule(self, name: str) -> tuple[Sequence[str], str]:
        schedule = self.roster.schedules.get(name)
        names = on_duty(schedule, self.overrides.get(name, ()), self.at) if schedule else ()
        return names, f"on call by schedule {name}"


BEHIND: Mapping[TargetKind, Callable[[Circumstances, str], tuple[Sequence[str], str]]] = {
    TargetKind.USER: Circumstances._user,  # noqa: SLF001 - a table of its own methods
    TargetKind.TEAM: Circumstances._team,  # noqa: SLF001
    TargetKind.SCHEDULE: Circumstances._schedule,  # noqa: SLF001
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a policy was followed."""

    policy: Policy
    step: int = 0  # the next one; behind the last one comes the last resort
    round: int = 0  # how often all steps were gone through
    fired: int = 0  # steps so far, over all rounds

    @property
    def is_over(self) -> bool:
        """Whether nobody is left to be told."""
        return self.step > len(self.policy.steps) or (
            self.step == len(self.policy.steps) and not self.policy.last_resort
        )

    @property
    def wait(self) -> timedelta:
        """How long those who were told last have, until the next ones are told."""
        return self.policy.steps[self.step - 1].wait

    def begin_again(self) -> Progress:
        """From the first step on; what was fired stays counted."""
        return replace(self, step=0, round=0)


@dataclass(frozen=True, slots=True)
class Fired:
    """What a step came to."""

    notices: tuple[Notice, ...]
    step: int  # number of this one over all rounds, from 1 on; 0 where nobody could be found at all
    following: Progress
    wait: timedelta | None  # until the next step; None: nobody is left

    @property
    def then(self) -> Progress:
        """What comes next; after everybody was told, the first step again."""
        return self.following.begin_again() if self.wait is None else self.following


def policy_for(labels: Sequence[Labels], roster: Roster, preferred: str, at: datetime) -> Policy:
    """The policy by which what has these labels goes at that moment; the last resort of all is any that there is.

    `preferred`: the policy of the settings, where that of the route is not there.
    """
    route = roster.routed(labels)
    hours = roster.hours.get(route.hours)
    name = route.policy if hours is None or within(hours, at) else (route.otherwise or route.policy)
    known = (name, preferred, *roster.policies)
    return next((roster.policies[one] for one in known if one in roster.policies), Policy(name, ()))


def fire(progress: Progress, now: Circumstances) -> Fired:
    """The next step that finds somebody; one that finds nobody goes to the last resort at once, else to the next."""
    while not progress.is_over:
        fired = _one(progress, now)
        if fired.notices:
            return fired
        progress = fired.following
    return Fired((), 0, progress, None)


def _one(progress: Progress, now: Circumstances) -> Fired:
    policy = progress.policy
    resort = now.of(policy.last_resort)
    as_resort = tuple(replace(notice, why=f"{LAST_RESORT}: {notice.why}") for notice in resort)
    if progress.step == len(policy.steps):
        return Fired(as_resort, progress.fired + 1, _next(progress), None)
    step = policy.steps[progress.step]
    following = _next(progress)
    return Fired(now.of(step.notify) or as_resort, progress.fired + 1, following, _wait(step, following))


def _wait(step: PolicyStep, following: Progress) -> timedelta | None:
    return None if following.is_over else step.wait


def _next(progress: Progress) -> Progress:
    step, fired = progress.step + 1, progress.fired + 1
    if step == len(progress.policy.steps) and progress.round < progress.policy.repeat:
        return replace(progress, step=0, round=progress.round + 1, fired=fired)
    return replace(progress, step=step, fired=fired)


def document(policy: Policy) -> dict[str, Any]:
    """A policy as JSON, to be kept as it is."""
    found: dict[str, Any] = POLICY.dump_python(policy, mode="json")
    return found


def as_policy(kept: Mapping[str, Any]) -> Policy:
    """The policy that `document` made."""
    return POLICY.validate_python(kept)
