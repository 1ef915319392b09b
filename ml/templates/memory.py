"""The masked texts a miner remembers, and the templates they make up."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.templates.groups import Row, patterns
from ml.templates.segments import widened
from ml.templates.tokens import closed, tokens

Ints = NDArray[np.int64]

# What stands for a time where none was given.
NEVER_FIRST = np.iinfo(np.int64).max
NEVER_LAST = np.iinfo(np.int64).min
# Texts of one template that are kept when room is needed, the last seen; they are what its form is told from.
KEPT = 32


def text_id(text: str) -> int:
    """A number from 0 to 2⁶³ − 1 that depends on the text alone."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


class Memory:
    """Distinct masked texts in the order in which they were first seen, at most `most`.

    The templates are a function of these texts: texts with one pattern are one template, and its id is that of the
    first of them. Where the first one has to leave, the next takes over its name, its count and its first time.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.texts: list[str] = []
        self.rows: list[Row] = []
        self.patterns: list[Row] = []
        self.closed: list[str] = []  # the pattern as one text; empty where it is still to be told
        self.index: dict[str, int] = {}
        self.own = np.empty(0, np.int64)  # each text's own id
        self.names = np.empty(0, np.int64)  # the id it gives a template that it is the first of
        self.counts = np.empty(0, np.int64)
        self.first = np.empty(0, np.int64)
        self.last = np.empty(0, np.int64)
        self.lines = np.empty(0, np.int64)  # number of the line that had it last
        self.aliases: dict[int, int] = {}  # id of a text that left -> name of the template it was of
        self.line = 0  # number of the next line
        self._heads = np.empty(0, np.int64)
        self._widened: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self.texts)

    def add(self, texts: Sequence[str]) -> None:
        """Remember texts that are not known yet; the caller sees to it that there is room."""
        ids = np.array([text_id(text) for text in texts], np.int64)
        zeros = np.zeros(len(texts), np.int64)
        for text in texts:
            self.index[text] = len(self.texts)
            self.texts.append(text)
            self.rows.append(tuple(token.text for token in tokens(text)))
        self.patterns += [()] * len(texts)
        self.closed += [""] * len(texts)
        self.own, self.names = np.append(self.own, ids), np.append(self.names, ids)
        self.counts, self.lines = np.append(self.counts, zeros), np.append(self.lines, zeros)
        self.first = np.append(self.first, zeros + NEVER_FIRST)
        self.last = np.append(self.last, zeros + NEVER_LAST)

    def count(self, at: Ints, times: Ints | None) -> None:
        """Count one line for each entry of `at`, indices of texts in the order of the lines."""
        self.counts += np.bincount(at, minlength=len(self))
        # Of an index that occurs several times the last assignment stays.
        self.lines[at] = self.line + np.arange(len(at))
        self.line += len(at)
        if times is not None:
            np.minimum.at(self.first, at, times)
            np.maximum.at(self.last, at, times)

    def heads(self) -> Ints:
        """The index of the first text of each text's template, shape (n_texts,)."""
        if len(self._heads) != len(self):
            self._tell()
            distinct = dict.fromkeys(self.closed)
            if distinct.keys() != self._widened.keys():
                self._widened = widened(list(distinct))
            first: dict[str, int] = {}
            keys = [self._widened[text] for text in self.closed]
            self._heads = np.array([first.setdefault(key, at) for at, key in enumerate(keys)], np.int64)
        return self._heads

    def _tell(self) -> None:
        """Tell the patterns anew wherever a text is new among those of its length."""
        lengths = {len(self.rows[at]) for at, text in enumerate(self.closed) if not text}
        told = [at for at, row in enumerate(self.rows) if len(row) in lengths]
        for at, pattern in zip(told, patterns([self.rows[at] for at in told]), strict=True):
            self.patterns[at], self.closed[at] = pattern, closed(pattern) or " "

    def ids(self) -> Ints:
        """The id of each text's template, shape (n_texts,)."""
        heads = self.heads()
        first = np.unique(heads)
        # Where what was one template has turned out to be two, a name may be held twice: a text's own id is its own,
        # else the older one keeps it.
        first = first[np.argsort(self.own[first] != self.names[first], kind="stable")]
        _, kept = np.unique(self.names[first], return_index=True)
        named = self.own.copy()
        named[first[kept]] = self.names[first[kept]]
        return named[heads]

    def current(self, ids: Ints) -> Ints:
        """What templates that had these ids are called now; an id that is not remembered stays as it is."""
        now = dict(zip(self.names.tolist(), self.ids().tolist(), strict=True))
        now.update(zip(self.own.tolist(), self.ids().tolist(), strict=True))
        distinct, place = np.unique(ids, return_inverse=True)
        found = [self._followed(one, now) for one in distinct.tolist()]
        return np.array(found, np.int64)[place]

    def _followed(self, one: int, now: dict[int, int]) -> int:
        seen: set[int] = set()
        while one not in now and one in self.aliases and one not in seen:
            seen.add(one)
            one = self.aliases[one]
        return now.get(one, one)

    def make_room(self) -> None:
        """Forget a quarter: of each template all but the texts seen last, then the texts not seen for longest."""
        ids, heads = self.ids(), self.heads()
        newest = np.argsort(-self.lines, kind="stable")
        order = newest[np.argsort(heads[newest], kind="stable")]
        starts = np.flatnonzero(np.diff(heads[order], prepend=-1))
        rank = np.empty(len(self), np.int64)
        rank[order] = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
        kept = np.sort(np.lexsort((-self.lines, rank >= KEPT))[: self.most - max(1, self.most // 4)])
        self._hand_over(kept, heads, ids)
        self._keep(kept)

    def _hand_over(self, kept: Ints, heads: Ints, ids: Ints) -> None:
        """What the texts that leave stood for goes to the oldest text of their template that stays."""
        heir = np.full(len(self), -1, np.int64)
        heir[heads[kept[::-1]]] = kept[::-1]
        gone = np.setdiff1d(np.arange(len(self)), kept)
        gone = gone[heir[heads[gone]] >= 0]
        to = heir[heads[gone]]
        self.names[to] = ids[gone]
        np.add.at(self.counts, to, self.counts[gone])
        np.minimum.at(self.first, to, self.first[gone])
        np.maximum.at(self.last, to, self.last[gone])
        self.aliases.update(zip(self.own[gone].tolist(), ids[gone].tolist(), strict=True))
        for one in list(self.aliases)[: max(0, len(self.aliases) - self.most)]:
            del self.aliases[one]

    def _keep(self, kept: Ints) -> None:
        for name in ("own", "names", "counts", "first", "last", "lines"):
            setattr(self, name, getattr(self, name)[kept])
        for name in ("texts", "rows"):
            held = getattr(self, name)
            setattr(self, name, [held[at] for at in kept.tolist()])
        # What one text told of another may have left with it.
        self.patterns, self.closed = [()] * len(kept), [""] * len(kept)
        self.index = {text: at for at, text in enumerate(self.texts)}
        self._heads = np.empty(0, np.int64)

    def restore(self, table: pa.Table) -> None:
        """Take over a state, a table as `TemplateMiner.to_table` gives it."""
        held = table.filter(pc.is_valid(table["text"]))
        self.add(held["text"].to_pylist())
        names = {"own": "id", "names": "name", "counts": "count", "first": "first_seen", "last": "last_seen"}
        empty = {"first_seen": NEVER_FIRST, "last_seen": NEVER_LAST}
        for attribute, name in (names | {"lines": "line"}).items():
            column = held[name].fill_null(empty.get(name, 0)).combine_chunks()
            setattr(self, attribute, column.to_numpy(zero_copy_only=False).copy())
        aliases = table.filter(pc.is_null(table["text"]))
        self.aliases = dict(zip(aliases["id"].to_pylist(), aliases["name"].to_pylist(), strict=True))
        self.line = int(self.lines.max(initial=-1)) + 1
