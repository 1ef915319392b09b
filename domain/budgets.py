"""Budgets: how much may be done at all, counted from what was done and what is intended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from domain.amounts import ago, lasting, share
from domain.asking import Counted, Objected, Objection, Policy, Question, Seen
from domain.plans import ActionKind
from domain.verification import Outcome

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOT_HELPED = frozenset({Outcome.INEFFECTIVE, Outcome.WORSE, Outcome.UNKNOWN})
# Kinds that may take running processes away for a while: a new value or release replaces them, too.
INTERRUPTING = frozenset({ActionKind.RESTART, ActionKind.CONFIGURE, ActionKind.ROLLBACK_DEPLOY})


def pause_of(asked: Question, policy: Policy) -> timedelta:
    """Least time between two plans on one target."""
    return max(policy.budgets.target_pause, asked.plan.cool_down)


def _within(asked: Question, span: timedelta, now: datetime) -> list[Counted]:
    """What was done or reserved in that time.

    A clock that was set back must not free a budget: what lies in the future counts as just done.
    """
    return [done for done in asked.history.actions if now - done.at < span]


def _over(
    objection: Objection, used: Counter[str], wanted: Counter[str], most: int, what: str = ""
) -> Iterator[Objected]:
    for name, more in wanted.items():
        if used[name] + more > most:
            named = {what: name} if what else {}
            yield Objected(objection, {**named, "done or reserved": used[name], "asked for": more, "at most": most})


def fleet_per_hour(asked: Question, policy: Policy, now: datetime) -> Iterator[Objected]:
    """Actions on anything."""
    used = Counter({"": len(_within(asked, HOUR, now))})
    wanted = Counter({"": len(asked.seen)})
    yield from _over(Objection.HOURLY_BUDGET, used, wanted, policy.budgets.actions_per_hour)


def kind_per_hour(asked: Question, policy: Policy, now: datetime) -> Iterator[Objected]:
    """Actions of one kind."""
    used = Counter(str(done.kind) for done in _within(asked, HOUR, now))
    wanted = Counter(str(one.action.kind) for one in asked.seen)
    yield from _over(Objection.KIND_BUDGET, used, wanted, policy.budgets.kind_per_hour, "kind")


def service_per_hour(asked: Question, policy: Policy, now: datetime) -> Iterator[Objected]:
    """Actions on one service."""
    used = Counter(done.service for done in _within(asked, HOUR, now))
    wanted = Counter(one.service for one in asked.seen if one.service)
    yield from _over(Objection.SERVICE_BUDGET, used, wanted, policy.budgets.service_per_hour, "service")


def target_per_day(asked: Question, policy: Policy, now: datetime) -> Iterator[Objected]:
    """Actions on one target."""
    used = Counter(done.budget_key for done in _within(asked, DAY, now))
    wanted = Counter(one.key for one in asked.seen)
    yield from _over(Objection.TARGET_BUDGET, used, wanted, policy.budgets.target_per_day, "target")


def share_at_a_time(asked: Question, policy: Policy, _now: datetime) -> Iterator[Objected]:
    """Running processes of a service that the plan interrupts, of all that run."""
    for name, mine in _by_service(asked).items():
        running = {pid for one in mine if one.whole for pid in one.whole.pids}
        touched = {pid for one in mine if one.snapshot and one.action.kind in INTERRUPTING for pid in one.snapshot.pids}
        limit = mine[0].owner.limits.share if mine[0].owner else None
        most = policy.budgets.max_share if limit is None else min(limit, policy.budgets.max_share)
        if touched and len(touched) > most * len(running | touched):
            told = f"{len(touched)} of {len(running | touched)} running processes"
            yield Objected(Objection.SHARE, {"service": name, "touched": told, "at most": share(most)})


def _by_service(asked: Question) -> dict[str, list[Seen]]:
    found: dict[str, list[Seen]] = {}
    for one in asked.seen:
        found.setdefault(one.service, []).append(one)
    return found


def under_way(asked: Question, _policy: Policy, _now: datetime) -> Iterator[Objected]:
    """One plan at a time on a target, and on a service."""
    for key in dict.fromkeys(one.key for one in asked.seen):
        if key in asked.history.targets_under_way:
            yield Objected(Objection.UNDER_WAY, {"target": key})
    targets = {one.service for one in asked.seen if one.key in asked.history.targets_under_way}
    for name in dict.fromkeys(one.service for one in asked.seen if one.service):
        if name in asked.history.services_under_way and name not in targets:
            yield Objected(Objection.UNDER_WAY, {"service": name})


def cool_down(asked: Question, policy: Policy, now: datetime) -> Iterator[Objected]:
    """The time between two plans on one target."""
    pause = pause_of(asked, policy)
    lately = {done.budget_key: done.at for done in sorted(_within(asked, pause, now), key=lambda done: done.at)}
    for key in dict.fromkeys(one.key for one in asked.seen):
        if key in lately and key not in asked.history.targets_under_way:
            numbers = {"target": key, "last": ago(now - lately[key]), "pause": lasting(pause.total_seconds())}
            yield Objected(Objection.TARGET_BUSY, numbers)


def ineffective(asked: Question, policy: Policy, now: datetime) -> Iterator[Objected]:
    """What did not help so often does not help; that it ran and nobody can say counts, too."""
    bad = Counter(done.budget_key for done in _within(asked, DAY, now) if done.outcome in NOT_HELPED)
    for key in dict.fromkeys(one.key for one in asked.seen):
        if bad[key] >= policy.budgets.max_ineffective:
            yield Objected(Objection.INEFFECTIVE, {"target": key, "times": bad[key]})


# Asked when the whole plan is reserved: what is reserved has its place in them from then on.
BUDGETS: tuple[Callable[[Question, Policy, datetime], Iterator[Objected]], ...] = (
    fleet_per_hour,
    kind_per_hour,
    service_per_hour,
    target_per_day,
    share_at_a_time,
    under_way,
    cool_down,
    ineffective,
)
