"""`/events`: which incidents changed, as server-sent events; the store is asked once for all who listen."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import orjson
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from adapters.store.database import Engine
from adapters.store.incident_list import newest_entry, touched_since
from console.http.web.callers import Asking
from console.http.web.render import HEADERS
from domain.errors import SreError

router = APIRouter(include_in_schema=False)
log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
BEAT_SECONDS = 15.0  # a listener who is gone is noticed by then
LASTS_SECONDS = 300.0  # then a browser connects anew, and whoever may not look any more is not let in
MOST_LISTENERS = 100
MOST_WAITING = 100  # events of one listener; who is further behind loads the page anyway
MOST_ENTRIES = 500  # of the ledger at a time
# Transactions commit in another order than they take numbers in: so many before the last one are looked at again.
OVERLAP = 200


@dataclass
class Feed:
    """One task asks the store while somebody listens; every listener hears the same."""

    engine: Engine
    poll_seconds: float = POLL_SECONDS
    listeners: set[asyncio.Queue[str]] = field(default_factory=set)
    task: asyncio.Task[None] | None = None

    async def listen(self, *, beat_seconds: float = BEAT_SECONDS) -> AsyncIterator[str]:
        """Events as they are sent, beginning with one that says that it listens; comments in between."""
        mine: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)
        self.listeners.add(mine)
        try:
            if self.task is None or self.task.done():
                last = await asyncio.to_thread(newest_entry, self.engine)
                self.task = asyncio.create_task(self._watch(last))
            yield "retry: 3000\nevent: ready\ndata: {}\n\n"
            while True:
                try:
                    async with asyncio.timeout(beat_seconds):
                        told = await mine.get()
                except TimeoutError:
                    told = ": still here\n\n"
                yield told
        finally:
            self.listeners.discard(mine)

    async def _watch(self, last: int) -> None:
        """Until nobody listens."""
        seen: deque[int] = deque(maxlen=2 * (OVERLAP + MOST_ENTRIES))
        seen.extend(entry for entry, _ in await self._ask(max(0, last - OVERLAP)) if entry <= last)
        while self.listeners:
            await asyncio.sleep(self.poll_seconds)
            found = await self._ask(max(0, last - OVERLAP))
            new = [(entry, incident) for entry, incident in found if entry not in seen]
            seen.extend(entry for entry, _ in new)
            last = max([last, *(entry for entry, _ in new)])
            for incident in dict.fromkeys(incident for _, incident in new):
                digest = max(entry for entry, of_it in new if of_it == incident)
                self._tell(_event("incident", {"id": incident, "digest": digest}))

    async def _ask(self, after: int) -> list[tuple[int, int]]:
        """Entries after that one; none while the store is away, of which pages tell by themselves."""
        try:
            return await asyncio.to_thread(touched_since, self.engine, after, limit=OVERLAP + MOST_ENTRIES)
        except SreError as error:
            log.info("events.store-away", extra={"error": str(error)[:200]})
            return []

    def _tell(self, event: str) -> None:
        for one in self.listeners:
            if not one.full():
                one.put_nowait(event)


def _event(kind: str, fields: dict[str, int]) -> str:
    return f"event: {kind}\ndata: {orjson.dumps(fields).decode()}\n\n"


async def _until(end: float, feed: Feed, clock: Callable[[], float]) -> AsyncIterator[str]:
    async for event in feed.listen():
        yield event
        if clock() >= end:
            return


@router.get("/events")
async def events(request: Request, _caller: Asking) -> StreamingResponse:
    """Which incidents change from now on, for five minutes. Raises HTTPException 503 where too many listen."""
    feed: Feed = request.app.state.feed
    if len(feed.listeners) >= MOST_LISTENERS:
        raise HTTPException(503, "too many pages listen; they go on without", {"Retry-After": "60"})
    clock = asyncio.get_running_loop().time
    stream = _until(clock() + LASTS_SECONDS, feed, clock)
    return StreamingResponse(stream, media_type="text/event-stream", headers=HEADERS)
