"""The forms of messages a miner remembers, and the templates they make up."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.templates.groups import Row, patterns
from ml.templates.masks import VALUE
from ml.templates.segments import Widening
from ml.templates.tokens import closed, form_of, merged, spans_of

Ints = NDArray[np.int64]

# What stands for a time where none was given.
NEVER_FIRST = np.iinfo(np.int64).max
NEVER_LAST = np.iinfo(np.int64).min
# What is kept of each form -> its column, and what stands there for nothing.
COLUMNS = {
    "own": ("id", 0),
    "names": ("name", 0),
    "counts": ("count", 0),
    "first": ("first_seen", NEVER_FIRST),
    "last": ("last_seen", NEVER_LAST),
    "lines": ("line", 0),
}
# Forms of one template that are kept when room is needed, the last seen; they are what its values are told from.
KEPT = 32


def form_id(form: str) -> int:
    """A number from 0 to 2⁶³ − 1 that depends on the form alone."""
    return int.from_bytes(blake2b(form.encode(), digest_size=8).digest(), "big") >> 1


class Memory:
    """Distinct forms, the tokens of masked texts, in the order in which they were first seen, at most `most`.

    The templates are a function of these forms: forms with one pattern are one template, and its id is that of the
    first of them. Where the first one has to leave, the next takes over its name, its count and its first time.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.index: dict[str, int] = {}  # by the form as one text
        self.examples: list[str] = []  # the first masked text of each form, with what varies in others masked, too
        self.spans: list[Row] = []  # what stands in the example where its tokens are
        self.rows: list[Row] = []
        self.patterns: list[Row] = []
        self.closed: list[str] = []  # the pattern as one text; empty where it is still to be told
        self.own = np.empty(0, np.int64)  # each form's own id
        self.names = np.empty(0, np.int64)  # the id it gives a template that it is the first of
        self.counts = np.empty(0, np.int64)
        self.first = np.empty(0, np.int64)
        self.last = np.empty(0, np.int64)
        self.lines = np.empty(0, np.int64)  # number of the line that had it last
        self.aliases: dict[int, int] = {}  # id of a form that left -> name of the template it was of
        self.line = 0  # number of the next line
        self._widening = Widening()
        self._forget_groups()

    def _forget_groups(self) -> None:
        """What is told of the forms together has to be told anew."""
        self._heads: Ints | None = None
        self._ids: Ints | None = None
        self._now: dict[int, int] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, forms: Sequence[str], examples: Sequence[str], spans: Sequence[Row]) -> None:
        """Remember forms that are not known yet, each with a text; the caller sees to it that there is room."""
        if not forms:
            return
        self._forget_groups()
        ids = np.array([form_id(form) for form in forms], np.int64)
        zeros = np.zeros(len(forms), np.int64)
        self.index.update(zip(forms, range(len(self), len(self) + len(forms)), strict=True))
        self.rows += [tuple(form.split()) for form in forms]
        self.examples += examples
        self.spans += spans
        self.patterns += [()] * len(forms)
        self.closed += [""] * len(forms)
        self.own, self.names = np.append(self.own, ids), np.append(self.names, ids)
        self.counts, self.lines = np.append(self.counts, zeros), np.append(self.lines, zeros)
        self.first = np.append(self.first, zeros + NEVER_FIRST)
        self.last = np.append(self.last, zeros + NEVER_LAST)

    def merge(self, at: int, spans: Row) -> None:
        """Mask in the example of the form at `at` what another text of that form has not."""
        if any(mine not in (other, VALUE) for mine, other in zip(self.spans[at], spans, strict=True)):
            self.examples[at] = merged(self.examples[at], spans)
            self.spans[at] = spans_of(self.examples[at])

    def count(self, at: Ints, times: Ints | None) -> None:
        """Count one line for each entry of `at`, indices of forms in the order of the lines."""
        self.counts += np.bincount(at, minlength=len(self))
        # Of an index that occurs several times the last assignment stays.
        self.lines[at] = self.line + np.arange(len(at))
        self.line += len(at)
        if times is not None:
            np.minimum.at(self.first, at, times)
            np.maximum.at(self.last, at, times)

    def heads(self) -> Ints:
        """The index of the first form of each form's template, shape (n_forms,)."""
        if self._heads is None:
            self._tell()
            widened = self._widening.tell(dict.fromkeys(self.closed))
            first: dict[str, int] = {}
            keys = [widened[text] for text in self.closed]
            self._heads = np.array([first.setdefault(key, at) for at, key in enumerate(keys)], np.int64)
        return self._heads

    def _tell(self) -> None:
        """Tell the patterns anew wherever a form is new among those of its length."""
        lengths = {len(self.rows[at]) for at, text in enumerate(self.closed) if not text}
        told = [at for at, row in enumerate(self.rows) if len(row) in lengths]
        for at, pattern in zip(told, patterns([self.rows[at] for at in told]), strict=True):
            if not self.closed[at] or pattern != self.patterns[at]:
                self.patterns[at], self.closed[at] = pattern, closed(pattern) or " "

    def ids(self) -> Ints:
        """The id of each form's template, shape (n_forms,)."""
        if self._ids is None:
            self._ids = self._named(self.heads())
        return self._ids

    def _named(self, heads: Ints) -> Ints:
        """The name of each form's template; where what was one template is two now, the older one keeps it."""
        first = np.unique(heads)
        own, names = self.own[first], self.names[first]
        free = first[(own == names) | ~np.isin(names, own)]
        _, kept = np.unique(self.names[free], return_index=True)
        named = self.own.copy()
        named[free[kept]] = self.names[free[kept]]
        return named[heads]

    def current(self, ids: Ints) -> Ints:
        """What templates that had these ids are called now; an id that is not remembered stays as it is."""
        if self._now is None:
            held = self.ids().tolist()
            self._now = dict(zip([*self.names.tolist(), *self.own.tolist()], held * 2, strict=True))
        distinct, place = np.unique(ids, return_inverse=True)
        found = [self._followed(one, self._now) for one in distinct.tolist()]
        return np.array(found, np.int64)[place]

    def _followed(self, one: int, now: dict[int, int]) -> int:
        seen: set[int] = set()
        while one not in now and one in self.aliases and one not in seen:
            seen.add(one)
            one = self.aliases[one]
        return now.get(one, one)

    def make_room(self) -> None:
        """Forget a quarter: of each template all but the forms seen last, then the forms not seen for longest."""
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
        """What the forms that leave stood for goes to the oldest form of their template that stays."""
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
        for name in ("examples", "spans", "rows"):
            held = getattr(self, name)
            setattr(self, name, [held[at] for at in kept.tolist()])
        # What one form told of another may have left with it.
        self.patterns, self.closed = [()] * len(kept), [""] * len(kept)
        self.index = {" ".join(row): at for at, row in enumerate(self.rows)}
        self._forget_groups()

    def restore(self, table: pa.Table) -> None:
        """Take over a state, a table as `TemplateMiner.to_table` gives it."""
        self._take(table.filter(pc.is_valid(table["text"])))
        self.aliases = _aliases(table)
        self.line = int(self.lines.max(initial=-1)) + 1

    def learn(self, table: pa.Table) -> int:
        """Take over what another memory has and this one has not, as far as there is room; how many forms that is."""
        held = table.filter(pc.is_valid(table["text"]))
        forms = [form_of(example) for example in held["text"].to_pylist()]
        new = [at for at, form in enumerate(forms) if form not in self.index][: self.most - len(self)]
        begin = len(self)
        self._take(held.take(pa.array(new, pa.int64())))
        self.lines[begin:] = self.line  # lines of another stream are numbered otherwise: they count as seen just now
        self.aliases = _aliases(table) | self.aliases
        return len(new)

    def _take(self, held: pa.Table) -> None:
        """Add the forms of some rows with what is known of each."""
        examples, begin = held["text"].to_pylist(), len(self)
        self.add([form_of(example) for example in examples], examples, [spans_of(example) for example in examples])
        for attribute, (name, empty) in COLUMNS.items():
            column = held[name].fill_null(empty).combine_chunks()
            getattr(self, attribute)[begin:] = column.to_numpy(zero_copy_only=False)


def _aliases(table: pa.Table) -> dict[int, int]:
    held = table.filter(pc.is_null(table["text"]))
    return dict(zip(held["id"].to_pylist(), held["name"].to_pylist(), strict=True))
