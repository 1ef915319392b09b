"""From messages to the ids of their templates, batch after batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ml.templates.display import display
from ml.templates.masks import masked, shapes
from ml.templates.memory import NEVER_FIRST, NEVER_LAST, Ints, Memory
from ml.templates.tokens import tokens

SCHEMA = pa.schema(
    [
        ("text", pa.large_string()),  # a masked text of each form; null in the row of an alias
        ("id", pa.int64()),
        ("name", pa.int64()),
        ("count", pa.int64()),
        ("first_seen", pa.int64()),
        ("last_seen", pa.int64()),
        ("line", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Template:
    """What the miner knows of a template."""

    id: int
    text: str  # `<*>` for what varies
    count: int  # logs
    first_seen: int | None  # as the times were given; None where they were not
    last_seen: int | None


class Said(NamedTuple):
    """What is left of a message."""

    text: str  # masked
    form: str  # its tokens
    spans: tuple[str, ...]  # what stands where they are

    @classmethod
    def of(cls, text: str) -> Said:
        found = tokens(text)
        return cls(text, " ".join(one.text for one in found), tuple(text[one.start : one.end] for one in found))


class TemplateMiner:
    """The templates of one stream of logs, as far as it has come: a state, which `assign` moves on.

    Messages that differ in values alone have one template. What is a value is told by its form (`masks`) and by
    comparing what remains (`groups`), so that it may show late: two templates may turn out to be one, which
    then has the id of the older one. `current` says what an id that was given out is called now.

    An id is a hash of the form in which its template was first seen, and is kept with the state: it depends on the
    order of the messages, not on where batches end, nor on the process. What is remembered of a sequence of
    messages does not depend on its batches at all; so `current` of the ids that were given out for them does not
    either, as long as their templates are remembered. A template that was forgotten and comes again has the hash of
    the form in which it comes again.

    A batch without a new form costs about 1 µs a message. New forms make those with as many tokens be compared anew,
    some 10 to 20 µs each.

    Parameters
    ----------
    most : int, default=8192
        Forms that are remembered, so the most templates, too. When there is no more room a quarter leaves: first
        further forms of templates that have many, then those not seen for longest.
    """

    def __init__(self, most: int = 8192) -> None:
        if most < 1:
            raise ValueError(f"a miner has to remember at least one form, not {most}")
        self._memory = Memory(most)
        self._learned = 0
        # What was worked out before: it saves work and changes nothing.
        self._known: dict[str, Said] = {}  # by shape
        self._merged: set[str] = set()  # masked texts that are in the examples of their forms

    def assign(
        self, messages: pa.Array | pa.ChunkedArray, times: Ints | None = None, most_new: int | None = None
    ) -> Ints:
        """Learn from messages and return their templates' ids, int64 of shape (n,).

        `messages`: strings in the order of the stream, null as empty. `times`: int64 of shape (n,), in any unit.
        `most_new`: different messages that have to be looked at anew; from there on nothing is learned, and those that
        were not met before have the id 0. Raises `ValueError` where the lengths differ.
        """
        if times is not None and len(times) != len(messages):
            raise ValueError(f"{len(times)} times for {len(messages)} messages")
        encoded = shapes(messages).dictionary_encode().combine_chunks()
        distinct, indices = encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False)
        many = len(indices) if most_new is None else self._within(distinct, indices, most_new)
        said, codes = self._said(distinct, indices[:many])
        own, start = np.empty(len(codes), np.int64), 0
        while start < len(codes):
            own[start:], taken = self._take(said, codes[start:], None if times is None else times[start:many])
            start += taken
        return self.current(np.concatenate([own, self._met(distinct, indices[many:])]))

    def _within(self, distinct: list[str], indices: Ints, most: int) -> int:
        """How many of the first lines hold at most `most` shapes that were not met before."""
        new = [at for at, shape in enumerate(distinct) if shape not in self._known]
        # Shapes are numbered in the order in which they come.
        return len(indices) if len(new) <= most else int(np.argmax(indices == new[most]))

    def _met(self, distinct: list[str], indices: Ints) -> Ints:
        """The own ids of lines of shapes that were met before, 0 for others."""
        if not len(indices):
            return np.empty(0, np.int64)
        memory = self._memory
        said = (self._known.get(shape) for shape in distinct)
        places = (memory.index.get(one.form, -1) if one else -1 for one in said)
        return np.array([int(memory.own[at]) if at >= 0 else 0 for at in places], np.int64)[indices]

    def _said(self, distinct: list[str], indices: Ints) -> tuple[list[Said], Ints]:
        """What lines say, the distinct ones, and the index of each line's."""
        distinct = distinct[: int(indices.max(initial=-1)) + 1]
        new = [shape for shape in distinct if shape not in self._known]
        if len(self._known) + len(new) > self._memory.most:
            self._known = {}
            new = distinct
        texts = masked(pa.array(new, pa.large_string())).to_pylist()
        said = {text: Said.of(text) for text in dict.fromkeys(texts)}
        self._known.update((shape, said[text]) for shape, text in zip(new, texts, strict=True))
        order: dict[Said, int] = {}
        of_shape = np.array([order.setdefault(self._known[shape], len(order)) for shape in distinct], np.int64)
        return list(order), of_shape[indices]

    def _take(self, said: list[Said], codes: Ints, times: Ints | None) -> tuple[Ints, int]:
        """Learn from the lines up to where memory is full; each one's own id, and how many these were."""
        memory = self._memory
        used, lines = np.unique(codes, return_index=True)
        order = np.argsort(lines)
        first: dict[str, tuple[Said, int]] = {}  # of each new form what was said first, and the line
        for at, line in zip(used[order].tolist(), lines[order].tolist(), strict=True):
            if said[at].form not in memory.index:
                first.setdefault(said[at].form, (said[at], line))
        room = memory.most - len(memory)
        taken = len(codes) if len(first) <= room else list(first.values())[room][1]
        new = [one for one, _ in first.values()][:room]
        self._learned += len(new)
        memory.add([one.form for one in new], [one.text for one in new], [one.spans for one in new])
        place = np.full(len(said), -1, np.int64)
        used = used[order][lines[order] < taken]
        place[used] = [memory.index[said[at].form] for at in used.tolist()]
        at = place[codes[:taken]]
        memory.count(at, None if times is None else times[:taken])
        self._merge([said[at] for at in used.tolist()])
        own = np.zeros(len(codes), np.int64)
        own[:taken] = memory.own[at]
        if taken < len(codes):
            memory.make_room()
            self._merged.clear()
        return own, taken

    def _merge(self, said: list[Said]) -> None:
        """Mask in the examples what varies from one masked text to another of the same form."""
        memory = self._memory
        for one in said:
            if one.text not in self._merged:
                memory.merge(memory.index[one.form], one.spans)
        if len(self._merged) > memory.most:
            self._merged.clear()
        self._merged.update(one.text for one in said)

    @property
    def forms(self) -> int:
        """How many forms were ever learned, forgotten ones included."""
        return self._learned

    def current(self, ids: Ints) -> Ints:
        """What the templates with these ids are called now, shape as `ids`; ids not remembered stay as they are."""
        return self._memory.current(ids)

    def text_of(self, one: int) -> str | None:
        """The template with this id, with `<*>` for what varies; None where it is not remembered."""
        memory = self._memory
        found = np.flatnonzero(memory.ids() == self.current(np.array([one]))[0])
        if not len(found):
            return None
        return display(memory.patterns[found[0]], [memory.examples[at] for at in found.tolist()])

    def templates(self) -> list[Template]:
        """Every template that is remembered, in the order in which they were first seen."""
        memory = self._memory
        groups: dict[int, list[int]] = {}
        for at, one in enumerate(memory.ids().tolist()):
            groups.setdefault(one, []).append(at)
        return [self._template(one, members) for one, members in groups.items()]

    def _template(self, one: int, members: list[int]) -> Template:
        memory = self._memory
        text = display(memory.patterns[members[0]], [memory.examples[at] for at in members])
        first, last = int(memory.first[members].min()), int(memory.last[members].max())
        never = last == NEVER_LAST
        count = int(memory.counts[members].sum())
        return Template(one, text, count, None if never else first, None if never else last)

    def to_table(self) -> pa.Table:
        """The whole state, one row for each form and for each alias; see `SCHEMA`."""
        memory = self._memory
        texts = {
            "text": memory.examples,
            "id": memory.own,
            "name": memory.names,
            "count": memory.counts,
            "first_seen": pa.array(memory.first, mask=memory.first == NEVER_FIRST),
            "last_seen": pa.array(memory.last, mask=memory.last == NEVER_LAST),
            "line": memory.lines,
        }
        aliases = {"id": list(memory.aliases), "name": list(memory.aliases.values())}
        nothing = {name: pa.nulls(len(memory.aliases), SCHEMA.field(name).type) for name in SCHEMA.names}
        return pa.concat_tables([pa.table(texts, SCHEMA), pa.table(nothing | aliases, SCHEMA)])

    def go_on_from(self, table: pa.Table) -> int:
        """Go on from the state of another miner of the same logs, beside what is known here alone: so many forms.

        `table`: its state as `to_table` gives it. Templates that both know have the names that they have there.
        """
        ours, memory = self.to_table().combine_chunks(), Memory(self._memory.most)
        memory.restore(table.select(SCHEMA.names).combine_chunks())
        learned = memory.learn(ours)
        self._memory = memory
        self._learned += learned
        self._merged.clear()
        return learned

    @classmethod
    def from_table(cls, table: pa.Table, most: int = 8192) -> TemplateMiner:
        """A miner that goes on where the one went that gave `to_table`."""
        miner = cls(most)
        whole = table.select(SCHEMA.names).combine_chunks()
        miner._memory.restore(whole)
        return miner
