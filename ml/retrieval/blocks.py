"""The best block of each of some documents: a long text answers in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]


class Best(NamedTuple):
    """Per document, of the block that has most: arrays of shape (n_documents,)."""

    scores: Floats  # by BM25
    shares: Floats  # of the question's information, 0–1


class BlockIndex:
    """The terms of every block, by number; ranked only where asked for.

    Parameters
    ----------
    k1, b : float
        Of BM25.
    """

    def __init__(self, k1: float, b: float) -> None:
        self.k1 = k1
        self.b = b

    def fit(self, documents: Iterable[Sequence[Sequence[int]]]) -> BlockIndex:
        """Keep the terms of each block of each document; a document has at least one block."""
        by_document = [list(blocks) for blocks in documents]
        blocks = list(chain.from_iterable(by_document))
        self.terms_ = np.fromiter(chain.from_iterable(blocks), dtype=np.int32)
        self.size_ = int(self.terms_.max(initial=0)) + 1
        self.lengths_ = np.array([len(block) for block in blocks])
        self.ends_ = np.cumsum([0, *self.lengths_])
        self.firsts_ = np.cumsum([0, *(len(each) for each in by_document)])
        self.mean_ = max(float(self.lengths_.mean()), 1.0)
        having = frequency(blocks, self.size_)
        self.idf_ = np.log(1 + (len(blocks) - having + 0.5) / (having + 0.5))
        return self

    def best(self, documents: Sequence[int], weights: Mapping[int, float], whole: float) -> Best:
        """For documents by number and the weights of the question's terms, which are `whole` together."""
        spans = [(self.firsts_[at], self.firsts_[at + 1]) for at in documents]
        blocks = np.concatenate([np.arange(*span) for span in spans])
        terms = np.concatenate([self.terms_[self.ends_[first] : self.ends_[last]] for first, last in spans])
        within = np.repeat(np.arange(len(blocks)), self.lengths_[blocks])
        found, terms, counts = self._counted(within, terms, np.array(list(weights), dtype=np.int32))
        told = np.array([weights[int(term)] for term in terms])
        size = 1 - self.b + self.b * self.lengths_[blocks[found]] / self.mean_
        scores = np.bincount(found, self.idf_[terms] * counts * (self.k1 + 1) / (counts + self.k1 * size), len(blocks))
        shares = np.bincount(found, told, len(blocks)) / whole
        begins = np.cumsum([0, *(last - first for first, last in spans[:-1])])
        return Best(np.maximum.reduceat(scores, begins), np.minimum(np.maximum.reduceat(shares, begins), 1))

    def _counted(self, blocks: Ids, terms: Ids, wanted: Ids) -> tuple[Ids, Ids, Floats]:
        """Where each wanted term stands: position among the blocks, term, how often."""
        is_wanted = np.zeros(self.size_, dtype=bool)
        is_wanted[wanted] = True
        kept = is_wanted[terms]
        pairs, counts = np.unique(blocks[kept] * self.size_ + terms[kept], return_counts=True)
        return pairs // self.size_, pairs % self.size_, counts.astype(np.float64)


def frequency(texts: Iterable[Iterable[int]], size: int) -> Ids:
    """In how many texts each of `size` terms stands."""
    return np.bincount(np.fromiter(chain.from_iterable(map(set, texts)), dtype=np.int32), minlength=size)
