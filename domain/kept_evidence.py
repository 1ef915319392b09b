"""Which logs an incident keeps to show what it is: the worst of them always."""

from __future__ import annotations

from collections.abc import Sequence

from domain.incidents import Evidence

EVIDENCE_KEPT = 5


def rank(evidence: Evidence) -> tuple[int, float]:
    """How telling it is: the worse level first, and of one level the surer."""
    given = evidence.numbers.get("confidence", 0.0)
    return evidence.level, float(given) if isinstance(given, int | float) else 0.0


def keep(held: Sequence[Evidence], new: Sequence[Evidence], service: str) -> list[Evidence]:
    """With the new ones, in the order of coming; where they are too many the least telling and oldest go.

    The last one of `service`, whose incident it is, stays.
    """
    kept = [*held, *new]
    while len(kept) > EVIDENCE_KEPT:
        own = [one for one in kept if one.service in ("", service)]
        spare = [at for at, one in enumerate(kept) if len(own) > 1 or one not in own]
        del kept[min(spare, key=lambda at: (rank(kept[at]), at))]
    return kept


def tells_more(level: int, confidence: float, held: Sequence[Evidence]) -> bool:
    """Whether a log is worse than all that are kept."""
    return all((level, confidence) > rank(one) for one in held)
