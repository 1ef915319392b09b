"""Which words of masked texts are values: those in whose place many stand while all else stays.

Method: the texts of one number of tokens are compared place by place, as by Makanju, Zincir-Heywood and Milios,
*Clustering Event Logs Using Iterative Partitioning*, KDD 2009, and Yu et al., *Brain*, IEEE TSC 2023. A place is a
value's where texts that agree in all other places show enough different words in it. The less the texts have in
common, the more words that takes. It is repeated until nothing changes, so that one value may uncover another.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.templates.masks import VALUE

Row = tuple[str, ...]
Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

# Different words that make a place a value's where the texts agree in many words ...
FEWEST = 2
# ... and this, divided by the words they agree in, on top.
ALONE = 5
# The first word of a text mostly says what it is about, so that it takes so many times as many.
LEADING = 2
# A place where values stood already counts for so many words.
SEEN = 2
# Words that say what happened are not values, however many there are: `started`, `stopped`, `resuming`.
HAPPENED = ("ed", "ing")
SHORTEST = 5


def patterns(rows: Sequence[Row]) -> list[Row]:
    """Each row, a text's tokens, with the words masked that are values among the rows given."""
    families: dict[int, list[int]] = {}
    for at, row in enumerate(rows):
        families.setdefault(len(row), []).append(at)
    found: list[Row] = [()] * len(rows)
    for family in families.values():
        for at, pattern in zip(family, _generalised([rows[at] for at in family]), strict=True):
            found[at] = pattern
    return found


def _generalised(rows: list[Row]) -> list[Row]:
    """As `patterns`, for rows of one length."""
    words = list(dict.fromkeys(word for row in rows for word in (VALUE, *row)))
    code = {word: at for at, word in enumerate(words)}
    table = np.array([[code[word] for word in row] for row in rows], np.int64).reshape(len(rows), -1)
    table, member = np.unique(table, axis=0, return_inverse=True)
    weights = _weights(words)
    said, equals = np.array([word[0].isalpha() for word in words]), code.get("=", -1)
    while True:
        more = np.where(_values(table, weights, _needed(table, said, equals)), 0, table)
        if np.array_equal(more, table):
            break
        table, merged = np.unique(more, axis=0, return_inverse=True)
        member = merged.reshape(-1)[member.reshape(-1)]
    named = [tuple(words[at] for at in row) for row in table.tolist()]
    return [named[at] for at in member.reshape(-1).tolist()]


def _weights(words: list[str]) -> Floats:
    """How much each word speaks for a place being a value's, shape (n_words,); 0 for what stays as it is."""
    plain = [float(word[0].isalpha() and not happened(word)) for word in words]
    return np.array([SEEN, *plain[1:]], np.float64)


def happened(word: str) -> bool:
    """Whether the word has the form of an English participle."""
    return len(word) >= SHORTEST and word.lower().rstrip(".!").endswith(HAPPENED)


def _values(table: Codes, weights: Floats, needed: Floats) -> NDArray[np.bool_]:
    """The places, shape (n_rows, n_places), of distinct rows that turn out to hold values."""
    plain = (weights[table] > 0) & (table > 0)
    seen = np.zeros(table.shape)
    several = np.zeros(table.shape, np.bool_)
    mixed = _mixed(table)
    total = mixed.sum(axis=1)
    for place in range(table.shape[1]):
        _, group, size = np.unique(total - mixed[:, place], return_inverse=True, return_counts=True)
        seen[:, place] = np.bincount(group, weights[table[:, place]])[group]
        several[:, place] = size[group] > 1
    values: NDArray[np.bool_] = plain & several & (seen >= needed)
    return values


def _needed(table: Codes, said: NDArray[np.bool_], equals: int) -> Floats:
    """How many words each place takes to be a value's; `said` tells words from marks, shape (n_words,).

    The names of values, before `=`, tie texts less than words do: they are not counted.
    """
    names = np.zeros(table.shape, np.bool_)
    names[:, :-1] = table[:, 1:] == equals
    ties = said[table] & ~names
    words = ties.sum(axis=1, keepdims=True) - ties
    with np.errstate(divide="ignore"):
        needed: Floats = FEWEST + np.ceil(ALONE / words)
    needed[:, :1] *= LEADING
    return needed


def _mixed(table: Codes) -> NDArray[np.uint64]:
    """A number for each word in its place, whose sums over places differ where rows differ (splitmix64)."""
    mixed = (table.astype(np.uint64) << np.uint64(8)) + np.arange(1, table.shape[1] + 1, dtype=np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))
