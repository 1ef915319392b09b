"""The faults: each does to its own process what its name says, and a restart of the process ends it.

A fault that is left in place is written to a file in the home, and every start of the service enters it again.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

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
    "slow-dependency": Kind(1.0, "seconds that each request takes longer"),
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
        self.leak: list[bytearray] = []

    def enter(self, name: str, amount: float) -> None:
        """Start a fault; entering it again changes its amount."""
        running = name in self.active
        self.active[name] = amount
        work = {"pool-exhaustion": self._exhaust, "memory-leak": self._leak, "crash-loop": self._crash}.get(name)
        if work and not running:
            threading.Thread(target=work, daemon=True).start()

    def leave(self, name: str) -> None:
        """End a fault and give back what it holds."""
        self.active.pop(name, None)
        if name == "memory-leak":
            self.leak.clear()
        while name == "pool-exhaustion" and self.held:
            self.held -= 1
            self.pool.give_back()

    def disturb(self) -> None:
        """What a request goes through: a real delay, a real error."""
        time.sleep(self.active.get("slow-dependency", 0))
        if random.random() < self.active.get("error-burst", 0):  # noqa: S311 - chance, not a secret
            raise ArithmeticError("rounding left a remainder of 0.01")

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
                self.leak.append(bytearray(b"x") * MEGABYTE)
            time.sleep(1 / self.active.get("memory-leak", 1))

    def _crash(self) -> None:
        time.sleep(CRASH_SECONDS)
        self.crash()


def left_file(home: Path, service: str) -> Path:
    """Where the faults left in place at a service are written."""
    return folder(home) / "faults" / f"{service}.json"


def left_in_place(home: Path, service: str) -> dict[str, dict[str, float | None]]:
    """Fault -> amount, and how many starts it has left; None means for ever."""
    try:
        found: dict[str, dict[str, float | None]] = json.loads(left_file(home, service).read_text())
    except FileNotFoundError:
        return {}
    return found


def leave_in_place(home: Path, service: str, name: str, *, amount: float, starts: int | None) -> None:
    """Let the next `starts` starts of the service enter the fault again, or all with None."""
    _write(home, service, left_in_place(home, service) | {name: {"amount": amount, "starts": starts}})


def take_away(home: Path, service: str, name: str) -> None:
    """Let no further start enter the fault."""
    found = left_in_place(home, service)
    if found.pop(name, None) is not None:
        _write(home, service, found)


def enter_left(home: Path, service: str, faults: Faults) -> None:
    """Enter what was left in place; called once at each start."""
    for name, left in left_in_place(home, service).items():
        starts = left["starts"]
        amount = left["amount"] or 0.0
        if starts is not None and starts <= 1:
            take_away(home, service, name)
        elif starts is not None:
            leave_in_place(home, service, name, amount=amount, starts=int(starts) - 1)
        faults.enter(name, amount)


def known(name: str) -> Kind:
    """The kind of that name; raises BadInput that lists the kinds."""
    if name not in KINDS:
        raise BadInput(f"no fault is called {name!r}; there are {', '.join(KINDS)}")
    return KINDS[name]


def _write(home: Path, service: str, found: Mapping[str, Mapping[str, float | None]]) -> None:
    target = left_file(home, service)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.part")
    unfinished.write_text(json.dumps(found))
    unfinished.replace(target)
