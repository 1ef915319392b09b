"""What a fault in one service shows elsewhere: incidents that are over when it is repaired."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from domain.incidents import AlertRole, Incident, Kind, Route, State
from domain.inventory import Inventory
from domain.roles import role_of


def symptoms(
    origin: Incident, others: Iterable[Incident], inventory: Inventory, *, silent_since: datetime
) -> list[Incident]:
    """The incidents that came of `origin`: of services that call its service, silent since the repair.

    What has a playbook, or names something broken of its own, came of something else.
    """
    return [
        other
        for other in others
        if inventory.depends(other.service, origin.service)
        and other.kind is not Kind.OWN
        and other.route is Route.HUMAN
        and role_of(other.template, other.playbook) is not AlertRole.CAUSE
        and other.state in (State.OPEN, State.REOPENED, State.ESCALATED)
        and other.acked_at is None
        and other.last_at <= silent_since
    ]
