"""Which words of masked texts are values: those in whose place many stand while all else stays.

Method: the texts of one number of tokens are compared place by place, as by Makanju, Zincir-Heywood and Milios,
*Clustering Event Logs Using Iterative Partitioning*, KDD 2009, and Yu et al., *Brain*, IEEE TSC 2023. A place is a
value's where texts that agree in all other places show enough different words in it. The less the texts have in
common, the more words that takes. It is repeated until nothing changes, so that one value may uncover another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ml.templates.masks import VALUE

# Marks between the members of a list.
LISTING = frozenset(",|")

Row = tuple[str, ...]
Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

# Different words that make a place a value's where the texts agree in many words ...
FEWEST = 2
# ... and this, divided by the words they agree in, on top.
ALONE = 4
# The first word of a text mostly says what it is about, and a name what its value is: for them it takes so many
# times as many.
LEADING = 3
# A place where values stood already counts for as many words.
SEEN = 2
# A word is rare in its place that is seen less often than this, or twice this, and so on.
RARE = 8
# Words that say what happened are not values, however many there are: `started`, `stopped`, `resuming`.
HAPPENED = ("ed", "ing")
SHORTEST = 5


def patterns(rows: Sequence[Row], behind: Mapping[str, int] | None = None) -> list[Row]:
    """Each row, a text's tokens or segments, with those masked that are values among the rows given.

    `behind`: the marks behind which alone a value may stand, and how many words else that takes; None for everywhere.
    """
    families: dict[int, list[int]] = {}
    for at, row in enumerate(rows):
        families.setdefault(len(row), []).append(at)
    found: list[Row] = [()] * len(rows)
    for family in families.values():
        for at, pattern in zip(family, _generalised([rows[at] for at in family], behind), strict=True):
            found[at] = pattern
    return found


def _generalised(rows: list[Row], behind: Mapping[str, int] | None) -> list[Row]:
    """As `patterns`, for rows of one length."""
    if len(rows) == 1:
        return rows
    words = list(dict.fromkeys(word for row in rows for word in (VALUE, *row)))
    code = {word: at for at, word in enumerate(words)}
    table = np.array([[code[word] for word in row] for row in rows], np.int64).reshape(len(rows), -1)
    words_of = _Words.of(words, behind)
    whole, member = _distinct(table)
    table = whole
    while True:
        more = _absorbed(whole, _widened(table, words_of))
        if behind is None:
            more = _scattered(more, words_of)
        if np.array_equal(more, table):
            break
        table = more
    named = [tuple(words[at] for at in row) for row in table.tolist()]
    return [named[at] for at in member.tolist()]


@dataclass(frozen=True, slots=True)
class _Words:
    """What is known of the words of a family by their codes, arrays of shape (n_words,)."""

    weights: Floats  # how much each speaks for a place being a value's
    said: Codes  # how many words each is: none for marks and values
    after: Floats  # how many words else it takes that a value may follow
    first: float  # the same for a value that comes first
    listed: NDArray[np.bool_]  # lists of words, which are values by their form
    equals: int  # the code of `=`, −1 where there is none

    @classmethod
    def of(cls, words: list[str], behind: Mapping[str, int] | None) -> _Words:
        weights, said, listed = zip(*map(_of_word, words), strict=True)
        never = 0.0 if behind is None else np.inf
        return cls(
            np.array(weights, np.float64),
            np.array(said, np.int64),
            np.array([(behind or {}).get(word, never) for word in words], np.float64),
            never,
            np.array(listed, np.bool_),
            words.index("=") if "=" in words else -1,
        )


@lru_cache(maxsize=65_536)
def _of_word(word: str) -> tuple[float, int, bool]:
    """How much a word or segment speaks for a place being a value's, how many words it is, whether it is a list."""
    parts = word.split()
    held = [part for part in parts if part[0].isalpha()]
    weight = SEEN if word == VALUE else bool(held) and not any(map(happened, held))
    return float(weight), len(held), not LISTING.isdisjoint(parts)


def _widened(table: Codes, words: _Words) -> Codes:
    """The rows with the places masked that hold values, until no more is found; shape as `table`."""
    while True:
        distinct, member = _distinct(table)
        values = _values(distinct, words)
        if not values.any():
            return table
        table = np.where(values, 0, distinct)[member]


def _absorbed(whole: Codes, table: Codes) -> Codes:
    """The rows with those masked as another is that they are an instance of, the most particular one.

    `whole`: the rows as they came; `table`: as they are now. Only places in which words were seen to vary are open to
    other words.
    """
    patterns, member = _distinct(table)
    varied = np.zeros(patterns.shape, np.bool_)
    np.logical_or.at(varied, member, (whole > 0) & (table == 0))
    found = table.copy()
    masks = np.unique(varied[varied.any(axis=1)], axis=0)
    for mask in masks[np.argsort(-masks.sum(axis=1), kind="stable")]:
        known = _mixed(np.where(mask, 0, patterns[(varied == mask).all(axis=1)])).sum(axis=1)
        fits = np.isin(_mixed(np.where(mask, 0, table)).sum(axis=1), known)
        found[fits] = np.where(mask, 0, table[fits])
    return found


def _scattered(table: Codes, words: _Words) -> Codes:
    """The rows with those words masked that are rare in their places, where what is frequent tells what is said.

    This finds several values in one text that are never seen again, so that no two texts agree in all places but one.
    Method: Vaarandi, *A Data Clustering Algorithm for Mining Patterns from Event Logs*, IPOM 2003.
    """
    rows, member = _distinct(table)
    places = rows + np.arange(rows.shape[1]) * len(words.said)
    often = np.bincount(places.reshape(-1))[places]
    values = np.zeros(rows.shape, np.bool_)
    support = RARE
    while support <= len(rows):
        rare = (words.said[rows] > 0) & (often < support)
        found = _told_by_the_rest(rows, rare, words) & ~values.any(axis=1)
        values[found] = rare[found]
        support *= 2
    return np.where(values, 0, rows)[member]


def _told_by_the_rest(rows: Codes, rare: NDArray[np.bool_], words: _Words) -> NDArray[np.bool_]:
    """The distinct rows, shape (n_rows,), whose `rare` places, two or more, hold values, as rows like them show.

    It takes the square of the number of places as many words in each: by chance few rows are alike in so little.
    """
    named = np.where(rare, 0, words.said[rows]).sum(axis=1)
    ties = named - np.where(rare, 0, _names(rows, words)).sum(axis=1)
    several = rare.sum(axis=1)
    told: NDArray[np.bool_] = (several > 1) & (named > several)
    _, group = np.unique(_mixed(np.where(rare, 0, rows)).sum(axis=1), return_inverse=True)
    needed = (FEWEST + np.ceil(ALONE / np.maximum(ties, 1))) * several**2
    for place in np.flatnonzero(rare[told].any(axis=0)):
        counted = rare[:, place] & (words.weights[rows[:, place]] > 0)
        different = np.unique(group[counted] * len(words.said) + rows[counted, place]) // len(words.said)
        seen = np.bincount(different, minlength=len(rows))[group]
        told &= ~rare[:, place] | (seen >= needed * (LEADING if place == 0 else 1))
    return told


def _names(rows: Codes, words: _Words) -> Codes:
    """1 where a name stands, the word before `=`, else 0."""
    names = np.zeros(rows.shape, np.int64)
    names[:, :-1] = rows[:, 1:] == words.equals
    return np.minimum(names, words.said[rows])


def happened(word: str) -> bool:
    """Whether the word has the form of an English participle; in capitals it is the name of a state."""
    return len(word) >= SHORTEST and not word.isupper() and word.lower().rstrip(".!").endswith(HAPPENED)


def _values(table: Codes, words: _Words) -> NDArray[np.bool_]:
    """The places, shape (n_rows, n_places), of distinct rows that turn out to hold values."""
    needed = _needed(table, words)
    seen = np.zeros(table.shape)
    several = np.zeros(table.shape, np.bool_)
    mixed = _mixed(table)
    total = mixed.sum(axis=1)
    for place in np.flatnonzero(words.said[table].any(axis=0)):
        _, group, size = np.unique(total - mixed[:, place], return_inverse=True, return_counts=True)
        seen[:, place] = np.bincount(group, words.weights[table[:, place]])[group]
        several[:, place] = size[group] > 1
    values: NDArray[np.bool_] = (words.said[table] > 0) & several & (seen >= needed)
    return values


def _needed(table: Codes, words: _Words) -> Floats:
    """How many words each place takes to be a value's.

    The names of values, before `=`, tie texts less than words do: all of them count as one, where there is no word.
    """
    names = _names(table, words)
    ties = words.said[table] - names
    others = np.maximum(ties.sum(axis=1, keepdims=True) - ties, names.any(axis=1, keepdims=True))
    with np.errstate(divide="ignore"):
        needed: Floats = FEWEST + np.ceil(ALONE / others)
    needed[:, :1] *= LEADING
    needed *= np.where(names > 0, LEADING, 1)
    barred = (others[:, 1:] < words.after[table[:, :-1]]) & ~words.listed[table[:, 1:]]
    needed[:, 1:][barred] = np.inf
    needed[:, :1][others[:, :1] < words.first] = np.inf
    return needed


def _distinct(table: Codes) -> tuple[Codes, Codes]:
    """The distinct rows, and the index of each row among them."""
    _, first, member = np.unique(_mixed(table).sum(axis=1), return_index=True, return_inverse=True)
    return table[first], member.astype(np.int64)


def _mixed(table: Codes) -> NDArray[np.uint64]:
    """A number for each word in its place, whose sums over places differ where rows differ (splitmix64)."""
    mixed = (table.astype(np.uint64) << np.uint64(8)) + np.arange(1, table.shape[1] + 1, dtype=np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))
