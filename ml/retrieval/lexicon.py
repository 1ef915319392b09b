"""The three rankings by words that a search fuses, over the same documents in the same order."""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import bm25s
import numpy as np
import numpy.typing as npt

from domain.documents import Document
from ml.retrieval import acronyms
from ml.retrieval.blocks import Best, BlockIndex, frequency
from ml.retrieval.ngrams import NgramIndex
from ml.retrieval.reading import Read, Words

Scores = npt.NDArray[np.float64]

# Between what suits long runbooks and lists of many rules; the figures hardly move with them, see the guide.
K1 = 1.2
B = 0.6
# The best block is looked for in so many documents, those that are best by words and n-grams.
CANDIDATES = 50

logging.getLogger("bm25s").setLevel(logging.WARNING)  # it logs every index at DEBUG


@dataclass(frozen=True, slots=True)
class Rankings:
    """What each document scores, each from 0 to the best one's 1, and what the score stands on."""

    fused: Scores  # the sum
    cosines: Scores  # by n-grams, as they are
    shares: Mapping[int, float]  # of the question's information that the best block of a candidate has, 0–1


class Lexicon:
    """The indices of the rankings; learned by `fit`."""

    def fit(self, documents: Sequence[Document]) -> Lexicon:
        """Index the documents, in their order."""
        self.count_ = len(documents)
        self.acronyms_ = acronyms.learn(document.text for document in documents)
        read = [Read.of(document, self.acronyms_) for document in documents]
        numbers: defaultdict[str, int] = defaultdict(count().__next__)
        numbered = [[list(map(numbers.__getitem__, block)) for block in each.blocks] for each in read]
        whole = [list(map(numbers.__getitem__, each.terms)) for each in read]
        self.terms_: Mapping[str, int] = dict(numbers)
        self.frequency_ = frequency(whole, len(numbers))
        if read:
            self.words_ = _bm25(whole, self.terms_)
            self.blocks_ = BlockIndex(k1=K1, b=B).fit(numbered)
            self.ngrams_ = NgramIndex().fit(each.plain for each in read)
        return self

    def rankings(self, question: Words, *, beside: Sequence[Scores] = ()) -> Rankings:
        """Every document against the question, `beside` being further rankings; there must be a document."""
        told = self.information(question.terms)
        known = [self.terms_[term] for term in told if term in self.terms_]
        cosines = self.ngrams_.cosines(question.plain)
        fused = of_best(self._by_words(known)) + of_best(cosines)
        for ranking in beside:
            fused = fused + of_best(ranking)
        candidates = sorted(np.argsort(-fused, kind="stable")[:CANDIDATES].tolist())
        best = self._by_block(candidates, told)
        fused[candidates] += of_best(best.scores)
        return Rankings(fused, cosines, dict(zip(candidates, best.shares.tolist(), strict=True)))

    def information(self, terms: Iterable[str]) -> Mapping[str, float]:
        """How much each term tells, by how few documents have it; one that none has tells most."""
        return {term: self._told(self._frequency(term)) for term in terms}

    def _by_words(self, known: list[int]) -> Scores:
        if not known or self.words_ is None:
            return np.zeros(self.count_)
        found: Scores = self.words_.get_scores_from_ids(known).astype(np.float64)
        return found

    def _by_block(self, candidates: Sequence[int], told: Mapping[str, float]) -> Best:
        weights = {self.terms_[term]: weight for term, weight in told.items() if term in self.terms_}
        return self.blocks_.best(candidates, weights, sum(told.values()) or 1.0)

    def _frequency(self, term: str) -> int:
        return int(self.frequency_[self.terms_[term]]) if term in self.terms_ else 0

    def _told(self, frequency: int) -> float:
        return math.log(1 + (self.count_ - frequency + 0.5) / (frequency + 0.5))


def _bm25(documents: list[list[int]], terms: Mapping[str, int]) -> bm25s.BM25 | None:
    """The index of the words; None without any."""
    if not terms:
        return None
    index = bm25s.BM25(k1=K1, b=B)
    index.index((documents, dict(terms)), show_progress=False)
    return index


def of_best(scores: Scores) -> Scores:
    """Scores from 0 to 1, where 1 is the best of this question."""
    best = scores.max(initial=0.0)
    return scores / best if best > 0 else scores
