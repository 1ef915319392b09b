"""What is learned from a history of sessions, before anything is decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml.sessions import counting, kernel, levels, order, views
from ml.sessions.counting import Rows, Session
from ml.sessions.kernel import Floats, Support
from ml.sessions.levels import Levels
from ml.sessions.order import Order
from ml.sessions.views import View

WHOLE, FRAME, USUAL = "whole", "frame", "usual"


@dataclass(frozen=True, slots=True)
class Keep:
    """How much of a history is kept."""

    templates: int
    rows: int
    pairs: int


@dataclass(frozen=True, slots=True)
class Read:
    """A session in numbers."""

    counts: Rows  # of the known templates, shape (n_templates,)
    levels: Rows  # of the same shape
    unknown: Mapping[str, int]  # counts of the unknown templates


@dataclass(frozen=True, slots=True)
class Core:
    """Vectors of levels that occur, what departing from them costs, and the order of templates."""

    templates: tuple[str, ...]
    places: Mapping[str, int]
    scale: Levels
    rows: Rows  # of levels, distinct, shape (n_rows, n_templates), those of the most sessions first
    support: Support
    total: int
    views: Mapping[str, View]
    order: Order

    @property
    def top(self) -> float:
        """Nats of what no session of the history shows."""
        return kernel.top(self.total)

    def read(self, session: Session) -> Read:
        """The session's counts and their levels."""
        counts = np.zeros(len(self.templates), np.int64)
        unknown: dict[str, int] = {}
        for name, times in Counter(session).items():
            if name in self.places:
                counts[self.places[name]] = times
            else:
                unknown[name] = times
        return Read(counts, self.scale.of(counts), unknown)

    def costs(self, view: str, read: Read) -> tuple[Floats, Rows]:
        """Nats for each known template in a view, and the nearest known levels."""
        return self.views[view].costs(read.levels, self.scale)

    def distance(self, view: str, read: Read) -> float:
        """Nats from what is known, with those for unknown templates."""
        return float(self.costs(view, read)[0].sum()) + self.top * len(read.unknown)


def learn(sessions: Sequence[Session], keep: Keep) -> Core:
    """Learn from at least one session."""
    history = counting.table(sessions, keep.templates, keep.rows)
    scale = levels.learn(history)
    rows, support = views.merged(scale.of(history.counts), history.support)
    frame, usual = views.frames(rows, support, scale, history.total)
    return Core(
        templates=history.templates,
        places={name: index for index, name in enumerate(history.templates)},
        scale=scale,
        rows=rows,
        support=support,
        total=history.total,
        views={WHOLE: views.whole(rows, support, scale, history.total), FRAME: frame, USUAL: usual},
        order=order.learn(sessions, keep.pairs),
    )
