"""The faults: each does to its own process what its name says, and a restart of the process ends it.

A fault that is left in place is written to a file in the home, and every start of the service enters it again.
A fault that heals by itself ends after its time, whatever was done to the process meanwhile.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from deployments.shop.layout import folder
from deployments.shop.measures import MEGABYTE, Resources
from deployments.shop.places import Full, Places
from domain.errors import BadInput

CRASH_SECONDS = 0.3  # from the start of a process to its crash


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault."""

    amount: float  # how much of it, when nobody says otherwise
    meaning: str  # what the amount counts


KINDS: Mapping[str, Kind] = {
    "pool-exhaustion": Kind(10, "connections of the pool that are taken and never given back"),
    "memory-leak": Kind(4, "megabytes kept per second, up to the memory limit of the service"),
    "crash-loop": Kind(4, "times that the process ends with exit code 1"),
    "slow-dependency": Kind(1.0, "seconds that each request waits for something outside"),
    "error-burst": Kind(0.5, "share of the requests that raise an error, 0–1"),
}


class Faults:
    """The faults that are active in one worker."""

    def __init__(self, pool: Places, resources: Resources, crash: Callable[[], None]) -> None:
        self.pool = pool
        self.resources = resources
        self.crash = crash
        self.active: dict[str, float] = {}  # name -> amount
        self.held = 0  # connections that we took
        self.leak: list[mmap.mmap] = []  # mapped, as the heap keeps what is freed in it
        self.healing: dict[str, threading.Timer] = {}

    def enter(self, name: str, amount: float, heals_after: float | None = None) -> None:
        """Start a fault, which ends by itself after so many seconds; entering it again changes amount and end."""
        running = name in self.active
        self.active[name] = amount
        self._heal(name, heals_after)
        work = {"pool-exhaustion": self._exhaust, "memory-leak": self._leak, "crash-loop": self._crash}.get(name)
        if work and not running:
            threading.Thread(target=work, daemon=True).start()

    def leave(self, name: str) -> None:
        """End a fault and give back what it holds."""
        self._heal(name, None)
        self.active.pop(name, None)
        if name == "memory-leak":
            while self.leak:
                self.leak.pop().close()
        while name == "pool-exhaustion" and self.held:
            self.held -= 1
            self.pool.give_back()

    def disturb(self) -> None:
        """What a request goes through: a real delay, a real error."""
        time.sleep(self.active.get("slow-dependency", 0))
        if random.random() < self.active.get("error-burst", 0):  # noqa: S311 - chance, not a secret
            raise ArithmeticError("rounding left a remainder of 0.01")

    def _heal(self, name: str, after: float | None) -> None:
        """End the fault after so many seconds, or when somebody else does with None."""
        if timer := self.healing.pop(name, None):
            timer.cancel()
        if after is not None:
            self.healing[name] = timer = threading.Timer(after, self.leave, (name,))
            timer.daemon = True
            timer.start()

    def _exhaust(self) -> None:
        while self.held < self.active.get("pool-exhaustion", 0):
            try:
                self.pool.take()
                self.held += 1
            except Full:
                continue  # every connection is in use right now: take it when it comes back

    def _leak(self) -> None:
        while "memory-leak" in self.active:
            # Two bounds, as the first one is read once a second only.
            if self.resources.rss < self.resources.limit and len(self.leak) * MEGABYTE < self.resources.limit:
                kept = mmap.mmap(-1, MEGABYTE)
                kept.write(b"x" * MEGABYTE)  # memory is resident once it is written
                self.leak.append(kept)
            time.sleep(1 / self.active.get("memory-leak", 1))

    def _crash(self) -> None:
        time.sleep(CRASH_SECONDS)
        self.crash()


@dataclass(frozen=True, slots=True)
class Left:
    """A fault that is left in place at a service."""

    amount: float
    starts: int | None = None  # how many starts of the service enter it again; None means all of them
    heals_at: float | None = None  # seconds since the epoch; None means that it does not heal by itself


def left_file(home: Path, service: str) -> Path:
    """Where the faults left in place at a service are written."""
    return folder(home) / "faults" / f"{service}.json"


def left_in_place(home: Path, service: str) -> dict[str, Left]:
    """The faults that the next start of the service enters, by name."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(left_file(home, service).read_text())
    except FileNotFoundError:
        return {}
    return {name: Left(**left) for name, left in found.items()}


def leave_in_place(home: Path, service: str, name: str, left: Left) -> None:
    """Let the next starts of the service enter the fault again."""
    _write(home, service, left_in_place(home, service) | {name: left})


def take_away(home: Path, service: str, name: str) -> None:
    """Let no further start enter the fault."""
    found = left_in_place(home, service)
    if found.pop(name, None) is not None:
        _write(home, service, found)


def enter_left(home: Path, service: str, faults: Faults, *, now: float) -> None:
    """Enter what was left in place and has not healed by `now`, in seconds since the epoch; once at each start."""
    for name, left in left_in_place(home, service).items():
        heals_after = None if left.heals_at is None else left.heals_at - now
        is_over = heals_after is not None and heals_after <= 0
        if is_over or (left.starts is not None and left.starts <= 1):
            take_away(home, service, name)
        elif left.starts is not None:
            leave_in_place(home, service, name, replace(left, starts=left.starts - 1))
        if not is_over:
            faults.enter(name, left.amount, heals_after)


def known(name: str) -> Kind:
    """The kind of that name; raises BadInput that lists the kinds."""
    if name not in KINDS:
        raise BadInput(f"no fault is called {name!r}; there are {', '.join(KINDS)}")
    return KINDS[name]


def _write(home: Path, service: str, found: Mapping[str, Left]) -> None:
    target = left_file(home, service)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.part")
    unfinished.write_text(json.dumps({name: asdict(left) for name, left in found.items()}))
    unfinished.replace(target)
