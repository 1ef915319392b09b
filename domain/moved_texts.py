"""How what the services say moved: new texts, texts that are gone, texts said more or less often."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from domain.incidents import AlertRole
from domain.logs import Level
from domain.movements import CAME, Movement, MovementKind, names_in
from domain.roles import role_of
from domain.telemetry import Phrase, Telemetry

# Texts whose share moved by fewer standard deviations did not move.
CHANCE = 1.5
# An error that comes up says more than any other text; one that speaks of somebody else, or is none, says less.
WORSE, HALF = 2.0, 0.5
# With fewer other lines of the service, before or during, all services' lines are what a text is compared with.
LEAST_LINES = 5
SECOND = 1 / 60  # of a minute; the shortest time that a rate is told of
WORDS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class _Said:
    """Texts of one service of the same words: a list that is longer than another is no new text."""

    phrase: Phrase  # the most frequent
    level: Level
    before: int
    during: int
    last_at: datetime | None  # of those before, where that is known


@dataclass(frozen=True, slots=True)
class _Share:
    """How many of how many lines say it."""

    before: int
    of_before: int
    during: int
    of_during: int

    @property
    def expected(self) -> float:
        """How many of those during would say it as before."""
        return self.before * self.of_during / self.of_before if self.of_before else 0.0

    @property
    def deviations(self) -> float:
        """By how many standard deviations it moved: the signed root of the likelihood ratio (Wilks, 1938)."""
        if not (self.of_before and self.of_during):
            return 0.0
        common = (self.before + self.during) / (self.of_before + self.of_during)
        ratio = 0.0
        for said, lines in ((self.before, self.of_before), (self.during, self.of_during)):
            for seen, share in ((said, common), (lines - said, 1 - common)):
                ratio += 2 * seen * math.log(seen / (share * lines)) if seen else 0.0
        return math.copysign(math.sqrt(max(ratio, 0.0)), self.during - self.expected)


@dataclass(frozen=True, slots=True)
class _Lines:
    """How many lines there are, of each service and of all."""

    before: Counter[str]
    during: Counter[str]
    of_all_before: int
    of_all_during: int


def text_movements(telemetry: Telemetry) -> Iterator[Movement]:
    """Each text whose share of its service's lines moved by more than chance."""
    said = _grouped(telemetry.phrases)
    services = telemetry.services
    before, during = Counter[str](), Counter[str]()
    for each in said:
        before[each.phrase.service] += each.before
        during[each.phrase.service] += each.during
    lines = _Lines(before, during, before.total(), during.total())
    for each in said:
        share = _share(each, lines)
        size = 0.0 if _was_silent(each, telemetry) else _size(each, share.deviations, services)
        if size > 0:
            yield _movement(each, share, size, telemetry, services)


def _grouped(phrases: Iterable[Phrase]) -> list[_Said]:
    groups: dict[tuple[str, frozenset[str]], list[Phrase]] = {}
    for phrase in phrases:
        groups.setdefault((phrase.service, frozenset(WORDS.findall(phrase.template))), []).append(phrase)
    return [_said(group) for group in groups.values()]


def _said(group: list[Phrase]) -> _Said:
    first = max(group, key=lambda one: (one.during, one.before, one.template))
    level = max(one.level for one in group)
    last_at = max((one.last_at for one in group if one.last_at), default=None)
    return _Said(first, level, sum(one.before for one in group), sum(one.during for one in group), last_at)


def _was_silent(said: _Said, telemetry: Telemetry) -> bool:
    """Whether it ended in the first half of the time before: it did not fall silent with the onset."""
    if said.during or said.last_at is None:
        return False
    since, until = telemetry.before.since, telemetry.before.until
    return said.last_at < since + (until - since) / 2


def _share(said: _Said, lines: _Lines) -> _Share:
    before, during = lines.before[said.phrase.service], lines.during[said.phrase.service]
    if min(before - said.before, during - said.during) < LEAST_LINES:
        before, during = lines.of_all_before, lines.of_all_during
    return _Share(said.before, before, said.during, during)


def _size(said: _Said, moved: float, services: set[str]) -> float:
    error = said.level >= Level.ERROR
    if error and moved < 0:
        return 0.0  # fewer errors are no fault
    size = math.log(max(abs(moved), 1.0) * (WORSE if error else 1.0) / CHANCE)
    if moved > 0 and not error:
        size *= HALF
    return size * HALF if size > 0 and _speaks_of_another(said.phrase, services) else size


def _speaks_of_another(phrase: Phrase, services: set[str]) -> bool:
    named = services.intersection(names_in(phrase.template)) - {phrase.service}
    return bool(named) or role_of(phrase.template, "") is AlertRole.EFFECT


def _movement(said: _Said, share: _Share, size: float, telemetry: Telemetry, services: set[str]) -> Movement:
    phrase, minutes = said.phrase, max(telemetry.during.minutes, SECOND)
    kind = _kind(share)
    came = kind in CAME
    at = phrase.first_at if came and phrase.first_at else telemetry.onset
    before, after = share.expected / minutes, share.during / minutes
    own_error = came and said.level >= Level.ERROR and not _speaks_of_another(phrase, services)
    moved = (phrase.service, kind, phrase.template, before, after, size, at, phrase.example)
    return Movement(*moved, own_error=own_error)


def _kind(share: _Share) -> MovementKind:
    if share.during > share.expected:
        return MovementKind.TEXT_MORE if share.before else MovementKind.TEXT_NEW
    return MovementKind.TEXT_LESS if share.during else MovementKind.TEXT_GONE
