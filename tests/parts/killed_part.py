"""A process of its own that expands and delivers pages, and dies by SIGKILL at a point of its work."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection

import sqlalchemy as sa

from adapters.store.database import Engine, connect
from domain.contacts import Contact
from domain.pages import Channel, Page, Receipt
from domain.settings import Settings
from tasks.paging import Pager
from tests.parts.roster_part import FixedRoster

# What a statement does, to which table.
STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE)\b(?:.*?\b(?:FROM|INTO)\b|)\s+(\w+)", re.DOTALL)
PATIENCE_SECONDS = 60
Work = Callable[[Pager, Callable[[datetime], None]], None]


@dataclass
class Doom:
    """Death at the point of this number, counted from 1; a statement, a commit and a call outside are points."""

    number: int = 0  # 0: none
    told: Connection | None = None
    passed: list[str] = field(default_factory=list)

    def watch(self, engine: Engine) -> None:
        """Let the statements and commits of an engine be points, each commit from both sides."""
        sa.event.listen(engine, "before_cursor_execute", lambda _c, _cur, text, *_: self.point(in_words(text)))
        sa.event.listen(engine, "commit", lambda _connection: self.point("before a commit"))
        sa.event.listen(engine.pool, "checkin", lambda *_: self.point("after a transaction"))

    def point(self, name: str) -> None:
        self.passed.append(name)
        if self.told is not None and len(self.passed) == self.number:
            self.told.send(name)
            os.kill(os.getpid(), signal.SIGKILL)


def in_words(statement: str) -> str:
    """`UPDATE deliveries`."""
    found = STATEMENT.match(statement)
    return f"{found[1]} {found[2]}" if found else "a statement"


@dataclass(frozen=True)
class DoomedChannel:
    """The real one, with a point on both sides of its call."""

    real: Channel
    doom: Doom

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        self.doom.point(f"before {page.to} is called")
        receipt = self.real.send(page, before)
        self.doom.point(f"after {page.to} accepted")
        return receipt


@dataclass(frozen=True)
class DoomedPager(Pager):
    """A pager whose channels are points, too."""

    doom: Doom | None = field(default=None)

    def channel(self, contact: Contact) -> Channel:
        real = Pager.channel(self, contact)
        return DoomedChannel(real, self.doom) if self.doom else real


@dataclass(frozen=True)
class Owner:
    """Whoever works on one store with these settings."""

    url: str
    settings: Settings
    rosters: FixedRoster

    def works(self, work: Work, engine: Engine, doom: Doom | None = None) -> None:
        """Do the work in this process, by a clock that the work sets."""
        times: list[datetime] = []
        pager = DoomedPager(self.settings, engine, clock=lambda: times[-1], rosters=self.rosters, doom=doom)
        work(pager, times.append)

    def points(self, work: Work) -> list[str]:
        """Do it in this process; the points that it passes, in order."""
        engine, doom = connect(self.url), Doom()
        doom.watch(engine)
        self.works(work, engine, doom)
        engine.dispose()
        return doom.passed

    def dies(self, work: Work, number: int) -> str:
        """Do it in a process of its own that dies at the point of this number; where, or nothing: it came to an end."""
        ours, theirs = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(target=self._doomed, args=(work, number, theirs))
        process.start()
        theirs.close()
        process.join(PATIENCE_SECONDS)
        assert process.exitcode in (0, -signal.SIGKILL), f"it ended by itself: {process.exitcode}"
        return str(ours.recv()) if process.exitcode else ""

    def _doomed(self, work: Work, number: int, told: Connection) -> None:
        engine, doom = connect(self.url), Doom(number, told)
        doom.watch(engine)
        self.works(work, engine, doom)
