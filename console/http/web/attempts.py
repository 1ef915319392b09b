"""Wrong passwords slow the next try down, by name and by address; it is remembered as long as the service runs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.access import LONGEST_WAIT, wait_after

# Names and addresses that are remembered; whoever fills this up has others forgotten, and must guess them anew.
MOST = 20_000


@dataclass(frozen=True, slots=True)
class _Tries:
    failures: int
    last_at: datetime


class Attempts:
    """How often each name and each address failed in a row."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.lock = threading.Lock()
        self.failed: OrderedDict[str, _Tries] = OrderedDict()

    def wait(self, keys: Iterable[str]) -> timedelta:
        """How long a try under these waits still; zero where it may be made now."""
        now = self.clock()
        with self.lock:
            return max((self._left(key, now) for key in keys), default=timedelta(0))

    def _left(self, key: str, now: datetime) -> timedelta:
        tries = self.failed.get(key)
        if tries is None:
            return timedelta(0)
        return max(timedelta(0), tries.last_at + wait_after(tries.failures) - now)

    def failure(self, keys: Iterable[str]) -> None:
        """A wrong password; those of long ago no longer count."""
        now = self.clock()
        with self.lock:
            for key in keys:
                before = self.failed.pop(key, None)
                recent = before is not None and now - before.last_at < 2 * LONGEST_WAIT
                self.failed[key] = _Tries(before.failures + 1 if before and recent else 1, now)
            while len(self.failed) > MOST:
                self.failed.popitem(last=False)

    def success(self, key: str) -> None:
        """The right password: what went wrong under that name is forgotten; under the address it is not."""
        with self.lock:
            self.failed.pop(key, None)
