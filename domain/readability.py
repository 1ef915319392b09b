"""Whether most of a topic cannot be read: that is no matter of single logs, but of a producer or of us."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)
ENOUGH_LOGS = 100
MOST = 0.5
REASONS_NAMED = 3


@dataclass(slots=True)
class Readability:
    """How many of the last minutes' logs could not be read, and why; counted over batches."""

    batches: deque[tuple[datetime, int, Counter[str]]] = field(default_factory=deque)

    def add(self, logs: int, reasons: Iterable[str], now: datetime) -> None:
        """Count a batch."""
        self.batches.append((now, logs, Counter(reasons)))
        while self.batches[0][0] < now - WINDOW:
            self.batches.popleft()

    @property
    def complaint(self) -> str:
        """What is wrong, in words with counts; empty while most logs can be read or there are few."""
        logs = sum(count for _, count, _ in self.batches)
        reasons = sum((counted for _, _, counted in self.batches), Counter[str]())
        if logs < ENOUGH_LOGS or reasons.total() < MOST * logs:
            return ""
        told = "; ".join(f"{reason} ({count:,} logs)" for reason, count in reasons.most_common(REASONS_NAMED))
        more = len(reasons) - REASONS_NAMED
        others = f"; and {more:,} other reasons" if more > 0 else ""
        return f"{reasons.total():,} of {logs:,} logs of the last minutes cannot be read: {told}{others}"
