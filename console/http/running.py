"""How many commands run at once and for how long, and that the same one that is sent twice runs once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from threading import BoundedSemaphore

from starlette.exceptions import HTTPException

from console.http.commands import Answer
from console.sent import Sink

# Whoever looks takes no place from whoever answers.
PLACES = 4  # for each of the two
SECONDS = 30.0
MOST_REMEMBERED = 200
BUSY = "too many commands run at once"


class Runs:
    """The commands that run now, and the answers of the last ones that changed something."""

    def __init__(self, seconds: float = SECONDS, places: int = PLACES) -> None:
        self.seconds = seconds
        self.looking, self.answering = BoundedSemaphore(places), BoundedSemaphore(places)
        self.repeating = BoundedSemaphore(places)
        self.threads = ThreadPoolExecutor(2 * places, thread_name_prefix="command")
        self.lock = threading.Lock()
        self.known: OrderedDict[Hashable, Future[Answer]] = OrderedDict()

    def look(self, do: Callable[[], Answer], sink: Sink) -> Answer:
        """Run what changes nothing. Raises HTTPException 429 where every place is taken, 504 where it takes long."""
        return self._wait(self._begin(do, self.looking), sink)

    def change(self, once: Hashable | None, do: Callable[[], Answer], sink: Sink) -> Answer:
        """Run what changes something, unless it ran under `once` before: then its answer. Raises as `look`."""
        if once is None:
            return self._wait(self._begin(do, self.answering), sink)
        with self.lock:
            found = self.known.get(once)
            if found is None:
                new = self.known[once] = self._begin(do, self.answering)
                while len(self.known) > MOST_REMEMBERED:
                    self.known.popitem(last=False)
        return self._wait(new, sink) if found is None else self._wait_too(found, sink)

    def _wait_too(self, future: Future[Answer], sink: Sink) -> Answer:
        """Wait for what somebody else waits for; only so many may, as each takes a thread that pages need."""
        if not self.repeating.acquire(blocking=False):
            raise HTTPException(429, BUSY, {"Retry-After": "2"})
        try:
            return self._wait(future, sink)
        finally:
            self.repeating.release()

    def _begin(self, do: Callable[[], Answer], place: BoundedSemaphore) -> Future[Answer]:
        """Run it in a thread, which holds its place until it ends: none can be stopped from outside."""
        if not place.acquire(blocking=False):
            raise HTTPException(429, BUSY, {"Retry-After": "2"})

        def work() -> Answer:
            try:
                return do()
            finally:
                place.release()

        return self.threads.submit(work)

    def _wait(self, future: Future[Answer], sink: Sink) -> Answer:
        try:
            return future.result(self.seconds)
        except TooLate as error:
            sink.ended = True
            text = f"the command was not over within {self.seconds:g} s; whether it did what it should is not known"
            raise HTTPException(504, text) from error
