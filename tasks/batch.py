"""One task run per micro-batch that had logs."""

from __future__ import annotations

import asyncio
import logging

from prefect import task
from prefect.cache_policies import NO_CACHE

from domain.logs import RawBatch
from tasks.watching import Watching

log = logging.getLogger(__name__)


class Batch:
    """A batch on its way into the task; no dataclass, because Prefect looks through those, log by log."""

    def __init__(self, watching: Watching, raw: RawBatch, number: int) -> None:
        self.watching = watching
        self.raw = raw
        self.number = number

    def __str__(self) -> str:
        return f"batch {self.number}: {len(self.raw):,} logs"


class ReadAhead:
    """Reads the next batch while the one in hand is judged and stored."""

    def __init__(self, watching: Watching) -> None:
        self.watching = watching
        self.pending: asyncio.Task[RawBatch] | None = None

    def _begin(self) -> asyncio.Task[RawBatch]:
        return asyncio.create_task(asyncio.to_thread(self.watching.read))

    async def next(self) -> RawBatch:
        """The next batch, perhaps an empty one. Raises what reading it raised."""
        pending, self.pending = self.pending or self._begin(), None
        raw = await pending
        self.pending = self._begin()
        return raw

    async def end(self) -> None:
        """Wait for the last read, whatever became of it."""
        if self.pending is not None:
            await asyncio.wait({self.pending})
            if error := self.pending.exception():
                log.info("watch.last-read", extra={"error": str(error)})


async def take(batch: Batch) -> None:
    """From bytes to committed rows, beside the event loop, so that Prefect's heartbeats go on."""
    await asyncio.to_thread(batch.watching.take, batch.raw)


@task(retries=0, cache_policy=NO_CACHE, persist_result=False, log_prints=False, task_run_name="{batch}")
async def micro_batch(batch: Batch) -> None:
    """Take one micro-batch from bytes to committed rows."""
    await take(batch)
