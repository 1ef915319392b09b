"""What of a minute's sessions is not as usual: each by what it contains, in what order, and how long it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from domain.errors import Refused
from domain.findings import MinuteFinding
from domain.minutes import MINUTE, Measured
from domain.sessions import AbnormalSession
from ml import packing
from ml.promise import alarm_p_of_fleet, confidence
from ml.sessions import opened
from ml.sessions.fitted import Fitted
from ml.sessions.history import MOST, History
from ml.sessions.looked import Looked
from ml.sessions.opened import OPEN, SECOND
from ml.shares import Shares
from ml.tables import Table

# Sessions that must have been seen whole before any is judged; with twice as many it is learned anew, and so on.
FIRST_FIT = 200
# Later, in minutes.
FIT_EVERY = 360
# Abnormal sessions are not learned from. Where they are more than such a share for so many minutes, the model is
# wrong and not they: it is learned anew, with them.
MOST_ABNORMAL, WRONG_AFTER = 0.25, 60
# Abnormal sessions of one minute that are told of, the worst ones.
MOST_TOLD = 100
# One session makes no finding about its minute.
FEWEST = 2
NEVER = -1
OF_STATE = ("learned", "judged", "abnormal", "halvings", "whole_from")


@dataclass(frozen=True)
class SessionState:
    """What is remembered of sessions after a minute."""

    shares: Table
    opened: pa.Table = field(default_factory=OPEN.empty_table)
    history: History = field(default_factory=History)
    aside: History = field(default_factory=History)  # abnormal ones since the last fit
    fitted: Fitted | None = None
    learned: int = 0  # sessions that might go into the history, ever
    judged: int = 0  # since the last fit
    abnormal: int = 0  # … of these
    halvings: int = 0  # how often the number of keys that are followed was halved
    whole_from: int = NEVER  # microseconds; of a session that began before, the beginning may be unknown
    codes: Mapping[str, int] = field(default_factory=dict)  # service -> its row in `shares`

    @property
    def is_wrong(self) -> bool:
        """Whether so many sessions are abnormal that it is the model that is."""
        return self.abnormal > MOST_ABNORMAL * self.judged and self.judged >= FIRST_FIT


@dataclass(frozen=True)
class SessionsFound:
    """What was found in a minute."""

    abnormal: tuple[AbnormalSession, ...] = ()  # the worst first
    minutes: tuple[MinuteFinding, ...] = ()


class SessionDetector:
    """Judges each session, and the share of abnormal ones of each service and minute, against what was before.

    Parameters
    ----------
    key
        What logs of one session share.
    quiet_seconds
        Without a log for so long a session is over.
    false_alarms_per_day
        So many wrong alarms about minutes are put up with, over all services.
    """

    def __init__(self, key: str, quiet_seconds: float, false_alarms_per_day: float) -> None:
        self.key = key
        self.quiet = int(quiet_seconds * SECOND)
        self.false_alarms_per_day = false_alarms_per_day
        self.shares = Shares()

    def begin(self) -> SessionState:
        """Nothing is known yet."""
        return SessionState(self.shares.begin())

    def find(self, state: SessionState, minute: int, logs: pa.Table) -> tuple[SessionsFound, SessionState]:
        """What of the sessions that a minute ended was not as usual, and what is remembered after it.

        `logs`: KEYED of the whole fleet in that minute, in order of time. The state must not be used any more.
        """
        if not len(logs) and not len(state.opened):
            return SessionsFound(), state
        end = (minute + 1) * MINUTE
        whole_from = minute * MINUTE + self.quiet if state.whole_from == NEVER else state.whole_from
        new = opened.followed(opened.arrived(logs), state.halvings)
        ended, still = opened.step(state.opened, new, end, self.quiet)
        looked = Looked.at(ended, ended.began >= whole_from, state.fitted)
        found, codes = self._found(state, minute, looked)
        after = _with_room(replace(state, opened=still, codes=codes, whole_from=whole_from), end + self.quiet)
        return found, _fitted(_learned(after, looked), minute)

    def after_gap(self, state: SessionState, minute: int) -> SessionState:
        """The same when minutes up to this one were not looked at: what was open is forgotten, not what was learned."""
        whole_from = NEVER if state.whole_from == NEVER else (minute + 1) * MINUTE + self.quiet
        return replace(state, opened=OPEN.empty_table(), whole_from=whole_from)

    def _found(self, state: SessionState, minute: int, looked: Looked) -> tuple[SessionsFound, Mapping[str, int]]:
        if state.fitted is None:
            return SessionsFound(), state.codes
        told = looked.told(state.fitted, minute)
        counts = looked.by_service(told)
        new = [service for service in counts if service not in state.codes]
        codes = {**state.codes, **{service: len(state.codes) + at for at, service in enumerate(new)}}
        return SessionsFound(tuple(told[:MOST_TOLD]), self._alarms(state, minute, counts, codes)), codes

    def _alarms(
        self,
        state: SessionState,
        minute: int,
        counts: Mapping[str, tuple[int, int, int]],
        codes: Mapping[str, int],
    ) -> tuple[MinuteFinding, ...]:
        """Services of which more sessions are abnormal than would be by chance."""
        if not counts:
            return ()
        rows = np.array([codes[service] for service in counts], np.intp)
        many, bad, logs = np.array(list(counts.values()), np.float64).T
        rises = self.shares.find(state.shares, float(minute), rows, bad, many)
        limit = alarm_p_of_fleet(len(codes), false_alarms_per_day=self.false_alarms_per_day)
        since = np.where(np.isnan(rises.since), minute, rises.since)
        alarming = (rises.p_value <= limit) & ((bad >= FEWEST) | (since < minute))
        services = list(counts)
        return tuple(
            MinuteFinding(
                service=services[at],
                measured=Measured.SESSIONS,
                name="",
                minute=minute,
                since=int(since[at]),
                logs=int(logs[at]),
                direction="high",
                value=float(100 * bad[at] / many[at]),
                normal=float(rises.normal[at]),
                spread=float(rises.spread[at]),
                p_value=float(rises.p_value[at]),
                fitted=False,
                confidence=confidence(float(rises.p_value[at]), limit),
            )
            for at in np.flatnonzero(alarming).tolist()
        )

    def packed(self, state: SessionState) -> bytes:
        """The state as bytes."""
        about = {name: getattr(state, name) for name in OF_STATE}
        about |= {"key": self.key, "quiet": self.quiet, "codes": dict(state.codes)}
        tables = {"opened": state.opened, "history": state.history.table(), "aside": state.aside.table()}
        if state.fitted is not None:
            about["fitted"] = state.fitted.minute
            tables["fitted"] = state.fitted.history.table()
        return packing.packed(about, state.shares.arrays(), tables)

    def unpacked(self, held: bytes) -> SessionState:
        """The state again. Raises Refused for what is none, or one of another version, key or time of quiet."""
        about, arrays, tables = packing.unpacked(held)
        try:
            if (about["key"], about["quiet"]) != (self.key, self.quiet):
                raise Refused(f"sessions: what is remembered is of those by {about['key']}")
            return self._unpacked(about, self.shares.resume(arrays), tables)
        except (ValueError, KeyError, pa.ArrowInvalid) as error:
            raise Refused(f"sessions: what judging remembers cannot be read: {error}") from error

    @staticmethod
    def in_words(held: bytes) -> str:
        """How far a packed state has learned. Raises Refused for what is none."""
        about, _, _ = packing.unpacked(held)
        if "fitted" not in about:
            return f"{about['learned']:,} of the {FIRST_FIT} requests seen that are needed before any is judged"
        since = f"{about['judged']:,} judged since it learned last, {about['abnormal']:,} of them abnormal"
        return f"{about['learned']:,} usual requests seen, {since}"

    def _unpacked(self, about: Mapping[str, Any], shares: Table, tables: Mapping[str, pa.Table]) -> SessionState:
        past = {name: History.of(table) for name, table in tables.items() if name != "opened"}
        # The model is a function of the history that it was learned from.
        fitted = Fitted.of(past["fitted"], about["fitted"]) if "fitted" in about else None
        return SessionState(
            shares,
            tables["opened"].cast(OPEN),
            past["history"],
            past["aside"],
            fitted,
            codes=about["codes"],
            **{name: about[name] for name in OF_STATE},
        )


def _with_room(state: SessionState, whole_from: int) -> SessionState:
    """With fewer keys followed where too many sessions are open, and with more where there is room again."""
    halvings, held = state.halvings, state.opened
    while len(held) > opened.MOST_OPEN and halvings < opened.MOST_HALVINGS:
        halvings += 1
        held = opened.followed(held, halvings)
    if halvings and len(held) < opened.MOST_OPEN / 8:
        return replace(state, halvings=halvings - 1, whole_from=whole_from)
    return replace(state, opened=held, halvings=halvings)


def _learned(state: SessionState, looked: Looked) -> SessionState:
    """With the sessions of a minute: normal ones in the history, abnormal ones aside."""
    normal = looked.whole & ~looked.abnormal
    judged = int(looked.whole.sum()) if state.fitted is not None else 0
    return replace(
        state,
        history=state.history.added(looked.past(normal, state.history.least)),
        aside=state.aside.added(looked.past(looked.abnormal, state.aside.least)),
        learned=state.learned + int(normal.sum()),
        judged=state.judged + judged,
        abnormal=state.abnormal + int(looked.abnormal.sum()),
    )


def _fitted(state: SessionState, minute: int) -> SessionState:
    """With a new model where it is time for one."""
    if not _is_time(state, minute):
        return state
    history = state.history.added(state.aside.sessions) if state.is_wrong else state.history
    return replace(state, history=history, aside=History(), fitted=Fitted.of(history, minute), judged=0, abnormal=0)


def _is_time(state: SessionState, minute: int) -> bool:
    if state.fitted is None:
        return state.learned >= FIRST_FIT
    age, before = minute - state.fitted.minute, len(state.fitted.history)
    grown = before < MOST and len(state.history) >= min(2 * before, MOST)
    return grown or age >= FIT_EVERY or (age >= WRONG_AFTER and state.is_wrong)
