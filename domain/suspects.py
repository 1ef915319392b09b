"""Which service is at fault: what moved, weighed by how much of a cause it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from domain.explained import explained, far_away
from domain.families import Family, family_of
from domain.moved_series import series_movements
from domain.moved_texts import text_movements
from domain.movements import Movement, MovementKind
from domain.telemetry import Telemetry
from domain.waits import wait_movements

# What runs out where the fault is, and what fails there, is evidence; time that passes may be lost elsewhere;
# load comes from outside, and the machine is shared.
SYMPTOM = 0.25
WEIGHTS: Mapping[Family, float] = {
    Family.CPU: 1.0,
    Family.MEMORY: 1.0,
    Family.HELD: 1.0,
    Family.ERRORS: 1.0,
    Family.LATENCY: SYMPTOM,
    Family.OTHER: SYMPTOM,
    Family.CALLING: 0.0,
    Family.LOAD: 0.0,
    Family.HOST: 0.0,
}
# Whoever calls one that is in trouble fails with it, and what it holds piles up.
OF_SUFFERING: Mapping[Family, float] = {
    **WEIGHTS,
    Family.HELD: SYMPTOM,
    Family.ERRORS: SYMPTOM,
    Family.LATENCY: SYMPTOM * SYMPTOM,
}
# Whoever answers late is heard late, and whoever is hard to reach speaks late: the first is the surer sign.
HEARD = 0.5
ROSE = frozenset({MovementKind.METRIC_ROSE, MovementKind.ERRORS_ROSE})
CAME = frozenset({MovementKind.TEXT_NEW, MovementKind.TEXT_MORE})
WENT = frozenset({MovementKind.TEXT_GONE, MovementKind.TEXT_LESS})


@dataclass(frozen=True, slots=True)
class Suspect:
    """A service, and what speaks against it."""

    service: str
    score: float  # 0 for nothing at all; compares within one telemetry only
    movements: tuple[Movement, ...]  # its own, the strongest first


def movements(telemetry: Telemetry) -> tuple[Movement, ...]:
    """Everything that changed with the onset, the strongest first."""
    found = chain(
        series_movements(telemetry), text_movements(telemetry), wait_movements(telemetry.follows, telemetry.onset)
    )
    return tuple(sorted(found, key=lambda one: (-one.size, one.service, one.kind, one.what, one.instance)))


def suspects(telemetry: Telemetry, about: Collection[str] = ()) -> tuple[Suspect, ...]:
    """Every service that appears, the likeliest to be at fault first; `about`: what is known to be touched."""
    seen = {one.service for one in telemetry.series} | {one.service for one in telemetry.phrases}
    own: dict[str, list[Movement]] = {service: [] for service in seen}
    moved = movements(telemetry)
    for one in moved:
        own.setdefault(one.service, []).append(one)
    later, missed = _later(moved), _missed(own, telemetry.calls)
    suffering, far = explained(own, telemetry.calls), far_away(own, about, _links(telemetry))
    found = []
    for service, its in own.items():
        weights, hearsay = (OF_SUFFERING, SYMPTOM) if service in suffering else (WEIGHTS, 1.0)
        score = _by_metrics(its, weights) + _by_texts(its, hearsay) + later[service] + missed[service]
        found.append(Suspect(service, score * SYMPTOM if service in far else score, tuple(its)))
    return tuple(sorted(found, key=lambda one: (-one.score, one.service)))


def _links(telemetry: Telemetry) -> set[tuple[str, str]]:
    """Services that call each other, as people wrote it down or as traces show."""
    return {*telemetry.calls, *((one.service, one.then_service) for one in telemetry.follows)}


def _by_metrics(own: Sequence[Movement], weights: Mapping[Family, float]) -> float:
    """What its metrics say: the strongest of each family, for one fault moves many."""
    return sum(weight * _strongest(own, family) for family, weight in weights.items())


def _by_texts(own: Iterable[Movement], hearsay: float = 1.0) -> float:
    """What its texts say: the strongest that came and the strongest that went; `hearsay`: of what is no own error."""
    moved = list(own)
    came = (one.size * (1.0 if one.own_error else hearsay) for one in moved if one.kind in CAME)
    return max(came, default=0.0) + max((one.size for one in moved if one.kind in WENT), default=0.0)


def _strongest(own: Iterable[Movement], family: Family) -> float:
    return max((one.size for one in own if one.kind in ROSE and family_of(one.what) is family), default=0.0)


def _later(moved: Iterable[Movement]) -> Mapping[str, float]:
    """All waits of each: who is at fault shares them with every neighbour, a neighbour with it alone."""
    found = defaultdict[str, float](float)
    for one in moved:
        if one.kind is MovementKind.WAITS_LONGER:
            found[one.service] += one.size
            if one.what != one.service:
                found[one.what] += HEARD * one.size
    return found


def _missed(own: Mapping[str, Sequence[Movement]], calls: Iterable[tuple[str, str]]) -> Mapping[str, float]:
    """What the callers of each miss, where all of them wait longer for those that they call."""
    least: dict[str, float] = {}
    for caller, called in calls:
        waiting = _strongest(own.get(caller, ()), Family.CALLING)
        least[called] = min(waiting, least.get(called, waiting))
    return defaultdict(float, {called: SYMPTOM * waiting for called, waiting in least.items()})
