"""The challenger beside the champion: it scores live logs, what it would flag is counted, and nothing comes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from adapters.formats.spread import spread
from adapters.store.batches import Judged
from domain.amounts import counted
from domain.logs import LogBatch
from domain.verdicts import Verdicts
from ml.rules import LIMITS
from ml.scoring import Champion, score

# The condition in the store by which each member of `watch` tells of it.
CHALLENGER = "challenger"
TOLD_AGAIN = timedelta(seconds=30)


@dataclass(slots=True)
class Seen:
    """What one challenger made of the logs since it was taken up here."""

    version: int
    since: datetime
    logs: int = 0
    flagged: int = 0
    alone: int = 0  # of these, by it and not by what decides
    missed: int = 0  # anomalies by what decides, and not by it
    passed_over: int = 0  # logs that came while it was busy
    failed: str = ""  # why it gave no answer about the last batch

    def add(self, decided: Verdicts, found: Verdicts) -> None:
        """Count one batch."""
        self.failed = found.fallback
        if found.fallback:
            self.passed_over += len(found.anomalous)
            return
        self.logs += len(found.anomalous)
        self.flagged += int(np.sum(found.anomalous))
        self.alone += int(np.sum(found.anomalous & ~decided.anomalous))
        self.missed += int(np.sum(decided.anomalous & ~found.anomalous))

    def __str__(self) -> str:
        told = f"version {self.version}: would flag {self.flagged:,} of {counted(self.logs, 'log')}"
        told += f" since {self.since:%Y-%m-%d %H:%M} UTC, {self.alone:,} of them not flagged by what decides"
        told += f"; it would miss {self.missed:,} that are"
        told += f"; {counted(self.passed_over, 'log')} passed over" if self.passed_over else ""
        return told + (f"; {self.failed}" if self.failed else "")


class Shadow:
    """Scores on a thread of its own, one batch at a time: what comes meanwhile is passed over, and no batch waits.

    Parameters
    ----------
    tell
        Takes what was seen so far, in words, every half a minute.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self.seen: Seen | None = None  # None while there is no challenger
        self.told_at: datetime | None = None
        self.looking: threading.Thread | None = None

    def look(self, judged: Judged, challenger: Champion | None, *, now: datetime) -> threading.Thread | None:
        """Begin to score a batch that was decided; the thread that does, None where nothing is looked at."""
        if challenger is None or not len(judged.batch):
            self.seen = self.seen if challenger else None
            return None
        if self.seen is None or self.seen.version != challenger.version:
            self.seen = Seen(challenger.version, now)
        if self.looking is not None and self.looking.is_alive():
            self.seen.passed_over += len(judged.batch)
            return None
        self.looking = threading.Thread(
            target=self._look, args=(judged, challenger, self.seen, now), daemon=True, name="challenger"
        )
        self.looking.start()
        return self.looking

    def _look(self, judged: Judged, challenger: Champion, seen: Seen, now: datetime) -> None:
        frame = judged.batch.frame
        # The batch has the champion's metrics as columns, which may be others.
        batch = LogBatch(frame, spread(frame["measured"], LIMITS.keys() | set(challenger.detector.metrics_)))
        seen.add(judged.verdicts, score(batch, challenger, threshold=judged.verdicts.threshold))
        if self.told_at is None or now - self.told_at >= TOLD_AGAIN:
            self.told_at = now
            self.tell(str(seen))

    @property
    def words(self) -> str:
        """What was seen so far, empty where there is no challenger."""
        return "" if self.seen is None else str(self.seen)
