"""What both long-lived flows share: when to end, and how a part of them is opened and closed."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flows.orchestrator import GONE, OPEN_SECONDS, is_healthy, mark_lost, present_run

log = logging.getLogger(__name__)

# Prefect's clean-up deletes nothing below a run that still runs, so each run completes once a day.
LIFETIME = timedelta(hours=24)


def since(name: str) -> Callable[[], str]:
    """What gives a long-lived run its name: `watch since 13:20`."""
    return lambda: f"{name} since {datetime.now(UTC):%H:%M}"


class Lifetime:
    """When a long-lived run ends by itself."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.parent = os.getppid()

    async def is_over(self) -> str:
        """Why to end after the work in hand, or an empty text.

        An orphan ends so that its successor can be seen and stopped, but only while Prefect can start one.
        """
        if time.monotonic() - self.begun > LIFETIME.total_seconds():
            return "a day has passed; the next run takes over"
        if os.getppid() != self.parent and await is_healthy():
            return "the worker that started this run is gone"
        return ""


Body = Callable[[bool], Awaitable[None]]


@dataclass(slots=True)
class Subflow:
    """A piece of work that Prefect shows as a subflow if it can, and that runs in any case.

    `body(shown)` does the work; the subflow's opening has two seconds, and its closing goes on
    beside what comes next.
    """

    body: Body
    close: Callable[[], Awaitable[None]]  # runs inside the subflow after the work, only where it is shown
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    abandoned: bool = False
    run_id: UUID | None = None  # of the subflow, once it is opened


CURRENT: ContextVar[Subflow] = ContextVar("part of a long-lived flow")


async def inside() -> bool:
    """The body of every subflow: do the present part's work, unless it is done without us by now."""
    part = CURRENT.get()
    if part.abandoned:
        return False
    part.run_id = present_run()
    part.opened.set()
    try:
        await part.body(True)
    except BaseException as error:
        _settle(part, error)
        raise
    _settle(part, None)
    await part.close()
    return True


def _settle(part: Subflow, error: BaseException | None) -> None:
    if part.finished.done():
        return
    if error is None:
        part.finished.set_result(None)
    else:
        part.finished.set_exception(error)


class Subflows:
    """Runs parts one after the other or side by side, and knows whether Prefect shows them."""

    def __init__(self) -> None:
        self.closing: set[asyncio.Task[None]] = set()
        self.lost: list[UUID] = []  # subflows whose end Prefect did not hear of

    async def _closing(self, subflow: Coroutine[Any, Any, Any], part: Subflow) -> None:
        """Run the subflow to its end; Prefect's own errors end it, never the work."""
        try:
            await subflow
        except GONE as error:
            log.warning("prefect.subflow-lost", extra={"error": repr(error)[:200]})
            if part.run_id is not None:
                self.lost.append(part.run_id)

    async def mend(self) -> None:
        """Tell Prefect of the subflows that ended while it was gone."""
        self.lost = [run_id for run_id in self.lost if not await mark_lost(run_id)]

    async def run(self, part: Subflow, open_subflow: Callable[[], Coroutine[Any, Any, Any]]) -> bool:
        """Do the part's work; True when Prefect shows it."""
        if not await is_healthy():
            await part.body(False)
            return False
        await self.mend()
        CURRENT.set(part)
        subflow = asyncio.create_task(self._closing(open_subflow(), part))
        self.closing.add(subflow)
        subflow.add_done_callback(self.closing.discard)
        opening = asyncio.create_task(part.opened.wait())
        await asyncio.wait({opening, subflow}, timeout=OPEN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        opening.cancel()
        if not part.opened.is_set():
            part.abandoned = True
            log.warning("prefect.subflow-not-opened")
            await part.body(False)
            return False
        await part.finished
        return True

    async def settle(self, seconds: float) -> None:
        """Give what is still closing some time."""
        if self.closing:
            await asyncio.wait(set(self.closing), timeout=seconds)
