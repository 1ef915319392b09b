"""What is slow to read and changes slowly: read once for all pages, and again after a minute."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

KEPT = timedelta(seconds=60)
Value = TypeVar("Value")


class Known(Generic[Value]):
    """One value with the time at which it was read; whoever asks meanwhile gets the same."""

    def __init__(self, read: Callable[[], Value], kept: timedelta = KEPT) -> None:
        self.read = read
        self.kept = kept
        self.lock = threading.Lock()
        self.held: tuple[datetime, Value] | None = None

    def at(self, now: datetime) -> Value:
        """The value, a minute old at most."""
        with self.lock:
            if self.held is None or not timedelta(0) <= now - self.held[0] < self.kept:
                self.held = now, self.read()
            return self.held[1]
