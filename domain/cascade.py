"""What an incident of several faults is made of, in words; what came out of logs is untrusted text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.amounts import lasting
from domain.inventory import Inventory

MOST_NAMED = 400
# So many services are named in the middle of a line.
FEW = 5
# With more than so many, those of the same words and the same reason share a line.
MOST_LINES = 20
LONGEST_LINE = 1_500  # no channel cuts such a line short
LONGEST_WHAT = 80


@dataclass(frozen=True, slots=True)
class Part:
    """One fault of one service that belongs to the incident."""

    service: str
    what: str  # its playbook or its text
    relation: str  # why it belongs to the incident
    related_to: str  # the service whose fault it was found to belong with, or ""
    opened_at: datetime
    origin: bool = False  # the incident is called after it


def services_of(parts: Sequence[Part]) -> list[str]:
    """Every service once, the likely origin first."""
    return list(dict.fromkeys(part.service for part in sorted(parts, key=lambda one: not one.origin)))


def heading(parts: Sequence[Part]) -> str:
    """`300 services: could not resolve host`; empty when it is one service."""
    services = services_of(parts)
    if len(services) <= 1:
        return ""
    origin = _origin(parts)
    shared = len({part.what for part in parts}) == 1
    return (
        f"{len(services)} services{'' if shared else f', likely origin {origin.service}'}: {origin.what[:LONGEST_WHAT]}"
    )


def cascade_lines(parts: Sequence[Part], inventory: Inventory) -> list[str]:
    """The likely origin and, beneath, who else shows it, and why that belongs to it; empty for one fault alone."""
    if len(parts) <= 1:
        return []
    origin = _origin(parts)
    others = [part for part in parts if part is not origin]
    elsewhere = [service for service in services_of(parts) if service != origin.service] or [origin.service]
    where = ", ".join(elsewhere) if len(elsewhere) <= FEW else f"{len(elsewhere)} other services"
    return [
        f"Likely origin: {origin.service}: {origin.what}, since {origin.opened_at:%H:%M:%S} UTC",
        f"Also seen in {where}:",
        *_lines(others[:MOST_NAMED], origin, inventory),
        *([f"… and {len(others) - MOST_NAMED} more"] if len(others) > MOST_NAMED else []),
    ]


def _origin(parts: Sequence[Part]) -> Part:
    return next((part for part in parts if part.origin), parts[0])


def _lines(others: Sequence[Part], origin: Part, inventory: Inventory) -> Iterator[str]:
    if len(others) <= MOST_LINES:
        yield from (f"{part.service}: {_said(part, origin, inventory)}" for part in others)
        return
    groups: dict[str, dict[str, None]] = {}
    for part in others:
        groups.setdefault(_said(part, origin, inventory, exactly=False), {})[part.service] = None
    for said, services in groups.items():
        yield from (f"{names}: {said}" for names in _rows(services, LONGEST_LINE - len(said)))


def _rows(names: Mapping[str, None], longest: int) -> Iterator[str]:
    """Names, separated by commas, in rows of about that length at most."""
    row: list[str] = []
    for name in names:
        if row and sum(map(len, row)) + 2 * len(row) + len(name) > longest:
            yield ", ".join(row)
            row = []
        row.append(name)
    yield ", ".join(row)


def _said(part: Part, origin: Part, inventory: Inventory, *, exactly: bool = True) -> str:
    """What it shows and why it belongs to the origin; not to the second where many are to be told alike."""
    if part.relation == "words" and part.what == origin.what:
        return "same words"
    if part.relation == "order" and not exactly:
        return f"{part.what}; began soon after"
    because = BECAUSE.get(part.relation)
    return f"{part.what}; {because(part, origin, inventory)}" if because else part.what


def _dependency(part: Part, _origin: Part, inventory: Inventory) -> str:
    if inventory.depends(part.service, part.related_to):
        return f"it depends on {part.related_to}"
    return f"{part.related_to} depends on it"


def _order(part: Part, origin: Part, _inventory: Inventory) -> str:
    seconds = (part.opened_at - origin.opened_at).total_seconds()
    return f"began {lasting(abs(seconds))} {'after' if seconds >= 0 else 'before'}"


BECAUSE: Mapping[str, Callable[[Part, Part, Inventory], str]] = {
    "first": lambda *_: "seen first",
    "service": lambda *_: "same service",
    "words": lambda part, *_: f"same words as {part.related_to}",
    "dependency": _dependency,
    "order": _order,
    "storm": lambda *_: "part of the storm",
}
