"""The templates of services: one row each, found again by service and template."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ml.tables import Array, Column, Table

Codes = NDArray[np.int64]
Keys = NDArray[np.uint64]

DAY = 1_440
# What a service did not say for so long, in minutes, is new when it says it again.
FORGOTTEN = 7 * DAY
NOBODY = -1
# Two odd numbers by which a service and a template become one number; that two pairs share it does not happen.
SPREAD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
COLUMNS = {
    "service": Column(np.int64, NOBODY),
    "template": Column(np.int64, 0),
    "born": Column(np.int32, 0),  # minutes in which its service had said something before
    "last": Column(np.int64, 0),  # the minute in which it came last
    "logs": Column(np.float64, 0.0),  # sums that fade
    "of": Column(np.float64, 0.0),  # … of its service since it was there
    "day_logs": Column(np.float64, 0.0),  # the same, which fade more slowly
    "excess": Column(np.float64, 0.0),  # how far counts were from their means, squared, against these means
    "expected": Column(np.float64, 0.0),
    "factors": Column(np.float64, 0.0),  # squared logarithms of counts against what was expected, over minutes
    "minutes": Column(np.float64, 0.0),
    "log_p": Column(np.float64, 0.0),  # of the minutes since then, together
    "since": Column(np.float64, np.nan),  # the minute since which it is off
    "run_logs": Column(np.float64, 0.0),  # in the minutes since then, and what was expected
    "run_usual": Column(np.float64, 0.0),
    "hours": Column(np.float32, np.nan, 24),  # share by hour of the day
}
SUMS = ("logs", "day_logs", "excess", "expected", "factors")


class Pairs:
    """A table with one row for each template of each service."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.used = int((table["service"] >= 0).sum())
        self._index()

    @classmethod
    def begin(cls) -> Pairs:
        """None yet."""
        return cls(Table(COLUMNS))

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Pairs:
        """Those whose arrays these were; ValueError where one is missing."""
        return cls(Table.of(COLUMNS, arrays))

    def _index(self) -> None:
        keys = _keys(self.table["service"][: self.used], self.table["template"][: self.used])
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]

    def _known(self, keys: Keys) -> Codes:
        """The row of each key, −1 for a new one."""
        if not len(self._sorted):
            return np.full(len(keys), -1)
        place = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
        return np.where(self._sorted[place] == keys, self._order[place], -1)

    def rows(self, services: Codes, templates: Codes, *, born: NDArray[np.int32], most: int) -> Codes:
        """The row of each pair; new ones get one as long as there are fewer than `most`, else −1.

        `born`: for each service in how many minutes it said something before.
        """
        keys = _keys(services, templates)
        found = self._known(keys)
        _, first = np.unique(keys[found < 0], return_index=True)
        new = np.flatnonzero(found < 0)[np.sort(first)][: max(0, most - self.used)]
        if not len(new):
            return found
        begin, end = self.used, self.used + len(new)
        self.table.reach(end)
        for name, values in (("service", services), ("template", templates)):
            self.table[name][begin:end] = values[new]
        self.table["born"][begin:end] = born[services[new]]
        self.used = end
        self._index()
        return self._known(keys)

    def of_services(self, present: Codes) -> Codes:
        """The rows of the pairs of these services."""
        services = self.table["service"][: self.used]
        here = np.zeros(max(int(services.max(initial=-1)), int(present.max(initial=-1))) + 1, np.bool_)
        here[present] = True
        return np.flatnonzero(here[services])

    def tidied(self, minute: int, most: int) -> Pairs:
        """Without what was not said for a week, looked at once a day; where there is no room, the oldest quarter."""
        last = self.table["last"][: self.used]
        if self.used >= most:
            kept = last > np.partition(last, self.used // 4)[self.used // 4]
        elif minute % DAY == 0:
            kept = last > minute - FORGOTTEN
        else:
            return self
        kept |= last >= minute - 1  # what comes at present must not seem new
        arrays = {name: self.table[name][: self.used][kept] for name in COLUMNS}
        return Pairs(Table(COLUMNS, arrays))

    def rename(self, current: Callable[[Codes], Codes]) -> None:
        """Add up templates that turned out to be one; `current` says what ids are called now."""
        ids, of_row = np.unique(self.table["template"][: self.used], return_inverse=True)
        called = current(ids)
        if (called == ids).all():
            return
        moved = np.flatnonzero((called != ids)[of_row])
        for row in moved.tolist():
            service, name = self.table["service"][row : row + 1], called[of_row[row]][None]
            into = int(self._known(_keys(service, name))[0])
            if into < 0:
                self.table["template"][row] = name[0]
            else:
                self._add(row, into)
            self._index()
        left = self.table["service"][: self.used] >= 0
        arrays = {name: self.table[name][: self.used][left] for name in COLUMNS}
        self.table = Table(COLUMNS, arrays)
        self.used = int(left.sum())
        self._index()

    def _add(self, row: int, into: int) -> None:
        table = self.table
        for name in SUMS:
            table[name][into] += table[name][row]
        for name in ("last", "of", "minutes"):
            table[name][into] = max(table[name][into], table[name][row])
        table["born"][into] = min(table["born"][into], table["born"][row])
        hours = np.stack([table["hours"][into], table["hours"][row]])
        unknown = np.isnan(hours).all(axis=0)
        table["hours"][into] = np.where(unknown, np.nan, np.nansum(hours, axis=0))
        table["service"][row] = NOBODY


def _keys(services: Codes, templates: Codes) -> Keys:
    mixed = services.astype(np.uint64) * SPREAD[0] ^ templates.astype(np.uint64) * SPREAD[1]
    keys: Keys = mixed ^ mixed >> np.uint64(29)
    return keys
