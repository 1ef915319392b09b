"""One task run per micro-batch that had logs."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from prefect import task
from prefect.cache_policies import NO_CACHE

from domain.errors import BadBatch
from tasks.tally import Weighed
from tasks.watching import Watching

log = logging.getLogger(__name__)


class Batch:
    """A batch on its way into the task; no dataclass, because Prefect looks through those, log by log.

    Whoever takes it has it alone: what Prefect keeps of a task run, for as long as Python finds no time to search
    for cycles, is the empty shell.
    """

    def __init__(self, watching: Watching, weighed: Weighed, number: int) -> None:
        self.watching = watching
        self.weighed: Weighed | None = weighed
        self.logs = len(weighed)
        self.number = number

    def handed_over(self) -> Weighed:
        """The batch itself, once."""
        weighed, self.weighed = self.weighed, None
        if weighed is None:
            raise BadBatch(f"{self} was taken before")
        return weighed

    def __str__(self) -> str:
        return f"batch {self.number}: {self.logs:,} logs"


class Ahead:
    """Reads a batch and judges the one before it, while the one before that is stored."""

    DEEP = 2  # batches that are on their way

    def __init__(self, watching: Watching) -> None:
        self.watching = watching
        # Both serve in the order of asking, so batches stay in the order of reading.
        self.reading, self.weighing = asyncio.Lock(), asyncio.Lock()
        self.pending: deque[asyncio.Task[Weighed]] = deque()

    async def _one(self) -> Weighed:
        async with self.reading:
            raw = await asyncio.to_thread(self.watching.read)
        async with self.weighing:
            return await asyncio.to_thread(self.watching.weigh, raw)

    async def next(self) -> Weighed:
        """The next batch, perhaps an empty one. Raises what reading it raised."""
        self._begin()
        try:
            return await self.pending.popleft()
        finally:
            self._begin()

    def _begin(self) -> None:
        while len(self.pending) < self.DEEP:
            self.pending.append(asyncio.create_task(self._one()))

    async def end(self) -> None:
        """Wait for the last reads, whatever became of them."""
        for last in self.pending:
            await asyncio.wait({last})
            if error := last.exception():
                log.info("watch.last-read", extra={"error": str(error)})


async def take(batch: Batch) -> None:
    """To committed rows, beside the event loop, so that Prefect's heartbeats go on."""
    await asyncio.to_thread(batch.watching.take, batch.handed_over())


@task(retries=0, cache_policy=NO_CACHE, persist_result=False, log_prints=False, task_run_name="{batch}")
async def micro_batch(batch: Batch) -> None:
    """Take one micro-batch to committed rows."""
    await take(batch)
