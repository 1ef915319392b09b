"""Who still has to be told what: of a page that waits, of what it shares with others, and of where it may come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.incidents import Incident, Kind, Resolution, Route, Severity, State
from domain.inventory import Inventory
from domain.muting import Labels, labels_of
from domain.pages import PageKind, PageReason

MOST_NAMED = 20
CAME_BACK = "it is not over: an incident came back"
MOST_ORIGINS = 3


@dataclass(frozen=True, slots=True)
class Told:
    """One incident that a page tells of."""

    id: int
    service: str
    kind: Kind
    severity: Severity
    playbook: str
    template: str  # untrusted text
    metric: str
    state: State
    resolution: Resolution | None
    acked: bool
    opened_at: datetime
    last_at: datetime
    resolved_at: datetime | None = None
    others: tuple[str, ...] = ()  # services that it touches beside its own

    @property
    def what(self) -> str:
        """What it is, beside its service; untrusted text."""
        return self.playbook or self.template or "storm of incidents"

    @property
    def services(self) -> tuple[str, ...]:
        """Every service that it touches, its own first."""
        return (self.service, *self.others)

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


def answered_by_now(reason: PageReason, incident: Incident) -> str:
    """Why nobody is told that no playbook fits, or that it got worse, or an empty text: one fits by now.

    A symptom was seen first, and what is behind it was found since; whatever comes of that has a page of its own.
    """
    if incident.route is not Route.PLAYBOOK:
        return ""
    at_work = incident.state is State.REOPENED or incident.state.in_hand
    if reason is PageReason.UNCOMMON or (reason is PageReason.WORSE and at_work):
        return "its origin was found, and a playbook answers that by now"
    return ""


def plan_is_answered(reason: PageReason, incident: Incident) -> str:
    """Why nobody else is asked about a plan right now, or an empty text: it has its answer, and is being carried out.

    Whatever comes of that has a page of its own.
    """
    answered = reason is PageReason.APPROVAL and incident.state.in_hand and incident.state is not State.WAITING
    return "the plan has its answer and is being carried out" if answered else ""


def over_untold(told: Sequence[Told], held_by: str) -> str:
    """Why a page that was held back is not needed any more, or an empty text: all of it was over before it went out."""
    over = bool(held_by) and bool(told) and all(each.state.closed for each in told)
    return f"it was over before anybody was told of it: held back by {held_by}" if over else ""


def over_since(told: Sequence[Told]) -> datetime | None:
    """When the last of it was closed; None while some of it is open."""
    ended = [each.resolved_at for each in told if each.state.closed and each.resolved_at is not None]
    return max(ended) if ended and len(ended) == len(told) else None


def unwanted_resolved(told: Sequence[Told], *, enabled: bool, told_before: bool) -> str:
    """Why nobody is told that it is over, or an empty text."""
    if not enabled:
        return "paging is switched off (paging.enabled)"
    if not told_before:
        return "nobody was told of the incident"
    return "" if told and all(each.state.closed for each in told) else CAME_BACK


def unwanted_reminder(told: Sequence[Told], *, enabled: bool) -> str:
    """Why whoever acknowledged it need not be reminded, or an empty text."""
    if not enabled:
        return "paging is switched off (paging.enabled)"
    if all(each.state.closed for each in told):
        return "it is over"
    return "" if told[0].acked else "nobody has it any more"


def unwanted_news(*, enabled: bool) -> str:
    """Why nobody is told what somebody did or said, or an empty text."""
    return "" if enabled else "paging is switched off (paging.enabled)"


def kind_by_now(kind: PageKind, told: Sequence[Told]) -> PageKind:
    """What a page is for its incident as that is now: a late word about what is over opens nothing elsewhere again."""
    over = bool(told) and all(each.state.closed for each in told)
    return PageKind.RESOLVE if over and kind is not PageKind.TRIGGER else kind


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


def labels_told(told: Sequence[Told], inventory: Inventory) -> list[Labels]:
    """A set of labels for each service of each incident that somebody should still be told of."""
    wanted = [each for each in told if not each.silence]
    return [labels_of(each, inventory, service=service) for each in wanted for service in each.services]


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
