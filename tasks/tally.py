"""A batch on its way through `watch`, and what a window saw of all of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from adapters.store.batches import Judged
from domain.errors import BadBatch
from domain.folded import Folded
from domain.logs import RawBatch
from tasks.judging import Knowledge, Stopwatch


@dataclass(slots=True)
class Tally:
    """What a window saw."""

    logs: int = 0
    rejected: int = 0
    anomalous: int = 0
    incidents: int = 0
    pages: int = 0
    batches: int = 0
    empty: int = 0
    fallback: str = ""  # why the model did not judge the last batch that it did not judge
    unstored: int = 0  # logs that were decided about while the store did not answer, to be read again
    dropped: int = 0  # batches that another consumer had stored first
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))  # per step

    def add(self, judged: Judged, folded: Folded, watch: Stopwatch) -> None:
        """Count one committed batch."""
        self.batches += 1
        self.logs += len(judged.raw)
        self.rejected += len(judged.rejected)
        self.anomalous += int(judged.verdicts.anomalous.sum())
        self.incidents += sum(note.kind == "incident.opened" for note in folded.notes)
        self.pages += len(folded.pages)
        self.fallback = judged.verdicts.fallback or self.fallback
        for step, took in watch.seconds.items():
            self.seconds[step] += took


@dataclass(frozen=True, slots=True)
class Weighed:
    """A batch, and what was made of it before its turn came."""

    raw: RawBatch
    knowledge: Knowledge
    now: datetime  # no log of it is later
    judged: Judged | None  # None for an empty batch, a void one, and one of which a log stops the others
    watch: Stopwatch
    refused: BadBatch | None = None  # why it could not be judged

    def verdict(self) -> Judged:
        """What was decided. Raises BadBatch where it could not be."""
        if self.judged is None:
            raise self.refused or BadBatch("the batch is empty or void: there is nothing to judge")
        return self.judged

    def __len__(self) -> int:
        return len(self.raw)
