"""What was seen of a stream of log lines: the habits of its services, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from domain.logs import Level
from ml.lines.reading import Line, Reading, severity
from ml.lines.signs import Signs
from ml.lines.sketch import Sketch, places

WIDTH = 1 << 16
# Seconds after which a line counts only a third of a new one.
FADES = 3600.0
# A line comes anew where what was counted of its kind faded to less than this.
QUIET = 0.37
# A level is taken to have been seen so often before anything was, the lower the more often.
PRIOR = {Level.TRACE: 1.0, Level.DEBUG: 1.0, Level.INFO: 4.0, Level.WARN: 1.0, Level.ERROR: 0.5, Level.CRITICAL: 0.25}
PRIORS = tuple(PRIOR[level] for level in sorted(PRIOR))
HIGH = Level.ERROR


@dataclass
class LineState:
    """Counts over the lines so far; `see` adds one. It consists of two arrays."""

    counts: Sketch = field(default_factory=lambda: Sketch.empty(WIDTH))
    heat: NDArray[np.float64] = field(
        default_factory=lambda: np.zeros((2, WIDTH))
    )  # lines of late by kind, and when the last one was

    def signs(self, line: Line, read: Reading) -> Signs:
        """What the lines so far make of one more."""
        level = severity(line.level)
        surprise = self._level(line, level)
        rare = 1 - exp(-surprise)
        return Signs(
            level=surprise,
            severity=(1 + rare) / 2 * max(0, level - Level.INFO) / (Level.CRITICAL - Level.INFO),
            failed=float(read.failed),
            healed=float(read.healed),
            reading=float(read.reading),
            severe_words=self._severe(read),
            usual=0.0 if read.failed else log(1 + self.counts.get(f"t {read.template}")),
            burst=rare * log(1 + self._heat(line, read)),
        )

    def copy(self) -> LineState:
        """Another state with the same counts."""
        return LineState(Sketch(self.counts.table.copy()), self.heat.copy())

    def see(self, line: Line, read: Reading) -> None:
        """Count one line."""
        level = severity(line.level)
        known = f"s {line.service} {level:d} {read.template}"
        new = self.counts.get(known) == 0
        fresh = 1.0 / (1.0 + self._heat(line, read))  # a burst is one thing that happened, not many
        self.counts.add(f"l {line.service} {level:d}", fresh)
        self.counts.add(known)
        if self._heat(line, read) < QUIET:
            self.counts.add(f"t {read.template}")
        if new:
            for word in set(read.words):
                self.counts.add(f"w {level >= HIGH:d} {word}")
            self.counts.add(f"w {level >= HIGH:d}")
        self._warm(line, read)

    def _level(self, line: Line, level: Level) -> float:
        seen = [self.counts.get(f"l {line.service} {each}") + prior for each, prior in enumerate(PRIORS)]
        return log(sum(seen) / sum(seen[level:]))

    def _severe(self, read: Reading) -> float:
        """The mean over words of the share of high levels among the templates that have it, against that of all."""
        base = self._share("")
        shares = [self._share(f" {word}", base) - base for word in set(read.words)]
        return sum(shares) / len(shares) if shares else 0.0

    def _share(self, word: str, prior: float = 0.1) -> float:
        high, low = self.counts.get(f"w 1{word}"), self.counts.get(f"w 0{word}")
        return (high + prior) / (high + low + 1)

    def _place(self, line: Line, read: Reading) -> int:
        return places(f"{line.service} {line.level} {read.template}", WIDTH)[0]

    def _heat(self, line: Line, read: Reading) -> float:
        warm, at = self.heat[:, self._place(line, read)]
        return float(warm * exp(min(0.0, (at - line.at) / FADES)))

    def _warm(self, line: Line, read: Reading) -> None:
        heat = self._heat(line, read) + 1
        self.heat[:, self._place(line, read)] = heat, line.at
