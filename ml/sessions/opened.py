"""Sessions that are not over, as columns; and what of them a minute ends."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.grouping import codes_of, grouped, microseconds
from ml.sessions.events import event
from ml.sessions.texts import texts

SECOND = 1_000_000  # microseconds
# A session is over when it has lasted so long; what its key says until it is quiet is of no session.
LONGEST = 600 * SECOND
# Logs that are held of one session, the first ones and the last.
MOST_EVENTS = 500
# Logs of open sessions that are held; beyond, half of the keys are followed no more.
MOST_OPEN, MOST_HALVINGS = 400_000, 10
UNKNOWN = -1
OPEN = pa.schema(
    [
        ("key", pa.string()),
        ("event", pa.string()),
        ("at", pa.int64()),  # microseconds since 1970
        ("began", pa.int64()),  # when its session did; UNKNOWN in a log that just came
        ("told", pa.bool_()),  # its session was told as over
    ]
)
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ended:
    """Sessions that are over, ordered by key and time; arrays of shape (n_sessions,), and of their logs."""

    keys: list[str]
    began: Whole  # microseconds since 1970
    last: Whole
    cut: Flags  # it went on when it was told as over
    starts: Whole  # where each one's logs begin; shape (n_sessions + 1,)
    events: Whole  # number of each log's event; shape (n_logs,)
    at: Whole  # shape (n_logs,)
    names: list[str]  # of events

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Logs ordered by key and time, and the sessions that they make up."""

    table: pa.Table
    at: Whole
    session: Whole  # which session each log is of
    starts: Whole  # first log of each session; shape (n_sessions,)
    began: Whole
    told: Flags

    @property
    def ends(self) -> Whole:
        """Last log of each session."""
        return np.append(self.starts, len(self.at))[1:] - 1

    @property
    def rank(self) -> Whole:
        """How many logs of its session are before each log."""
        found: Whole = np.arange(len(self.at)) - self.starts[self.session]
        return found


def arrived(logs: pa.Table) -> pa.Table:
    """Logs, KEYED in order of time, as OPEN."""
    text, distinct = codes_of(texts(logs["message"]))
    service, services = codes_of(logs["service"])
    (of_service, of_text), group = grouped(service, text)
    names = [
        event(services[one].as_py(), distinct[other].as_py())
        for one, other in zip(of_service.tolist(), of_text.tolist(), strict=True)
    ]
    many = len(logs)
    events = pa.array(names, pa.string()).take(pa.array(group))
    began, told = pa.array(np.full(many, UNKNOWN, np.int64)), pa.array(np.zeros(many, np.bool_))
    return pa.table(
        [logs["key"], events, pa.array(microseconds(logs["timestamp"])), began, told],
        schema=OPEN,
    )


def step(opened: pa.Table, new: pa.Table, end: int, quiet: int) -> tuple[Ended, pa.Table]:
    """Which sessions are over at `end`, before which every log is there, and those that are not.

    `new`: OPEN, later than all in `opened`, in order of time. `end`, `quiet`: microseconds.
    """
    logs = _sorted(pa.concat_tables([opened, new]), quiet)
    last = logs.at[logs.ends]
    over = end - last > quiet
    long = end - logs.began > LONGEST
    ended = ~logs.told & (over | long)
    inside = logs.at - logs.began[logs.session] <= LONGEST
    held = inside & (logs.rank < MOST_EVENTS)
    is_last = np.zeros(len(logs.at), np.bool_)
    is_last[logs.ends] = True
    stays = ~over[logs.session]
    told = (logs.told | ended)[logs.session]
    kept = stays & (is_last | (held & ~told))
    after = pa.table(
        [
            logs.table["key"],
            logs.table["event"],
            logs.table["at"],
            pa.array(logs.began[logs.session]),
            pa.array(told),
        ],
        schema=OPEN,
    ).filter(pa.array(kept))
    return _ended(logs, ended, inside & (held | is_last), cut=(last - logs.began > LONGEST) | ~over), after


def _sorted(whole: pa.Table, quiet: int) -> _Sorted:
    codes, _ = codes_of(whole["key"])
    order = np.argsort(codes, kind="stable")
    whole, codes = whole.take(pa.array(order)), codes[order]
    at, began = whole["at"].to_numpy(), whole["began"].to_numpy()
    first = np.ones(len(whole), np.bool_)
    first[1:] = (codes[1:] != codes[:-1]) | (np.diff(at) > quiet)
    starts = np.flatnonzero(first)
    told = whole["told"].to_numpy()[starts]
    since = np.where(began[starts] == UNKNOWN, at[starts], began[starts])
    return _Sorted(whole, at, np.cumsum(first) - 1, starts, since, told)


def _ended(logs: _Sorted, ended: Flags, looked_at: Flags, cut: Flags) -> Ended:
    chosen = np.flatnonzero(ended)
    rows = np.flatnonzero(ended[logs.session] & looked_at)
    events, names = codes_of(logs.table["event"].take(pa.array(rows)))
    many = np.bincount(logs.session[rows], minlength=len(ended))[chosen]
    starts = np.concatenate([[0], np.cumsum(many)]).astype(np.int64)
    at = logs.at[rows]
    return Ended(
        keys=logs.table["key"].take(pa.array(logs.starts[chosen])).to_pylist(),
        began=logs.began[chosen],
        last=at[starts[1:] - 1] if len(chosen) else at,
        cut=cut[chosen],
        starts=starts,
        events=events,
        at=at,
        names=names.to_pylist(),
    )


def of_key(keys: Iterable[str]) -> Whole:
    """A number from 0 to 2**32 − 1 for each key, the same in every process."""
    return np.array([zlib.crc32(key.encode("utf-8", "surrogatepass")) for key in keys], np.int64)


def followed(logs: pa.Table, halvings: int) -> pa.Table:
    """The logs of those keys that are followed when their number was halved so often."""
    if not halvings or not len(logs):
        return logs
    codes, names = codes_of(logs["key"])
    return logs.filter(pa.array((of_key(names.to_pylist()) % (1 << halvings) == 0)[codes]))
