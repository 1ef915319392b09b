"""Sessions between batches: judged with their minutes, from stored logs, by whoever judges these."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

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
# What is remembered is stored so often, in minutes: of a busy system a minute takes a third of a second to fold again.
KEPT_EVERY = 5
# Minutes that are folded again at most; where nobody judged sessions for longer, they are left out.
LONGEST_FOLD = 60


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
        if self.memory.state is not None and 0 <= judged - self.memory.judged <= KEPT_EVERY:
            return self.memory.judged
        known, state = self._stored(judged)
        if judged - known > LONGEST_FOLD:
            # Nobody judged sessions for a while. Whoever comes next begins at the same minute.
            known, state = judged, self.detector.after_gap(state, judged)
            self.rows.keep_memory(judged, self.detector.packed(state), SESSIONS)
        self.state = state
        self.memory = SessionMemory(known, state, known)
        return known

    def _stored(self, judged: int) -> tuple[int, SessionState]:
        """What was kept last, and as of which minute; a beginning of long ago where that is nothing."""
        stored = self.rows.memory(SESSIONS)
        if stored is not None and stored[0] <= judged:
            try:
                return stored[0], self.detector.unpacked(stored[1])
            except Refused as error:
                log.warning("sessions.learned-anew", extra={"error": str(error)})
        return judged - LONGEST_FOLD - 1, self.detector.begin()

    def take(self, minute: int, whole: pa.Table) -> SessionsFound:
        """Judge what a minute ended; `whole`: what the fleet did in it, without which no log is looked for."""
        logs = self.rows.keyed_logs(minute, self.detector.key) if len(whole) else KEYED.empty_table()
        found, self.state = self.detector.find(self.state, minute, logs)
        return found

    def after(self, judged: int) -> SessionMemory:
        """What is held after the last minute that was judged; stored from time to time."""
        kept = self.memory.kept
        if judged - kept >= KEPT_EVERY:
            self.rows.keep_memory(judged, self.detector.packed(self.state), SESSIONS)
            kept = judged
        return SessionMemory(judged, self.state, kept)


def in_words(finding: MinuteFinding, sessions: Sequence[AbnormalSession]) -> str:
    """The worst sessions of a service that a finding about a minute is made of."""
    worst = [one for one in sessions if one.service == finding.service][:MOST_TOLD]
    return "; ".join(f"request {one.key}: {', '.join(one.reasons)}" for one in worst)
