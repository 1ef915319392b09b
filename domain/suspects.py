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
from domain.movements import CAME, ROSE, WENT, Movement, MovementKind
from domain.telemetry import Telemetry
from domain.unheard import Accusation, accusations
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
    own: dict[str, list[Movement]] = {service: [] for service in telemetry.services}
    moved = movements(telemetry)
    for one in moved:
        own.setdefault(one.service, []).append(one)
    later, missed = _later(moved), _missed(own, telemetry.calls)
    blamed = _blamed(own, telemetry)
    suffering = explained(own, telemetry.calls) | {one.by for one, _ in blamed.values()}
    far = far_away(own, about, _links(telemetry))
    found = []
    for service, its in (own | {service: own.get(service, []) for service in blamed}).items():
        score = _by_itself(its, suffers=service in suffering) + later[service] + missed[service]
        said = [_not_heard(*blamed[service])] if service in blamed else []
        score += sum(one.size for one in said)
        found.append(Suspect(service, score * SYMPTOM if service in far else score, (*said, *its)))
    return tuple(sorted(found, key=lambda one: (-one.score, one.service)))


def _blamed(own: Mapping[str, Sequence[Movement]], telemetry: Telemetry) -> dict[str, tuple[Accusation, float]]:
    """What counts less against whoever suffers counts against whom it accuses, where that one is not heard.

    Of several that accuse it, by the one that suffers most.
    """
    found: dict[str, tuple[Accusation, float]] = {}
    for one in accusations(own, telemetry):
        its = own[one.by]
        blame = _by_itself(its, suffers=False) - _by_itself(its, suffers=True)
        if blame > found.get(one.service, (one, 0.0))[1]:
            found[one.service] = one, blame
    return found


def _not_heard(accused: Accusation, blame: float) -> Movement:
    said = accused.text
    return Movement(
        accused.service, MovementKind.NOT_HEARD, said.what, accused.missing, 0.0, blame, said.at, said.example
    )


def _by_itself(own: Sequence[Movement], *, suffers: bool) -> float:
    """What its metrics and texts say; less where it may have it from whom it calls."""
    weights, hearsay = (OF_SUFFERING, SYMPTOM) if suffers else (WEIGHTS, 1.0)
    return _by_metrics(own, weights) + _by_texts(own, hearsay)


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
