"""Why a session is abnormal: the templates in which it departs from the nearest normal one."""

from __future__ import annotations

import numpy as np

from ml.sessions.core import Core, Read
from ml.sessions.findings import Fault, Reason
from ml.sessions.limits import Channels


def reasons(learned: Core, channels: Channels, read: Read, order: tuple[float, tuple[str, str]]) -> tuple[Reason, ...]:
    """All reasons, the heaviest first; `order` is the most surprising pair of neighbours after its nats."""
    shares = channels.views(learned, read)
    view = max(shares, key=lambda name: shares[name])
    told = telling(learned, read) if channels.words else []
    names = {reason.template for reason in told}
    away = departures(learned, view, read) if shares[view] > 1 else unknown(learned, read)
    found = told + [reason for reason in away if reason.template not in names]
    if order[0] >= channels.pair * learned.top:
        found.append(_out_of_order(learned, read, *order))
    return tuple(sorted(found, key=lambda reason: -reason.weight))


def unknown(learned: Core, read: Read) -> list[Reason]:
    """One reason for each template that the history does not have."""
    return [Reason(Fault.NEW, name, times, 0, learned.top) for name, times in read.unknown.items()]


def departures(learned: Core, view: str, read: Read) -> list[Reason]:
    """One reason for each template that departs in a view or is not known."""
    costs, row = learned.costs(view, read)
    scale = learned.scale
    known = [
        _counted(learned.templates[at], int(read.counts[at]), scale.lowest(at, int(row[at])), float(costs[at]))
        for at in np.flatnonzero(costs).tolist()
    ]
    return unknown(learned, read) + known


def telling(learned: Core, read: Read) -> list[Reason]:
    """One reason for each template that is rare and tells of a failure."""
    found = np.flatnonzero(learned.telling & (read.counts > 0)).tolist()
    return [Reason(Fault.TELLS, learned.templates[at], int(read.counts[at]), 0, learned.rarity(at)) for at in found]


def _out_of_order(learned: Core, read: Read, weight: float, pair: tuple[str, str]) -> Reason:
    before, after = pair
    count = int(read.counts[learned.places[after]]) if after in learned.places else 0
    return Reason(Fault.ORDER, after, count, count, weight, after=before)


def _counted(template: str, count: int, usual: int, weight: float) -> Reason:
    if usual == 0 or count == 0:
        return Reason(Fault.MISSING if count == 0 else Fault.EXTRA, template, count, usual, weight)
    return Reason(Fault.MORE if count > usual else Fault.FEWER, template, count, usual, weight)
