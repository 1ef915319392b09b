"""Who is not heard any more, or never was, and of whom others say that it fails them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.movements import CAME, Movement, names_in
from domain.telemetry import Telemetry

# Where so many lines of a service were to come and none did, it is silent; by chance once in 22,000 times (Poisson).
LEAST_MISSING = 10.0


@dataclass(frozen=True, slots=True)
class Accusation:
    """One service says of another, which does not speak for itself, that it fails."""

    service: str  # which is accused
    by: str
    text: Movement  # the strongest of what is said of it
    missing: float  # lines of it that were to come since its last one; 0 where none of its lines are read


def accusations(own: Mapping[str, Sequence[Movement]], telemetry: Telemetry) -> Iterator[Accusation]:
    """Everything that services say of those that are not heard; each pair once."""
    silent = {service for service, missing in telemetry.missing.items() if missing >= LEAST_MISSING}
    unheard = silent | ({called for _, called in telemetry.calls} - telemetry.services)
    for by, moved in sorted(own.items()):
        said: dict[str, Movement] = {}
        for one in moved:
            for service in (unheard - {by}).intersection(names_in(one.what)) if one.kind in CAME else ():
                said[service] = max(said.get(service, one), one, key=_size)
        for service, text in sorted(said.items()):
            yield Accusation(service, by, text, telemetry.missing.get(service, 0.0))


def _size(moved: Movement) -> float:
    return moved.size
