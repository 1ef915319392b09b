"""Sessions as rows of counts: how often each template occurs in each distinct session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Session = Sequence[str]  # template texts in order
Rows = NDArray[np.int64]  # shape (n_rows, n_templates)


@dataclass(frozen=True, slots=True)
class Table:
    """Distinct rows of counts and how many sessions have each."""

    templates: tuple[str, ...]
    counts: Rows
    support: NDArray[np.int64]  # shape (n_rows,)
    total: int  # sessions, with those whose rows were left out


def table(sessions: Iterable[Session], most_templates: int, most_rows: int) -> Table:
    """Count the templates of each session; the most common ones and the most common rows are kept."""
    bags = Counter(frozenset(Counter(session).items()) for session in sessions)
    spread: Counter[str] = Counter()
    for bag, times in bags.items():
        spread.update({name: times for name, _ in bag})
    templates = sorted(sorted(spread), key=lambda name: -spread[name])[:most_templates]
    place = {name: index for index, name in enumerate(templates)}
    kept = sorted(bags.items(), key=lambda item: (-item[1], sorted(item[0])))[:most_rows]
    counts = np.zeros((len(kept), len(templates)), np.int64)
    for row, (bag, _) in enumerate(kept):
        for name, times in bag:
            if name in place:
                counts[row, place[name]] = times
    support = np.array([times for _, times in kept], np.int64)
    return Table(tuple(templates), counts, support, bags.total())
