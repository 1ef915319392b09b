"""What this member of `watch` did since it began, told to whoever watches the agent."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from adapters.store.database import Engine
from adapters.store.own_figures import tell_totals
from domain.errors import Unavailable
from domain.own_figures import COUNTED, Totals

if TYPE_CHECKING:
    from tasks.tally import Tally

log = logging.getLogger(__name__)


class OwnTotals:
    """Sums over windows; a run that begins anew begins at 0, as counters do."""

    def __init__(self, engine: Engine, member: str) -> None:
        self.engine = engine
        self.member = member
        self.totals = Totals()

    def add(self, tally: Tally) -> None:
        """Add what a window saw; while the store does not answer it is told with the next one."""
        self.totals.add({name: int(getattr(tally, name)) for name in COUNTED}, tally.seconds)
        try:
            tell_totals(self.engine, self.member, self.totals, now=datetime.now(UTC))
        except Unavailable as error:
            log.warning("store.unavailable", extra={"error": str(error)[:200]})
