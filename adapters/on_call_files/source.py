"""The roster as a process that runs for long needs it: always one, read again when its file changes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.file_stamps import Stamp, stamp_of
from adapters.on_call_files.calendars import FOLDER
from adapters.on_call_files.reading import Surroundings, read, roster_text
from domain.errors import BadSettings
from domain.paging_settings import PagingSettings
from domain.reachable import configured
from domain.roster import Roster, default_roster

CALENDARS_AFTER = timedelta(minutes=5)  # calendars are asked again so often


@dataclass(frozen=True, slots=True)
class Current:
    """The roster in force, the text that says it, and why a newer text does not count."""

    roster: Roster
    text: str = ""
    flaws: tuple[str, ...] = ()


@dataclass
class RosterSource:
    """Where the roster comes from; several threads may ask at once. Asking costs one look at the file's time."""

    path: Path | None
    paging: PagingSettings
    home: Path  # copies of calendars are kept there
    _current: Current | None = field(default=None, init=False)
    _stamp: Stamp | None = field(default=None, init=False)  # of the text that was read last, right or wrong
    _read_at: datetime | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _asks: threading.Thread | None = field(default=None, init=False)  # asks the calendars

    def current(self, now: datetime | None = None) -> Current:
        """The roster in force; without a file everybody whom the settings name."""
        at = now or datetime.now(UTC)
        with self._lock:
            if self._current is None or self._stamp != stamp_of(self.path):
                # No page waits for a calendar's server: its copy counts until the next one asks.
                self._stamp, self._current = self._newer(at, asks=False)
                self._read_at = None
            elif self._calendars_are_old(at) and not (self._asks and self._asks.is_alive()):
                # Whoever asks now must not wait for a server elsewhere: the answer counts from the next time on.
                self._asks = threading.Thread(target=self._ask_calendars, args=(at,), daemon=True)
                self._asks.start()
            return self._current

    def _calendars_are_old(self, now: datetime) -> bool:
        schedules = self._current.roster.schedules.values() if self._current else ()
        # What is wrong may be a calendar that did not answer.
        has_some = any(layer.calendar for schedule in schedules for layer in schedule.layers)
        return (has_some or bool(self._current and self._current.flaws)) and (
            self._read_at is None or now - self._read_at >= CALENDARS_AFTER
        )

    def _ask_calendars(self, now: datetime) -> None:
        stamp, found = self._newer(now)
        with self._lock:
            self._read_at = now
            if stamp == self._stamp:  # else the file was changed meanwhile, and is read when somebody asks
                self._current = found

    def _newer(self, now: datetime, *, asks: bool = True) -> tuple[Stamp | None, Current]:
        """What the file says now; the last good roster, and why, where it says nothing that can be used."""
        stamp = stamp_of(self.path)
        if self.path is None:
            return stamp, Current(default_roster(configured(self.paging)))
        try:
            text = roster_text(self.path)
            around = Surroundings(self.paging, self.path.parent, self.home / FOLDER, now, asks)
            return stamp, Current(read(text, str(self.path), around), text)
        except BadSettings as error:
            # Without a last good one better everybody than nobody.
            last = self._current or Current(default_roster(configured(self.paging)))
            return stamp, replace(last, flaws=tuple(str(error).splitlines()))
