"""What a search finds."""

from __future__ import annotations

from dataclasses import dataclass

from domain.documents import Document
from ml.retrieval.confidence import ANSWERS


@dataclass(frozen=True, slots=True)
class Hit:
    """One document that a question may be answered by."""

    document: Document
    score: float  # confidence that it answers, 0–1; never above that of the hit before
    terms: tuple[str, ...]  # of the question, as the document writes them; those that tell most first
    excerpt: str  # the section that has most of the question, cut at the end of a line

    @property
    def answers(self) -> bool:
        """Whether it is sure enough; it only lies nearest otherwise."""
        return self.score >= ANSWERS


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits, the best first."""

    hits: tuple[Hit, ...]
    degraded: str = ""  # why the search had to do without embeddings, or nothing
