"""A limited number of places: connections of a pool, requests worked on at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Full(Exception):
    """No place became free in time."""


class Places:
    """`size` places, each taken by one thread at a time; who waits longer than `patience` seconds gets Full."""

    def __init__(self, size: int, patience: float) -> None:
        self.size = size
        self.patience = patience
        self.in_use = 0
        self.waiting = 0
        self.changed = threading.Condition()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place."""
        self.take()
        try:
            yield
        finally:
            self.give_back()

    def take(self) -> None:
        """Take a place, to be given back by whoever took it."""
        deadline = time.monotonic() + self.patience
        with self.changed:
            self.waiting += 1
            try:
                while self.in_use >= self.size:
                    if not self.changed.wait(deadline - time.monotonic()):
                        raise Full(f"{self.in_use} of {self.size} in use, waited {self.patience:g} s")
                self.in_use += 1
            finally:
                self.waiting -= 1

    def give_back(self) -> None:
        """Free a place and wake who waits."""
        with self.changed:
            self.in_use -= 1
            self.changed.notify()
