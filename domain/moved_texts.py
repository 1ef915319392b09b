"""How what the services say moved: new texts, texts that are gone, texts said more or less often."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from domain.incidents import AlertRole
from domain.logs import Level
from domain.movements import Movement, MovementKind
from domain.roles import role_of
from domain.telemetry import Phrase, Telemetry

# Texts whose share moved by fewer standard deviations did not move.
CHANCE = 1.5
# An error that comes up says more than any other text; one that speaks of somebody else, or is none, says less.
WORSE, HALF = 2.0, 0.5
# With fewer other lines of the service, before or during, all services' lines are what a text is compared with.
LEAST_LINES = 5
WORDS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class _Said:
    """Texts of one service of the same words: a list that is longer than another is no new text."""

    phrase: Phrase  # the most frequent
    level: Level
    before: int
    during: int


def text_movements(telemetry: Telemetry) -> Iterator[Movement]:
    """Each text whose share of its service's lines moved by more than chance."""
    said = _grouped(telemetry.phrases)
    services = {each.phrase.service for each in said} | {series.service for series in telemetry.series}
    before, during = Counter[str](), Counter[str]()
    for each in said:
        before[each.phrase.service] += each.before
        during[each.phrase.service] += each.during
    for each in said:
        others = [count[each.phrase.service] for count in (before, during)]
        rest = (others[0] - each.before, others[1] - each.during)
        if min(rest) < LEAST_LINES:
            rest = (before.total() - each.before, during.total() - each.during)
        moved = _deviations((each.before, each.during), rest)
        size = _size(each, moved, services)
        if size > 0:
            yield _movement(each, moved > 0, size, telemetry)


def _grouped(phrases: Iterable[Phrase]) -> list[_Said]:
    groups: dict[tuple[str, frozenset[str]], list[Phrase]] = {}
    for phrase in phrases:
        groups.setdefault((phrase.service, frozenset(WORDS.findall(phrase.template))), []).append(phrase)
    return [_said(group) for group in groups.values()]


def _said(group: list[Phrase]) -> _Said:
    first = max(group, key=lambda one: (one.during, one.before, one.template))
    level = max(one.level for one in group)
    return _Said(first, level, sum(one.before for one in group), sum(one.during for one in group))


def _deviations(counts: tuple[int, int], rest: tuple[int, int]) -> float:
    """How many standard deviations the share moved: the signed root of the likelihood ratio (Wilks, 1938)."""
    lines = (counts[0] + rest[0], counts[1] + rest[1])
    if not all(lines):
        return 0.0
    share = sum(counts) / sum(lines)
    cells = [(count, share * line) for count, line in zip(counts, lines, strict=True)]
    cells += [(other, (1 - share) * line) for other, line in zip(rest, lines, strict=True)]
    ratio = 2 * sum(seen * math.log(seen / expected) for seen, expected in cells if seen)
    return math.copysign(math.sqrt(max(ratio, 0.0)), counts[1] / lines[1] - counts[0] / lines[0])


def _size(said: _Said, moved: float, services: Collection[str]) -> float:
    error = said.level >= Level.ERROR
    if error and moved < 0:
        return 0.0  # fewer errors are no fault
    size = math.log(max(abs(moved), 1.0) * (WORSE if error else 1.0) / CHANCE)
    if moved > 0 and not error:
        size *= HALF
    return size * HALF if _speaks_of_another(said.phrase, services) else size


def _speaks_of_another(phrase: Phrase, services: Iterable[str]) -> bool:
    named = any(other in phrase.template and other not in phrase.service for other in services)
    return named or role_of(phrase.template, "") is AlertRole.EFFECT


def _movement(said: _Said, rose: bool, size: float, telemetry: Telemetry) -> Movement:  # noqa: FBT001
    phrase = said.phrase
    kinds = (MovementKind.TEXT_LESS, MovementKind.TEXT_MORE) if said.before else (MovementKind.TEXT_NEW,) * 2
    kind = kinds[rose] if said.during else MovementKind.TEXT_GONE
    before, after = said.before / telemetry.before.minutes, said.during / telemetry.during.minutes
    at = phrase.first_at or telemetry.onset
    return Movement(phrase.service, kind, phrase.template, before, after, size, at, phrase.example)
