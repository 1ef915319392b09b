"""Why a session is abnormal: the templates in which it departs from the nearest normal one."""

from __future__ import annotations

import numpy as np

from ml.sessions.core import Core, Read
from ml.sessions.findings import Fault, Reason


def departures(learned: Core, view: str, read: Read) -> list[Reason]:
    """One reason for each template that departs in a view."""
    costs, row = learned.costs(view, read)
    scale = learned.scale
    known = [
        _counted(learned.templates[at], int(read.counts[at]), scale.lowest(at, int(row[at])), float(costs[at]))
        for at in np.flatnonzero(costs).tolist()
    ]
    new = [Reason(Fault.NEW, name, times, 0, learned.top) for name, times in read.unknown.items()]
    return new + known


def order(pair: tuple[str, str], read: Read, weight: float, learned: Core) -> Reason:
    """The reason for a template that does not follow the one before it."""
    before, after = pair
    count = int(read.counts[learned.places[after]]) if after in learned.places else 0
    return Reason(Fault.ORDER, after, count, count, weight, after=before)


def _counted(template: str, count: int, usual: int, weight: float) -> Reason:
    if usual == 0 or count == 0:
        return Reason(Fault.MISSING if count == 0 else Fault.EXTRA, template, count, usual, weight)
    return Reason(Fault.MORE if count > usual else Fault.FEWER, template, count, usual, weight)
