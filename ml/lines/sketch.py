"""Counts of things in bounded memory.

Method: the count-min sketch of Cormode and Muthukrishnan, *An improved data stream summary*, Journal of Algorithms 55
(2005), with the conservative update of Estan and Varghese, *New directions in traffic measurement*, SIGCOMM 2002.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

SEEDS = (0, 0x9E3779B9)


def places(key: str, width: int) -> tuple[int, int]:
    """Where a key is counted, the same in every process; one place in each of the rows."""
    data = key.encode("utf-8", "surrogatepass")
    return crc32(data, SEEDS[0]) % width, crc32(data, SEEDS[1]) % width


@dataclass(frozen=True, slots=True)
class Sketch:
    """Counts by key; never too small, hardly ever too large while there are far fewer keys than columns."""

    table: NDArray[np.float64]  # shape (2, width)

    @classmethod
    def empty(cls, width: int) -> Sketch:
        return cls(np.zeros((len(SEEDS), width)))

    def get(self, key: str) -> float:
        first, second = places(key, self.table.shape[1])
        one: float = self.table.item(0, first)
        other: float = self.table.item(1, second)
        return min(one, other)

    def add(self, key: str, amount: float = 1.0) -> None:
        at = places(key, self.table.shape[1])
        least = min(float(self.table[row, place]) for row, place in enumerate(at)) + amount
        for row, place in enumerate(at):
            self.table[row, place] = max(self.table[row, place], least)
