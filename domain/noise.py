"""What waits so that people can read it: messages beyond a rate, pages over a shift's budget, news of one incident."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.incidents import Severity
from domain.pages import PageReason

MINUTE = timedelta(minutes=1)
MERGED = "comes with others: "  # begins the reason of what is sent together with what else waits
# News that ask nothing of anybody.
GROUPED = frozenset({PageReason.COMMENTED, PageReason.WORSE})
NEVER = frozenset({PageReason.DIGEST, PageReason.RESOLVED, PageReason.ACKNOWLEDGED, PageReason.APPROVAL})


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings of noise."""

    per_minute: int  # messages to one contact point
    budget: int  # pages to one person within a shift
    shift: timedelta
    merged_every: timedelta
    interval: timedelta  # between news of one incident


@dataclass(frozen=True, slots=True)
class Before:
    """What was sent to whoever is told, in ascending order."""

    contact: Sequence[datetime] = ()  # messages to the same contact point in the last minute
    person: Sequence[datetime] = ()  # pages, not news, to the same person in the last shift
    thread: datetime | None = None  # the last news of the same incident to the same contact point


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a delivery waits."""

    until: datetime
    why: str  # in words


def wait(reason: PageReason, severity: Severity, before: Before, limits: Limits, now: datetime) -> Wait | None:
    """Why it waits, or None; what is critical never does, nor what ends something or asks for a word."""
    if severity >= Severity.CRITICAL or reason in NEVER:
        return None
    found = (rule(reason, before, limits, now) for rule in RULES)
    return next((one for one in found if one is not None and one.until > now), None)


def _interval(reason: PageReason, before: Before, limits: Limits, _now: datetime) -> Wait | None:
    if reason not in GROUPED or before.thread is None:
        return None
    why = f"news of one incident comes every {limits.interval / MINUTE:g} minutes at most"
    return Wait(before.thread + limits.interval, why)


def _rate(_reason: PageReason, before: Before, limits: Limits, now: datetime) -> Wait | None:
    lately = [at for at in before.contact if now - at < MINUTE]
    if len(lately) < limits.per_minute:
        return None
    return Wait(lately[-limits.per_minute] + MINUTE, f"{MERGED}more than {limits.per_minute} messages in a minute")


def _budget(_reason: PageReason, before: Before, limits: Limits, now: datetime) -> Wait | None:
    in_shift = [at for at in before.person if now - at < limits.shift]
    if len(in_shift) < limits.budget:
        return None
    hours = limits.shift / timedelta(hours=1)
    return Wait(in_shift[-1] + limits.merged_every, f"{MERGED}more than {limits.budget} pages in {hours:g} hours")


RULES: tuple[Callable[[PageReason, Before, Limits, datetime], Wait | None], ...] = (_interval, _rate, _budget)
