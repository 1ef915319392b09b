"""Who calls whom: what a service suffers may come from one that it calls, and what is far away explains nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from domain.families import Family, family_of
from domain.movements import CAME, ROSE, Movement, names_in

# A movement of this size is past what is usual by a factor of e.
CLEAR = 1.0
# What rises where a fault is, other than what rises wherever somebody waits for it.
OWN = frozenset({Family.ERRORS, Family.CPU, Family.MEMORY, Family.HELD})


def explained(own: Mapping[str, Sequence[Movement]], calls: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The services that call one which is in trouble itself: their errors and queues may all come from there.

    Whoever is not heard may be in trouble too, where its callers say so.
    """
    return frozenset(
        caller
        for caller, called in calls
        if caller != called and (_in_trouble(own.get(called, ())) or _says_so(own.get(caller, ()), called))
    )


def _says_so(moved: Iterable[Movement], called: str) -> bool:
    """Whether new lines speak of it."""
    return any(one.kind in CAME and called in names_in(one.what) for one in moved)


def _in_trouble(moved: Iterable[Movement]) -> bool:
    return any(one.size >= CLEAR and (one.own_error or _of_own(one)) for one in moved)


def _of_own(one: Movement) -> bool:
    return one.kind in ROSE and family_of(one.what) in OWN


def far_away(services: Iterable[str], about: Collection[str], links: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Those that no chain of links leads to from what it is about; who has no link at all may be anywhere."""
    neighbours: dict[str, set[str]] = defaultdict(set)
    for one, other in links:
        if one != other:
            neighbours[one].add(other)
            neighbours[other].add(one)
    near = _reached(about, neighbours)
    if not any(one in neighbours for one in about):
        return frozenset()
    return frozenset(one for one in services if one in neighbours and one not in near)


def _reached(about: Iterable[str], neighbours: Mapping[str, Collection[str]]) -> set[str]:
    found, waiting = set(about), list(about)
    while waiting:
        new = set(neighbours.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found
