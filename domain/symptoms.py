"""What a fault in one service shows elsewhere: incidents that are over when it is repaired."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from domain.incidents import Incident, Kind, Route, State
from domain.inventory import Inventory


def symptoms(
    origin: Incident, others: Iterable[Incident], inventory: Inventory, *, silent_since: datetime
) -> list[Incident]:
    """The incidents that came of `origin`: of services that call its service, uncommon, and silent since the repair."""
    return [
        other
        for other in others
        if inventory.depends(other.service, origin.service)
        and other.kind is not Kind.OWN
        and other.route is Route.HUMAN
        and other.state in (State.OPEN, State.REOPENED, State.ESCALATED)
        and other.acked_at is None
        and other.last_at <= silent_since
    ]
