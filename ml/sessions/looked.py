"""The sessions that a minute ended, and what a model says of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from domain.sessions import AbnormalSession
from ml.sessions.fitted import Fitted, Look
from ml.sessions.history import Past, priorities
from ml.sessions.opened import SECOND, Ended

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Different sequences of events that are looked at in a minute: one takes up to 0.2 ms. Sessions with a further one are
# taken for such of which the beginning is not known.
MOST_SEQUENCES = 5_000
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Looked:
    """What is said of sessions that are over; arrays of shape (n_sessions,)."""

    ended: Ended
    sequences: list[tuple[str, ...]]  # distinct ones, of events
    which: NDArray[np.int64]  # the sequence of each session
    whole: Flags  # its beginning is known
    looks: list[Look]  # of each sequence; empty where nothing is judged yet
    abnormal: Flags  # none where nothing is judged yet

    @classmethod
    def at(cls, ended: Ended, whole: Flags, fitted: Fitted | None) -> Looked:
        """Look at each sequence once; `whole`: of shape (n_sessions,)."""
        numbers: dict[bytes, int] = {}
        pieces = zip(ended.starts[:-1].tolist(), ended.starts[1:].tolist(), strict=True)
        held = [ended.events[begin:stop].tobytes() for begin, stop in pieces]
        which = np.array([numbers.setdefault(one, len(numbers)) for one in held], np.int64)
        whole, which = whole & (which < MOST_SEQUENCES), np.minimum(which, MOST_SEQUENCES - 1)
        chosen = islice(numbers, MOST_SEQUENCES)
        sequences = [tuple(ended.names[at] for at in np.frombuffer(one, np.int64).tolist()) for one in chosen]
        if fitted is None:
            return cls(ended, sequences, which, whole, [], np.zeros(len(ended), np.bool_))
        called = fitted.wording.told(ended.names)
        looks = [fitted.look(sequence, called) for sequence in sequences]
        by_logs = np.array([look.found.anomaly for look in looks], np.bool_)
        limits = np.array([look.usual.limit for look in looks])
        slow = (ended.last - ended.began) / SECOND > limits[which]
        return cls(ended, sequences, which, whole, looks, whole & (by_logs[which] | slow))

    def told(self, fitted: Fitted, minute: int) -> list[AbnormalSession]:
        """The abnormal ones in words, the worst first; `minute`: since 1970, in which they were over."""
        found = [self._told(fitted, minute, at) for at in np.flatnonzero(self.abnormal).tolist()]
        return sorted(found, key=lambda one: (-one.score, one.began, one.key))

    def _told(self, fitted: Fitted, minute: int, at: int) -> AbnormalSession:
        ended = self.ended
        begin, stop = int(ended.starts[at]), int(ended.starts[at + 1])
        said = fitted.judgement(self.looks[self.which[at]], ended.at[begin:stop], cut=bool(ended.cut[at]))
        return AbnormalSession(
            key=ended.keys[at],
            service=said.service,
            began=EPOCH + timedelta(microseconds=int(ended.began[at])),
            ended=EPOCH + timedelta(microseconds=int(ended.last[at])),
            minute=minute,
            logs=stop - begin,
            score=said.score,
            p_value=said.p_value,
            confidence=1 - said.p_value,
            reasons=said.reasons,
        )

    def by_service(self, told: list[AbnormalSession]) -> dict[str, tuple[int, int, int]]:
        """For each service its whole sessions, the abnormal ones of these, and its logs in all of them.

        An abnormal session is one of the service that its heaviest reason is about, also where it said nothing.
        """
        many, logs, bad = Counter[str](), Counter[str](), Counter(one.service for one in told)
        of_sequence = np.bincount(self.which[self.whole], minlength=len(self.looks)).tolist()
        for look, sessions in zip(self.looks, of_sequence, strict=True):
            for service, times in look.services.items():
                many[service] += sessions
                logs[service] += sessions * times
        return {
            service: (max(many[service], bad[service]), bad[service], logs[service])
            for service in sorted(many.keys() | bad.keys())
            if many[service] or bad[service]
        }

    def past(self, chosen: Flags, least: float) -> list[Past]:
        """Those of the sessions that may be held to learn from; `least`: the priority that they must have."""
        rows = np.flatnonzero(chosen & self.whole)
        ended = self.ended
        ranks = priorities([ended.keys[at] for at in rows.tolist()], ended.began[rows])
        return [
            Past(float(rank), float(ended.last[at] - ended.began[at]) / SECOND, self.sequences[self.which[at]])
            for at, rank in zip(rows.tolist(), ranks.tolist(), strict=True)
            if rank > least
        ]
