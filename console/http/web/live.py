"""`/events`: which incidents changed, as server-sent events; the store is asked once for all who listen."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import orjson
from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from adapters.store.database import Engine
from adapters.store.incident_list import newest_entry, touched_since
from console.http.hints import Hinted
from console.http.web.callers import Asking, where_from
from console.http.web.render import HEADERS
from domain.access import Way
from domain.errors import SreError

router = APIRouter(include_in_schema=False)
log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
BEAT_SECONDS = 15.0  # a listener who is gone is noticed by then
LASTS_SECONDS = 300.0  # then a browser connects anew, and whoever may not look any more is not let in
MOST_LISTENERS = 100
# Of one person, or of one address where nobody logs in. A browser has six connections to a host: one stays free for
# pages, so that a tab too many is told that it is not live, and does not wait for ever.
MOST_OF_ONE = 5
MOST_WAITING = 100  # events of one listener; who is further behind loads the page anyway
MOST_ENTRIES = 500  # of the ledger at a time
# Transactions commit in another order than they take numbers in: so many before the last one are looked at again.
OVERLAP = 200


@dataclass
class Feed:
    """One task asks the store while somebody listens; every listener hears the same."""

    engine: Engine
    poll_seconds: float = POLL_SECONDS
    listeners: dict[asyncio.Queue[str], str] = field(default_factory=dict)  # with whose each is
    task: asyncio.Task[None] | None = None

    def refusal(self, whose: str) -> str:
        """Why they may not listen as well, or an empty text."""
        if len(self.listeners) >= MOST_LISTENERS:
            return f"{MOST_LISTENERS} pages are live, and no more can be"
        if list(self.listeners.values()).count(whose) >= MOST_OF_ONE:
            return f"{MOST_OF_ONE} pages of yours are live, and no more can be"
        return ""

    async def listen(self, whose: str, *, beat_seconds: float = BEAT_SECONDS) -> AsyncGenerator[str]:
        """Events as they are sent, beginning with one that says that it listens; comments in between.

        One that says `full`, and nothing after it, where too many of theirs came at once.
        """
        if self.refusal(whose):
            yield "event: full\ndata: {}\n\n"
            return
        mine: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)
        self.listeners[mine] = whose
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
            self.listeners.pop(mine, None)

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


async def _until(end: float, feed: Feed, whose: str, clock: Callable[[], float]) -> AsyncIterator[str]:
    async with aclosing(feed.listen(whose)) as heard:  # a place is free as soon as its page is gone
        async for event in heard:
            yield event
            if clock() >= end:
                return


@router.get("/events")
async def events(request: Request, caller: Asking) -> StreamingResponse:
    """Which incidents change from now on, for five minutes. Raises HTTPException 503 where too many listen."""
    feed: Feed = request.app.state.feed
    whose = where_from(request) if caller.way is Way.UNGUARDED else caller.name
    if why := feed.refusal(whose):
        raise Hinted(503, why, "load the page again to see what changed, or close another one", {"Retry-After": "10"})
    clock = asyncio.get_running_loop().time
    stream = _until(clock() + LASTS_SECONDS, feed, whose, clock)
    return StreamingResponse(stream, media_type="text/event-stream", headers=HEADERS)
