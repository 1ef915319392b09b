"""What is learned from a history of sessions, before anything is decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml import failures
from ml.sessions import counting, kernel, levels, order, views
from ml.sessions.counting import Rows, Session, Table
from ml.sessions.events import text_of
from ml.sessions.kernel import Floats, Support
from ml.sessions.levels import Levels
from ml.sessions.order import Order
from ml.sessions.views import View

# A template in more of the sessions is no failure, whatever its words are.
MOST_TELLING = 0.05
WHOLE, FRAME, USUAL = "whole", "frame", "usual"


@dataclass(frozen=True, slots=True)
class Keep:
    """How much of a history is kept."""

    templates: int
    rows: int
    pairs: int
    held: int  # sessions that are held out to see where normal ends, about


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
    alone: float  # the share of sessions whose frame no other session has
    telling: NDArray[np.bool_]  # which templates are rare and tell of a failure, shape (n_templates,)
    order: Order

    @property
    def top(self) -> float:
        """Nats of what no session of the history shows."""
        return kernel.top(self.total)

    def rarity(self, template: int) -> float:
        """Nats of coming on a template in a session."""
        sessions = self.having(self.templates[template])
        return float(-np.log((sessions + kernel.PRIOR) / (self.total + 1)))

    def having(self, template: str) -> int:
        """In how many sessions of the history a template is."""
        if template not in self.places:
            return 0
        return int(self.support @ (self.rows[:, self.places[template]] > 0))

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
    telling = _telling(history)
    frames = views.frames(rows, support, scale, history.total, telling)
    return Core(
        templates=history.templates,
        places={name: index for index, name in enumerate(history.templates)},
        scale=scale,
        rows=rows,
        support=support,
        total=history.total,
        views={
            WHOLE: views.whole(rows, support, scale, history.total),
            FRAME: frames.known,
            USUAL: frames.usual,
        },
        alone=frames.alone,
        telling=telling,
        order=order.learn(sessions, keep.pairs),
    )


def _telling(history: Table) -> NDArray[np.bool_]:
    texts = [text_of(name) for name in history.templates]
    words = [failures.words(text) and not failures.healed(text) for text in texts]
    rare = history.support @ (history.counts > 0) <= MOST_TELLING * history.total
    return np.array(words, np.bool_) & rare
