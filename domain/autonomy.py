"""How much a playbook may do by itself on a service: earned by proved recoveries, lost by what did not help."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from domain.experience import Run
from domain.verification import Outcome


class Autonomy(IntEnum):
    """How far a plan goes without a person; ordered."""

    OBSERVE = 1  # no plan is made: a human gets the incident, with the playbook's text
    SUGGEST = 2  # the plan is made and shown; a human carries it out
    ASK = 3  # the plan waits for a person's word
    ACT = 4  # the plan runs unattended

    @property
    def word(self) -> str:
        """As settings and commands have it."""
        return self.name.lower()


def level_of(word: str) -> Autonomy:
    """The level of that word."""
    return Autonomy[word.upper()]


def moved(before: Autonomy, after: Autonomy) -> str:
    """`raised from ask to act`, `lowered from act to ask`, `stays at ask`."""
    if before == after:
        return f"stays at {after.word}"
    return f"{'raised' if after > before else 'lowered'} from {before.word} to {after.word}"


@dataclass(frozen=True, slots=True)
class Earning:
    """The settings."""

    start: Autonomy
    most: Autonomy
    proofs: int  # proved recoveries in a row that lift it
    failures: int  # failures in a row that lower it


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said; what was proved before no longer counts."""

    level: Autonomy
    by: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a playbook stands on a service, and what that rests on."""

    level: Autonomy
    proofs: int = 0  # in a row, since the level last changed
    failures: int = 0
    because: str = ""  # why it is at this level, in words

    def told(self, rules: Earning) -> str:
        """The evidence in words, with what comes next."""
        after = f"; {self.proofs} of {rules.proofs} proved recoveries in a row towards the next level"
        return self.because + (after if self.level < Autonomy.ACT else "")


def standing(runs: Iterable[Run], rules: Earning, word: Word | None = None) -> Standing:
    """Where it stands after these runs, oldest first, or after those since a person's word."""
    now = Standing(rules.start, because="it begins there; nothing is proved yet")
    if word is not None:
        now = Standing(word.level, because=f"{word.by} said so on {word.at:%Y-%m-%d}: {word.why}")
    for run in runs:
        if word is None or run.at > word.at:
            now = _after(now, run, rules)
    return now


def _after(now: Standing, run: Run, rules: Earning) -> Standing:
    if run.helped:
        return _lifted(replace(now, proofs=now.proofs + 1, failures=0), run, rules)
    if run.failed:
        return _lowered(replace(now, failures=now.failures + 1, proofs=0), run, rules)
    return now  # it healed by itself: nothing is proved either way


def _lifted(now: Standing, run: Run, rules: Earning) -> Standing:
    if now.level is Autonomy.ACT or now.proofs < rules.proofs:
        return now
    because = f"{now.proofs} proved recoveries in a row by {run.at:%Y-%m-%d} (the last: {_of(run)})"
    return Standing(Autonomy(now.level + 1), because=because)


def _lowered(now: Standing, run: Run, rules: Earning) -> Standing:
    enough = now.failures >= rules.failures or run.outcome is Outcome.WORSE
    if now.level is Autonomy.OBSERVE or not enough:
        return now
    lower = Autonomy(now.level - 1)
    return Standing(lower, because=f"lowered on {run.at:%Y-%m-%d}: {run.outcome} ({_of(run)})")


def _of(run: Run) -> str:
    return f"incident {run.incident_id}"


@dataclass(frozen=True, slots=True)
class Trust:
    """How far a playbook may go on a service now, and which limit says so."""

    level: Autonomy
    why: str


def trust(
    found: Standing, rules: Earning, *, playbook: Autonomy = Autonomy.ACT, service: Autonomy = Autonomy.ACT
) -> Trust:
    """What was earned, but never more than settings, playbook and inventory allow."""
    limits: Iterator[Trust] = iter(
        (
            Trust(found.level, found.told(rules)),
            Trust(rules.most, "mitigation.autonomy.most allows no more"),
            Trust(playbook, "the playbook itself allows no more"),
            Trust(service, "the inventory allows no more for the service"),
        )
    )
    return min(limits, key=lambda limit: limit.level)
