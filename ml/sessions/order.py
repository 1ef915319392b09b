"""Which template follows which: pairs of neighbours that a history of sessions lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import log

from ml.sessions.counting import Session

BEGIN = END = ""
PRIOR = 0.5


@dataclass(frozen=True, slots=True)
class Order:
    """In how many sessions a template occurs, and in how many it is followed by another."""

    sessions: Mapping[str, int]
    pairs: Mapping[tuple[str, str], int]

    def surprise(self, session: Session, *, counted: bool = False) -> tuple[float, tuple[str, str]]:
        """Nats of the most surprising pair of neighbours, and the pair; 0 where nothing is known.

        `counted` leaves the session itself out of the history.
        """
        worst, at = 0.0, (BEGIN, END)
        for pair in set(pairwise((BEGIN, *session, END))):
            if pair[0] in self.sessions and pair[1] in self.sessions:
                nats = -log(
                    min(
                        1.0,
                        (max(self.pairs.get(pair, 0) - counted, 0) + PRIOR) / (self.sessions[pair[0]] - counted + 1),
                    )
                )
                worst, at = max((worst, at), (nats, pair))
        return worst, at


def learn(sessions: Iterable[Session], most_pairs: int) -> Order:
    """Count pairs over sessions; each counts once in a session, the most common ones are kept."""
    pairs: Counter[tuple[str, str]] = Counter()
    singles: Counter[str] = Counter()
    for session in sessions:
        pairs.update(set(pairwise((BEGIN, *session, END))))
        singles.update({BEGIN, *session})
    kept = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:most_pairs]
    return Order(dict(singles), dict(kept))
