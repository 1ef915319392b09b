"""Character n-grams, weighed by tf-idf and compared by cosine, at the speed of memory.

Vectorisers that count n-grams as Python strings take most of a minute for 10,000 runbooks; here they are
hashed as numbers.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy import sparse

SIZE = 5
COLUMNS = 2**20  # two n-grams in one column blur a little, which costs less than a vocabulary

_FACTOR = np.uint32(0x01000193)
_MIX = np.uint32(0x9E3779B1)
_SHIFT = np.uint32(12)  # 20 of 32 bits are left to name the column

Floats = npt.NDArray[np.float64]


class NgramIndex:
    """Texts as unit vectors over n-grams; a frequent n-gram of a text counts by the logarithm of its frequency."""

    def fit(self, texts: Iterable[str]) -> NgramIndex:
        """Index the texts, in their order."""
        counted = counts(texts)
        frequency = np.bincount(counted.indices, minlength=COLUMNS)
        self.idf_ = (np.log((1 + counted.shape[0]) / (1 + frequency)) + 1).astype(np.float32)
        self.columns_ = self._unit(counted).tocsc()
        return self

    def cosines(self, text: str) -> Floats:
        """Of the text with each that was indexed: float64 array of shape (n_texts,), 0–1."""
        asked = self._unit(counts([text]))
        found: Floats = (self.columns_[:, asked.indices] @ asked.data).astype(np.float64)
        return found

    def _unit(self, counted: sparse.csr_matrix) -> sparse.csr_matrix:
        counted.data = (1 + np.log(counted.data)) * self.idf_[counted.indices]
        rows = np.repeat(np.arange(counted.shape[0]), np.diff(counted.indptr))
        lengths = np.sqrt(np.bincount(rows, counted.data**2, minlength=counted.shape[0]))
        counted.data = (counted.data / lengths[rows]).astype(np.float32)
        return counted


def counts(texts: Iterable[str]) -> sparse.csr_matrix:
    """How often each n-gram stands in each text: float32 matrix of shape (n_texts, COLUMNS)."""
    columns, times, ends = [np.empty(0, np.int32)], [np.empty(0, np.float32)], [0]
    for text in texts:
        found, frequency = np.unique(hashes(text), return_counts=True)
        columns.append(found.astype(np.int32))
        times.append(frequency.astype(np.float32))
        ends.append(ends[-1] + len(found))
    shape = (len(ends) - 1, COLUMNS)
    return sparse.csr_matrix((np.concatenate(times), np.concatenate(columns), ends), shape=shape)


def hashes(text: str) -> npt.NDArray[np.uint32]:
    """The column of each n-gram, in order."""
    letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    rolling = np.zeros(max(len(letters) - SIZE + 1, 0), dtype=np.uint32)
    for at in range(SIZE):
        rolling = rolling * _FACTOR + letters[at : at + len(rolling)]
    return (rolling * _MIX) >> _SHIFT
