"""Who still has to be told what: of a page that waits, of what it shares with others, and of where it may come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.incidents import Resolution, State
from domain.inventory import Inventory

MOST_NAMED = 20
MOST_ORIGINS = 3


@dataclass(frozen=True, slots=True)
class Told:
    """One incident that a page tells of."""

    id: int
    service: str
    what: str  # what it is, beside its service; untrusted text
    state: State
    resolution: Resolution | None
    acked: bool
    opened_at: datetime
    last_at: datetime

    @property
    def silence(self) -> str:
        """Why nobody need be told of it any more, or an empty text. That it went quiet is no reason."""
        if self.acked:
            return "the incident was acknowledged"
        if self.resolution is Resolution.HUMAN:
            return "the incident was closed by a person"
        return "the incident was repaired, and that was verified" if self.resolution is Resolution.VERIFIED else ""


def unwanted(told: Sequence[Told], *, enabled: bool) -> str:
    """Why a queued page must not go out any more, or an empty text; `told` begins with its own incident."""
    if not enabled:
        return "paging is switched off (paging.enabled)"
    if not told:
        return "its incident is gone"
    silenced = [each.silence for each in told]
    return silenced[0] if all(silenced) else ""


def unwanted_resolved(told: Sequence[Told], *, enabled: bool, told_before: bool) -> str:
    """Why nobody is told that it is over, or an empty text."""
    if not enabled:
        return "paging is switched off (paging.enabled)"
    if not told_before:
        return "nobody was told of the incident"
    return "" if told and all(each.state.closed for each in told) else "it is not over: an incident came back"


def meanwhile(told: Sequence[Told]) -> str:
    """What a page says that waited so long that all of it went quiet, or an empty text."""
    if not told or not all(each.state.closed for each in told):
        return ""
    last = max(each.last_at for each in told)
    return f"It is over meanwhile: nothing was seen of it after {last:%Y-%m-%d %H:%M:%S} UTC."


def together(told: Sequence[Told]) -> str:
    """What shares one page, in one line; an empty text for one incident alone."""
    services = list(dict.fromkeys(each.service for each in told))
    if len(services) > 1:
        return f"{len(services)} services: {named(services)}"
    if len(told) > 1:
        return f"{len(told)} incidents of {services[0]}: {named([f'{each.id} ({each.what})' for each in told])}"
    return ""


def named(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    left = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" … and {left} more" if left > 0 else "")


def likely_origin(told: Sequence[Told], others: Iterable[Told], inventory: Inventory) -> str:
    """Open incidents of services on which those of a page depend, the deepest first to open; in one line."""
    services = list(dict.fromkeys(each.service for each in told))[:MOST_NAMED]
    ours = {each.id for each in told}
    below = {
        each: depending
        for each in others
        if each.id not in ours and (depending := [one for one in services if inventory.depends(one, each.service)])
    }
    causes = {each.service for each in below}
    roots = [
        each
        for each in sorted(below, key=lambda found: (found.opened_at, found.id))
        if not any(_stands_on(each.service, other, inventory) for other in causes)
    ]
    found = [
        f"incident {each.id} ({each.service}: {each.what}), on which {named(below[each])} depends" for each in roots
    ]
    return f"Likely origin: {'; '.join(found[:MOST_ORIGINS])}" if found else ""


def _stands_on(service: str, other: str, inventory: Inventory) -> bool:
    """Whether `other` is below: of services that call each other none is."""
    return inventory.depends(service, other) and not inventory.depends(other, service)
