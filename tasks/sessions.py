"""Sessions between batches: judged with their minutes, from stored logs, by whoever judges these."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from adapters.store.minute_rows import SESSIONS, MinuteRows
from domain.errors import Refused
from domain.findings import MinuteFinding
from domain.minutes import NOTHING_CLOSED
from domain.sessions import KEYED, AbnormalSession
from ml.session_detector import SessionDetector, SessionsFound, SessionState
from tasks.held_minutes import HeldMinutes

log = logging.getLogger(__name__)

# Sessions in the words of a finding about a minute.
MOST_TOLD = 3


@dataclass(frozen=True)
class SessionMemory:
    """What one consumer holds of sessions after a commit."""

    judged: int = NOTHING_CLOSED  # the last minute that `state` knows
    state: SessionState | None = None
    kept: int = NOTHING_CLOSED  # the minute after which the state was stored last


class Sessions:
    """The fold over the sessions of minutes that are over."""

    def __init__(self, rows: MinuteRows | HeldMinutes, detector: SessionDetector, memory: SessionMemory) -> None:
        self.rows = rows
        self.detector = detector
        self.memory = memory
        self.state = memory.state if memory.state is not None else detector.begin()

    def resume(self, judged: int) -> int:
        """Begin from what is known; the minute after which minutes have to be taken up to the last judged one."""
        if self.memory.state is not None and self.memory.judged <= judged:
            return self.memory.judged
        stored = self.rows.memory(SESSIONS)
        if stored is not None and stored[0] <= judged:
            try:
                self.state = self.detector.unpacked(stored[1])
            except Refused as error:
                log.warning("sessions.learned-anew", extra={"error": str(error)})
            else:
                self.memory = SessionMemory(stored[0], self.state, stored[0])
                return stored[0]
        # From here on; whoever comes next begins at the same minute.
        self.state = self.detector.begin()
        self.memory = SessionMemory(judged, self.state, judged)
        self._keep(judged)
        return judged

    def take(self, minute: int, whole: pa.Table) -> SessionsFound:
        """Judge what a minute ended; `whole`: what the fleet did in it, without which no log is looked for."""
        logs = self.rows.keyed_logs(minute, self.detector.key) if len(whole) else KEYED.empty_table()
        found, self.state = self.detector.find(self.state, minute, logs)
        return found

    def after(self, judged: int, *, keep_from: int) -> SessionMemory:
        """What is held after the last minute that was judged; stored when that was done `keep_from` minutes ago."""
        self.memory = replace(self.memory, judged=judged, state=self.state)
        if judged - self.memory.kept >= keep_from:
            self._keep(judged)
        return self.memory

    def _keep(self, minute: int) -> None:
        self.rows.keep_memory(minute, self.detector.packed(self.state), SESSIONS)
        self.memory = replace(self.memory, kept=minute)


def in_words(finding: MinuteFinding, sessions: Sequence[AbnormalSession]) -> str:
    """The worst sessions of a service that a finding about a minute is made of."""
    worst = [one for one in sessions if one.service == finding.service][:MOST_TOLD]
    return "; ".join(f"request {one.key}: {', '.join(one.reasons)}" for one in worst)
