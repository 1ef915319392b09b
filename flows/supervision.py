"""The one supervisor of background work: what nobody foresaw is reported, counted, and in the end paged.

Everywhere else only errors of our own are caught. Here anything is, because work that ends in silence is
worse than work that goes on failing where people see it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

from adapters.store.database import Engine
from adapters.store.own_incidents import open_own_incident
from adapters.store.switches import report_condition
from domain.errors import SreError

log = logging.getLogger(__name__)

# So many failures in a row, without a success between them, are a human's matter.
PAGE_AFTER = 5
LONGEST_PAUSE_SECONDS = 30.0

Work = Callable[[], Awaitable[None]]


class Supervisor:
    """Runs the background work of one process, each piece by its name."""

    def __init__(self, engine: Engine, seen_by: str) -> None:
        self.engine = engine
        self.seen_by = seen_by
        self.failures: Counter[str] = Counter()  # in a row

    async def forever(self, name: str, work: Work, *, every: float) -> None:
        """Do the work again and again, so many seconds apart; only a cancellation ends it."""
        while True:
            await self.once(name, work)
            await asyncio.sleep(max(every, min(2.0 ** self.failures[name] - 1, LONGEST_PAUSE_SECONDS)))

    async def once(self, name: str, work: Work, failed: Callable[[Exception], Awaitable[None]] | None = None) -> bool:
        """Do the work; False when it failed, which is then known to people, and to `failed`."""
        try:
            await work()
        except Exception as error:  # the one place: see the module
            self.failures[name] += 1
            log.exception("work.failed", extra={"work": name, "in_a_row": self.failures[name]})
            await asyncio.to_thread(self._report, name, error)
            if failed is not None:
                await self.once(f"{name}, after a failure", partial(failed, error))
            return False
        if self.failures.pop(name, 0):
            await asyncio.to_thread(self._report, name, None)
        return True

    def _report(self, name: str, error: Exception | None) -> None:
        """Make it a condition, and after PAGE_AFTER failures in a row an incident of our own."""
        now = datetime.now(UTC)
        told = f"{type(error).__name__}: {error}"[:300] if error else "works again"
        try:
            report_condition(self.engine, name, seen_by=self.seen_by, healthy=error is None, detail=told, now=now)
            if error is not None and self.failures[name] == PAGE_AFTER:
                message = f"{name} of {self.seen_by} failed {PAGE_AFTER} times in a row: {told}"
                open_own_incident(self.engine, f"{name} keeps failing", message, now=now)
        except SreError as gone:
            log.warning("store.unavailable", extra={"error": str(gone)[:200]})
